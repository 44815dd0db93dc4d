"""How odd the metrics of a service are together, each of which may be usual by itself."""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.pareto import fit_excess
from vedette.kernels.models.joint import (
    FITTED,
    JOINED,
    KEPT,
    LEARNED,
    MEMBER,
    MIDDLE,
    MOST,
    RATE,
    RING,
    SCALE,
    SHAPE,
    START,
    STATE_COLUMNS,
    TAIL_COLUMNS,
    WEIGHT,
    gather_deviations,
    judge_together,
    learn_together,
)
from vedette.schema.spans import WEEK_US
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack, within
from vedette.windows.distinct import distinct_values
from vedette.windows.quantiles import quantile

Array = NDArray[np.float64]
F = TypeVar("F", np.float32, np.float64)

MEMORY_US: Final = WEEK_US
"""A week: after that an old window counts a third."""
_PEAKS: Final = 0.1
"""Share of usual distances from which the tail begins."""
_FURTHEST: Final = 2.5
"""A distance rarer than once in 300 windows is far, and hardly fills the tail: half an hour of a combination now and
then must not make it usual. That cuts the tail that is fitted, and makes far windows a tenth more surprising."""
_LEAST_SCALE: Final = 1e-3
_EXPONENTIAL: Final = 1e-6
"""Shape below which a tail counts as exponential."""


class JointJudgement(msgspec.Struct, frozen=True):
    """How far each of r services is from where its metrics usually are together.

    Attributes:
        slot: int32 (r,).
        deviation: float64 (r, JOINED), each metric's rank as a standard normal's, cut at its band; NaN where missing.
        smooth: float64 (r, JOINED), the same over the last windows. usual, spread: Mean and standard deviation of it.
        standard: float64 (r, JOINED), how many spreads it is from its mean, at most `LIMIT`.
        precision: float64 (r, JOINED, JOINED), the inverse of the correlation of `standard`.
        distance: float64 (r,), squared Mahalanobis distance; NaN where not ready.
        surprise: float64 (r,), -log10 of the share of usual windows as far out, 0 where that is more than one in ten;
            NaN where not ready.
        tail: float64 (r, TAIL_COLUMNS), of usual distances. windows: float64 (r,), learned from.
        members: bool (r, JOINED), metrics that are looked at.
    """

    number: int
    slot: NDArray[np.int32]
    deviation: Array
    smooth: Array
    usual: Array
    spread: Array
    standard: Array
    precision: Array
    distance: Array
    surprise: Array
    tail: Array
    windows: Array
    members: NDArray[np.bool_]

    @property
    def ready(self) -> NDArray[np.bool_]:
        """Where it was judged, bool (k,): not where too little was seen, or a metric is missing."""
        return ~np.isnan(self.surprise)

    @property
    def lacking(self) -> int:
        """Services with traffic whose tail is not known yet."""
        there = ~np.isnan(self.deviation).all(axis=1)
        return int(np.count_nonzero(there & (self.tail[:, FITTED] <= 0.0)))


class _State(msgspec.Struct, frozen=True, array_like=True):
    """Everything learned, service by service."""

    slot: PackedArray
    state: PackedArray
    tail: PackedArray
    ring: PackedArray


