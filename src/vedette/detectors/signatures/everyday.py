"""A site's everyday requests that look like attacks, weighed against rules that are not sure.

Some applications are asked in SQL, or in markup, by everybody who uses them. What a weak rule says of a request on a
route no longer counts once enough clients have made such requests there on enough days, and were served.

Requests of a day are judged by days before the day before. When a request of a day comes, whatever comes of those
days is late, so what they say is settled: nothing that is sent today changes what is told today, and equal logs in any
batches give equal verdicts. docs/explanation/signatures.md argues for the numbers.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.everyday_account import OTHER, EverydayAccount, Told
from vedette.detectors.signatures.everyday_days import KeptDay, Key, OpenDay, Served, Standing
from vedette.detectors.signatures.everyday_learning import LONG_AGO, EverydayLearning, InForce, Settled
from vedette.detectors.signatures.everyday_rows import Rows
from vedette.detectors.signatures.everyday_rules import is_weighed
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.schema.findings import EverydayRequests
from vedette.schema.requests import Requests
from vedette.schema.spans import DAY_US
from vedette.schema.state import check, decode, encode
from vedette.windows.event_time import Timed


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `Everyday` holds; rules by their ids."""

    closed: int
    left_out: int
    open: list[KeptDay]
    known: list[tuple[str, str, str, list[Served]]]
    told: list[tuple[str, str, str, Told]]


class Everyday:
    """Learns what is everyday, and takes from verdicts what rests on nothing else.

    Args:
        scanner: Whose verdicts they are. lateness: How long after event time a row still counts, microseconds.

    Attributes:
        ids: Of the rules, by number. learning: What it learned.
    """

    def __init__(self, scanner: SignatureScanner, lateness: int) -> None:
        self._scanner = scanner
        self.rules = scanner.rules
        self.ids = tuple(rule.id for rule in self.rules)
        self._lateness = lateness
        self.learning = EverydayLearning(self.rules)
        self._account = EverydayAccount()

    @property
    def settled(self) -> Settled:
        """The last day that is settled, since the epoch, with what is everyday by the days up to it, and before it."""
        return self.learning.settled

    @property
    def left_out(self) -> int:
        """Requests that found no room in the tables."""
        return self.learning.left_out

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
            self.learning.close(int(closed[begin]))
            accused = rows.accused[slice(*np.searchsorted(rows.accused, [begin, end]))]
            bits = hits.rule_bits(accused)
            self.learning.count(rows, begin, end, timed, accused, bits)
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
        return self._account.rows(self.ids)

    def to_state(self) -> bytes:
        """All of it, as bytes."""
        ids, learning, told = self.ids, self.learning, self._account.told
        return encode(
            _State(
                learning.closed,
                learning.left_out,
                [opened.kept(day, ids) for day, opened in sorted(learning.open.items())],
                [
                    (key.service, key.route, ids[key.rule], days)
                    for key, days in sorted(learning.known.items())
                ],
                [
                    (key.service, key.route, ids[key.rule] if key.rule >= 0 else OTHER, told[key])
                    for key in sorted(told)
                ],
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave, without what rules said that are none any more.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "everyday requests")
        check(state.left_out >= 0 and abs(state.closed) <= -LONG_AGO, "everyday requests")
        numbers = {rule.id: number for number, rule in enumerate(self.rules) if is_weighed(rule)}
        learning = self.learning
        learning.left_out = state.left_out
        learning.open = {kept.day: OpenDay.of(kept, numbers) for kept in state.open}
        learning.known = {
            Key(service, route, numbers[rule]): days
            for service, route, rule, days in state.known
            if rule in numbers
        }
        told = {**numbers, OTHER: -1}
        self._account.told = {
            Key(service, route, told[rule]): one for service, route, rule, one in state.told if rule in told
        }
        learning.closed = state.closed
        learning.settle()

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
                self._account.tell(Key(*place, rule), len(same), since, everyday[rule])
        return True
