"""Metrics of a service that are odd together, though each may be usual by itself."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.formulas import critical_value, normal_tail
from vedette.baselines.joint import JointJudgement, critical
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import slot_entity, state, surprise_score, surprise_severity
from vedette.detectors.statistical.recurrence import Recurrence
from vedette.detectors.statistical.runs import Runs
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import TOGETHER, Metric, WindowView
from vedette.kernels.models.joint import FITTED, MIDDLE, RATE, SCALE, SHAPE, START
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Contribution, Formula
from vedette.schema.spans import MINUTE_US
from vedette.windows.layout import Group

Array = NDArray[np.float64]

ALONE: Final = 0.4
"""Added to the budget's threshold, which counts on a second window that agrees, one time in ten. Here one window is
enough; but smoothed deviations stay where they are for about four windows, which are one alarm: one in four."""
FAILING: Final = 0.5
"""Part of a distance from which it is one of errors, which no clock excuses."""
LINGERS: Final = 10 * MINUTE_US
"""How long smoothed deviations may be far out after their windows: after ten of these they are a twentieth of it."""
BAND: Final = 2.0
"""Surprise at the upper edge of the expected band: 99 % of usual windows are inside."""
UNITS: Final = {
    Metric.REQUESTS: "requests",
    Metric.ERROR_RATIO: "ratio",
    Metric.LATENCY: "seconds",
    Metric.BYTES_OUT: "bytes",
    Metric.CLIENTS: "clients",
}


class Combination(Remembering):
    """A service's requests, errors, times, sizes and clients do not go together as they usually do.

    Signal: each metric's rank under its own baseline, as a standard normal's, cut at the edge of its band and smoothed
        over the last windows.
    Baseline: means, spreads and correlations of these, of the service's own past week, robust and drawn towards
        independence (`vedette.baselines.joint`).
    Decision: the squared Mahalanobis distance is rarer among the service's own distances than the budget allows; no
        metric alone explains `MOST_ALONE` of it; whichever metric is left out, that of the others is still beyond the
        band of usual windows; and at least one is `FACTOR` times off from what the others let expect (a ratio:
        `MIN_DIFFERENCE`). Not of fewer than `MIN_COUNT` requests. Not where it came before by the clock
        (`Recurrence`), unless errors are `FAILING` of it: a nightly job goes together with nothing else. In the first
        day, before there is a distance, what comes by the clock is known by its requests. For the budget, windows far
        out one after the other are one event.
    Explanation: by how much each metric adds to the distance, and what the others let expect of it.
    Known false alarms: a release that makes pages larger or answers quicker changes what goes together.
    References: Mahalanobis 1936; Lowry, Woodall, Champ, Rigdon 1992 (smoothed multivariate charts); Maronna 1976
        (robust covariance); formula `exceedance`.
    """

    name = "combination"
    types = (AnomalyType.UNUSUAL_PATTERN,)

    MOST_ALONE = 0.5
    FACTOR = 1.25
    MIN_DIFFERENCE = 0.02
    MIN_COUNT = 5.0
    added = 1

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._runs = Runs()
        # What comes at whatever times is no rhythm.
        self._recurrence = Recurrence(times=None, after=LINGERS)

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return self._runs, self._recurrence

    def from_state(self, content: bytes) -> None:
        """See `Remembering`; earlier versions remembered nothing."""
        if content:
            super().from_state(content)

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the services of a window whose metrics do not go together."""
        joint = view.joint
        if joint is None:
            return []
        self._foreknow(view, joint)
        rows = np.flatnonzero(joint.ready)
        if not len(rows):
            return []
        surprise = joint.surprise[rows]
        slots = joint.slot[rows]
        self._thresholds.observe(self.name, self._runs.tests(slots, surprise), slots)
        least = self._thresholds.least(self.name) + ALONE
        found = []
        for row in rows[surprise >= least].tolist():
            threshold = self._thresholds.threshold(self.name, owner=int(joint.slot[row])) + ALONE
            if joint.surprise[row] < threshold:
                continue
            if view.book[int(joint.slot[row])].service in view.claimed:
                continue
            # One failed request is an error, quick and small at once: of so few it is all that is odd.
            if view.total(int(joint.slot[row]), Group.REQUESTS) < self.MIN_COUNT:
                continue
            odd = _Odd.of(view, joint, row)
            # One metric that goes its way while the others stay is odd by itself.
            if odd.least_rest <= critical(joint.tail[row], BAND):
                continue
            # Nor is one that is further out by itself than the others are with it.
            if odd.largest_alone >= self.MOST_ALONE * odd.distance or not self._matters(odd):
                continue
            # However far it is out: what a job does in an otherwise quiet service is always far.
            again = self._recurrence.expects(int(joint.slot[row]), view.start, 1.0)
            if not again or odd.failing:
                found.append(self._state(view, joint, odd, threshold))
        return found

    def _foreknow(self, view: WindowView, joint: JointJudgement) -> None:
        """Remember when services that cannot be judged yet had far more requests than usual."""
        judged = view.judged[Metric.REQUESTS]
        far = judged.ready & (judged.surprise_high >= self._thresholds.least(self.name))
        if not far.any():
            return
        unready = set(joint.slot[~joint.ready].tolist())
        for slot in judged.slot[far].tolist():
            if slot in unready:
                self._recurrence.expects(slot, view.start, 1.0)

    def _matters(self, odd: "_Odd") -> bool:
        """Whether a person would care about what one of the metrics is, the others being what they are."""
        return any(self._far(part) for part in odd.parts)

    def _far(self, part: "_Part") -> bool:
        low, high = sorted((part.seen, part.expected))
        if part.metric is Metric.ERROR_RATIO:
            return high - low >= self.MIN_DIFFERENCE
        if part.metric in (Metric.REQUESTS, Metric.CLIENTS) and high - low < self.MIN_COUNT:
            return False
        return high >= self.FACTOR * low

    def _state(self, view: WindowView, joint: JointJudgement, odd: "_Odd", threshold: float) -> Anomaly:
        service = view.book[int(joint.slot[odd.row])].service
        tail = joint.tail[odd.row]
        surprise = float(joint.surprise[odd.row])
        inputs = {
            "value": odd.distance,
            "start": float(tail[START]),
            "rate": float(tail[RATE]),
            "scale": float(tail[SCALE]),
            "shape": float(tail[SHAPE]),
        }
        adding = sum(max(0.0, part.adds) for part in odd.parts)
        return state(
            view,
            type=AnomalyType.UNUSUAL_PATTERN,
            detector=self.name,
            service=service,
            route=None,
            entity=slot_entity(service, None),
            severity=surprise_severity(surprise, threshold),
            score=surprise_score(surprise, threshold),
            observed=odd.distance,
            expected=Band(0.0, float(tail[MIDDLE]), critical(tail, BAND)),
            threshold=critical(tail, threshold),
            sample_count=int(tail[FITTED]),
            unit="squared_deviations",
            formula=Formula("exceedance", inputs, surprise),
            contributions=tuple(
                Contribution("metric", part.metric.value, part.adds / adding)
                for part in sorted(odd.parts, key=lambda part: (-part.adds, part.metric))
                if part.adds > 0.0
            ),
            details={
                "surprise": surprise,
                "surprise_threshold": threshold,
                "metrics": {part.metric.value: part.told() for part in odd.parts},
                "precision": odd.precision,
                "windows_learned": round(float(joint.windows[odd.row])),
            },
        )


