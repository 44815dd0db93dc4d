"""Whether a metric of the whole network is further from its baseline than the budget of false alarms allows."""

from typing import Final

import numpy as np

from vedette.detectors.network.metrics import Held
from vedette.detectors.statistical.gate import Gate
from vedette.detectors.statistical.runs import Runs
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.schema.state import StateError, check, decode, encode

_SLOT: Final = np.zeros(1, dtype=np.int32)


class Surprise:
    """Whether a metric's surprise passes the budget's threshold, in two of three windows or, `alone`, by far in one."""

    def __init__(self, name: str, thresholds: Thresholds, *, alone: bool = True) -> None:
        self._name = name
        self._thresholds = thresholds
        self._gate = Gate()
        self._alone = np.array([alone])
        # A transfer of ten minutes is one event, and not sixty.
        self._runs = Runs()

    def to_state(self) -> bytes:
        """What is remembered from window to window, as bytes."""
        return encode([self._gate.to_state(), self._runs.to_state()])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave, or what a gate alone gave before runs were kept. Raises `StateError`."""
        try:
            parts = decode(content, list[bytes], "memory of a metric")
        except StateError:
            parts = []
        if not parts:
            self._gate.from_state(content)
            return
        check(len(parts) == 2, "memory of a metric")
        self._gate.from_state(parts[0])
        self._runs.from_state(parts[1])

    def passes(self, held: Held, *, high: bool, worth: bool) -> float | None:
        """The threshold that was passed, or None. What is not worth telling is learned from all the same."""
        if not held.ready:
            return None
        surprise = held.judgement.log10_p_high if high else held.judgement.log10_p_low
        self._thresholds.observe(self._name, self._runs.tests(_SLOT, surprise))
        limit = self._thresholds.threshold(self._name)
        if self._gate.calm and (not worth or surprise[0] < limit):
            return None
        gated = self._gate.decide(_SLOT, surprise if worth else np.zeros(1), limit, self._alone)
        return limit if gated else None
