"""One cause, stated once: routes that only share what happens to their whole service."""

from collections.abc import Callable, Sequence
from math import log1p
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.formulas import recompute
from vedette.detectors.statistical.gate import Alarm
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Formula, Severity

AS_MUCH_AGAIN = 2.0
"""A route is worse by itself from this many times the excess of the others: in one disturbance some routes are hit
harder than others, and half as hard again is still the same one."""
MOST_NAMED = 20
"""Routes that a service's statement names; further ones are counted."""


class Measured(Protocol):
    """One metric of a window's entities (k of them), and what is usual of each."""

    @property
    def value(self) -> NDArray[np.float64]:
        """float64 (k,), in the metric's unit."""
        ...

    @property
    def expected_mid(self) -> NDArray[np.float64]:
        """float64 (k,), what was expected."""
        ...

    @property
    def exposure(self) -> NDArray[np.float64] | None:
        """float64 (k,), what a ratio is one of; None of metrics that are no ratio."""
        ...

    @property
    def counted(self) -> bool:
        """Whether it is a count."""
        ...

    def formula(self, row: int, *, high: bool) -> Formula:
        """The arithmetic behind a row's surprise."""
        ...


class Shared(msgspec.Struct, frozen=True):
    """An alarm, and what it has to do with the other alarms of its service in this window.

    Attributes:
        alarm: It.
        routes: Of a service's alarm: those of its routes that only share it, the most surprising first.
        windows: How many windows each of them rests on, up to this one.
        others: Of a route's alarm: routes of its service that alarm beside it.
        excess, others_excess: Of a route's alarm: its own excess, and theirs taken together; see `apart`.
        beside: How surprising the route's value would be if it had the excess of the others.
    """

    alarm: Alarm
    routes: tuple[Alarm, ...] = ()
    windows: tuple[int, ...] = ()
    others: int = 0
    excess: float = 0.0
    others_excess: float = 0.0
    beside: float = 0.0

    def worst(self, severity: Callable[[Alarm], Severity]) -> Severity:
        """The highest severity of what is told together."""
        return max(map(severity, (self.alarm, *self.routes)), key=lambda grade: grade.rank)

    def details(self, view: WindowView, judged: Measured) -> dict[str, Any]:
        """What a statement tells of it."""
        found: dict[str, Any] = {}
        if self.routes:
            found["shared_by"] = {
                "count": len(self.routes),
                "routes": [
                    {
                        "route": view.book[alarm.slot].route,
                        "observed": float(judged.value[alarm.row]),
                        "expected": float(judged.expected_mid[alarm.row]),
                        "windows": windows,
                    }
                    for alarm, windows in list(zip(self.routes, self.windows, strict=True))[:MOST_NAMED]
                ],
                "cut": len(self.routes) > MOST_NAMED,
            }
        if self.others:
            found["apart"] = {
                "others": self.others,
                "excess": self.excess,
                "others_excess": self.others_excess,
                "surprise": self.beside,
            }
        return found


def apart(
    view: WindowView, judged: Measured, alarms: Sequence[Alarm], windows: NDArray[np.int64] | None = None
) -> list[Shared]:
    """Tell routes that are worse by themselves from those that share what happens to their service.

    Only where a service alarms, and more than one of its routes do. The excess of a route is, of a ratio, the share
    of its answers that failed among those that would usually not have; of anything else, how far it is above the
    expected, as a part of that. A route is worse by itself if its excess is `AS_MUCH_AGAIN` times that of the other
    routes that alarm, and its value would pass the threshold even if its expectation had their excess. All others are
    told with the service.

    Args:
        view: The window. judged: The metric, high values of which alarm. alarms: Of it.
        windows: int64 (k,), how many windows each of its rows rests on; None for one each.

    Returns:
        The alarms that are to be stated, in their order.
    """
    if len(alarms) < 3:
        return [Shared(alarm) for alarm in alarms]
    of_service: dict[str, Alarm] = {}
    routes: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        entry = view.book[alarm.slot]
        if entry.route is None:
            of_service[entry.service] = alarm
        else:
            routes.setdefault(entry.service, []).append(alarm)
    told: dict[int, Shared] = {}
    sharing: set[int] = set()
    for service, members in routes.items():
        known = of_service.get(service)
        if known is None or len(members) < 2:
            continue
        alone = _alone(judged, members)
        mine = [alarm for alarm in members if alarm.row not in alone]
        mine.sort(key=lambda alarm: (-alarm.surprise, view.book[alarm.slot].route or ""))
        sharing.update(alarm.row for alarm in mine)
        spans = tuple(1 if windows is None else int(windows[alarm.row]) for alarm in mine)
        told |= alone | {known.row: Shared(known, tuple(mine), spans)}
    return [told.get(alarm.row, Shared(alarm)) for alarm in alarms if alarm.row not in sharing]


def _alone(judged: Measured, members: Sequence[Alarm]) -> dict[int, Shared]:
    """Those of a service's routes that are worse by themselves, by row."""
    rows = np.array([alarm.row for alarm in members], dtype=np.intp)
    excess, weight = _excess(judged, rows)
    total, mass = float((weight * excess).sum()), float(weight.sum())
    found = {}
    for place, alarm in enumerate(members):
        own, share = float(excess[place]), float(weight[place])
        others = max(0.0, (total - share * own) / (mass - share))
        if own < AS_MUCH_AGAIN * others:
            continue
        beside = surprise_beside(judged.formula(alarm.row, high=True), others)
        if beside >= alarm.threshold:
            found[alarm.row] = Shared(
                alarm, others=len(members) - 1, excess=own, others_excess=others, beside=beside
            )
    return found


def _excess(judged: Measured, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each row's excess, and what it weighs among others."""
    value, expected = judged.value[rows], judged.expected_mid[rows]
    exposure = judged.exposure
    if exposure is not None:
        whole = 1.0 - expected
        return (value - expected) / whole, exposure[rows] * whole
    weight = expected if judged.counted else np.ones(len(rows))
    return value / expected - 1.0, weight


def surprise_beside(formula: Formula, excess: float) -> float:
    """How surprising the value would be if its expectation had an excess, -log10 p.

    Args:
        formula: A high tail of a ratio, a count or a logarithm. excess: As `apart` says.
    """
    inputs = dict(formula.inputs)
    if formula.name == "ratio_high":
        inputs["mean"] += (1.0 - inputs["mean"]) * excess
    elif formula.name == "log_high":
        inputs["location"] += log1p(excess)
    else:
        inputs["mean"] *= 1.0 + excess
    return recompute(formula.name, inputs)
