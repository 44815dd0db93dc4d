"""Judging single lines and small batches at once, by what needs no window.

That is: parse, find the client, ask the signatures and the site's own habits.

A batch of one row is most of the work of one of a thousand: each compiled loop costs microseconds to call. So single
lines go a way of their own, where what is known of their texts is enough.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.parameters.habits import Habits
from vedette.detectors.signatures.everyday import Everyday
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.excusing import Exceptions
from vedette.engine.line_clients import LineClients
from vedette.engine.line_habits import LineHabits
from vedette.engine.line_logs import log_of, logs
from vedette.engine.line_reader import LineReader, ReadLines
from vedette.engine.line_signatures import LineSignatures
from vedette.engine.line_verdicts import FEW, NOTHING, Told, Verdict
from vedette.engine.row import Row
from vedette.enrich.enrich import Enricher
from vedette.parsers.sniff import Choice
from vedette.schema.chunk import Chunk
from vedette.schema.judged import JudgedLine
from vedette.schema.requests import Coded, Requests

_UNREAD = "not an access log line ({}): no known format fits it"


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
        self._habits = LineHabits(enricher, habits)
        self._signatures = LineSignatures(scanner, enricher, exceptions, everyday, self._habits.usual)
        self._clients = LineClients(enricher)
        self._reader = LineReader(choose)
        self._turn = Lock()

    @property
    def weights(self) -> Mapping[str, float]:
        """How much each member's evidence counts, by name."""
        return self._signatures.weights

    def reweigh(self, weights: Sequence[float]) -> None:
        """Let members' evidence count otherwise from now on; weights are in the order of `MEMBERS`."""
        with self._turn:
            self._signatures.reweigh(weights)

    def remember_with(self, scanner: SignatureScanner) -> None:
        """Let a scanner of another thread know what is found in texts, and this one what that one finds.

        Lines that are asked about are learned from, too, and would else be searched twice.
        """
        with self._turn:
            self._signatures.remember_with(scanner)

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
                JudgedPart(part, self._clients.of(part.requests), *self._told(part.requests)) for part in read
            ]
        return JudgedLines(parts, {place: _UNREAD.format(why.value) for place, why in reasons.items()})

    def _judge_single(self, line: bytes, session: str | None) -> JudgedLine | None:
        """What is said of a plain line that nothing hits, or that is known; None of others."""
        with self._turn:
            read = self._reader.read_single(line, session)
            if read is None:
                return None
            name, request = read
            found, client = self._clients.of_single(request)
            if not found:
                return None
            row = Row.of_single(request)
            verdict = self._signatures.recall(row, request.targets)
            if verdict is None:
                return None
            verdict = self._habits.with_single(verdict, row, request.targets)
        return JudgedLine(log_of(request, client, name), None, *verdict)

    def _told(self, requests: Requests) -> Told:
        """What is said of each row, by all."""
        rows = [Row.of(requests, row) for row in range(len(requests))] if len(requests) <= FEW else []
        return self._habits.with_rows(self._signatures.verdicts(requests, rows), requests, rows)
