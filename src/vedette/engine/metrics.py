"""Measure closed windows, hold them against their baselines, and let the baselines learn."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import Bank, BankSettings
from vedette.baselines.formulas import critical_value
from vedette.baselines.judgement import Season
from vedette.baselines.counts import CountBank
from vedette.baselines.locations import LogBank, quantile_sampling
from vedette.baselines.ratios import RatioBank
from vedette.detectors.view import Judged, Metric
from vedette.schema.records import BaselineRecord
from vedette.windows.entities import EntityBook
from vedette.windows.layout import Client, Group
from vedette.windows.summary import ClientRows, Groups, distinct_count, quantile

_SEASONS = {Season.NONE: "all", Season.DAY: "hour of day", Season.WEEK: "hour of week"}

LATENCY_QUANTILE = 0.95
"""Which quantile of a window's durations is judged."""

UNITS = {
    Metric.REQUESTS: "requests",
    Metric.ERROR_RATIO: "ratio",
    Metric.LATENCY: "seconds",
    Metric.BYTES_OUT: "bytes",
    Metric.CLIENTS: "clients",
    Metric.TOP_CLIENT_REQUESTS: "requests",
    Metric.TOP_CLIENT_BYTES: "bytes",
    Metric.LOGIN_FAILURES: "failed_logins",
}


@dataclass(slots=True)
class _Measured:
    """One metric of the window: what banks take (`value`, `exposure`) and what people read (`shown`)."""

    slot: NDArray[np.int32]
    value: NDArray[np.float64]
    exposure: NDArray[np.float64] | None
    shown: NDArray[np.float64]


def _plain(slot: NDArray[np.int32], value: NDArray[np.float64]) -> _Measured:
    return _Measured(slot, value, None, value)


@dataclass(slots=True)
class MeasuredWindow:
    """What `Metrics.judge` found, to be learned once the detectors have looked."""

    time: int
    judged: dict[Metric, Judged]
    measured: dict[Metric, _Measured]


