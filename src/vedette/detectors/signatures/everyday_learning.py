"""What is everyday, learned day by day from requests that looked like attacks and were served."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.everyday_days import (
    MOST_KEYS,
    WITHIN,
    Key,
    OpenDay,
    Served,
    Standing,
    standing,
)
from vedette.detectors.signatures.everyday_rows import Rows, by_day
from vedette.detectors.signatures.everyday_rules import is_weighed
from vedette.detectors.signatures.rules import DECISIVE, Rule
from vedette.schema.spans import DAY_US
from vedette.windows.event_time import Timed

LONG_AGO: Final = -(10**9)
"""Before any day."""

InForce = Mapping[tuple[str, str], Mapping[int, Standing]]
"""By service and route, the rules whose say does not count there, each with what this rests on."""


class Settled(NamedTuple):
    """What is everyday by the days up to one, and by those before it."""

    day: int
    all: InForce
    before: InForce


class EverydayLearning:
    """Counts days that are open, remembers those that are closed, and says what is everyday by these.

    Args:
        rules: By their numbers.

    Attributes:
        open: Days that may still get requests. known: What was everyday on days that are closed, by rule and route.
        closed: The last day of which nothing can come any more. left_out: Requests that found no room in the tables.
        settled: What is in force; never changed, but replaced.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        weighed = [number for number, rule in enumerate(rules) if is_weighed(rule)]
        # What must not be everyday's, and is enough alone.
        hostile = [
            number
            for number, rule in enumerate(rules)
            if not is_weighed(rule) and rule.confidence >= DECISIVE
        ]
        self._weighed, self._hostile = _bitmap(weighed, rules), _bitmap(hostile, rules)
        self.open: dict[int, OpenDay] = {}
        self.known: dict[Key, list[Served]] = {}
        self.closed = LONG_AGO
        self.left_out = 0
        self.settled = Settled(LONG_AGO, {}, {})

    def close(self, closed: int) -> None:
        """Keep what was everyday on the days up to this one, of which nothing can come any more."""
        if closed <= self.closed:
            return
        for day in sorted(day for day in self.open if day <= closed):
            self._forget(day)
            for key, served in self.open.pop(day).everyday(day):
                if key in self.known or len(self.known) < MOST_KEYS:
                    self.known.setdefault(key, []).append(served)
                else:
                    self.left_out += served.requests
        self.closed = closed
        self._forget(closed)
        self.settle()

    def count(
        self,
        rows: Rows,
        begin: int,
        end: int,
        timed: Timed,
        accused: NDArray[np.intp],
        bits: NDArray[np.uint8],
    ) -> None:
        """Count a stretch of rows.

        Args:
            begin, end: The rows. accused: (k,), of them, those that are attacks as yet. bits: uint8 (k, w), their
                rules.
        """
        # Times that nobody believes yet would open any number of days.
        part = slice(begin, end)
        counts = timed.late[part] == 0
        counts &= rows.day[part] <= timed.reached[part] // DAY_US + 1
        served = counts & (rows.requests.status[part] >= 200) & (rows.requests.status[part] < 400)
        taken = np.flatnonzero(served) + begin
        for day, of_day in by_day(rows.day, taken):
            opened = self.open.setdefault(day, OpenDay())
            for place, number in rows.places(of_day):
                self.left_out += opened.serve(*place, number)
        if not len(accused):
            return
        hostile = (bits & self._hostile).any(axis=1) & counts[accused - begin]
        for day, of_day in by_day(rows.day, accused[hostile]):
            self.open.setdefault(day, OpenDay()).accuse(rows.senders(of_day))
        weighed = served[accused - begin]
        accused, bits = accused[weighed], bits[weighed] & self._weighed
        for day, of_day in by_day(rows.day, accused):
            self._see(self.open[day], rows, of_day, bits[np.searchsorted(accused, of_day)])

    def settle(self) -> None:
        """What is in force now that another day has closed."""
        self.settled = Settled(self.closed, self._judge(self.closed), self._judge(self.closed - 1))

    def _forget(self, day: int) -> None:
        """Forget days that nothing is judged by once this one has closed."""
        oldest = day - WITHIN
        for key, days in list(self.known.items()):
            if days[0].day < oldest:
                days = self.known[key] = [served for served in days if served.day >= oldest]
                if not days:
                    del self.known[key]

    def _judge(self, until: int) -> InForce:
        """What is everyday by the days up to this one."""
        found: dict[tuple[str, str], dict[int, Standing]] = {}
        for key, days in self.known.items():
            stands = standing([served for served in days if until - WITHIN < served.day <= until])
            if stands is not None:
                found.setdefault((key.service, key.route), {})[key.rule] = stands
        return found

    def _see(self, opened: OpenDay, rows: Rows, accused: NDArray[np.intp], bits: NDArray[np.uint8]) -> None:
        """Count rows of one day by the rules that they hit."""
        row, rule = _set_bits(bits)
        row = accused[row]
        told = np.flatnonzero(rows.route[row] >= 0)
        row, rule = row[told], rule[told]
        if not len(row):
            return
        rules = 8 * bits.shape[1]
        code = rows.place(row) * rules + rule
        named, sender = rows.hashes(row)
        # By place and rule, each with its senders in order.
        order = np.lexsort((sender, code))
        code, sender, named = code[order], sender[order], named[order]
        begin = np.flatnonzero(np.diff(code, prepend=-1))
        once = named.copy()
        once[1:] &= (sender[1:] != sender[:-1]) | (code[1:] != code[:-1]) | ~named[:-1]
        senders: list[int] = sender[once].tolist()
        end = np.append(begin[1:], len(code))
        last_sender = np.cumsum(once)[end - 1]
        first = np.minimum.reduceat(order, begin)
        # In the order of the rows, so that a table that fills up is filled alike however they are batched.
        turn = np.argsort(first)
        of_place, of_rule = np.divmod(code[begin], rules)
        stretches = zip(
            row[first[turn]].tolist(),
            of_place[turn].tolist(),
            of_rule[turn].tolist(),
            (end - begin)[turn].tolist(),
            np.append(0, last_sender[:-1])[turn].tolist(),
            last_sender[turn].tolist(),
            strict=True,
        )
        places: dict[int, tuple[str, str]] = {}
        for at, number, hit, requests, since, until in stretches:
            place = places.get(number)
            if place is None:
                place = places[number] = rows.names(at)
            key = Key(*place, hit)
            self.left_out += opened.see(key, requests, senders[since:until], known=key in self.known)


def _set_bits(bits: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and number of each bit that is set, in order; bits: uint8 (k, w). Few bytes hold one."""
    flat = bits.reshape(-1)
    byte = np.flatnonzero(flat != 0)
    one = np.flatnonzero(np.unpackbits(flat[byte], bitorder="little").view(np.bool_))
    row, place = np.divmod(byte[one >> 3], bits.shape[1])
    return row, place * 8 + (one & 7)


def _bitmap(numbers: Sequence[int], rules: Sequence[Rule]) -> NDArray[np.uint8]:
    bits = np.zeros(8 * max(1, (len(rules) + 7) // 8), dtype=np.uint8)
    bits[list(numbers)] = 1
    return np.packbits(bits, bitorder="little")
