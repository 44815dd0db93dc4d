"""What somebody called a false alarm, and is not to be told again: counted, and left out.

An exception of requests takes one rule's say from requests on one route, where the rule matched in one place: the
request is judged again without what stands there, and if the rule then says nothing, its say was all about that
place. What other rules say of the request stays. An exception of windows leaves out statements of one detector about
one entity at some hours of the week, up to the size that was called false.
"""

from collections.abc import Sequence
from urllib.parse import unquote_plus

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.config.exceptions import ExceptionRule
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Silenced
from vedette.schema.requests import NOT_RECORDED, Coded, Requests
from vedette.schema.state import decode, encode

MOST_JUDGED = 2_000
"""Distinct requests of a batch that are judged again; of more, the rest is told: an attacker may choose them."""


class Count(msgspec.Struct):
    """What one exception has left out."""

    requests: int = 0
    anomalies: int = 0


class Exceptions:
    """The exceptions of one run. Nothing is left out uncounted."""

    def __init__(self, exceptions: Sequence[ExceptionRule], scanner: SignatureScanner) -> None:
        self._scanner = scanner
        self._all = tuple(exceptions)
        self._counts = {each.id: Count() for each in exceptions}
        number = {rule.id: place for place, rule in enumerate(scanner.rules)}
        self._of_requests = [(each, number[each.rule]) for each in exceptions if each.rule in number]
        self._ruleless = {each.id for each in exceptions if each.rule is not None and each.rule not in number}
        self._of_windows: dict[tuple[str, str], list[ExceptionRule]] = {}
        for each in exceptions:
            if each.detector is not None:
                self._of_windows.setdefault((each.service, each.detector), []).append(each)
        self._latest = 0

    def excuse(
        self, requests: Requests, service: NDArray[np.int32], services: Sequence[str], hits: SignatureHits
    ) -> None:
        """Take from a batch's verdicts what is excepted.

        Args:
            requests: Enriched. service: int32 (n,), numbers into `services`. hits: Its verdicts; changed in place.
        """
        if len(requests):
            self._latest = max(self._latest, int(requests.time.max()))
        if not self._of_requests or requests.route is None:
            return
        hit = np.flatnonzero(hits.types)
        if not len(hit):
            return
        excused: dict[int, set[int]] = {}
        same: dict[int, NDArray[np.intp]] = {}
        for each, rule in self._of_requests:
            rows = self._candidates(each, requests, service, services, hit)
            distinct, inverse = _distinct(requests, rows)
            looked_at = [
                (place, row) for place, row in enumerate(distinct[:MOST_JUDGED]) if rule in hits.rules(row)
            ]
            again = without(requests, [row for _, row in looked_at], each.place or "request")
            still = set() if again is None else self._still(again, rule)
            for order, (place, row) in enumerate(looked_at):
                if order not in still:
                    mine = rows[inverse == place]
                    self._counts[each.id].requests += len(mine)
                    excused.setdefault(row, set()).add(rule)
                    same[row] = mine
        for row, rules in excused.items():
            self._judge(hits, row, same[row], rules)

    def silences(self, anomaly: Anomaly) -> bool:
        """Whether a statement about a window is not to be told; it is counted then."""
        for each in self._of_windows.get((anomaly.service, anomaly.detector), ()):
            if covers(each, anomaly):
                self._counts[each.id].anomalies += 1
                return True
        return False

    def account(self, end: int | None) -> list[Silenced]:
        """What each exception left out.

        Args:
            end: The last time of the log that is believed, microseconds; None in a log too short to tell.
        """
        end = self._latest if end is None else end
        return [
            Silenced(
                each.id,
                str(each),
                each.expires.isoformat(),
                end >= each.ends,
                each.id in self._ruleless,
                self._counts[each.id].requests,
                self._counts[each.id].anomalies,
            )
            for each in self._all
        ]

    def to_state(self) -> bytes:
        """What was left out, by exception, as bytes."""
        counts = {name: (count.requests, count.anomalies) for name, count in self._counts.items()}
        return encode((self._latest, counts))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave, of exceptions that there still are.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        self._latest, counts = decode(content, tuple[int, dict[str, tuple[int, int]]], "exceptions")
        self._counts = {name: Count(*counts.get(name, (0, 0))) for name in self._counts}

    @staticmethod
    def _candidates(
        each: ExceptionRule,
        requests: Requests,
        service: NDArray[np.int32],
        services: Sequence[str],
        hit: NDArray[np.intp],
    ) -> NDArray[np.intp]:
        assert requests.route is not None  # noqa: S101 -- `excuse` looked
        if each.service not in services:
            return hit[:0]
        rows = hit[service[hit] == list(services).index(each.service)]
        rows = rows[requests.time[rows] < each.ends]
        route = (each.route or "").encode("utf-8", "surrogateescape")
        ids = [number for number, text in enumerate(requests.route.vocabulary) if text == route]
        there: NDArray[np.intp] = rows[np.isin(requests.route.ids[rows], ids)]
        return there

    def _still(self, requests: Requests, rule: int) -> set[int]:
        """Rows that hit a rule."""
        hits = self._scanner.judge(requests)
        return {row for row in np.flatnonzero(hits.types).tolist() if rule in hits.rules(row)}

    def _judge(self, hits: SignatureHits, row: int, rows: NDArray[np.intp], excused: set[int]) -> None:
        """Write down what is left of the verdicts on rows that are alike."""
        left = self._scanner.weigh(rule for rule in hits.rules(row) if rule not in excused)
        hits.confidence[rows], hits.plain[rows] = left.confidence, left.plain
        hits.types[rows], hits.top_rule[rows] = left.types, left.top_rule
        if any(self._scanner.rules[rule].band is not None for rule in excused):
            # The model's score goes with the rule that stands for it.
            hits.payload[rows] = np.nan


