"""Measure closed windows, hold them against their baselines, and let the baselines learn."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.calendar import Calendar, plain
from vedette.baselines.counts import CountBank
from vedette.baselines.formulas import critical_value
from vedette.baselines.joint import JointBaseline, JointJudgement
from vedette.baselines.judgement import Season
from vedette.baselines.locations import LogBank, quantile_sampling
from vedette.baselines.ratios import RatioBank
from vedette.baselines.reach import unlearned, widened
from vedette.detectors.view import TOGETHER, Judged, Metric
from vedette.engine.family import Family, FamilyWindow, Measured
from vedette.schema.records import BaselineRecord, ForecastRecord
from vedette.schema.state import check, decode, encode
from vedette.windows.entities import EntityBook
from vedette.windows.layout import Client, Group
from vedette.windows.summary import ClientRows, Groups, distinct_count, quantile

_SEASONS = {Season.NONE: "all", Season.DAY: "hour of day", Season.WEEK: "hour of week"}

MOST_FORESEEN = 240
"""Windows of a forecast that are told."""
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
    Metric.REFUSED_RATIO: "ratio",
}


def _plain(slot: NDArray[np.int32], value: NDArray[np.float64]) -> Measured:
    return Measured(slot, value, None, value)


class MeasuredWindow(msgspec.Struct):
    """What `Metrics.judge` found, to be learned once the detectors have looked."""

    time: int
    judged: dict[Metric, Judged] = msgspec.field(default_factory=dict)
    families: list[FamilyWindow] = msgspec.field(default_factory=list)
    joint: JointJudgement | None = None
    """None of a sampled window, which tells some metrics with a bias."""
    sampled: bool = False


_COUNTS = (Metric.REQUESTS, Metric.CLIENTS, Metric.TOP_CLIENT_REQUESTS, Metric.LOGIN_FAILURES)
_RATIOS = (Metric.ERROR_RATIO,)
_REFUSED = (Metric.REFUSED_RATIO,)
_SIZES = (Metric.BYTES_OUT, Metric.TOP_CLIENT_BYTES)
_LATENCIES = (Metric.LATENCY,)
_UNTOLD = (Metric.CLIENTS, Metric.TOP_CLIENT_REQUESTS, Metric.TOP_CLIENT_BYTES)
"""Metrics that a sample of the requests tells with a bias: it teaches nothing about them."""
_RESTING = _RATIOS + _REFUSED + _LATENCIES
"""Metrics that rest on a number of requests."""


_FIRST_FAMILIES: Final = 4
"""Of the banks, so many stand before what goes together in a state, and others behind it."""


class Metrics:
    """The banks of all metrics."""

    def __init__(self, span_us: int, min_windows: int, cap: int, calendar: Calendar = plain) -> None:
        def settings(metrics: Sequence[Metric]) -> BankSettings:
            return BankSettings(
                window_us=span_us,
                min_windows=min_windows,
                borrowing_windows=min(15, min_windows),
                cap=cap * len(metrics),
            )

        self.families = (
            Family(CountBank(settings(_COUNTS)), _COUNTS),
            Family(RatioBank(settings(_RATIOS)), _RATIOS),
            Family(LogBank(settings(_SIZES)), _SIZES),
            Family(LogBank(settings(_LATENCIES), sampling=quantile_sampling(LATENCY_QUANTILE)), _LATENCIES),
            Family(RatioBank(settings(_REFUSED)), _REFUSED),
        )
        for family in self.families:
            family.bank.calendar = calendar
        self._span = span_us
        self.joint = JointBaseline(
            span_us,
            cap,
            [
                [TOGETHER.index(metric) if metric in TOGETHER else -1 for metric in family.metrics]
                for family in self.families
            ],
        )

    def set_parents(self, slots: NDArray[np.int32], parents: NDArray[np.int32]) -> None:
        """Tell whose baselines fill in for new entities: `parents[i]` for `slots[i]`, -1 for nobody's."""
        for family in self.families:
            family.set_parents(slots, parents)

    def judge(
        self,
        time: int,
        groups: Groups,
        services: NDArray[np.bool_],
        silent: NDArray[np.int32],
        clients: ClientRows,
        service_slots: Sequence[int | None],
        weight: int = 1,
    ) -> MeasuredWindow:
        """Measure a window and judge it. Changes nothing.

        Args:
            time: Start of the window, microseconds.
            groups: Summaries, keyed by slot.
            services: bool (k,): which rows of `groups` are services.
            silent: int32: slots of services without a request in this window.
            clients: All clients of the window.
            service_slots: The slot of each service by number, None where it has none yet.
            weight: For how many requests each that was looked at stands; sums are of all.
        """
        measured = self._measure(groups, services, silent, clients, service_slots, weight)
        window = MeasuredWindow(time, sampled=weight > 1)
        for family in self.families:
            share, judged = family.judge(measured, time)
            window.families.append(share)
            window.judged |= judged
        if weight == 1:
            self.joint.know(groups.key[services].astype(np.int32))
            parts = [(share.place, share.judgement.table) for share in window.families]
            window.joint = self.joint.judge(time // self._span, parts)
        return window

    def learn(self, window: MeasuredWindow, distrusted: set[int], apart: set[int]) -> None:
        """Update the baselines with a judged window.

        Args:
            window: As `judge` gave it.
            distrusted: Slots that an incident explains: they teach least.
            apart: Those among them of which a metric by itself is wrong: they teach nothing of what goes together.
        """
        slots = np.array(sorted(distrusted), dtype=np.int32)
        for family, share in zip(self.families, window.families, strict=True):
            family.learn(share, window.time, slots, _UNTOLD if window.sampled else ())
        if window.joint is not None:
            self.joint.learn(window.joint, np.array(sorted(apart), dtype=np.int32))

    def pass_by(self, windows: int, time: int) -> None:
        """Let windows of silence pass, the last of which starts at `time`."""
        for family in self.families:
            family.bank.pass_by(windows, time)

    def to_state(self) -> bytes:
        """What all banks have learned, as bytes."""
        banks = [family.bank.to_state() for family in self.families]
        return encode([*banks[:_FIRST_FAMILIES], self.joint.to_state(), *banks[_FIRST_FAMILIES:]])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            ValueError: Damaged, or of banks with other settings; see `vedette.schema.state`.
        """
        banks = decode(content, list[bytes], "baselines")
        # States of earlier versions know nothing of the metrics together, or of what is refused.
        check(_FIRST_FAMILIES <= len(banks) <= len(self.families) + 1, "baselines")
        first, later = self.families[:_FIRST_FAMILIES], self.families[_FIRST_FAMILIES:]
        takers: list[Bank | JointBaseline] = [family.bank for family in first]
        takers += [self.joint, *(family.bank for family in later)]
        for taker, state in zip(takers, banks, strict=False):
            taker.from_state(state)

    def records(self, book: EntityBook, time: int) -> list[BaselineRecord]:
        """What is normal at a time, for every entity whose baseline is ready."""
        slots = np.arange(1, len(book), dtype=np.int32)
        return [
            record
            for family in self.families
            for metric in family.metrics
            for record in _records(metric, family, slots, book, time)
        ]

    def foresee(self, slot: int, time: int, horizon: int) -> list[ForecastRecord]:
        """What is expected of a service's metrics next; those that are not ready are left out.

        Args:
            slot: The service. time: Start of the first window to come, microseconds; not before the last learned.
            horizon: How far, microseconds. At most `MOST_FORESEEN` windows are told, evenly apart.
        """
        windows = max(1, horizon // self._span)
        step = -(-windows // MOST_FORESEEN)
        times = time + self._span * np.arange(0, windows, step, dtype=np.int64)
        ahead = np.minimum(1.0, (times + self._span - time) / horizon)
        found: list[ForecastRecord] = []
        requests = 1.0
        for family in self.families:
            for metric in (metric for metric in family.metrics if metric in TOGETHER):
                place = int(family.places(metric, np.array([slot], dtype=np.int32))[0])
                if place >= len(family.bank):
                    continue
                exposure = requests if metric in _RESTING else None
                judged = family.bank.foresee(times, slot=place, exposure=exposure)
                if not judged.ready.all():
                    continue
                if metric is Metric.REQUESTS:
                    requests = max(1.0, float(judged.expected_mid.mean()))
                lower, upper = widened(
                    ahead, judged.expected_low, judged.expected_mid, judged.expected_high, unlearned()
                )
                most = 1.0 if metric in _RATIOS else np.inf
                found.append(
                    ForecastRecord(
                        metric=metric.value,
                        unit=UNITS[metric],
                        start=tuple(times.tolist()),
                        expected=tuple(judged.expected_mid.tolist()),
                        lower=tuple(np.maximum(lower, 0.0).tolist()),
                        upper=tuple(np.minimum(upper, most).tolist()),
                        sample_count=int(judged.sample_count[0]),
                    )
                )
        return found

    @staticmethod
    def _measure(
        groups: Groups,
        services: NDArray[np.bool_],
        silent: NDArray[np.int32],
        clients: ClientRows,
        service_slots: Sequence[int | None],
        weight: int,
    ) -> dict[Metric, Measured]:
        if not len(groups.key):
            return _SILENCE | {Metric.REQUESTS: _plain(silent, np.zeros(len(silent)))}
        slot = groups.key.astype(np.int32)
        sums = groups.sums.astype(np.float64)
        requests = sums[:, Group.REQUESTS]
        own = slot[services]
        zero = np.zeros(len(silent))

        answered = requests - sums[:, Group.STATUS_UNKNOWN]
        told = np.flatnonzero(answered > 0)
        # Ratios rest on the requests that were looked at.
        errors, among = sums[told, Group.STATUS_5XX] / weight, answered[told] / weight
        refused = _refused(sums[told], answered[told]) / weight
        timed = np.flatnonzero(sums[:, Group.TIMED] > 0)
        p95 = quantile(groups.latency[timed], LATENCY_QUANTILE) if len(timed) else np.zeros(0)
        sized = np.flatnonzero(sums[:, Group.BYTES_OUT] > 0)

        slots, busiest, largest = _heaviest(clients, service_slots)
        took = largest > 0
        return {
            Metric.REQUESTS: _plain(np.concatenate([slot, silent]), np.concatenate([requests, zero])),
            Metric.ERROR_RATIO: Measured(slot[told], errors, among, errors / among),
            Metric.REFUSED_RATIO: Measured(slot[told], refused, among, refused / among),
            Metric.LATENCY: Measured(slot[timed], p95, sums[timed, Group.TIMED] / weight, p95),
            Metric.BYTES_OUT: _plain(slot[sized], sums[sized, Group.BYTES_OUT]),
            Metric.CLIENTS: _plain(own, np.round(distinct_count(groups.distinct[services]))),
            Metric.TOP_CLIENT_REQUESTS: _plain(slots, busiest),
            Metric.TOP_CLIENT_BYTES: _plain(slots[took], largest[took]),
            Metric.LOGIN_FAILURES: _plain(own, sums[services, Group.LOGIN_FAILURES]),
        }


_NO_SLOTS, _NO_VALUES = np.zeros(0, dtype=np.int32), np.zeros(0)
_SILENCE = {
    metric: Measured(_NO_SLOTS, _NO_VALUES, _NO_VALUES if metric in _RESTING else None, _NO_VALUES)
    for metric in Metric
}
"""What is measured of a window without a single request, but for the zeros of services."""


def _refused(sums: NDArray[np.float64], answered: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many requests visitors were refused, float64 (k,).

    Failed logins and attacks are somebody's doing, and stated as such. Whether something is there may be asked, and
    that it is not is an answer; who is asked who he is (401), and then let in, was not refused.

    Args:
        sums: float64 (k, Group). answered: float64 (k,), of how many requests the answer is known.
    """
    logins = np.minimum(sums[:, Group.LOGIN_FAILURES], sums[:, Group.LOGIN_POSTS])
    asked = sums[:, Group.STATUS_401]
    let_in = np.minimum(np.maximum(asked - logins, 0.0), answered - asked)
    others = logins + let_in + sums[:, Group.ABSENT] + sums[:, Group.ATTACKS]
    return np.maximum(sums[:, Group.STATUS_4XX] - others, 0.0)


def _heaviest(
    clients: ClientRows, service_slots: Sequence[int | None]
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64]]:
    """Of each service with clients: its slot, and the requests and bytes of those of its clients with the most."""
    if not len(clients):
        return np.zeros(0, dtype=np.int32), np.zeros(0), np.zeros(0)
    # Clients are sorted by service.
    first, last = int(clients.service[0]), int(clients.service[-1])
    if first == last:
        only = service_slots[first]
        busiest, largest = (
            np.array([clients.sums[:, column].max()], dtype=np.float64)
            for column in (Client.REQUESTS, Client.BYTES_OUT)
        )
        return np.array([only], dtype=np.int32), busiest, largest
    edges = np.searchsorted(clients.service, np.arange(len(service_slots) + 1, dtype=np.int32))
    there = np.flatnonzero(edges[1:] > edges[:-1])
    starts = edges[there]
    busiest = np.maximum.reduceat(clients.sums[:, Client.REQUESTS], starts).astype(np.float64)
    largest = np.maximum.reduceat(clients.sums[:, Client.BYTES_OUT], starts).astype(np.float64)
    return np.array([service_slots[number] for number in there.tolist()], dtype=np.int32), busiest, largest


_TYPICAL_EXPOSURE = {Metric.ERROR_RATIO: 1000.0, Metric.REFUSED_RATIO: 1000.0, Metric.LATENCY: 100.0}
"""Requests of the window whose percentiles a record states: how sharply they can be seen depends on it."""
_BAND_WIDTH = 2 * 2.5758
"""Standard deviations in a normal 99 % band."""


def _records(
    metric: Metric, family: Family, slots: NDArray[np.int32], book: EntityBook, time: int
) -> Iterator[BaselineRecord]:
    typical = _TYPICAL_EXPOSURE.get(metric)
    exposure = None if typical is None else np.full(len(slots), typical)
    judgement = family.bank.judge(family.places(metric, slots), np.ones(len(slots)), exposure, time)
    for row in np.flatnonzero(judgement.ready).tolist():
        entry, band, formula = book[int(slots[row])], judgement.band_of(row), judgement.formula_of(row)
        if band.low is None or band.mid is None or band.high is None:
            continue
        per = formula.inputs.get("exposure", 1.0) if metric in _RATIOS + _REFUSED else 1.0
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
