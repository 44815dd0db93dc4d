"""Judging single lines and small batches at once, by what needs no window.

That is: parse, find the client, ask the signatures and the site's own habits.

A batch of one row is most of the work of one of a thousand: each compiled loop costs microseconds to call. So a single
line's texts are held against what is known of them by a plain dictionary first, and only a text that is new is looked
at. What is answered is what a batch would be told (`detectors.signatures`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv6Address, IPv6Network
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import printable
from vedette.detectors.parameters.glance import HOSTILE, UNSERVED, USUAL, Glance, Looks
from vedette.detectors.parameters.habits import Habits
from vedette.detectors.signatures.everyday import Everyday
from vedette.detectors.signatures.evidence import Match
from vedette.detectors.signatures.hits import SignatureHits, types_of
from vedette.detectors.signatures.opinions import ANOMALOUS, MEMBERS, NO_MARK
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.excusing import Exceptions
from vedette.engine.line_logs import log_of, logs, shown
from vedette.engine.line_reader import SOURCE, LineReader, ReadLines
from vedette.engine.row import Row
from vedette.engine.verdicts import of_row
from vedette.enrich.client import format_client
from vedette.enrich.enrich import Enricher
from vedette.fusion.fusing import any_of
from vedette.parsers.sniff import Choice
from vedette.schema.chunk import Chunk
from vedette.schema.judged import NO_HABITS, Habit, JudgedLine, Opinion, RuleMatch
from vedette.schema.requests import Coded, RequestFlag, Requests, Vocabulary
from vedette.windows.distinct import distinct_codes

FEW = 4
"""Rows of one format that are judged text by text; of more, a batch costs less."""
REMEMBERED = 1 << 15
"""Texts that are known to be harmless, and requests whose verdict is known, at most."""
REMEMBERED_BYTES = 512
"""Longer texts are not remembered: 16 MB once the memory is full of such."""
_ABSTAINS = -math.inf
"""Stands for a payload model that did not look: unlike NaN, it equals itself, and can be found again."""
_UNREAD = "not an access log line ({}): no known format fits it"


Key = tuple[int, tuple[bytes | None, ...]]
"""What a verdict rests on: the flags of a request, and its judged texts."""


class Verdict(NamedTuple):
    """What is said of one request; see `JudgedLine`."""

    confidence: float
    is_attack: bool
    types: tuple[str, ...]
    matches: tuple[RuleMatch, ...]
    score: float
    evidence: tuple[Opinion, ...]
    habit: Habit = NO_HABITS
    everyday: bool = False

    @property
    def is_anomaly(self) -> bool:
        """Whether it is called anomalous: it is as likely as not, or unlike the site."""
        return self.score >= ANOMALOUS or bool(self.habit.is_anomaly)


_NOT_HTTP = int(RequestFlag.NOT_HTTP)
_FIRST = np.zeros(1, dtype=np.int64)
"""Of a single row, the first of what is said."""
NOTHING = Verdict(0.0, False, (), (), 0.0, (), Habit("abstains", None, None, "it is not an access log line"))
"""Of a line that could not be read."""


class Told(NamedTuple):
    """What is said of rows: some verdicts, and which of them is said of each row."""

    verdicts: list[Verdict]
    which: NDArray[np.integer[Any]]


class JudgedPart(NamedTuple):
    """What is said of the lines of one call that one format read.

    Attributes:
        read: The lines. clients: Who sent each, as an address or name of its own.
        verdicts: What is said. which: int (n,), which of them is said of each row.
    """

    read: ReadLines
    clients: Coded
    verdicts: list[Verdict]
    which: NDArray[np.integer[Any]]

    @property
    def anomalies(self) -> int:
        """How many rows are called anomalous."""
        counts = np.bincount(self.which, minlength=len(self.verdicts)).tolist()
        return sum(count for count, verdict in zip(counts, self.verdicts, strict=True) if verdict.is_anomaly)


class JudgedLines(NamedTuple):
    """What is said of many lines: of each in one of the parts, or why it was not read, by its place."""

    parts: list[JudgedPart]
    unread: dict[int, str]


class LineJudge:
    """Judges lines without windows. Any thread may use it; they take turns.

    Args:
        scanner: The signatures; of its own, since a scan uses scratch space.
        choose: Finds the format of a sample. enricher: Of its own, too.
        exceptions: What somebody called a false alarm; None for nothing.
        habits: The site's own, as far as they are learned now; None where nobody learns them.
        everyday: What the site is asked every day, likewise.
    """

    def __init__(
        self,
        scanner: SignatureScanner,
        choose: Callable[[Chunk], Choice],
        enricher: Enricher,
        exceptions: Exceptions | None = None,
        habits: Callable[[], Habits | None] | None = None,
        everyday: Callable[[], Everyday | None] | None = None,
    ) -> None:
        self._scanner = scanner
        self._everyday = everyday
        self._ids = tuple(rule.id for rule in scanner.rules)
        self._habits = habits
        self._glance: Glance | None = None
        self._habit = NO_HABITS if habits is None else USUAL
        self._enricher = enricher
        self._exceptions = exceptions
        self._reader = LineReader(choose)
        self._odd = scanner.odd_flags
        self._harmless: dict[tuple[int, bytes], float] = {}
        self._quiet: dict[float, Verdict] = {}
        self._known: dict[Key, Verdict] = {}
        # Most requests hold nothing to go by.
        self._usual = self._silent(float(NO_MARK))
        self._services: dict[bytes | None, str] = {}
        self._routes: dict[bytes, bytes] = {}
        self._addresses: dict[tuple[bytes | None, bytes], bytes | None] = {}
        self._turn = Lock()

    @property
    def weights(self) -> Mapping[str, float]:
        """How much each member's evidence counts, by name."""
        return self._scanner.opinions.weights

    def reweigh(self, weights: Sequence[float]) -> None:
        """Let members' evidence count otherwise from now on; weights are in the order of `MEMBERS`."""
        with self._turn:
            self._scanner.opinions = self._scanner.opinions.weighed(weights)
            self._quiet.clear()
            self._known.clear()
            self._usual = self._silent(float(NO_MARK))

    def remember_with(self, scanner: SignatureScanner) -> None:
        """Let a scanner of another thread know what is found in texts, and this one what that one finds.

        Lines that are asked about are learned from, too, and would else be searched twice.
        """
        with self._turn:
            self._scanner.remember_with(scanner)

    def judge(self, lines: Sequence[bytes], sessions: Sequence[str | None]) -> list[JudgedLine]:
        """What is said of each line, in order. Never raises for what they hold.

        Args:
            lines: Without newlines, in any known format.
            sessions: Of each, the session or stream it belongs to: its lines are likely of one format.
        """
        if len(lines) == 1:
            single = self._judge_single(lines[0], sessions[0])
            if single is not None:
                return [single]
        parts, unread = self.judge_all(lines, sessions)
        judged: list[JudgedLine | None] = [None] * len(lines)
        for place, reason in unread.items():
            judged[place] = JudgedLine(None, reason, *NOTHING)
        for part in parts:
            told = zip(
                part.read.place.tolist(), logs(part.read, part.clients), part.which.tolist(), strict=True
            )
            for place, log, which in told:
                judged[place] = JudgedLine(log, None, *part.verdicts[which])
        return [line for line in judged if line is not None]

    def judge_all(self, lines: Sequence[bytes], sessions: Sequence[str | None]) -> JudgedLines:
        """The same, as columns.

        Args:
            lines, sessions: See `judge`.
        """
        with self._turn:
            read, reasons = self._reader.read(lines, sessions)
            parts = [
                JudgedPart(part, self._clients(part.requests), *self._told(part.requests)) for part in read
            ]
        return JudgedLines(parts, {place: _UNREAD.format(why.value) for place, why in reasons.items()})

    def _judge_single(self, line: bytes, session: str | None) -> JudgedLine | None:
        """What is said of a plain line that nothing hits, or that is known; None of others."""
        with self._turn:
            read = self._reader.read_single(line, session)
            if read is None:
                return None
            name, request = read
            client = request.peer
            if request.forwarded is not None:
                walked = request.peer, request.forwarded
                if walked not in self._addresses:
                    return None
                client = self._addresses[walked]
            row = Row.of_single(request)
            verdict = self._recall(row, request.targets)
            if verdict is None:
                return None
            glance = self._glance_now()
            if glance is not None:
                verdict = _with_habit(verdict, self._habit_of(glance, row, verdict, request.targets))
            elif self._habits is not None:
                verdict = _with_habit(verdict, NO_HABITS)
        return JudgedLine(log_of(request, client, name), None, *verdict)

    def _glance_now(self) -> Glance | None:
        """What looks at the habits as they are learned now; None where nobody does."""
        habits = None if self._habits is None else self._habits()
        if habits is None:
            return None
        if self._glance is None or self._glance.habits is not habits:
            self._glance = Glance(habits)
        return self._glance

    def _told(self, requests: Requests) -> Told:
        """What is said of each row, by all."""
        rows = [Row.of(requests, row) for row in range(len(requests))] if len(requests) <= FEW else []
        said = self._verdicts(requests, rows)
        if self._habits is None:
            return said
        glance = self._glance_now()
        if glance is None:
            looks = Looks([NO_HABITS], np.zeros(len(requests), dtype=np.int64))
        elif len(rows) == 1:
            (verdict,), (row,) = said.verdicts, rows
            targets = Vocabulary.of([row.target or b""])
            habit = self._habit_of(glance, row, verdict, targets, requests)
            return Told([_with_habit(verdict, habit)], _FIRST)
        else:
            looks = self._look(glance, requests, said)
        # Few different things are said of many rows.
        pairs, which = distinct_codes(
            said.which * len(looks.habits) + looks.which, len(said.verdicts) * len(looks.habits)
        )
        both = [divmod(pair, len(looks.habits)) for pair in pairs.tolist()]
        return Told([_with_habit(said.verdicts[one], looks.habits[other]) for one, other in both], which)

    def _habit_of(
        self,
        glance: Glance,
        row: Row,
        verdict: Verdict,
        targets: Vocabulary,
        requests: Requests | None = None,
    ) -> Habit:
        """What the site's habits say of a single row.

        Args:
            targets: Its target, the only text. requests: The batch of it alone; None if all about it is plain.
        """
        if row.status >= HTTPStatus.BAD_REQUEST:
            return UNSERVED
        if verdict.is_attack or verdict.everyday:
            return HOSTILE
        route: bytes | None
        # An application that names its routes may name two for one path.
        if requests is not None and (
            row.target is None or requests.template is not None or row.flags & _NOT_HTTP
        ):
            route = self._enricher.routes.fold(requests)[0]
        else:
            route = self._route_of(targets, row.target or b"")
        return glance.one(self._named(SOURCE, row.service), route, row.method, targets, row.target)

    def _look(self, glance: Glance, requests: Requests, said: Told) -> Looks:
        hostile = np.array([one.is_attack or one.everyday for one in said.verdicts])[said.which]
        routes = self._enricher.routes.fold(requests)
        hosts = requests.service
        names = [self._named(requests.source, host) for host in (*hosts.vocabulary, None)]
        # Of rows that tell none, the last.
        numbers = np.where(hosts.ids < 0, np.int32(len(names) - 1), hosts.ids)
        return glance.look(requests, routes, numbers, names, hostile)

    def _route_of(self, targets: Vocabulary, target: bytes) -> bytes:
        """The route of a target, the only one of some texts."""
        path = target.partition(b"?")[0]
        route = self._routes.get(path)
        if route is None:
            route = self._enricher.routes.fold_one(targets)
            # What is no path may be so because of what follows it.
            if len(path) <= REMEMBERED_BYTES and path.startswith(b"/"):
                if len(self._routes) >= REMEMBERED:
                    self._routes.clear()
                self._routes[path] = route
        return route

    def _named(self, source: str, host: bytes | None) -> str:
        """The service of a logged host, or of lines that tell none."""
        service = self._services.get(host)
        if service is None:
            service = self._enricher.namer.settled(source, host)
            if len(self._services) >= REMEMBERED:
                self._services.clear()
            if host is None or len(host) <= REMEMBERED_BYTES:
                self._services[host] = service
        return service

    def _verdicts(self, requests: Requests, rows: Sequence[Row]) -> Told:
        """What the signatures say of them; `rows` are those of few."""
        if not rows:
            return self._asked(requests)
        known = [self._recall(row) for row in rows]
        recalled = [verdict for verdict in known if verdict is not None]
        if len(recalled) == len(rows):
            return Told(recalled, _FIRST if len(rows) == 1 else np.arange(len(rows)))
        said = self._asked(requests)
        if self._exceptions is None:
            # With exceptions, a verdict depends on more than the texts.
            for row, which in zip(rows, said.which.tolist(), strict=True):
                verdict = said.verdicts[which]
                # So does that on what would be an attack where the site's own normal is weighed against it.
                if self._everyday is None or not (verdict.is_attack or verdict.everyday):
                    self._remember(row, verdict)
        return Told([said.verdicts[which] for which in said.which.tolist()], np.arange(len(rows)))

    def _asked(self, requests: Requests) -> Told:
        """What is said of each row."""
        hits, usual = self._hits(requests)
        payload = np.where(np.isnan(hits.payload), _ABSTAINS, hits.payload)
        hit = (hits.confidence > 0) | usual
        marked = np.flatnonzero((payload != NO_MARK) & ~hit)
        verdicts = [self._usual]
        which = np.zeros(len(requests), dtype=np.int64)
        if len(marked):
            values, places = np.unique(payload[marked], return_inverse=True)
            verdicts += map(self._silent, values.tolist())
            which[marked] = places + 1
        rows = np.flatnonzero(hit)
        if not len(rows):
            return Told(verdicts, which)
        which[rows] = np.arange(len(verdicts), len(verdicts) + len(rows))
        types, decisive = hits.types[rows], hits.decisive()[rows]
        evidence, scores = hits.opinions.told(hits.plain[rows], hits.payload[rows], types, decisive)
        told = zip(
            hits.confidence[rows].tolist(),
            decisive.tolist(),
            types.tolist(),
            hits.evidence_of(rows.tolist()),
            scores.tolist(),
            evidence.T.tolist(),
            usual[rows].tolist(),
            strict=True,
        )
        for sure, attack, types, matches, score, opinions, everyday in told:
            found, members = self._matches(matches), _opinions(opinions)
            verdicts.append(
                Verdict(sure, attack, _kinds(types), found, score, members, self._habit, everyday)
            )
        return Told(verdicts, which)

    def _recall(self, row: Row, targets: Vocabulary | None = None) -> Verdict | None:
        """The verdict on a row, as far as it is known or nothing hits its texts.

        Args:
            targets: Its target as the only text, if it is there already.
        """
        said = self._harmless_payload(row, targets)
        if said is not None:
            return self._silent(said)
        return self._known.get((row.flags, row.judged))

    def _remember(self, row: Row, verdict: Verdict) -> None:
        if sum(len(text) for text in row.judged if text is not None) <= REMEMBERED_BYTES:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[row.flags, row.judged] = verdict

    def _hits(self, requests: Requests) -> tuple[SignatureHits, NDArray[np.bool_]]:
        """What the scanner says, and which rows would be attacks, but are asked every day, bool (n,)."""
        everyday = None if self._everyday is None else self._everyday()
        usual = np.zeros(len(requests), dtype=bool)
        hits = self._scanner.judge(requests)
        # While everything is reconfigured, their rules may be others.
        if everyday is not None and (not everyday.settled.all or everyday.ids != self._ids):
            everyday = None
        if self._exceptions is None and everyday is None:
            return hits, usual
        enriched = self._enricher.apply(requests)
        if self._exceptions is not None:
            self._exceptions.excuse(requests, enriched.service, enriched.services, hits)
        if everyday is not None:
            usual[everyday.weigh(requests, enriched.service, enriched.services, hits)] = True
        return hits, usual

    def _matches(self, matches: Sequence[Match]) -> tuple[RuleMatch, ...]:
        return tuple(
            RuleMatch(self._ids[match.rule], printable(match.text), match.place.value) for match in matches
        )

    def _harmless_payload(self, row: Row, targets: Vocabulary | None) -> float | None:
        """What the payload model says of a row of which no rule hits a text, nor its flags; None of others."""
        if row.flags & self._odd:
            return None
        harmless = self._harmless
        of_target = _ABSTAINS
        for place, text in enumerate(row.judged):
            if text is None:
                continue
            said = harmless.get((place, text))
            if said is None:
                texts = targets if place == 0 and targets is not None else Vocabulary.of([text])
                hit, payload = self._scanner.look_at(place, texts)
                if hit:
                    return None
                said = _ABSTAINS if math.isnan(payload) else payload
                if len(text) <= REMEMBERED_BYTES:
                    if len(harmless) >= REMEMBERED:
                        harmless.clear()
                    harmless[place, text] = said
            if place == 0:
                of_target = said
        return of_target

    def _silent(self, payload: float) -> Verdict:
        """The verdict on requests that no rule hits, by what the payload model says."""
        known = self._quiet.get(payload)
        if known is not None:
            return known
        opinions = self._scanner.opinions
        plain = np.zeros(1, dtype=np.float32)
        said = np.array([math.nan if payload == _ABSTAINS else payload], dtype=np.float32)
        no_type = np.zeros(1, dtype=np.uint32)
        score = opinions.score(plain, said, no_type, np.zeros(1, dtype=np.bool_))
        told = opinions.evidence(plain, said, no_type)[:, 0].tolist()
        if len(self._quiet) >= REMEMBERED:
            self._quiet.clear()
        verdict = self._quiet[payload] = Verdict(
            0.0, False, (), (), float(score[0]), _opinions(told), self._habit
        )
        return verdict

    def _clients(self, requests: Requests) -> Coded:
        """The client's address of each row: the peer's own where nothing was forwarded."""
        if not len(requests.forwarded.vocabulary):
            return requests.peer
        rows = list(zip(_raw(requests.peer), _raw(requests.forwarded), strict=True))
        if any(
            forwarded is not None and (peer, forwarded) not in self._addresses for peer, forwarded in rows
        ):
            self._walk(requests, rows)
        addresses = [
            peer if forwarded is None else self._addresses[peer, forwarded] for peer, forwarded in rows
        ]
        return Coded.of(addresses)

    def _walk(self, requests: Requests, rows: Sequence[tuple[bytes | None, bytes | None]]) -> None:
        """Find the clients behind trusted proxies."""
        clients = self._enricher.clients.resolve(requests)
        if len(self._addresses) + len(rows) > REMEMBERED:
            self._addresses.clear()
        for number, (peer, forwarded) in zip(clients.ids.tolist(), rows, strict=True):
            if forwarded is None:
                continue
            name = None
            if number >= 0:
                name = format_client(int(clients.high[number]), int(clients.low[number]), clients.names)
            address = _in_network(name, peer, forwarded)
            self._addresses[peer, forwarded] = (
                None if address is None else address.encode("utf-8", "backslashreplace")
            )


