"""What comes in over the network: kept on disk, and judged at once where somebody asks for that."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.opinions import ANOMALOUS, alone, member_weights
from vedette.engine.line_judge import LineJudge
from vedette.engine.line_reader import SOURCE
from vedette.engine.line_verdicts import FEW, NOTHING, Verdict
from vedette.kernels.compile import INTERPRETED
from vedette.live.answers import answers
from vedette.live.reception import into_journal
from vedette.live.view import FOREST, RULES, TRANSFORMER, Pushed
from vedette.schema.judged import JudgedLine, LogData, Opinion
from vedette.schema.lines import joined
from vedette.schema.live import DetectedLine, DetectedLines
from vedette.sources.journal import Journal, JournalError

_LOG = logging.getLogger("vedette.live")

PARAMETERS = "parameters"
HURRY_BYTES = 1 << 21
"""Bytes of lines that were asked about from which the live thread takes them in at once."""
_REMEMBERED = 4096
Models = Mapping[str, Mapping[str, Any]]
"""What each learned model says of single lines, by its name."""
Weights = tuple[tuple[str, float], ...]
"""How much each member's evidence counts, by name."""
_NOT_READY = {"status": "not_ready", "is_anomaly": None, "score": None, "why": "nothing is learned yet"}
_NO_MODELS: Models = {FOREST: _NOT_READY, TRANSFORMER: _NOT_READY}


class Inbox:
    """Takes lines in over the network. Any thread may use it.

    Args:
        journal: Keeps lines until they are taken in for good; a source of the live thread.
        judge: Judges single lines. clock: Microseconds since the epoch, UTC.
        wake: Tells the live thread that something came. hurry: Tells it that much did.
    """

    def __init__(
        self,
        journal: Journal,
        judge: LineJudge,
        clock: Callable[[], int],
        wake: Callable[[], object] = lambda: None,
        hurry: Callable[[], object] = lambda: None,
    ) -> None:
        self.journal = journal
        self.judge = judge
        self._clock = clock
        self._wake, self._hurry = wake, hurry
        self._unsynced = 0

    def push(
        self,
        stream: str,
        lines: bytes,
        *,
        service: str | None = None,
        format: str | None = None,  # noqa: A002 - the word of the whole program
    ) -> Pushed:
        """See `LiveView`."""
        taken = into_journal(self.journal, stream, lines, service=service, format=format)
        if taken.taken:
            self._wake()
        return taken

    def detect(
        self,
        lines: Sequence[bytes],
        sessions: Sequence[str | None],
        *,
        processed: int,
        phase: str,
        models: Models = _NO_MODELS,
    ) -> list[DetectedLine]:
        """Judge lines at once, and hand them on to be learned from.

        Args:
            lines, sessions: See `LiveView`. processed: Lines processed so far. phase: As `/status` tells it.
            models: What the learned models say of single lines.
        """
        judged = self.judge.judge(lines, sessions)
        self._learn_from([line for line, said in zip(lines, judged, strict=True) if said.log is not None])
        at, weights = self._now(), tuple(self.judge.weights.items())
        return [
            _detected(_verdict(said), said.log, processed + number, at, phase, models, weights, said.reason)
            for number, said in enumerate(judged, start=1)
        ]

    def detect_all(
        self,
        lines: Sequence[bytes],
        sessions: Sequence[str | None],
        separator: bytes | None = None,
        *,
        processed: int,
        phase: str,
        models: Models = _NO_MODELS,
    ) -> DetectedLines:
        """The same of many lines, as JSON.

        Args:
            lines, sessions, separator: See `LiveView`. processed, phase, models: See `detect`.
        """
        if INTERPRETED or len(lines) <= FEW:
            found = self.detect(lines, sessions, processed=processed, phase=phase, models=models)
            unread = sum(said.details["log_data"] is None for said in found)
            return DetectedLines(list(map(_ENCODER.encode, found)), sum(f.is_anomaly for f in found), unread)
        parts, unread_lines = self.judge.judge_all(lines, sessions)
        known = lines
        if unread_lines:
            known = [line for place, line in enumerate(lines) if place not in unread_lines]
        self._learn_from(known)
        at, weights = self._now(), tuple(self.judge.weights.items())

        def frame(verdict: Verdict, processed: msgspec.Raw, log: msgspec.Raw) -> DetectedLine:
            return _detected(verdict, log, processed, at, phase, models, weights)

        told: list[bytes | memoryview] = [b""] * len(lines)
        for part in parts:
            if separator is not None and _in_order(part.read.place, len(lines)):
                written, _ = answers(part, processed + 1, frame, separator)
                told = [written[: len(written) - len(separator)]]
                break
            written, past = answers(part, processed + 1, frame)
            ends = past.tolist()
            for place, begin, end in zip(part.read.place.tolist(), [0, *ends], ends, strict=False):
                told[place] = written[begin:end]
        for place, reason in unread_lines.items():
            said = _detected(NOTHING, None, processed + place + 1, at, phase, models, weights, reason)
            told[place] = _ENCODER.encode(said)
        anomalies = sum(part.anomalies for part in parts)
        return DetectedLines(told, anomalies, len(unread_lines))

    def _now(self) -> str:
        at = datetime.fromtimestamp(self._clock() / 1e6, UTC).isoformat(timespec="microseconds")
        return at.replace("+00:00", "Z")

    def _learn_from(self, lines: Sequence[bytes]) -> None:
        """Hand lines on to the live thread."""
        if not lines:
            return
        text = joined(lines)
        try:
            self.journal.append(SOURCE, text)
            before, self._unsynced = self._unsynced, self._unsynced + len(text)
            if before < HURRY_BYTES <= self._unsynced:
                # What was judged a moment ago is remembered; later, it would have to be searched again.
                self._hurry()
        except JournalError as error:
            # Judged all the same; the journal counts what it refused, and /health says why.
            _LOG.debug("lines that were asked about are not learned from: %s", error)

    def settle(self) -> None:
        """Have what was handed on written, so that it can be taken in; many askings share one write."""
        if not self._unsynced:
            return
        self._unsynced = 0
        try:
            self.journal.sync()
        except JournalError as error:
            _LOG.warning("lines that were asked about are not learned from: %s", error)