class _Part(msgspec.Struct, frozen=True):
    """One metric of an odd window.

    Attributes:
        value: Of this window. deviation: Its rank as a standard normal's, cut at its band.
        smooth: The same over the last windows; usual, spread: mean and standard deviation of it; standard: how many
            spreads it is from the mean, at most `LIMIT`; likely: what the other metrics let expect of it.
        adds: To the squared distance. rest: That of the other metrics, were this one not looked at.
        seen, expected: `smooth` and `likely` in the metric's unit, under this window's baseline.
        formula: The baseline's.
    """

    metric: Metric
    value: float
    deviation: float
    smooth: float
    usual: float
    spread: float
    standard: float
    likely: float
    adds: float
    rest: float
    seen: float
    expected: float
    formula: Formula
    band: Band

    def told(self) -> dict[str, Any]:
        """As the anomaly's details hold it."""
        return {
            "value": self.value,
            "unit": UNITS[self.metric],
            "band_low": self.band.low,
            "band_high": self.band.high,
            "deviation": self.deviation,
            "smoothed": self.smooth,
            "usual": self.usual,
            "spread": self.spread,
            "standard": self.standard,
            "likely": self.likely,
            "adds": self.adds,
            "distance_without": self.rest,
            "seen": self.seen,
            "expected": self.expected,
            "formula": self.formula.name.removesuffix("_high").removesuffix("_low"),
            "inputs": {name: number for name, number in self.formula.inputs.items() if name != "value"},
        }


