"""What comes in over the network: kept on disk, and judged at once where somebody asks for that."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from vedette.engine.line_judge import LineJudge
from vedette.engine.line_reader import SOURCE
from vedette.live.view import Pushed
from vedette.schema.judged import JudgedLine
from vedette.schema.live import DetectedLine
from vedette.sources.journal import Journal, JournalError

_LOG = logging.getLogger("vedette.live")

RULES = "rule_based"
_RETRY_S = 5.0
_NOT_READY = "not_ready"


class Inbox:
    """Takes lines in over the network. Any thread may use it.

    Args:
        journal: Keeps lines until they are taken in for good; a source of the live thread.
        judge: Judges single lines. clock: Microseconds since the epoch, UTC.
        wake: Tells the live thread that something came.
    """

    def __init__(
        self,
        journal: Journal,
        judge: LineJudge,
        clock: Callable[[], int],
        wake: Callable[[], object] = lambda: None,
    ) -> None:
        self.journal = journal
        self.judge = judge
        self._clock = clock
        self._wake = wake
        self._unsynced = False

    def push(
        self,
        stream: str,
        lines: bytes,
        *,
        service: str | None = None,
        format: str | None = None,  # noqa: A002 - the word of the whole program
    ) -> Pushed:
        """See `LiveView`."""
        if lines and not lines.endswith(b"\n"):
            lines += b"\n"
        count = lines.count(b"\n")
        try:
            self.journal.append(stream, lines, service=service, format=format)
            self.journal.sync()
        except JournalError as error:
            return Pushed(taken=0, refused=count, reason=str(error), retry_after_s=_RETRY_S)
        self._wake()
        return Pushed(taken=count)

    def detect(
        self, lines: Sequence[bytes], sessions: Sequence[str | None], *, processed: int, phase: str
    ) -> list[DetectedLine]:
        """Judge lines at once, and hand them on to be learned from.

        Args:
            lines, sessions: See `LiveView`. processed: Lines processed so far. phase: As `/status` tells it.
        """
        judged = self.judge.judge(lines, sessions)
        known = [line for line, said in zip(lines, judged, strict=True) if said.log is not None]
        if known:
            try:
                self.journal.append(SOURCE, b"\n".join(known) + b"\n")
                self._unsynced = True
            except JournalError as error:
                # Judged all the same; the journal counts what it refused, and /health says why.
                _LOG.debug("lines that were asked about are not learned from: %s", error)
        at = datetime.fromtimestamp(self._clock() / 1e6, UTC).isoformat(timespec="microseconds")
        at = at.replace("+00:00", "Z")
        return [_detected(said, at, processed + number, phase) for number, said in enumerate(judged, start=1)]

    def settle(self) -> None:
        """Have what was handed on written, so that it can be taken in; many askings share one write."""
        if not self._unsynced:
            return
        self._unsynced = False
        try:
            self.journal.sync()
        except JournalError as error:
            _LOG.warning("lines that were asked about are not learned from: %s", error)


def _detected(said: JudgedLine, at: str, processed: int, phase: str) -> DetectedLine:
    details: dict[str, Any] = {
        "logs_processed": processed,
        # Most lines are harmless: what is said of them is the same, and made once.
        RULES: _rules(said) if said.confidence else _NO_RULES,
        "isolation_forest": _NO_MODEL,
        "transformer": _NO_MODEL,
        "ensemble": _ensemble(said) if said.confidence else _NO_ENSEMBLE,
        "log_data": said.log,
        "reason": said.reason,
    }
    return DetectedLine(
        is_anomaly=said.is_attack, anomaly_score=said.confidence, phase=phase, timestamp=at, details=details
    )


def _rules(said: JudgedLine) -> dict[str, Any]:
    return {
        "is_attack": said.is_attack,
        "attack_types": said.types,
        "confidence": said.confidence,
        "patterns_matched": [match.rule for match in said.matches],
        "matches": said.matches,
    }


def _ensemble(said: JudgedLine) -> dict[str, Any]:
    return {
        "score": said.confidence,
        "votes": {RULES: said.is_attack},
        "weights": {RULES: 1.0},
        "active_models": [RULES],
    }


_HARMLESS = JudgedLine(None, None, 0.0, False, (), ())
_NO_RULES, _NO_ENSEMBLE = _rules(_HARMLESS), _ensemble(_HARMLESS)
_NO_MODEL = {"status": _NOT_READY, "is_anomaly": None, "score": None}