@lru_cache(maxsize=1 << 10)
def _kinds(types: int) -> tuple[str, ...]:
    """Names of the types of a type mask."""
    return tuple(kind.value for kind in types_of(types))


def _with_habit(said: Verdict, habit: Habit) -> Verdict:
    """A verdict, with what the site's habits say."""
    if said.habit is habit and not habit.score:
        return said
    score = said.score
    if habit.score:
        score = float(any_of([np.array(score), np.array(of_row(habit.score))]))
    return said._replace(score=score, habit=habit)


def _opinions(told: Sequence[float]) -> tuple[Opinion, ...]:
    """Of members that do not abstain, their evidence."""
    return tuple(
        Opinion(member, evidence)
        for member, evidence in zip(MEMBERS, told, strict=True)
        if not math.isnan(evidence)
    )


def _raw(coded: Coded) -> list[bytes | None]:
    """The text of each row."""
    texts: list[bytes | None] = [*coded.vocabulary, None]
    return [texts[number] for number in coded.ids.tolist()]


def _in_network(name: str | None, peer: bytes | None, forwarded: bytes) -> str | None:
    """The address itself of a client that is named by its /64, as IPv6 clients are told apart."""
    if name is None or not name.endswith("/64"):
        return name
    network = IPv6Network(name)
    for text in (*reversed(shown(forwarded).split(",")), shown(peer or b"")):
        address = _ipv6(text.strip())
        if address is not None and address in network:
            return str(address)
    return name


def _ipv6(text: str) -> IPv6Address | None:
    """An IPv6 address, perhaps in brackets; None if the text is none."""
    try:
        return IPv6Address(text.removeprefix("[").partition("]")[0])
    except ValueError:
        return None
