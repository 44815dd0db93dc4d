"""Rules and payload model as members of an ensemble."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.opinions import ANOMALOUS, Opinions, calibrated
from vedette.detectors.signatures.payload_model import packaged
from vedette.detectors.signatures.rules import load_rules, rule_sources
from vedette.detectors.signatures.scan import SignatureScanner

TARGETS = [
    b"/",
    b"/shop?q=shoes",
    b"/search?q=o'reilly",
    b"/s?q=1'+union+select+password+from+users--",
    b"/s?q=<b>bold</b>",
    b"/f?x=%7B%22a%22%3A1%7D",
    b"/.env",
    None,
]


@pytest.fixture(scope="module")
def scanner() -> SignatureScanner:
    return SignatureScanner.cached()


def test_a_score_is_prior_and_weighted_evidence(scanner: SignatureScanner) -> None:
    hits = scanner.judge(batch({"target": TARGETS}))
    known = calibrated()
    told = hits.opinions.evidence(hits.plain, hits.payload)
    for row, (score, decisive) in enumerate(zip(hits.scores(), hits.decisive(), strict=True)):
        odds = math.log(known.prior / (1 - known.prior))
        for weight, evidence in zip(known.weights, told[:, row], strict=True):
            odds += 0.0 if math.isnan(evidence) else weight * evidence
        expected = 1 / (1 + math.exp(-odds))
        assert score == pytest.approx(max(expected, ANOMALOUS) if decisive else expected, abs=1e-6)
    assert math.isnan(told[1, -1])


def test_what_was_seen_before_is_scored_as_what_is_new(scanner: SignatureScanner) -> None:
    fresh = SignatureScanner.cached()
    for part in (TARGETS[:3], TARGETS, TARGETS[::-1]):
        scanner.judge(batch({"target": part}))
    again = scanner.judge(batch({"target": TARGETS}))
    first = fresh.judge(batch({"target": TARGETS}))
    assert again.scores().tolist() == first.scores().tolist()
    assert again.plain.tolist() == first.plain.tolist()
    np.testing.assert_array_equal(again.payload, first.payload)


@given(
    st.lists(
        st.tuples(st.floats(0, 1, width=32), st.floats(-40, 60, width=32) | st.just(math.nan)),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_a_decisive_request_is_anomalous_whatever_the_model_says(rows) -> None:
    opinions = Opinions.of(packaged())
    plain = np.array([p for p, _ in rows], dtype=np.float32)
    payload = np.array([m for _, m in rows], dtype=np.float32)
    decisive = plain > 0.5
    assert (opinions.score(plain, payload, decisive)[decisive] >= ANOMALOUS).all()
    # Nor does a member ever speak for less because it says more.
    more = opinions.score(plain, payload + np.float32(1.0), decisive)
    assert (more >= opinions.score(plain, payload, decisive) - 1e-6).all()


def test_a_model_whose_rules_are_switched_off_abstains_where_they_would_have_hit() -> None:
    bands = [rule.id for rule in load_rules(rule_sources()) if rule.band is not None]
    with_it, without = SignatureScanner.cached(), SignatureScanner.cached(disabled=bands)
    rows = batch({"target": [b"/s?q=x'/**/or/**/'1'like'1", b"/search?q=o'reilly"]})
    assert with_it.judge(rows).payload[0] > 0
    assert math.isnan(without.judge(rows).payload[0])
    assert without.judge(rows).payload[1] == with_it.judge(rows).payload[1]


def test_without_a_model_the_rules_speak_alone() -> None:
    alone = SignatureScanner.cached(model=None)
    hits = alone.judge(batch({"target": TARGETS}))
    assert np.isnan(hits.opinions.evidence(hits.plain, hits.payload)[1]).all()
