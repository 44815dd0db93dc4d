"""Which routes are asked for at the same time of every day, or every hour, and which were not."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.statistical.recurrence import APART, SAME_MINUTE, SAME_TIME
from vedette.detectors.statistical.room import with_room
from vedette.schema.spans import DAY_US, HOUR_US
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack

_BEGIN, _LAST, _NOW, _LEAST, _NIGHTS, _HOURS, _WEEKEND, _DUE = range(8)
_COLUMNS: Final = 8
_MONDAY: Final = 3
"""The epoch began on a Thursday: days to add so that 0 of a week is a Monday."""

Times = NDArray[np.int64]

_NONE: Final[Times] = np.zeros(0, dtype=np.int64)
_NEVER: Final = 2**62


class Appointments:
    """Remembers when each slot's runs of requests began, as far as they come by the clock.

    A run ends with `APART` without a request. It comes by the clock if it began a day after the one before (give or
    take `SAME_TIME`), or an hour after it (`SAME_MINUTE`): what comes in between, too, has no appointment.

    Args:
        nights, hours: Runs in a row that make an appointment, of days and of hours. least: Requests of each run.
    """

    def __init__(self, *, nights: int, hours: int, least: int) -> None:
        self._nights, self._hours, self._least = nights, hours, least
        self._table: Times = np.zeros((0, _COLUMNS), dtype=np.int64)
        self._heard_since = self._heard = 0
        self._soonest = _NEVER
        """No run is due before; where one is due later by now, nothing is lost but a look."""

    def learn(self, slots: NDArray[np.int32], requests: NDArray[np.float64], start: int) -> None:
        """Take a window in.

        Args:
            slots: int32 (k,), distinct, all with requests. requests: float64 (k,). start: Of the window, microseconds.
        """
        self._table = with_room(self._table, int(slots.max(initial=-1)) + 1)
        if start - self._heard >= SAME_TIME:
            # What was silent for so long may be the log.
            self._heard_since = start
        self._heard = start
        table = self._table
        begin = slots[start - table[slots, _LAST] >= APART]
        if len(begin):
            rows = self._begun(table[begin], start)
            table[begin] = rows
            due = rows[:, _DUE]
            self._soonest = min(self._soonest, int(due[due > 0].min(initial=_NEVER)))
        table[slots, _NOW] += requests.astype(np.int64)
        table[slots, _LAST] = start

    def missed(self, end: int) -> Times:
        """Slots whose run should have begun long enough before the end of a window; each is told once."""
        if self._soonest >= end:
            return _NONE
        due = np.flatnonzero((self._table[:, _DUE] > 0) & (self._table[:, _DUE] < end))
        # Who was not heard when it should have come does not know whether it did.
        heard = due[self.expected(due) > self._heard_since]
        self._table[due, _DUE] = 0
        self._look_ahead()
        return heard

    def expected(self, slots: Times) -> Times:
        """When the next run of each should begin."""
        rows = self._table[slots]
        begin: Times = rows[:, _BEGIN] + np.where(rows[:, _NIGHTS] >= self._nights, DAY_US, HOUR_US)
        return begin

    def runs(self, slot: int) -> tuple[int, int, int]:
        """How many runs in a row came by the clock, how far apart (microseconds), and the requests of the least."""
        row = self._table[slot]
        daily = int(row[_NIGHTS]) >= self._nights
        period = DAY_US if daily else HOUR_US
        return int(row[_NIGHTS if daily else _HOURS]), period, int(min(row[_LEAST], row[_NOW]))

    def unheard(self, until: int) -> None:
        """Take note that nothing is known of the time before."""
        self._heard_since = until

    def _begun(self, rows: Times, start: int) -> Times:
        """Rows whose run begins now."""
        since = start - rows[:, _BEGIN]
        enough = rows[:, _NOW] >= self._least
        weekend = np.full(len(rows), (start // DAY_US + _MONDAY) % 7 >= 5)
        nightly = enough & (abs(since - DAY_US) <= SAME_TIME)
        hourly = enough & (abs(since - HOUR_US) <= SAME_MINUTE)
        goes_on = nightly | hourly
        rows[:, _LEAST] = np.where(
            goes_on & (rows[:, _LEAST] > 0), np.minimum(rows[:, _LEAST], rows[:, _NOW]), rows[:, _NOW]
        )
        rows[:, _NIGHTS] = np.where(nightly, rows[:, _NIGHTS] + 1, 1)
        rows[:, _HOURS] = np.where(hourly, rows[:, _HOURS] + 1, 1)
        rows[:, _WEEKEND] = np.where(goes_on & (rows[:, _WEEKEND] > 0), 1, weekend)
        rows[:, _BEGIN], rows[:, _NOW] = start, 0
        # Work that rests at weekends is not missed at the first.
        tomorrow = (start + DAY_US) // DAY_US
        unknown = (tomorrow + _MONDAY) % 7 >= 5
        nights = (rows[:, _NIGHTS] >= self._nights) & ((rows[:, _WEEKEND] > 0) | (not unknown))
        # A clock that was put back or forward an hour is waited for.
        wait = np.where(nights, DAY_US + HOUR_US, HOUR_US + SAME_TIME)
        rows[:, _DUE] = np.where(nights | (rows[:, _HOURS] >= self._hours), start + wait, 0)
        return rows

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode((self._heard_since, self._heard, pack(self._table)))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        since, heard, packed = decode(content, tuple[int, int, PackedArray], "appointments")
        table = unpack(packed, np.int64, (None, _COLUMNS), "appointments")
        check(bool((table[:, _NOW:_DUE] >= 0).all()), "appointments")
        self._heard_since, self._heard, self._table = since, heard, table
        self._look_ahead()

    def _look_ahead(self) -> None:
        due = self._table[:, _DUE]
        self._soonest = int(due[due > 0].min(initial=_NEVER))
