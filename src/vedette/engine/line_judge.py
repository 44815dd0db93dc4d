"""Judging single lines and small batches at once, by what needs no window: parse, find the client, ask the signatures.

A batch of one row is most of the work of one of a thousand: each compiled loop costs microseconds to call. So a single
line's texts are held against what is known of them by a plain dictionary first, and only a text that is new is looked
at. What is answered is what a batch would be told (`detectors.signatures`).
"""

import math
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, IPv6Network
from threading import Lock
from typing import NamedTuple

import numpy as np

from vedette.detectors.kept import printable
from vedette.detectors.signatures.columns import COLUMNS
from vedette.detectors.signatures.hits import SignatureHits, types_of
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.excusing import Exceptions
from vedette.engine.line_reader import LineReader, ReadLines
from vedette.enrich.client import format_client
from vedette.enrich.enrich import Enricher
from vedette.parsers.sniff import Choice
from vedette.schema.chunk import Chunk
from vedette.schema.judged import JudgedLine, LogData, RuleMatch
from vedette.schema.requests import Coded, Requests

FEW = 4
"""Rows of one format that are judged text by text; of more, a batch costs less."""
REMEMBERED = 1 << 15
"""Texts that are known to be harmless, and requests whose verdict is known, at most."""
REMEMBERED_BYTES = 512
"""Longer texts are not remembered: 16 MB once the memory is full of such."""
SHOWN = 4096
"""Bytes of a text that are answered."""
_UNREAD = "not an access log line ({}): no known format fits it"


Key = tuple[int, tuple[bytes | None, ...]]
"""What a verdict rests on: the flags of a request, and its judged texts."""


class Verdict(NamedTuple):
    """What the signatures say of one request; see `JudgedLine`."""

    confidence: float
    is_attack: bool
    types: tuple[str, ...]
    matches: tuple[RuleMatch, ...]


NOTHING = Verdict(0.0, False, (), ())


