"""A bank of baselines: one metric of many entities, judged and updated together."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.calendar import Calendar, plain
from vedette.baselines.judgement import Judgement, Season, influence
from vedette.baselines.rhythm import HOUR_US, Rhythm
from vedette.baselines.snapshot import pack, unpack
from vedette.baselines.special import Array

# Rows of the state, each with one column per slot.
TICK: Final = 0
"""Clock of the bank (windows it was updated for) at the slot's last window."""
WINDOWS: Final = 1
"""Windows learned from, those without traffic included where absence means zero."""
SEEN: Final = 2
"""Windows learned from that the caller brought."""
FIRST: Final = 3
"""Start of the first window, microseconds."""
SIDE: Final = 4
"""Side of a suspected level shift: 1 above, -1 below, 0 none."""
SINCE: Final = 5
"""When the suspected shift began, microseconds."""
SHIFT_SUM: Final = 6
SHIFT_WEIGHT: Final = 7
"""Forgetting sum and weight of the windows at the suspected new level."""

SLOW, FAST, DAY, WEEK = 0, 1, 2, 3
EXPERTS: Final = 4
"""Predictors that compete for each entity: a slow and a fast local level, and a local level times the usual
value of the hour of day or of week."""
SUM: Final = slice(8, 12)
WEIGHT: Final = slice(12, 16)
ERROR: Final = slice(16, 20)
TRIALS: Final = slice(20, 24)
"""By expert: level = SUM / WEIGHT; spread of its one-step-ahead errors = ERROR / TRIALS."""
ROWS: Final = 24

_SEASON_OF: Final = np.array([Season.NONE, Season.NONE, Season.DAY, Season.WEEK], dtype=np.int8)
_HANDICAP: Final = np.array([[1.0], [1.25], [1.15], [1.25]])
"""Spread is multiplied by this before experts are compared: a fast or seasonal one has to be clearly
better."""
_DEEPEST: Final = 3
"""Steps from an entity to the parent that speaks for it (route, service, all)."""


class BankSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a bank learns. Memories are in windows: after that many an old one counts a third."""

    window_us: int = 60_000_000
    slow: float = 90.0
    fast: float = 12.0
    spread_memory: float = 720.0
    min_windows: int = 30
    """Own windows without which an entity is not judged on its own."""
    borrowing_windows: int = 15
    """Own windows from which it is judged where its parent is ready."""
    day_cycles: float = 3.0
    week_cycles: float = 2.0
    """Days and weeks of history from which the hour of day and of week may be used."""
    shift_hours: float = 12.0
    """A level held for this long, or for as long as the old one was known if that is less (but at least an
    hour), is the new normal."""
    band: float = 0.99
    """Probability that a normal window is inside the expected band."""
    cap: int = 65_536
    """Most slots."""


@dataclass(slots=True)
class Outlook:
    """What the experts expect of k entities at one time. E experts, arrays (E, k) or (k,)."""

    rows: Array
    """(ROWS, k): the entities' state, absent windows accounted for."""
    rhythm: Array
    """(E, k): the usual value of this hour, neutral for experts without season."""
    usable: NDArray[np.bool_]
    """(E, k)."""
    choice: NDArray[np.intp]
    """(k,): the expert that is believed."""
    spread: Array
    """(k,): its spread, with the prior."""
    parent_level: Array
    """(k,): level of the parent, for entities young enough to need it; NaN elsewhere."""
    parent_ready: NDArray[np.bool_]
    """(k,): the parent, or one above it, has been seen for long enough."""

    def chosen(self, table: Array) -> Array:
        """The chosen expert's entry of an (E, k) table."""
        picked: Array = table[self.choice, np.arange(len(self.choice))]
        return picked