def covers(each: ExceptionRule, anomaly: Anomaly) -> bool:
    """Whether an exception of windows is about a statement."""
    if each.entity is None or each.detector != anomaly.detector or each.service != anomaly.service:
        return False
    return (
        each.type is anomaly.type
        and each.entity.kind is anomaly.entity.kind
        and each.entity.value == anomaly.entity.value
        and each.at(anomaly.start)
        and (each.up_to is None or anomaly.observed <= each.up_to)
        and (each.down_to is None or anomaly.observed >= each.down_to)
    )


def without(requests: Requests, rows: Sequence[int], place: str) -> Requests | None:
    """Some rows without what stands in one place of them; None of none, or of the place that is all of a request."""
    if not rows or place == "request":
        return None
    part = requests.select(np.array(rows, dtype=np.intp))
    if place in ("user_agent", "referer"):
        column: Coded = getattr(part, place)
        blank = replace(column, ids=np.full(len(rows), NOT_RECORDED, dtype=np.int32))
        return replace(part, user_agent=blank) if place == "user_agent" else replace(part, referer=blank)
    targets = [requests.target[row] for row in rows]
    return replace(part, target=Coded.of([None if t is None else _without(t, place) for t in targets]))


def _without(target: bytes, place: str) -> bytes:
    path, mark, query = target.partition(b"?")
    if place == "path":
        return b"/" + mark + query
    name = place.removeprefix("parameter ")
    return path + mark + b"&".join(pair for pair in query.split(b"&") if parameter(pair) != name)


def parameter(pair: bytes) -> str:
    """The name in `name=value`, decoded."""
    return unquote_plus(pair.partition(b"=")[0].decode("utf-8", "replace"))[:200]


def _distinct(requests: Requests, rows: NDArray[np.intp]) -> tuple[list[int], NDArray[np.intp]]:
    """One row for each that differs in a judged text, and of which of them each row is."""
    columns = (requests.target, requests.referer, requests.user_agent, requests.method, requests.protocol)
    key = np.stack([column.ids[rows] for column in columns] + [requests.flags[rows].astype(np.int32)], axis=1)
    _, first, inverse = np.unique(key, axis=0, return_index=True, return_inverse=True)
    return rows[first].tolist(), inverse.reshape(-1)