def _in_order(place: NDArray[np.int64], count: int) -> bool:
    """Whether a part holds all lines, as they came."""
    return len(place) == count and bool((place[1:] > place[:-1]).all())


def _verdict(said: JudgedLine) -> Verdict:
    return Verdict(
        said.confidence,
        said.is_attack,
        said.types,
        said.matches,
        said.score,
        said.evidence,
        said.habit,
        said.everyday,
    )


def _detected(
    said: Verdict,
    log: LogData | msgspec.Raw | None,
    processed: int | msgspec.Raw,
    at: str,
    phase: str,
    models: Models,
    weights: Weights,
    reason: str | None = None,
) -> DetectedLine:
    details: dict[str, Any] = {
        "logs_processed": processed,
        # Most lines are harmless: what is said of them is the same, and made once.
        RULES: _rules(said) if said.confidence or said.everyday else _NO_RULES,
        **models,
        PARAMETERS: said.habit,
        "ensemble": _ensemble(said.score, said.evidence, said.is_attack, said.habit.is_anomaly, weights),
        "log_data": log,
        "reason": reason,
    }
    return DetectedLine(
        is_anomaly=said.is_anomaly,
        anomaly_score=said.score,
        phase=phase,
        timestamp=at,
        details=details,
    )


def _rules(said: Verdict) -> dict[str, Any]:
    return {
        "is_attack": said.is_attack,
        "attack_types": said.types,
        "confidence": said.confidence,
        "patterns_matched": [match.rule for match in said.matches],
        "matches": said.matches,
        **({"everyday": True} if said.everyday else {}),
    }


@lru_cache(maxsize=_REMEMBERED)
def _ensemble(
    score: float, evidence: tuple[Opinion, ...], decisive: bool, odd: bool | None, weights: Weights
) -> dict[str, Any]:
    """What all members say together. Few opinions are told again and again."""
    speaking = [told.member for told in evidence]
    votes = {
        told.member: (decisive and told.member == RULES) or alone(told.evidence) >= ANOMALOUS
        for told in evidence
    }
    if odd is not None:
        votes[PARAMETERS] = odd
    return {
        "score": score,
        "votes": votes,
        "evidence": {told.member: told.evidence for told in evidence},
        "weights": member_weights(speaking, dict(weights)),
        "active_models": list(votes),
    }


_NO_RULES = _rules(NOTHING)
_ENCODER = msgspec.json.Encoder()
