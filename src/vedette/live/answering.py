"""What people answer to alarms about requests, kept, and what it makes of the members' weights."""

import numpy as np

from vedette.config import Config
from vedette.config.errors import ConfigError
from vedette.detectors.signatures.opinions import MEMBERS, calibrated
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.kept_lines import read_kept
from vedette.fusion.answers import Answer, count_needed, from_document, reweigh, to_document, with_answer
from vedette.fusion.fusing import fuse
from vedette.fusion.weighing import Weighed
from vedette.schema.anomaly import Anomaly
from vedette.schema.live import MemberWeight, MemberWeights
from vedette.schema.state import StateError
from vedette.storage.live import LiveStore

DOCUMENT = "answers"


class Answers:
    """Answers that a store keeps, and the weights fitted to them.

    Args:
        store: Where they are kept.

    Raises:
        ConfigError: What it keeps is damaged.

    Attributes:
        weighed: The weights.
    """

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._known = self._read()
        self.weighed = self._fitted()

    def take(self, anomaly: Anomaly, *, real: bool, scanner: SignatureScanner, config: Config) -> str | None:
        """Keep what was said of an alarm, if it is one of hostile requests, and fit the weights anew.

        Args:
            anomaly: The alarm. real: Whether it was one.
            scanner: Judges the lines that were kept of it. config: How lines are read.

        Returns:
            What changed of the weights, for the audit log; None if nothing did.
        """
        evidence = evidence_of(anomaly, scanner, config)
        if evidence is None:
            return None
        known = with_answer(self._read(), Answer(anomaly.id, real, evidence))
        self._store.put_document(DOCUMENT, to_document(known))
        before, self._known = self.weighed, known
        self.weighed = self._fitted()
        if np.array_equal(before.weight, self.weighed.weight):
            return None
        changes = zip(MEMBERS, before.weight.tolist(), self.weighed.weight.tolist(), strict=True)
        told = ", ".join(f"{name} {old:.3f} to {new:.3f}" for name, old, new in changes)
        return f"{told}; by {self.weighed.rows} answers"

    def told(self) -> MemberWeights:
        """The weights, and how they came about."""
        return told_of(self._known, self.weighed)

    def _read(self) -> tuple[Answer, ...]:
        try:
            return from_document(self._store.document(DOCUMENT))
        except StateError as error:
            raise ConfigError(
                (f"{DOCUMENT}: what the store keeps is damaged ({error}): remove it there",)
            ) from None

    def _fitted(self) -> Weighed:
        known = calibrated()
        return reweigh(self._known, known.weights, known.prior)


def told_of(answers: tuple[Answer, ...], weighed: Weighed) -> MemberWeights:
    """Weights as they are told."""
    real, false, needed = count_needed(answers)
    return MemberWeights(
        members=tuple(
            MemberWeight(name, weight, shipped)
            for name, weight, shipped in zip(
                MEMBERS, weighed.weight.tolist(), calibrated().weights, strict=True
            )
        ),
        fitted=weighed.fitted,
        reason=weighed.reason,
        confirmed=real,
        false_alarms=false,
        different=weighed.rows,
        needed=needed,
    )


def evidence_of(anomaly: Anomaly, scanner: SignatureScanner, config: Config) -> tuple[float, ...] | None:
    """What each member says of the kept line that speaks most for an alarm.

    None of alarms that are not about hostile requests, or if no line can be read.
    """
    if anomaly.unit != "hostile_requests":
        return None
    read = read_kept([each.text for each in anomaly.evidence], config)
    if read is None or not len(read.requests):
        return None
    hits = scanner.judge(read.requests)
    told = hits.opinions.evidence(hits.plain, hits.payload, hits.types)
    known = calibrated()
    most = int(np.argmax(fuse(told, np.array(known.weights), known.prior)))
    return tuple(float(each) for each in told[:, most])
