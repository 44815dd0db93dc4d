"""A site's everyday requests that look like attacks, weighed against rules that are not sure.

Some applications are asked in SQL, or in markup, by everybody who uses them. What a weak rule says of a request on a
route no longer counts once enough clients have made such requests there on enough days, and were served.

Requests of a day are judged by days before the day before. When a request of a day comes, whatever comes of those
days is late, so what they say is settled: nothing that is sent today changes what is told today, and equal logs in any
batches give equal verdicts. docs/explanation/signatures.md argues for the numbers.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.everyday_days import (
    DAY_US,
    MOST_KEYS,
    WITHIN,
    KeptDay,
    Key,
    OpenDay,
    Served,
    Standing,
    standing,
)
from vedette.detectors.signatures.everyday_rows import Rows, by_day
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.rules import DECISIVE, Rule
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.schema.anomaly import AnomalyType
from vedette.schema.findings import EverydayRequests
from vedette.schema.requests import Requests
from vedette.schema.state import check, decode, encode
from vedette.windows.windower import Timed

WEIGHED: Final[Mapping[AnomalyType, float]] = {
    AnomalyType.SQL_INJECTION: 0.9,
    AnomalyType.XSS: 0.9,
    AnomalyType.PROTOCOL_VIOLATION: 0.9,
    AnomalyType.ABNORMAL_REQUEST: 0.9,
    AnomalyType.COMMAND_INJECTION: 0.86,
    AnomalyType.PATH_TRAVERSAL: 0.86,
    AnomalyType.FILE_INCLUSION: 0.86,
    AnomalyType.SSRF: 0.86,
    AnomalyType.TEMPLATE_INJECTION: 0.86,
}
"""Confidence from which what a rule says always counts, by its type; of other types, it always does.

Applications are asked in queries and in markup, more seldom with commands, paths and addresses in values. None is used
by asking for web shells and for files that are not its own, or with the tools of attackers.
"""
_LONG_AGO: Final = -(10**9)
_OTHER: Final = "(other)"

InForce = Mapping[tuple[str, str], Mapping[int, Standing]]
"""By service and route, the rules whose say does not count there, each with what this rests on."""


class Settled(NamedTuple):
    """What is everyday by the days up to one, and by those before it."""

    day: int
    all: InForce
    before: InForce


def is_weighed(rule: Rule) -> bool:
    """Whether what a rule says may come to be everyday."""
    return rule.confidence < WEIGHED.get(rule.type, 0.0)


class _Told(msgspec.Struct, array_like=True):
    """What was left out of what one rule says on one route."""

    requests: int
    since: int
    days: int
    clients: int
    share: float


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `Everyday` holds; rules by their ids."""

    closed: int
    left_out: int
    open: list[KeptDay]
    known: list[tuple[str, str, str, list[Served]]]
    told: list[tuple[str, str, str, _Told]]