class Bank(ABC):
    """Baselines of one metric for entities numbered 0, 1, 2 ... by the caller.

    Judge first, then update: no window is judged by a baseline that has seen it. The bank's clock are the
    windows it was updated for, so a span in which nobody was updated (a log that is missing) is not a span
    of silence; call `update` with no slots for a window in which silence was observed.
    """

    formula: ClassVar[str]
    seasonal: ClassVar[bool] = True
    neutral: ClassVar[float]
    least_spread: float
    """Spreads below this are told apart no further when experts are compared."""

    def __init__(self, settings: BankSettings | None = None) -> None:
        self.settings = settings or BankSettings()
        self.calendar: Calendar = plain
        """Whose hours and weekdays the seasons follow."""
        s = self.settings
        self._state: Array = np.zeros((ROWS, 0))
        self._parents: NDArray[np.int32] = np.full(0, -1, dtype=np.int32)
        self._clock = 0
        self._time = -1
        self._latest: tuple[int, NDArray[np.intp], Outlook] | None = None
        self._day = Rhythm(24, s.window_us, 7.0)
        self._week = Rhythm(168, s.window_us, 4.0)
        self._keep = 1.0 - 1.0 / np.array([[s.slow], [s.fast], [s.slow], [s.slow]])
        self._keep_error = 1.0 - 1.0 / s.spread_memory
        self._memory = np.array([s.slow, s.fast, s.slow, s.slow], dtype=np.int32)

    def __len__(self) -> int:
        """Slots there is room for."""
        return int(self._state.shape[1])

    def set_parents(self, slots: NDArray[np.int32], parents: NDArray[np.int32]) -> None:
        """Say whose baseline fills in for a young entity: `parents[i]` for `slots[i]`, -1 for nobody's."""
        if len(slots):
            self._grow(int(max(slots.max(), parents.max())) + 1)
            self._parents[slots] = parents
            self._latest = None

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
        index = self._check(slots, value, exposure, time_us)
        look = self._look(index, time_us)
        self._latest = (time_us, index.copy(), look)
        return self._judge(look, value, exposure)

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
        index = self._check(slots, value, exposure, time_us)
        now = self._clock + (time_us > self._time)
        if len(index):
            look = self._reuse(index, time_us) or self._look(index, time_us)
            rows = look.rows
            fresh = rows[SEEN] == 0.0
            rows[FIRST] = np.where(fresh, float(time_us), rows[FIRST])
            sure = np.ones(len(index)) if weight is None else weight
            usual, sure = self._learn(look, value, exposure, time_us, sure)
            rows[TICK] = float(now)
            rows[WINDOWS] += 1.0
            rows[SEEN] += 1.0
            self._state[:, index] = rows
            if self.seasonal:
                self._learn_rhythm(index, rows, usual, sure, time_us)
        self._latest = None
        self._clock, self._time = now, max(self._time, time_us)

    def pass_by(self, windows: int, time_us: int) -> None:
        """Let so many windows pass in which silence was observed, without looking at each.

        Args:
            windows: How many, > 0.
            time_us: Start of the last of them; not before the last update.
        """
        self._latest = None
        self._clock += windows
        self._time = max(self._time, time_us)

    # What a family states.

    @abstractmethod
    def _prior_spread(self, rows: Array, rhythm: Array) -> tuple[float, Array]:
        """Spread assumed before any was seen, and how many TRIALS it is worth, (k,) or (E, k)."""

    @abstractmethod
    def _level(self, look: Outlook) -> Array:
        """The chosen expert's expectation, (k,); NaN where nothing is known."""

    @abstractmethod
    def _judge(self, look: Outlook, value: Array, exposure: Array | None) -> Judgement: ...

    @abstractmethod
    def _learn(
        self, look: Outlook, value: Array, exposure: Array | None, time_us: int, weight: Array
    ) -> tuple[Array, Array]:
        """Change `look.rows`; give back what the seasonal cells should learn, and with what weight."""

    @abstractmethod
    def _restart(self, look: Outlook, at: NDArray[np.bool_], level: Array) -> None:
        """Set every expert of the entities `at` to a new level, as if known from ten windows."""

    def _absent(self, rows: Array, gap: Array, rhythm: Array) -> None:  # noqa: B027 - often nothing
        """Account for windows in which an entity did not appear; nothing, unless absence means a value."""

    # What all families share.

    def _look(self, index: NDArray[np.intp], time_us: int, depth: int = 0) -> Outlook:
        k = len(index)
        rows = np.take(self._state, index, axis=1)
        rhythm = np.full((EXPERTS, k), self.neutral)
        usable = np.ones((EXPERTS, k), dtype=np.bool_)
        self._seasons(index, rows, time_us, rhythm, usable)
        gap = self._clock + (time_us > self._time) - 1.0 - rows[TICK]
        gap[(rows[SEEN] == 0.0) | (gap < 0.0)] = 0.0
        if gap.any():
            self._absent(rows, gap, rhythm)
        usable &= rows[WEIGHT] > 0.0
        prior, worth = self._prior_spread(rows, rhythm)
        priors = np.full(k, prior)
        parent_level = np.full(k, np.nan)
        parent_ready = np.zeros(k, dtype=np.bool_)
        if depth < _DEEPEST:
            young = np.flatnonzero(
                (rows[WINDOWS] < 4 * self.settings.min_windows) & (self._parents[index] >= 0)
            )
            if len(young):
                above = self._look(self._parents[index[young]].astype(np.intp), time_us, depth + 1)
                parent_ready[young] = (above.rows[WINDOWS] >= self.settings.min_windows) | above.parent_ready
                parent_level[young] = self._level(above)
                priors[young] = np.where(parent_ready[young], above.spread, prior)
        spread = np.maximum((rows[ERROR] + priors * worth) / (rows[TRIALS] + worth), 0.0)
        cost = np.where(usable, (spread + self.least_spread) * _HANDICAP, np.inf)
        choice = cost.argmin(axis=0)
        return Outlook(rows, rhythm, usable, choice, spread[choice, np.arange(k)], parent_level, parent_ready)

    def _kept(self, weight: Array) -> tuple[Array, Array]:
        """What a window of this weight leaves of older levels, (E, k), and of older errors, (k,).

        A window that hardly teaches must hardly make forget: else it would replace what it adds little to.
        """
        return 1.0 - weight * (1.0 - self._keep), 1.0 - weight * (1.0 - self._keep_error)

    def _reuse(self, index: NDArray[np.intp], time_us: int) -> Outlook | None:
        """The outlook of the last judgement, if it was of these slots and nothing was learned since."""
        if self._latest is None or self._latest[0] != time_us or not np.array_equal(self._latest[1], index):
            return None
        return self._latest[2]

    def _seasons(
        self, index: NDArray[np.intp], rows: Array, time_us: int, rhythm: Array, usable: NDArray[np.bool_]
    ) -> None:
        """Fill in the hour's usual value for the seasonal experts, and whether they may be believed."""
        usable[DAY:] = False
        if not self.seasonal:
            return
        for expert, cells in ((DAY, self._day), (WEEK, self._week)):
            usual, known = cells.at(index, self.calendar(time_us))
            rhythm[expert] = np.where(known, usual, np.nan)
            cycles = self.settings.day_cycles if expert == DAY else 7.0 * self.settings.week_cycles
            usable[expert] = known & (time_us - rows[FIRST] >= cycles * 24 * HOUR_US)

    def _learn_rhythm(
        self, index: NDArray[np.intp], rows: Array, usual: Array, sure: Array, time_us: int
    ) -> None:
        """Teach the seasonal cells of entities that have lived for two hours (day), two days (week).

        Only of entities that are there most of the time: the cells of a rare one would say nothing.
        """
        steady = 2.0 * rows[SEEN] >= rows[WINDOWS]
        age = time_us - rows[FIRST]
        for cells, hours in ((self._day, 2), (self._week, 48)):
            take = np.flatnonzero(steady & (age >= hours * HOUR_US))
            if len(take):
                cells.learn(index[take], usual[take], sure[take], self.calendar(time_us))

    def _follow_shift(self, look: Outlook, index_side: Array, level: Array, time_us: int) -> None:
        """Accept a new level once it has been held for long enough.

        A few ordinary windows in between do not interrupt it.

        Args:
            look: The entities; their rows change.
            index_side: float64 (k,): 1 or -1 where the window is far outside on that side, else 0.
            level: float64 (k,): the window's own level, in the family's working scale.
            time_us: Start of the window.
        """
        rows = look.rows
        if not (index_side.any() or rows[SIDE].any()):
            return
        outside = index_side != 0.0
        begins = outside & (index_side != rows[SIDE])
        kept = np.where(begins, 0.0, np.where(outside, 1.0 - 1.0 / 30.0, 0.9))
        rows[SHIFT_SUM] = rows[SHIFT_SUM] * kept + np.where(outside, level, 0.0)
        rows[SHIFT_WEIGHT] = rows[SHIFT_WEIGHT] * kept + outside
        rows[SINCE] = np.where(begins, float(time_us), rows[SINCE])
        rows[SIDE] = np.where(outside, index_side, np.where(rows[SHIFT_WEIGHT] < 1.0, 0.0, rows[SIDE]))
        known_for = np.clip(rows[SINCE] - rows[FIRST], HOUR_US, self.settings.shift_hours * HOUR_US)
        accepted = (rows[SIDE] != 0.0) & outside & (time_us - rows[SINCE] >= known_for)
        if accepted.any():
            self._restart(look, accepted, rows[SHIFT_SUM] / np.maximum(rows[SHIFT_WEIGHT], 1.0))
            rows[SIDE, accepted] = 0.0
            rows[SHIFT_WEIGHT, accepted] = 0.0
            rows[SHIFT_SUM, accepted] = 0.0

    def _verdict(
        self,
        look: Outlook,
        known: NDArray[np.bool_],
        high: Array,
        low: Array,
        band: tuple[Array, Array, Array],
        inputs: dict[str, Array],
        parent: NDArray[np.bool_],
    ) -> Judgement:
        """Assemble a judgement; what is not ready is neither rare nor common."""
        settings = self.settings
        windows = look.rows[WINDOWS]
        ready = known & (
            (windows >= settings.min_windows) | (look.parent_ready & (windows >= settings.borrowing_windows))
        )
        high = np.where(ready, np.maximum(high, 0.0), 0.0)
        low = np.where(ready, np.maximum(low, 0.0), 0.0)
        expected = [np.where(known, edge, np.nan) for edge in band]
        return Judgement(
            formula=self.formula,
            log10_p_high=high,
            log10_p_low=low,
            expected_low=expected[0],
            expected_mid=expected[1],
            expected_high=expected[2],
            sample_count=windows.astype(np.int64),
            ready=ready,
            season=_SEASON_OF[look.choice],
            memory=self._memory[look.choice],
            parent=parent & ready,
            weight=influence(np.maximum(high, low)),
            inputs=inputs,
        )

    def _check(
        self, slots: NDArray[np.int32], value: Array, exposure: Array | None, time_us: int
    ) -> NDArray[np.intp]:
        """The slots as an index, all within room, after checking what would otherwise corrupt silently."""
        index = np.asarray(slots, dtype=np.intp)
        k = len(index)
        if len(value) != k or (exposure is not None and len(exposure) != k):
            raise ValueError(
                f"{k} slots, {len(value)} values: must be one value, and one exposure, for each slot"
            )
        if time_us < self._time:
            raise ValueError(
                f"window at {time_us} us comes after one at {self._time} us: windows must be in order"
            )
        if k:
            if int(index.min()) < 0 or int(index.max()) >= self.settings.cap:
                last = self.settings.cap - 1
                raise ValueError(f"slots run from {index.min()} to {index.max()}: must be within 0..{last}")
            self._grow(int(index.max()) + 1)
            place = np.empty(len(self), dtype=np.intp)
            order = np.arange(k)
            place[index] = order
            if not np.array_equal(place[index], order):
                raise ValueError("a slot comes twice in one window: each entity has one value per window")
        return index

    def _grow(self, need: int) -> None:
        have = len(self)
        if need <= have:
            return
        size = min(max(need, 2 * have, 64), max(self.settings.cap, need))
        state = np.zeros((ROWS, size))
        state[:, :have] = self._state
        parents = np.full(size, -1, dtype=np.int32)
        parents[:have] = self._parents
        self._state, self._parents = state, parents
        self._day.grow(size)
        self._week.grow(size)

    # State.

    def _kind(self) -> str:
        """Name and every setting: a state is only taken back by a bank that learns the same way."""
        return f"{type(self).__name__} {self.settings}"

    def to_state(self) -> bytes:
        """Everything learned, as bytes; see `vedette.baselines.snapshot`."""
        arrays: dict[str, NDArray[np.generic]] = {"state": self._state, "parents": self._parents}
        for name, cells in (("day", self._day), ("week", self._week)):
            arrays |= {f"{name}_{part}": array for part, array in cells.state().items()}
        return pack(self._kind(), {"clock": self._clock, "time": self._time}, arrays)

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` of a bank with the same settings gave.

        Raises:
            ValueError: Damaged, or of another family, version or settings. The bank is then unchanged.
        """
        numbers, arrays = unpack(content, self._kind())
        expected = {"state", "parents"} | {
            f"{n}_{p}" for n in ("day", "week") for p in ("row", "mean", "weight")
        }
        if set(arrays) != expected or set(numbers) != {"clock", "time"}:
            raise ValueError(f"baseline state holds {sorted(arrays)}: must hold {sorted(expected)}")
        state, parents = arrays["state"], arrays["parents"]
        if state.ndim != 2 or state.shape[0] != ROWS or parents.shape != state.shape[1:]:
            raise ValueError(f"baseline state has shape {state.shape}: must be ({ROWS}, slots)")
        rhythms = []
        for name, cycles in (("day", 24), ("week", 168)):
            cells = Rhythm(cycles, self.settings.window_us, 7.0 if name == "day" else 4.0)
            if arrays[f"{name}_row"].shape != parents.shape:
                raise ValueError(f"baseline state: {name} rows do not match the slots")
            cells.restore({part: arrays[f"{name}_{part}"] for part in ("row", "mean", "weight")})
            rhythms.append(cells)
        self._state = np.asarray(state, dtype=np.float64)
        self._parents = np.asarray(parents, dtype=np.int32)
        self._clock, self._time = int(numbers["clock"]), int(numbers["time"])
        self._latest = None
        self._day, self._week = rhythms