class _Odd(msgspec.Struct, frozen=True):
    """A service's window, taken apart.

    Attributes:
        row: In the judgement. distance: Squared. largest_alone: The largest squared distance of one metric alone.
        precision: Inverse correlation, of the parts in their order.
    """

    row: int
    distance: float
    largest_alone: float
    parts: tuple[_Part, ...]
    precision: list[list[float]]

    @property
    def failing(self) -> bool:
        """Whether errors are a good part of it."""
        of_errors = sum(part.adds for part in self.parts if part.metric is Metric.ERROR_RATIO)
        return of_errors >= FAILING * self.distance

    @property
    def least_rest(self) -> float:
        """The squared distance without the metric that carries most of it."""
        return min(part.rest for part in self.parts)

    @staticmethod
    def of(view: WindowView, joint: JointJudgement, row: int) -> "_Odd":
        """Of one row of a judgement."""
        # Metrics that are not looked at are where they usually are, and independent of the others.
        members = np.flatnonzero(joint.members[row])
        precision = joint.precision[row][np.ix_(members, members)]
        standard, usual, spread = (part[row][members] for part in (joint.standard, joint.usual, joint.spread))
        pull = precision @ standard
        likely = usual + spread * (standard - pull / np.diagonal(precision))
        alone = standard**2 / np.diagonal(np.linalg.inv(precision))
        # The partitioned inverse: what a metric takes with it is its own part, the others being what they are.
        rest = joint.distance[row] - pull**2 / np.diagonal(precision)
        parts = []
        for at, dimension in enumerate(members.tolist()):
            metric = TOGETHER[dimension]
            judged = view.judged[metric]
            of_slot = judged.find(int(joint.slot[row]))
            assert of_slot is not None  # noqa: S101 -- its deviation was taken from there
            formula = judged.formula(of_slot, high=True)
            parts.append(
                _Part(
                    metric=metric,
                    value=float(judged.value[of_slot]),
                    deviation=float(joint.deviation[row, dimension]),
                    smooth=float(joint.smooth[row, dimension]),
                    usual=float(usual[at]),
                    spread=float(spread[at]),
                    standard=float(standard[at]),
                    likely=float(likely[at]),
                    adds=float(standard[at] * pull[at]),
                    rest=float(rest[at]),
                    seen=at_deviation(formula, float(joint.smooth[row, dimension])),
                    expected=at_deviation(formula, float(likely[at])),
                    formula=formula,
                    band=judged.band(of_slot),
                )
            )
        return _Odd(row, float(joint.distance[row]), float(alone.max()), tuple(parts), precision.tolist())


def at_deviation(formula: Formula, deviation: float) -> float:
    """The value so many standard deviations from the middle of what a baseline expects, in the metric's unit.

    Args:
        formula: A tail of the baseline, either side.
    """
    family = formula.name.removesuffix("_high").removesuffix("_low")
    side = "high" if deviation >= 0.0 else "low"
    value = critical_value(f"{family}_{side}", formula.inputs, normal_tail(abs(deviation)))
    return value / formula.inputs.get("exposure", 1.0)
