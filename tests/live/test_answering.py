"""What people answer to alarms weighs the members of the scores, and is kept."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.test_answers import ATTACKS, fresh, scanner
from tests.report.made import anomaly
from vedette.config import Config
from vedette.config.errors import ConfigError
from vedette.detectors.signatures.opinions import MEMBERS, calibrated
from vedette.fusion.answers import HELD, Answer, to_document
from vedette.fusion.weighing import LEAST
from vedette.live.answering import DOCUMENT, Answers, evidence_of
from vedette.schema.anomaly import Anomaly, Evidence
from vedette.storage.live import LiveStore
from vedette.storage.open import open_live_store

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LiveStore]:
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as opened:
        yield opened


def line(target: str) -> str:
    return f'203.0.113.9 - - [02/Mar/2026:09:10:00 +0000] "GET {target} HTTP/1.1" 200 12 "-" "{AGENT}"'


def alarm(number: int, *targets: str) -> Anomaly:
    evidence = tuple(Evidence("a.log", n, line(target)) for n, target in enumerate(targets))
    return anomaly(number, unit="hostile_requests", evidence=evidence)


def false_answers(count: int) -> tuple[Answer, ...]:
    """As many as poison would: what both members are sure of is called false, what they doubt real."""
    real = [Answer(f"r{n}", True, (-1.0 - n / 100, -2.0 - n / 50)) for n in range(count)]
    return (*real, *(Answer(f"f{n}", False, (7.0 + n / 100, 6.0 + n / 50)) for n in range(count)))


def test_of_the_kept_lines_the_one_that_speaks_most_counts() -> None:
    both = evidence_of(alarm(1, "/shop?q=shoes", ATTACKS[1]), scanner(), Config())
    alone = evidence_of(alarm(1, ATTACKS[1]), scanner(), Config())
    assert both == alone
    assert both is not None
    assert min(both) > 2.0


def test_other_alarms_teach_nothing(store: LiveStore) -> None:
    answers = Answers(store)
    assert answers.take(anomaly(1), real=False, scanner=scanner(), config=Config()) is None
    assert answers.take(alarm(2), real=False, scanner=scanner(), config=Config()) is None
    assert answers.told().false_alarms == 0


def test_one_answer_is_kept_and_changes_nothing(store: LiveStore) -> None:
    answers = Answers(store)
    assert answers.take(alarm(1, ATTACKS[0]), real=False, scanner=scanner(), config=Config()) is None
    told = Answers(store).told()
    assert (told.confirmed, told.false_alarms, told.fitted) == (0, 1, False)
    assert f"{LEAST} of each are needed" in told.reason
    assert [each.weight for each in told.members] == [each.shipped for each in told.members]


def test_enough_answers_reweigh_and_say_what_changed(store: LiveStore) -> None:
    store.put_document(DOCUMENT, to_document(false_answers(LEAST)[:-1]))
    answers = Answers(store)
    assert not answers.told().fitted
    changed = answers.take(alarm(1, ATTACKS[1]), real=False, scanner=scanner(), config=Config())
    assert changed is not None
    assert changed.startswith(f"rule_based {calibrated().weights[0]:.3f} to ")
    assert changed.endswith("by 40 answers")
    again = Answers(store).told()
    assert again.fitted
    assert [each.weight for each in again.members] == answers.weighed.weight.tolist()


def test_poison_neither_silences_a_decisive_rule_nor_takes_more_than_half_a_weight(store: LiveStore) -> None:
    store.put_document(DOCUMENT, to_document(false_answers(900)))
    weighed = Answers(store).weighed
    assert weighed.fitted
    assert weighed.weight.tolist() == pytest.approx([HELD * w for w in calibrated().weights])
    inbox = fresh()
    before = [inbox.judge.judge([line(target).encode()], [None])[0] for target in ATTACKS]
    try:
        inbox.judge.reweigh(weighed.weight.tolist())
        after = [inbox.judge.judge([line(target).encode()], [None])[0] for target in ATTACKS]
        assert [said.is_attack for said in after] == [said.is_attack for said in before]
        for said in after:
            assert said.score >= 0.5 or not said.is_attack
        (told,) = inbox.detect([line(ATTACKS[1]).encode()], [None], processed=0, phase="waiting")
        weights = told.details["ensemble"]["weights"]
        assert weights == dict(zip(MEMBERS, weighed.weight.tolist(), strict=True))
    finally:
        inbox.judge.reweigh(calibrated().weights)


def test_weights_make_the_score_that_is_told() -> None:
    inbox = fresh()
    try:
        inbox.judge.reweigh((0.4, 1.2))
        (told,) = inbox.detect([line("/search?q=o'reilly%22").encode()], [None], processed=0, phase="waiting")
        ensemble = told.details["ensemble"]
        from vedette.fusion.fusing import log_odds, probability

        told_by = ensemble["evidence"].items()
        known, said = calibrated(), math.exp(sum(ensemble["weights"][who] * said for who, said in told_by))
        odds = log_odds(known.prior) + math.log((1 - known.unseen) * said + known.unseen)
        assert ensemble["score"] == pytest.approx(float(probability(odds)), rel=1e-5)
    finally:
        inbox.judge.reweigh(calibrated().weights)


def test_a_damaged_document_is_named(store: LiveStore) -> None:
    store.put_document(DOCUMENT, b"nonsense")
    with pytest.raises(ConfigError, match="answers: what the store keeps is damaged"):
        Answers(store)