class LineJudge:
    """Judges lines without windows. Any thread may use it; they take turns.

    Args:
        scanner: The signatures; of its own, since a scan uses scratch space.
        choose: Finds the format of a sample. enricher: Of its own, too.
        exceptions: What somebody called a false alarm; None for nothing.
    """

    def __init__(
        self,
        scanner: SignatureScanner,
        choose: Callable[[Chunk], Choice],
        enricher: Enricher,
        exceptions: Exceptions | None = None,
    ) -> None:
        self._scanner = scanner
        self._enricher = enricher
        self._exceptions = exceptions
        self._reader = LineReader(choose)
        self._odd = np.uint16(scanner.odd_flags)
        self._harmless: dict[tuple[int, bytes], None] = {}
        self._known: dict[Key, Verdict] = {}
        self._addresses: dict[tuple[bytes | None, bytes], str | None] = {}
        self._turn = Lock()

    def judge(self, lines: Sequence[bytes], sessions: Sequence[str | None]) -> list[JudgedLine]:
        """What is said of each line, in order. Never raises for what they hold.

        Args:
            lines: Without newlines, in any known format.
            sessions: Of each, the session or stream it belongs to: its lines are likely of one format.
        """
        with self._turn:
            read, reasons = self._reader.read(lines, sessions)
            judged: list[JudgedLine | None] = [None] * len(lines)
            for place, reason in reasons.items():
                judged[place] = JudgedLine(None, _UNREAD.format(reason.value), 0.0, False, (), ())
            for part in read:
                for place, line in zip(part.place.tolist(), self._judge(part), strict=True):
                    judged[place] = line
            return [line for line in judged if line is not None]

    def _judge(self, read: ReadLines) -> list[JudgedLine]:
        """What is said of the lines that one format read."""
        return [
            JudgedLine(log, None, *verdict)
            for log, verdict in zip(self._logs(read), self._verdicts(read.requests), strict=True)
        ]

    def _verdicts(self, requests: Requests) -> list[Verdict]:
        if len(requests) > FEW:
            return self._asked(requests)
        known = [self._recall(requests, row) for row in range(len(requests))]
        verdicts = [verdict for verdict in known if verdict is not None]
        if len(verdicts) == len(known):
            return verdicts
        verdicts = self._asked(requests)
        if self._exceptions is None:
            # With exceptions, a verdict depends on more than the texts.
            for row, verdict in enumerate(verdicts):
                self._remember(requests, row, verdict)
        return verdicts

    def _asked(self, requests: Requests) -> list[Verdict]:
        """What the signatures say of each row."""
        hits = self._hits(requests)
        return [
            Verdict(
                sure,
                attack,
                tuple(kind.value for kind in types_of(types)),
                self._matches(hits, row),
            )
            if sure > 0
            else NOTHING
            for row, (sure, attack, types) in enumerate(
                zip(hits.confidence.tolist(), hits.decisive().tolist(), hits.types.tolist(), strict=True)
            )
        ]

    def _recall(self, requests: Requests, row: int) -> Verdict | None:
        """The verdict on a row, as far as it is known or nothing hits its texts."""
        if self._is_harmless(requests, row):
            return NOTHING
        return self._known.get(_key(requests, row))

    def _remember(self, requests: Requests, row: int, verdict: Verdict) -> None:
        key = _key(requests, row)
        if sum(len(text) for text in key[1] if text is not None) <= REMEMBERED_BYTES:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = verdict

    def _hits(self, requests: Requests) -> SignatureHits:
        if self._exceptions is None:
            return self._scanner.judge(requests)
        enriched = self._enricher.apply(requests)
        hits = self._scanner.judge(requests)
        self._exceptions.excuse(requests, enriched.service, enriched.services, hits)
        return hits

    def _matches(self, hits: SignatureHits, row: int) -> tuple[RuleMatch, ...]:
        rules = self._scanner.rules
        return tuple(
            RuleMatch(rules[match.rule].id, printable(match.text), match.place.value)
            for match in hits.evidence(row)
        )

    def _is_harmless(self, requests: Requests, row: int) -> bool:
        """Whether no rule hits any text of a row, nor its flags."""
        if requests.flags[row] & self._odd:
            return False
        harmless = self._harmless
        for number, column in enumerate(COLUMNS):
            text = column.of(requests)[row]
            if text is None or (number, text) in harmless:
                continue
            if self._scanner.hits_text(number, text):
                return False
            if len(text) <= REMEMBERED_BYTES:
                if len(harmless) >= REMEMBERED:
                    harmless.clear()
                harmless[number, text] = None
        return True

    def _clients(self, requests: Requests) -> list[str | None]:
        """The client's address of each row: the peer's own where nothing was forwarded."""
        rows = list(zip(_raw(requests.peer), _raw(requests.forwarded), strict=True))
        if any(
            forwarded is not None and (peer, forwarded) not in self._addresses for peer, forwarded in rows
        ):
            self._walk(requests, rows)
        return [
            self._addresses[peer, forwarded]
            if forwarded is not None
            else None
            if peer is None
            else _text(peer)
            for peer, forwarded in rows
        ]

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
            self._addresses[peer, forwarded] = _in_network(name, peer, forwarded)

    def _logs(self, read: ReadLines) -> list[LogData]:
        """What the lines say."""
        requests = read.requests
        paths, queries = _targets(requests.target)
        return [
            LogData(
                ip=ip,
                method=method,
                path=path,
                query=query,
                protocol=protocol,
                status=status or None,
                bytes_in=bytes_in if bytes_in >= 0 else None,
                bytes_out=bytes_out if bytes_out >= 0 else None,
                duration=None if math.isnan(duration) else duration,
                referer=referer,
                user_agent=agent,
                host=host,
                time=time + "Z",
                format=read.format,
            )
            for (
                ip,
                method,
                path,
                query,
                protocol,
                status,
                bytes_in,
                bytes_out,
                duration,
                referer,
                agent,
                host,
                time,
            ) in zip(
                self._clients(requests),
                _texts(requests.method),
                paths,
                queries,
                _texts(requests.protocol),
                requests.status.tolist(),
                requests.bytes_in.tolist(),
                requests.bytes_out.tolist(),
                requests.duration.tolist(),
                _texts(requests.referer),
                _texts(requests.user_agent),
                _texts(requests.service),
                np.datetime_as_string(requests.time.view("M8[us]")).tolist(),
                strict=True,
            )
        ]


def _key(requests: Requests, row: int) -> Key:
    return int(requests.flags[row]), tuple(column.of(requests)[row] for column in COLUMNS)


def _raw(coded: Coded) -> list[bytes | None]:
    """The text of each row."""
    texts: list[bytes | None] = [*coded.vocabulary, None]
    return [texts[number] for number in coded.ids.tolist()]


def _texts(coded: Coded) -> list[str | None]:
    """The decoded text of each row; each distinct one is decoded once."""
    texts: list[str | None] = [*map(_text, coded.vocabulary), None]
    return [texts[number] for number in coded.ids.tolist()]


def _targets(coded: Coded) -> tuple[list[str | None], list[str | None]]:
    """Path and query of each row."""
    paths: list[str | None] = []
    queries: list[str | None] = []
    for target in coded.vocabulary:
        path, mark, query = _text(target).partition("?")
        paths.append(path)
        queries.append(query if mark else None)
    paths.append(None)
    queries.append(None)
    ids = coded.ids.tolist()
    return [paths[number] for number in ids], [queries[number] for number in ids]


def _text(text: bytes) -> str:
    return text[:SHOWN].decode("utf-8", "backslashreplace")


def _in_network(name: str | None, peer: bytes | None, forwarded: bytes) -> str | None:
    """The address itself of a client that is named by its /64, as IPv6 clients are told apart."""
    if name is None or not name.endswith("/64"):
        return name
    network = IPv6Network(name)
    for text in (*reversed(_text(forwarded).split(",")), _text(peer or b"")):
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
