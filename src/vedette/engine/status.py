"""An account of an engine, for those who ask how it is doing. Changes nothing."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from vedette.detectors.view import Metric
from vedette.engine.engine import Engine
from vedette.engine.family import Family
from vedette.schema.findings import Spending
from vedette.schema.status import EngineStatus, Readiness, ServiceStatus
from vedette.windows.windower import BEGINNING

_SPANS_TOLD: Final = 20
_TYPICAL_EXPOSURE: Final = 100.0
"""Requests of the window that is asked about: whether a baseline is ready does not depend on it."""


def engine_status(engine: Engine) -> EngineStatus:
    """How an engine is doing; to be asked by the thread that feeds it.

    0.4 ms for a hundred routes, 30 ms for eight thousand (bench/snapshot.py's sites).
    """
    spending = {line.service: line for line in engine.spending()}
    readiness = [
        (family, metric, *_readiness(engine, family, metric))
        for family in engine.metrics.families
        for metric in family.metrics
    ]
    windower = engine.windower
    started = windower.now > BEGINNING
    return EngineStatus(
        logs_processed=sum(engine.processed),
        late=windower.late,
        windows_closed=engine.windows_closed,
        event_time=windower.now if started else None,
        closed_until=windower.open_from * engine.settings.windows.span if started else None,
        incidents_open=len(engine.stated.grouper.drafts),
        anomalies_waiting=engine.stated.waiting,
        baselines_ready=sum(int(np.count_nonzero(ready)) for *_, ready, _ in readiness),
        baselines_waiting=sum(int(np.count_nonzero(~ready & (seen > 0))) for *_, ready, seen in readiness),
        share=1 / engine.sampling.weight,
        sampled=tuple(engine.sampling.account()[-_SPANS_TOLD:]),
        capped=engine.capped(),
        services=tuple(_services(engine, readiness, spending)),
    )


_Ready = np.ndarray[tuple[int], np.dtype[np.bool_]]
_Seen = np.ndarray[tuple[int], np.dtype[np.int64]]


def _readiness(engine: Engine, family: Family, metric: Metric) -> tuple[_Ready, _Seen]:
    """Of each slot: whether it can be judged, and from how many windows."""
    slots = np.arange(len(engine.book), dtype=np.int32)
    time = max(family.bank.time, 0)
    value = np.ones(len(slots))
    judgement = family.bank.judge(
        family.places(metric, slots), value, np.full(len(slots), _TYPICAL_EXPOSURE), time
    )
    return judgement.ready, judgement.sample_count


def _services(
    engine: Engine,
    readiness: list[tuple[Family, Metric, _Ready, _Seen]],
    spending: dict[str, Spending],
) -> Iterator[ServiceStatus]:
    book = engine.book
    numbers = {name: number for number, name in enumerate(engine.services)}
    needed = engine.settings.min_windows
    for slot in sorted(book.services, key=lambda slot: book[slot].service):
        name = book[slot].service
        number = numbers.get(name, len(engine.processed))
        routes = book.parents == slot
        told = []
        for _, metric, ready, seen in readiness:
            windows, good = int(seen[slot]), bool(ready[slot])
            measured = int(np.count_nonzero(routes & (seen > 0)))
            told.append(
                Readiness(
                    metric=metric.value,
                    ready=good,
                    reason="" if good else _reason(windows, needed),
                    windows=windows,
                    needed=needed,
                    routes=measured,
                    routes_ready=int(np.count_nonzero(routes & ready)),
                )
            )
        yield ServiceStatus(
            service=name,
            logs_processed=engine.processed[number] if number < len(engine.processed) else 0,
            baselines=tuple(told),
            spending=spending.get(name),
        )


def _reason(windows: int, needed: int) -> str:
    if not windows:
        return "no window so far has told this metric"
    return f"{windows} of the {needed} windows that it needs have been learned"