class Everyday:
    """Learns what is everyday, and takes from verdicts what rests on nothing else.

    Args:
        scanner: Whose verdicts they are. lateness: How long after event time a row still counts, microseconds.

    Attributes:
        ids: Of the rules, by number. left_out: Requests that found no room in the tables.
        settled: The last day that is settled, since the epoch, with what is everyday by the days up to it, and by those
            before it; never changed, but replaced.
    """

    def __init__(self, scanner: SignatureScanner, lateness: int) -> None:
        self._scanner = scanner
        self.rules = scanner.rules
        self.ids = tuple(rule.id for rule in self.rules)
        self._lateness = lateness
        self.left_out = 0
        weighed = [number for number, rule in enumerate(self.rules) if is_weighed(rule)]
        # What must not be everyday's, and is enough alone.
        hostile = [
            number
            for number, rule in enumerate(self.rules)
            if not is_weighed(rule) and rule.confidence >= DECISIVE
        ]
        self._weighed, self._hostile = _bitmap(weighed, self.rules), _bitmap(hostile, self.rules)
        self._open: dict[int, OpenDay] = {}
        self._known: dict[Key, list[Served]] = {}
        self._closed = _LONG_AGO
        self.settled = Settled(_LONG_AGO, {}, {})
        self._told: dict[Key, _Told] = {}

    def take(
        self,
        requests: Requests,
        service: NDArray[np.int32],
        services: Sequence[str],
        timed: Timed,
        hits: SignatureHits,
        *,
        tells: bool = True,
    ) -> NDArray[np.bool_] | None:
        """Take a batch in, and from its verdicts what is everyday.

        Args:
            requests: n rows, enriched. service: int32 (n,), numbers into `services`. timed: How they stand in time.
            hits: What is said of them; changed in place. tells: Whether what is taken away is to be told.

        Returns:
            bool (n,): rows that would have been attacks; None if there are none.
        """
        n = len(requests)
        if not n or requests.route is None or requests.client is None:
            return None
        excused: NDArray[np.bool_] | None = None
        rows = Rows(
            requests, service, services, hits, requests.time // DAY_US, np.flatnonzero(hits.decisive())
        )
        # Days of which nothing can come any more once each row has come; they only grow.
        closed = (timed.reached - self._lateness) // DAY_US - 1
        ends = [n] if closed[0] == closed[-1] else [*(np.flatnonzero(np.diff(closed)) + 1).tolist(), n]
        begin = 0
        for end in ends:
            self._close(int(closed[begin]))
            accused = rows.accused[slice(*np.searchsorted(rows.accused, [begin, end]))]
            bits = hits.rule_bits(accused)
            self._count(rows, begin, end, timed, accused, bits)
            usual = self._excuse(rows, accused, bits, tells=tells)
            if len(usual):
                excused = np.zeros(n, dtype=bool) if excused is None else excused
                excused[usual] = True
            begin = end
        return excused

    def weigh(
        self, requests: Requests, service: NDArray[np.int32], services: Sequence[str], hits: SignatureHits
    ) -> NDArray[np.intp]:
        """Take from the verdicts on single lines what is everyday now; they teach nothing, and are not counted.

        Any thread may ask.

        Args:
            requests, service, services, hits: See `take`.

        Returns:
            (k,), the rows that would have been attacks.
        """
        accused = np.flatnonzero(hits.decisive())
        if not len(accused) or requests.route is None:
            return accused[:0]
        rows = Rows(requests, service, services, hits, requests.time // DAY_US, accused)
        return self._excuse(rows, accused, hits.rule_bits(accused), tells=False)

    def account(self) -> list[EverydayRequests]:
        """What was taken for everyday, the most requests first. Any thread may ask."""
        told = [
            EverydayRequests(
                key.service,
                key.route,
                self.rules[key.rule].id if key.rule >= 0 else _OTHER,
                one.requests,
                _date(one.since),
                one.days,
                one.clients,
                round(one.share, 4),
            )
            for key, one in list(self._told.items())
        ]
        return sorted(told, key=lambda one: (-one.requests, one.service, one.route, one.rule))

    def to_state(self) -> bytes:
        """All of it, as bytes."""
        ids = self.ids
        return encode(
            _State(
                self._closed,
                self.left_out,
                [opened.kept(day, ids) for day, opened in sorted(self._open.items())],
                [(key.service, key.route, ids[key.rule], days) for key, days in sorted(self._known.items())],
                [
                    (key.service, key.route, ids[key.rule] if key.rule >= 0 else _OTHER, self._told[key])
                    for key in sorted(self._told)
                ],
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave, without what rules said that are none any more.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "everyday requests")
        check(state.left_out >= 0 and abs(state.closed) <= -_LONG_AGO, "everyday requests")
        numbers = {rule.id: number for number, rule in enumerate(self.rules) if is_weighed(rule)}
        self.left_out = state.left_out
        self._open = {kept.day: OpenDay.of(kept, numbers) for kept in state.open}
        self._known = {
            Key(service, route, numbers[rule]): days
            for service, route, rule, days in state.known
            if rule in numbers
        }
        told = {**numbers, _OTHER: -1}
        self._told = {
            Key(service, route, told[rule]): one for service, route, rule, one in state.told if rule in told
        }
        self._closed = state.closed
        self._settle()

    def _close(self, closed: int) -> None:
        """Keep what was everyday on the days up to this one, of which nothing can come any more."""
        if closed <= self._closed:
            return
        for day in sorted(day for day in self._open if day <= closed):
            self._forget(day)
            for key, served in self._open.pop(day).everyday(day):
                if key in self._known or len(self._known) < MOST_KEYS:
                    self._known.setdefault(key, []).append(served)
                else:
                    self.left_out += served.requests
        self._closed = closed
        self._forget(closed)
        self._settle()

    def _forget(self, day: int) -> None:
        """Forget days that nothing is judged by once this one has closed."""
        oldest = day - WITHIN
        for key, days in list(self._known.items()):
            if days[0].day < oldest:
                days = self._known[key] = [served for served in days if served.day >= oldest]
                if not days:
                    del self._known[key]

    def _settle(self) -> None:
        """What is in force now that another day has closed."""
        self.settled = Settled(self._closed, self._judge(self._closed), self._judge(self._closed - 1))

    def _judge(self, until: int) -> InForce:
        """What is everyday by the days up to this one."""
        found: dict[tuple[str, str], dict[int, Standing]] = {}
        for key, days in self._known.items():
            stands = standing([served for served in days if until - WITHIN < served.day <= until])
            if stands is not None:
                found.setdefault((key.service, key.route), {})[key.rule] = stands
        return found

    def _count(
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
            opened = self._open.setdefault(day, OpenDay())
            for place, number in rows.places(of_day):
                self.left_out += opened.serve(*place, number)
        if not len(accused):
            return
        hostile = (bits & self._hostile).any(axis=1) & counts[accused - begin]
        for day, of_day in by_day(rows.day, accused[hostile]):
            self._open.setdefault(day, OpenDay()).accuse(rows.senders(of_day))
        weighed = served[accused - begin]
        accused, bits = accused[weighed], bits[weighed] & self._weighed
        for day, of_day in by_day(rows.day, accused):
            self._see(self._open[day], rows, of_day, bits[np.searchsorted(accused, of_day)])

    def _see(self, opened: OpenDay, rows: Rows, accused: NDArray[np.intp], bits: NDArray[np.uint8]) -> None:
        """Count rows of one day by the rules that they hit."""
        row, rule = np.nonzero(np.unpackbits(bits, axis=1, bitorder="little"))
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
        senders, ends = sender[once], np.cumsum(once)
        first = np.minimum.reduceat(order, begin)
        stretch = np.append(begin, len(code))
        places: dict[int, tuple[str, str]] = {}
        # In the order of the rows, so that a table that fills up is filled alike however they are batched.
        for number in np.argsort(first).tolist():
            at, since, until = int(first[number]), int(stretch[number]), int(stretch[number + 1])
            number_of_place = int(code[since]) // rules
            place = places.get(number_of_place)
            if place is None:
                place = places[number_of_place] = rows.names(int(row[at]))
            key = Key(*place, int(rule[at]))
            theirs = senders[int(ends[since - 1]) if since else 0 : int(ends[until - 1])]
            self.left_out += opened.see(key, until - since, theirs, known=key in self._known)

    def _excuse(
        self, rows: Rows, accused: NDArray[np.intp], bits: NDArray[np.uint8], *, tells: bool
    ) -> NDArray[np.intp]:
        """Take from verdicts what is everyday; the rows of which nothing is left that makes an attack.

        Args:
            accused: (k,), rows that are attacks. bits: uint8 (k, w), their rules.
        """
        settled = self.settled
        if not len(accused) or not (settled.all or settled.before):
            return accused[:0]
        latest = rows.day[accused] - 2 >= settled.day
        return np.concatenate(
            [
                self._excuse_by(rows, accused[part], bits[part], force, tells=tells)
                for force, part in ((settled.all, latest), (settled.before, ~latest))
            ]
        )

    def _excuse_by(
        self,
        rows: Rows,
        accused: NDArray[np.intp],
        bits: NDArray[np.uint8],
        force: InForce,
        *,
        tells: bool,
    ) -> NDArray[np.intp]:
        """The same, by what is everyday."""
        found = [accused[:0]]
        _, first, which = np.unique(rows.place(accused), return_index=True, return_inverse=True)
        for number, at in enumerate(first.tolist()):
            place = rows.names(int(accused[at]))
            everyday = force.get(place)
            if everyday is None or rows.route[accused[at]] < 0:
                continue
            mine = np.flatnonzero(which == number)
            alike, inverse = np.unique(bits[mine], axis=0, return_inverse=True)
            inverse = inverse.reshape(-1)
            for kind in range(len(alike)):
                same = accused[mine[inverse == kind]]
                if self._weigh(rows, same, alike[kind], place, everyday, tells=tells):
                    found.append(same)
        return np.concatenate(found)

    def _weigh(
        self,
        rows: Rows,
        same: NDArray[np.intp],
        bits: NDArray[np.uint8],
        place: tuple[str, str],
        everyday: Mapping[int, Standing],
        *,
        tells: bool,
    ) -> bool:
        """Whether rows of one route that hit the same rules are no attacks without those that are everyday there."""
        hits = rows.hits
        said = np.flatnonzero(np.unpackbits(bits, bitorder="little")).tolist()
        usual = [rule for rule in said if rule in everyday]
        left = self._scanner.weigh(rule for rule in said if rule not in everyday)
        if not usual or np.float32(left.confidence) >= np.float32(hits.least):
            return False
        hits.confidence[same], hits.plain[same] = left.confidence, left.plain
        hits.types[same], hits.top_rule[same] = left.types, left.top_rule
        if any(self.rules[rule].band is not None for rule in usual):
            # The model's score goes with the rule that stands for it.
            hits.payload[same] = np.nan
        if tells:
            since = int(rows.requests.time[same].min())
            for rule in usual:
                self._tell(Key(*place, rule), len(same), since, everyday[rule])
        return True

    def _tell(self, key: Key, requests: int, since: int, stands: Standing) -> None:
        told = self._told.get(key)
        if told is None and len(self._told) >= MOST_KEYS:
            key = Key(_OTHER, _OTHER, -1)
            told = self._told.get(key)
        if told is None:
            told = self._told[key] = _Told(0, since, 0, 0, 0.0)
        told.requests += requests
        told.since = min(told.since, since)
        told.days, told.clients, told.share = stands


def _bitmap(numbers: Sequence[int], rules: Sequence[Rule]) -> NDArray[np.uint8]:
    bits = np.zeros(8 * max(1, (len(rules) + 7) // 8), dtype=np.uint8)
    bits[list(numbers)] = 1
    return np.packbits(bits, bitorder="little")


def _date(time: int) -> str:
    """The day of a time, ISO 8601."""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).date().isoformat()
    except OverflowError:
        return "unknown"
