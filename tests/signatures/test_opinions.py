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


def test_a_score_is_prior_and_weighted_evidence_as_far_as_members_can_see(scanner: SignatureScanner) -> None:
    hits = scanner.judge(batch({"target": TARGETS}))
    known = calibrated()
    told = hits.opinions.evidence(hits.plain, hits.payload, hits.types)
    for row, (score, decisive) in enumerate(zip(hits.scores(), hits.decisive(), strict=True)):
        odds = math.log(known.prior / (1 - known.prior))
        spoken = [evidence for evidence in told[:, row] if not math.isnan(evidence)]
        weights = known.weights if len(spoken) == 2 else (1.0,)
        said = math.exp(sum(weight * evidence for weight, evidence in zip(weights, spoken, strict=True)))
        odds += math.log((1 - known.unseen) * said + known.unseen)
        expected = 1 / (1 + math.exp(-odds))
        if decisive:
            expected = 1 - (1 - ANOMALOUS) * (1 - expected)
        assert score == pytest.approx(expected, abs=1e-6)
    assert math.isnan(told[1, -1])


def test_the_payload_model_is_not_asked_where_rules_say_what_it_never_learned(
    scanner: SignatureScanner,
) -> None:
    hits = scanner.judge(batch({"target": [b"/reports/laravel.log.1", b"/about", b"/v?f=/etc/passwd"]}))
    told = hits.opinions.evidence(hits.plain, hits.payload, hits.types)
    assert np.isnan(told[1]).tolist() == [True, False, False]
    log, page, _ = hits.scores().tolist()
    # A rule that is not sure enough to call it an attack still makes it likelier than a page by far.
    assert 0.1 < log < ANOMALOUS
    assert log > 100 * page


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
    types = np.where(plain > 0, np.uint32(1), np.uint32(0))
    decisive = plain > 0.5
    assert (opinions.score(plain, payload, types, decisive)[decisive] >= ANOMALOUS).all()
    # Nor does a member ever speak for less because it says more.
    more = opinions.score(plain, payload + np.float32(1.0), types, decisive)
    assert (more >= opinions.score(plain, payload, types, decisive) - 1e-6).all()


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
    assert np.isnan(hits.opinions.evidence(hits.plain, hits.payload, hits.types)[1]).all()