class JointBaseline:
    """Means, spreads and correlations of what services' metrics deviate from their own baselines by.

    They are of the deviations of each window smoothed over the last few, forget within a week or so, are drawn towards
    independence, and are taught less by windows that are far out. How rare a distance is comes from the distances that
    the same service had: a generalised Pareto tail, fitted anew now and then, and not from the law that normal
    deviations would follow.
    """

    def __init__(self, span_us: int, cap: int, dimensions: Sequence[Sequence[int]]) -> None:
        """Begin.

        Args:
            span_us: Span of a window, microseconds. cap: Slots are below this.
            dimensions: For each family of metrics, in their order, for each of its metrics: where among those looked
                at it is, 0 to `JOINED` - 1, or -1 if it is not looked at.
        """
        self._cap = cap
        self._memory = max(float(LEARNED), MEMORY_US / span_us)
        self._dimensions = [np.array(part, dtype=np.int64) for part in dimensions]
        self._slot: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self._row_of: NDArray[np.int32] = np.full(0, -1, dtype=np.int32)
        self._state: Array = np.zeros((0, STATE_COLUMNS))
        self._tail: Array = np.zeros((0, TAIL_COLUMNS))
        self._ring: NDArray[np.float32] = np.zeros((0, RING), dtype=np.float32)

    def know(self, slots: NDArray[np.int32]) -> None:
        """Make room for services, int32 (k,), that may be known already."""
        if not len(slots):
            return
        most = int(slots.max()) + 1
        if most > len(self._row_of):
            grown = np.full(2 * most, -1, dtype=np.int32)
            grown[: len(self._row_of)] = self._row_of
            self._row_of = grown
        fresh = slots[self._row_of[slots] < 0]
        if len(fresh):
            have = len(self._slot)
            self._slot = np.concatenate([self._slot, fresh])
            self._row_of[fresh] = np.arange(have, have + len(fresh), dtype=np.int32)
            self._state = _longer(self._state, len(fresh))
            self._tail = _longer(self._tail, len(fresh))
            self._ring = _longer(self._ring, len(fresh))

    def judge(self, number: int, parts: Sequence[tuple[NDArray[np.int32], Array]]) -> JointJudgement:
        """Say how odd a window is. Changes nothing.

        Args:
            number: The window's.
            parts: For each family, places int32 (k,) and table float64 (JUDGEMENT_ROWS, k) of its judgement.
        """
        rows = len(self._slot)
        deviation = np.full((rows, JOINED), np.nan)
        for (place, table), dimension in zip(parts, self._dimensions, strict=True):
            if len(place):
                gather_deviations(place, dimension, table, self._row_of, deviation)
        smooth, usual, spread, standard = np.empty((4, rows, JOINED))
        precision = np.empty((rows, JOINED, JOINED))
        distance, surprise = np.empty(rows), np.empty(rows)
        judge_together(
            number, deviation, self._state, self._tail,
            smooth, usual, spread, standard, precision, distance, surprise,
        )  # fmt: skip
        return JointJudgement(
            number, self._slot, deviation, smooth, usual, spread, standard, precision, distance, surprise,
            self._tail.copy(), self._state[:, WEIGHT].copy(), self._state[:, MEMBER : MEMBER + JOINED] > 0.0,
        )  # fmt: skip

    def learn(self, judged: JointJudgement, distrusted: NDArray[np.int32]) -> None:
        """Learn a window that was judged; services with something wrong in it teach nothing.

        Args:
            judged: As `judge` gave it. distrusted: int32 (d,), slots.
        """
        weight = np.ones(len(judged.slot))
        if len(distrusted):
            weight[np.isin(judged.slot, distrusted)] = 0.0
        due = np.zeros(len(weight), dtype=np.uint8)
        found = learn_together(
            judged.number, judged.deviation, judged.smooth, judged.standard, judged.distance, weight,
            self._memory, self._state, self._tail, self._ring, due,
        )  # fmt: skip
        if found:
            for row in np.flatnonzero(due).tolist():
                kept = min(int(self._state[row, KEPT]), RING)
                self._tail[row] = _fitted(self._ring[row, :kept])

    def to_state(self) -> bytes:
        """Everything learned, as bytes."""
        return encode(_State(*(pack(part) for part in (self._slot, self._state, self._tail, self._ring))))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        known = decode(content, _State, "metrics together")
        slot = unpack(known.slot, np.int32, (None,), "metrics together")
        rows = len(slot)
        state = unpack(known.state, np.float64, (rows, STATE_COLUMNS), "metrics together")
        tail = unpack(known.tail, np.float64, (rows, TAIL_COLUMNS), "metrics together")
        ring = unpack(known.ring, np.float32, (rows, RING), "metrics together")
        within(slot, 0, self._cap, "slots of metrics together")
        fitted = tail[tail[:, FITTED] > 0.0]
        sound = (
            len(distinct_values(slot)) == rows
            and np.isfinite(state).all()
            and np.isfinite(tail).all()
            and (state[:, [WEIGHT, KEPT]] >= 0.0).all()
            and (fitted[:, SCALE] > 0.0).all()
            and (fitted[:, RATE] > 0.0).all()
            and (fitted[:, RATE] < 1.0).all()
        )
        check(bool(sound), "metrics together")
        self._slot = self._slot[:0]
        self._row_of = np.full(0, -1, dtype=np.int32)
        self.know(slot)
        self._slot, self._state, self._tail, self._ring = slot, state, tail, ring


def critical(tail: Array, surprise: float) -> float:
    """The squared distance that is so surprising, infinite where no tail is known.

    Args:
        tail: float64 (TAIL_COLUMNS,).
    """
    if tail[FITTED] <= 0.0:
        return float("inf")
    decay = max(0.0, (surprise + float(np.log10(tail[RATE]))) * float(np.log(10.0)))
    shape = float(tail[SHAPE])
    grown = decay if shape < _EXPONENTIAL else float(np.expm1(shape * decay)) / shape
    return float(tail[START] + grown * tail[SCALE])


def _fitted(distances: NDArray[np.float32]) -> Array:
    """The tail of usual distances."""
    usual = distances.astype(np.float64)
    start = quantile(usual, 1.0 - _PEAKS)
    excess = usual[usual > start] - start
    scale, shape = fit_excess(excess) if len(excess) else (_LEAST_SCALE, 0.0)
    tail = np.zeros(TAIL_COLUMNS)
    tail[START], tail[RATE] = start, (len(excess) + 1.0) / (len(usual) + 1.0)
    tail[SCALE], tail[SHAPE], tail[FITTED] = max(scale, _LEAST_SCALE), shape, len(usual)
    tail[MOST], tail[MIDDLE] = critical(tail, _FURTHEST), float(np.median(usual))
    return tail


def _longer(array: NDArray[F], rows: int) -> NDArray[F]:
    """The same array with so many more rows of zeros."""
    return np.concatenate([array, np.zeros((rows, *array.shape[1:]), dtype=array.dtype)])