class Metrics:
    """The banks of all metrics."""

    def __init__(self, span_us: int, min_windows: int, cap: int) -> None:
        settings = BankSettings(
            window_us=span_us, min_windows=min_windows, borrowing_windows=min(15, min_windows), cap=cap
        )
        self.banks: dict[Metric, Bank] = {
            Metric.REQUESTS: CountBank(settings),
            Metric.ERROR_RATIO: RatioBank(settings),
            Metric.LATENCY: LogBank(settings, sampling=quantile_sampling(LATENCY_QUANTILE)),
            Metric.BYTES_OUT: LogBank(settings),
            Metric.CLIENTS: CountBank(settings),
            Metric.TOP_CLIENT_REQUESTS: CountBank(settings),
            Metric.TOP_CLIENT_BYTES: LogBank(settings),
            Metric.LOGIN_FAILURES: CountBank(settings),
        }

    def set_parents(self, slots: NDArray[np.int32], parents: NDArray[np.int32]) -> None:
        """Tell every bank whose baseline fills in for a new entity."""
        for bank in self.banks.values():
            bank.set_parents(slots, parents)

    def judge(
        self,
        time: int,
        groups: Groups,
        services: NDArray[np.bool_],
        silent: NDArray[np.int32],
        clients: ClientRows,
        client_slot: NDArray[np.int32],
    ) -> MeasuredWindow:
        """Measure a window and judge it. Changes nothing.

        Args:
            time: Start of the window, microseconds.
            groups: Summaries, keyed by slot.
            services: bool (k,): which rows of `groups` are services.
            silent: int32: slots of services without a request in this window.
            clients: All clients of the window. client_slot: int32, the service slot of each.
        """
        measured = self._measure(groups, services, silent, clients, client_slot)
        judged = {
            metric: Judged(m.slot, m.shown, self.banks[metric].judge(m.slot, m.value, m.exposure, time))
            for metric, m in measured.items()
        }
        return MeasuredWindow(time, judged, measured)

    def learn(self, window: MeasuredWindow, distrusted: set[int]) -> None:
        """Update the baselines with a judged window; slots that an incident explains teach least."""
        for metric, measured in window.measured.items():
            judgement = window.judged[metric].judgement
            weight = judgement.weight
            if distrusted:
                weight = np.where(np.isin(measured.slot, list(distrusted)), np.minimum(weight, 0.1), weight)
            self.banks[metric].update(measured.slot, measured.value, measured.exposure, window.time, weight)

    def records(self, book: EntityBook, time: int) -> list[BaselineRecord]:
        """What is normal at a time, for every entity whose baseline is ready."""
        slots = np.arange(1, len(book), dtype=np.int32)
        return [
            record
            for metric, bank in self.banks.items()
            for record in _records(metric, bank, slots, book, time)
        ]

    @staticmethod
    def _measure(
        groups: Groups,
        services: NDArray[np.bool_],
        silent: NDArray[np.int32],
        clients: ClientRows,
        client_slot: NDArray[np.int32],
    ) -> dict[Metric, _Measured]:
        slot = groups.key.astype(np.int32)
        sums = groups.sums.astype(np.float64)
        requests = sums[:, Group.REQUESTS]
        own = slot[services]
        zero = np.zeros(len(silent))

        answered = requests - sums[:, Group.STATUS_UNKNOWN]
        told = np.flatnonzero(answered > 0)
        errors = sums[told, Group.STATUS_5XX]
        timed = np.flatnonzero(sums[:, Group.TIMED] > 0)
        p95 = quantile(groups.latency[timed], LATENCY_QUANTILE)
        sized = np.flatnonzero(sums[:, Group.BYTES_OUT] > 0)

        order = np.argsort(client_slot, kind="stable")
        slots, starts = np.unique(client_slot[order], return_index=True)
        busiest = largest = np.zeros(0)
        if len(slots):
            busiest = np.maximum.reduceat(clients.sums[order, Client.REQUESTS], starts).astype(np.float64)
            largest = np.maximum.reduceat(clients.sums[order, Client.BYTES_OUT], starts).astype(np.float64)
        took = largest > 0
        return {
            Metric.REQUESTS: _plain(np.concatenate([slot, silent]), np.concatenate([requests, zero])),
            Metric.ERROR_RATIO: _Measured(slot[told], errors, answered[told], errors / answered[told]),
            Metric.LATENCY: _Measured(slot[timed], p95, sums[timed, Group.TIMED], p95),
            Metric.BYTES_OUT: _plain(slot[sized], sums[sized, Group.BYTES_OUT]),
            Metric.CLIENTS: _plain(own, np.round(distinct_count(groups.distinct[services]))),
            Metric.TOP_CLIENT_REQUESTS: _plain(slots.astype(np.int32), busiest),
            Metric.TOP_CLIENT_BYTES: _plain(slots[took].astype(np.int32), largest[took]),
            Metric.LOGIN_FAILURES: _plain(own, sums[services, Group.LOGIN_FAILURES]),
        }


_TYPICAL_EXPOSURE = {Metric.ERROR_RATIO: 1000.0, Metric.LATENCY: 100.0}
"""Requests of the window whose percentiles a record states: how sharply they can be seen depends on it."""
_BAND_WIDTH = 2 * 2.5758
"""Standard deviations in a normal 99 % band."""


def _records(
    metric: Metric, bank: Bank, slots: NDArray[np.int32], book: EntityBook, time: int
) -> Iterator[BaselineRecord]:
    typical = _TYPICAL_EXPOSURE.get(metric)
    exposure = None if typical is None else np.full(len(slots), typical)
    judgement = bank.judge(slots, np.ones(len(slots)), exposure, time)
    for row in np.flatnonzero(judgement.ready).tolist():
        entry, band, formula = book[int(slots[row])], judgement.band_of(row), judgement.formula_of(row)
        if band.low is None or band.mid is None or band.high is None:
            continue
        per = formula.inputs.get("exposure", 1.0) if metric is Metric.ERROR_RATIO else 1.0
        median, p90, p99 = (
            critical_value(formula.name, formula.inputs, -math.log10(1 - q)) / per for q in (0.5, 0.9, 0.99)
        )
        yield BaselineRecord(
            service=entry.service,
            route=entry.route,
            metric=metric.value,
            season=_SEASONS[Season(int(judgement.season[row]))],
            unit=UNITS[metric],
            mean=band.mid,
            median=median,
            stddev=(band.high - band.low) / _BAND_WIDTH,
            low=band.low,
            high=band.high,
            p90=p90,
            p99=p99,
            sample_count=int(judgement.sample_count[row]),
            last_updated=time,
        )
