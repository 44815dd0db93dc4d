"""A bank of baselines: one metric of many entities, judged and updated together."""

from abc import ABC
from typing import ClassVar, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.bank_state import BankState
from vedette.baselines.calendar import Calendar, plain
from vedette.baselines.judgement import Array, Judgement
from vedette.baselines.rhythm import Rhythm
from vedette.kernels.baselines.baseline import (
    OUT_OF_RANGE,
    REPEATED,
    check_slots,
    follow_series,
    foresee_series,
    judge_window,
    learn_window,
)
from vedette.kernels.baselines.baseline_layout import (
    DEEPEST,
    FAMILY,
    JUDGEMENT_ROWS,
    OUTLOOK_COLUMNS,
    RATIO,
    READY,
    SEASONAL,
    SETTINGS,
    STATE_COLUMNS,
)
from vedette.kernels.baselines.baseline_outlook import DAY_CELLS, WEEK_CELLS, Cells

Slots: TypeAlias = NDArray[np.int32]

_NONE: Final = np.zeros(0)
_FIRST: Final[Slots] = np.zeros(1, dtype=np.int32)
_ONE: Final = np.ones(1)


class Bank(ABC):
    """Baselines of one metric for entities numbered 0, 1, 2 ... by the caller.

    Judge first, then update: no window is judged by a baseline that has seen it. The bank's clock are the
    windows it was updated for, so a span in which nobody was updated (a log that is missing) is not a span
    of silence; call `update` with no slots for a window in which silence was observed.

    The arithmetic is in `vedette.kernels.baselines.baseline`; a family states which it is, and its numbers.
    """

    formula: ClassVar[str]
    family: ClassVar[int]
    seasonal: ClassVar[bool] = True
    judged_degrees: ClassVar[int] = 0

    def __init__(self, settings: BankSettings | None, numbers: dict[int, float]) -> None:
        """Lay out an empty bank.

        Args:
            settings: How to learn.
            numbers: The family's entries of the kernels' settings: `BAND`, `LEAST_SPREAD`, `PRIOR_SPREAD` and more.
        """
        self.settings = settings or BankSettings()
        self.calendar: Calendar = plain
        """Whose hours and weekdays the seasons follow."""
        self._numbers = self.settings.numbers() | {
            FAMILY: self.family,
            SEASONAL: float(self.seasonal),
            **numbers,
        }
        self._settings: Array = np.zeros(SETTINGS)
        self._settings[list(self._numbers)] = list(self._numbers.values())
        s = self.settings
        self._memories = np.array([s.slow, s.fast, s.slow, s.slow], dtype=np.int32)
        self._state: Array = np.zeros((0, STATE_COLUMNS))
        self._parents: NDArray[np.int32] = np.full(0, -1, dtype=np.int32)
        self._marks: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._mark = 0
        self._clock = 0
        self._time = -1
        self._day, self._week = Rhythm(DAY_CELLS), Rhythm(WEEK_CELLS)
        self._used: NDArray[np.int64] = np.zeros(2, dtype=np.int64)
        self._looks: Array = np.zeros((DEEPEST, OUTLOOK_COLUMNS))
        self._looked: tuple[int, int] = (-1, 0)
        self._judged: NDArray[np.int32] | None = None

    @property
    def time(self) -> int:
        """Start of the last window it was updated for, microseconds; -1 before the first."""
        return self._time

    def __len__(self) -> int:
        """Slots there is room for."""
        return len(self._state)

    def set_parents(self, slots: NDArray[np.int32], parents: NDArray[np.int32]) -> None:
        """Say whose baseline fills in for a young entity: `parents[i]` for `slots[i]`, -1 for nobody's.

        Args:
            slots, parents: int32 (k,).
        """
        if len(slots):
            self._grow(int(max(slots.max(), parents.max())) + 1)
            self._parents[slots] = parents
            self._looked = (-1, 0)

    def judge(
        self, slots: NDArray[np.int32], value: Array, exposure: Array | None, time_us: int
    ) -> Judgement:
        """How rare the values of one window would be under each entity's baseline. Changes nothing.

        Args:
            slots: int32 (k,), each at most once. Slots never seen are allowed.
            value: float64 (k,), in the metric's unit.
            exposure: float64 (k,): requests the value rests on; None where it rests on no count.
            time_us: Start of the window, microseconds since the epoch; not before the last update.

        Raises:
            ValueError: Slots repeat or exceed the cap, shapes differ, or time runs backwards.
        """
        index, value, rests_on = self._columns(slots, value, exposure, time_us)
        table = np.empty((JUDGEMENT_ROWS, len(index)))
        for _ in range(2):
            self._mark += 1
            need = judge_window(
                index, self.settings.cap, self._marks, self._mark, value, rests_on,
                self._now(time_us), time_us, self.calendar(time_us), *self._arrays(), self._looks, table,
            )  # fmt: skip
            if need <= len(self):
                break
            self._grow(need)
        self._refuse(need, slots)
        self._looked, self._judged = (time_us, len(index)), slots
        return self._judgement(table, value, rests_on)

    def update(
        self,
        slots: NDArray[np.int32],
        value: Array,
        exposure: Array | None,
        time_us: int,
        weight: Array | None = None,
    ) -> None:
        """Let the baselines learn one window.

        Args:
            slots: int32 (k,), each at most once per window.
            value: float64 (k,).
            exposure: float64 (k,) or None, as for `judge`.
            time_us: Start of the window; not before the last update.
            weight: float64 (k,), 0..1: how much to learn (`Judgement.weight`); None for 1. Even at 1 a value
                moves the level no further than three spreads would.

        Raises:
            ValueError: As for `judge`.
        """
        now = self._now(time_us)
        if len(slots) or time_us < self._time:
            index, value, rests_on = self._columns(slots, value, exposure, time_us)
            looked_at, looked = self._looked
            if looked_at != time_us or self._judged is not slots:
                self._check(index, slots)
            self._reserve(len(index))
            learn_window(
                index, value, rests_on, np.ones(len(index)) if weight is None else _floats(weight),
                now, time_us, self.calendar(time_us), *self._arrays(),
                self._looks, looked if looked_at == time_us else 0, self._used,
            )  # fmt: skip
        self._looked = (-1, 0)
        self._clock, self._time = int(now), max(self._time, time_us)

    def judge_alone(self, value: float, exposure: float | None, time_us: int) -> Judgement:
        """What `judge` says of one value of slot 0, for banks of a single entity: half of the time goes into checks.

        Raises:
            ValueError: Time runs backwards, or a ratio has no exposure.
        """
        if time_us < self._time or (exposure is None and self.family == RATIO):
            self._columns(_FIRST, _ONE, None if exposure is None else _ONE, time_us)
        if not len(self):
            self._grow(1)
        if not len(self._looks) > DEEPEST:
            self._looks = np.zeros((2 + DEEPEST, OUTLOOK_COLUMNS))
        table = np.empty((JUDGEMENT_ROWS, 1))
        values, rests_on = np.array([value]), _NONE if exposure is None else np.array([exposure])
        self._mark += 1
        judge_window(
            _FIRST, self.settings.cap, self._marks, self._mark, values, rests_on,
            self._now(time_us), time_us, self.calendar(time_us), *self._arrays(), self._looks, table,
        )  # fmt: skip
        self._looked, self._judged = (time_us, 1), _FIRST
        return self._judgement(table, values, rests_on)

    def learn_alone(self, judged: Judgement, exposure: float | None, time_us: int, most: float = 1.0) -> None:
        """Learn the value that `judge_alone` has just judged, as `update` does.

        Args:
            judged: What it said. exposure, time_us: As there. most: To learn at most, 0..1.
        """
        if int(self._used[0]) >= len(self._day.mean) or int(self._used[1]) >= len(self._week.mean):
            self._reserve(1)
        now = self._now(time_us)
        weight = np.minimum(judged.weight, most)
        learn_window(
            _FIRST, judged.value, _NONE if exposure is None else np.array([exposure]), weight,
            now, time_us, self.calendar(time_us), *self._arrays(),
            self._looks, 1 if self._looked == (time_us, 1) else 0, self._used,
        )  # fmt: skip
        self._looked = (-1, 0)
        self._clock, self._time = int(now), max(self._time, time_us)

    def follow(
        self, value: Array, time_us: NDArray[np.int64], exposure: Array | None = None, *, slot: int = 0
    ) -> Judgement:
        """Judge each window of a series by those before it, then learn it: a whole series in one call.

        The same as `judge` and `update` with the judgement's weight, window after window.

        Args:
            value: float64 (n,), one window's each.
            time_us: int64 (n,), starts of the windows, rising.
            exposure: float64 (n,) or None, as for `judge`.
            slot: The entity.

        Returns:
            Column i is the judgement of window i.

        Raises:
            ValueError: As for `judge`.
        """
        times: NDArray[np.int64] = np.ascontiguousarray(time_us, dtype=np.int64)
        if len(times) != len(value) or (exposure is not None and len(exposure) != len(value)):
            raise ValueError(f"{len(value)} values, {len(times)} times: must be one time for each value")
        if len(times) > 1 and not (times[1:] > times[:-1]).all():
            raise ValueError("windows must be in order, each after the one before")
        table = np.empty((JUDGEMENT_ROWS, len(value)))
        if not len(value):
            return self._judgement(table, _NONE, _NONE)
        first = np.array([slot], dtype=np.int32)
        index, _, _ = self._columns(
            first, value[:1], None if exposure is None else exposure[:1], int(times[0])
        )
        self._check(index, first)
        self._reserve(1)
        local = self._local(times)
        values, rests_on = _floats(value), _NONE if exposure is None else _floats(exposure)
        follow_series(
            slot, values, rests_on, self._now(int(times[0])), times, local,
            *self._arrays(), self._looks, self._used, table,
        )  # fmt: skip
        self._looked = (-1, 0)
        self._clock = int(self._now(int(times[0]))) + len(value) - 1
        self._time = int(times[-1])
        return self._judgement(table, values, rests_on)

    def foresee(
        self, time_us: NDArray[np.int64], *, slot: int = 0, exposure: float | None = None
    ) -> Judgement:
        """What is expected of an entity at times to come, if it learns nothing until then. Changes nothing.

        The bands are those of a next window: what may change on the way widens them no further.

        Args:
            time_us: int64 (n,), rising, none before the last update. slot: The entity.
            exposure: Requests that a value would rest on, at least 1; None where values rest on no count.

        Returns:
            Column i is about time i; the surprises in it mean nothing.

        Raises:
            ValueError: The slot was never met, times run backwards, or a ratio has no exposure.
        """
        times: NDArray[np.int64] = np.ascontiguousarray(time_us, dtype=np.int64)
        if not 0 <= slot < len(self):
            raise ValueError(f"slot {slot} has no baseline: must be one of {len(self)} that were met")
        if self.family == RATIO and exposure is None:
            raise ValueError("a ratio needs its exposure: the requests that the count is among")
        if len(times) and (int(times[0]) < self._time or (times[1:] < times[:-1]).any()):
            raise ValueError("windows must be in order, none before the last that was learned")
        table = np.empty((JUDGEMENT_ROWS, len(times)))
        local = self._local(times)
        foresee_series(
            slot, -1.0 if exposure is None else exposure, float(self._clock + 1), times, local,
            *self._arrays(), self._looks, table,
        )  # fmt: skip
        self._looked = (-1, 0)
        value = np.ones(len(times))
        return self._judgement(table, value, value if exposure is None else np.full(len(times), exposure))

    def _local(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.calendar is plain:
            return times
        # Of no times at all, too, an array of whole numbers: kernels are compiled for these.
        return np.array([self.calendar(t) for t in times.tolist()], dtype=np.int64)

    def pass_by(self, windows: int, time_us: int) -> None:
        """Let so many windows pass in which silence was observed, without looking at each.

        Args:
            windows: How many, > 0.
            time_us: Start of the last of them; not before the last update.
        """
        self._looked = (-1, 0)
        self._clock += windows
        self._time = max(self._time, time_us)

    def _now(self, time_us: int) -> float:
        """The bank's clock at a window."""
        return float(self._clock + (time_us > self._time))

    def _arrays(self) -> tuple[Array, Array, Slots, Slots, Cells, Cells, Slots, Cells, Cells]:
        """What every kernel takes of the bank, in their order."""
        day, week = self._day, self._week
        return (
            self._settings, self._state, self._parents,
            day.row, day.mean, day.weight, week.row, week.mean, week.weight,
        )  # fmt: skip

    def _judgement(self, table: Array, value: Array, exposure: Array) -> Judgement:
        return Judgement(
            self.formula,
            table,
            table[READY] > 0.0,
            value,
            exposure if self.family == RATIO else None,
            self._memories,
            self.judged_degrees,
        )

    def _columns(
        self, slots: NDArray[np.int32], value: Array, exposure: Array | None, time_us: int
    ) -> tuple[NDArray[np.int32], Array, Array]:
        """The arguments as kernels take them, with scratch for so many, after checking that they fit each other."""
        k = len(slots)
        if len(value) != k or (exposure is not None and len(exposure) != k):
            raise ValueError(
                f"{k} slots, {len(value)} values: must be one value, and one exposure, for each slot"
            )
        if time_us < self._time:
            raise ValueError(
                f"window at {time_us} us comes after one at {self._time} us: windows must be in order"
            )
        if exposure is None and self.family == RATIO:
            raise ValueError("a ratio needs its exposure: the requests that the count is among")
        if len(self._looks) < k + DEEPEST:
            self._looks = np.zeros((2 * k + DEEPEST, OUTLOOK_COLUMNS))
            self._looked = (-1, 0)
        index = np.ascontiguousarray(slots, dtype=np.int32)
        return index, _floats(value), _NONE if exposure is None else _floats(exposure)

    def _check(self, index: NDArray[np.int32], slots: NDArray[np.int32]) -> None:
        """Make room for slots that were not judged just now, after checking what would corrupt silently."""
        for _ in range(2):
            self._mark += 1
            need = check_slots(index, self.settings.cap, self._marks, self._mark)
            if need <= len(self):
                break
            self._grow(need)
        self._refuse(need, slots)

    def _refuse(self, need: int, slots: NDArray[np.int32]) -> None:
        if need == REPEATED:
            raise ValueError("a slot comes twice in one window: each entity has one value per window")
        if need == OUT_OF_RANGE:
            last = self.settings.cap - 1
            raise ValueError(f"slots run from {slots.min()} to {slots.max()}: must be within 0..{last}")

    def _reserve(self, rows: int) -> None:
        """Make room for cells of so many more entities."""
        if self.seasonal:
            for cells, used in zip((self._day, self._week), self._used.tolist(), strict=True):
                cells.reserve(min(used + rows, len(self)), used)

    def _grow(self, need: int) -> None:
        have = len(self)
        if need <= have:
            return
        size = min(max(need, 2 * have, 64), max(self.settings.cap, need))
        state = np.zeros((size, STATE_COLUMNS))
        state[:have] = self._state
        parents = np.full(size, -1, dtype=np.int32)
        parents[:have] = self._parents
        self._state, self._parents = state, parents
        self._marks = np.zeros(size, dtype=np.int64)
        self._day.grow(size)
        self._week.grow(size)

    # State.

    def _kind(self) -> str:
        """Name and every setting but the cap: a state is only taken back by a bank that learns the same way."""
        settings = msgspec.structs.asdict(self.settings)
        return f"{type(self).__name__} { ({name: s for name, s in settings.items() if name != 'cap'}) }"

    def to_state(self) -> bytes:
        """Everything learned, as bytes; see `vedette.baselines.snapshot`."""
        used = (int(self._used[0]), int(self._used[1]))
        state = BankState(self._state, self._parents, self._clock, self._time, self._day, self._week, used)
        return state.pack(self._kind())

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` of a bank with the same settings gave.

        Raises:
            ValueError: Damaged, or of another family, version or settings. The bank is then unchanged.
        """
        state = BankState.unpack(content, self._kind(), cap=self.settings.cap, counts=self.family <= RATIO)
        self._state, self._parents = state.levels, state.parents
        self._marks = np.zeros(len(state.levels), dtype=np.int64)
        self._clock, self._time = state.clock, state.time
        self._looked = (-1, 0)
        self._day, self._week = state.day, state.week
        self._used[:] = state.used


def _floats(column: Array) -> Array:
    return np.ascontiguousarray(column, dtype=np.float64)
