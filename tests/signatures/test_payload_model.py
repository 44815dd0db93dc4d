"""The payload model: its file, its scores, what explains them, and how it is weighed beside rules."""

import base64
import os
import subprocess
import sys
from urllib.parse import quote

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.evidence import decode
from vedette.detectors.signatures.hits import types_of
from vedette.detectors.signatures.payload_model import (
    LARGEST,
    MAGIC,
    ModelError,
    PayloadModel,
    load_model,
    package_model,
)
from vedette.detectors.signatures.rules import BANDS, MODEL_KINDS
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.signatures.tables import PRIOR
from vedette.schema.anomaly import AnomalyType

PIECES = [
    "' or 1=1--", "<svg/onload=alert(1)>", ";cat /etc/passwd", "../../", "{{7*7}}", "&", "&&", "a=", "=", "plain words",
    "O'Brien", "é", "<", "\r\n", "%27", "1,2;3", "x" * 90, "(" * 70, "union select", "..", "--",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)


@pytest.fixture(scope="module")
def model() -> PayloadModel:
    return load_model(package_model())


@pytest.fixture(scope="module")
def scanner() -> SignatureScanner:
    return SignatureScanner.cached()


def test_the_package_s_model_is_small_and_knows_the_kinds_that_rules_name(model: PayloadModel):
    assert len(package_model()) < LARGEST
    assert model.kinds == tuple(str(kind) for kind in MODEL_KINDS)
    assert load_model(model.dumped()) == model


def test_a_damaged_model_is_refused(model: PayloadModel):
    whole = model.dumped()
    head, _, body = whole[len(MAGIC) :].partition(b"\n")
    header = msgspec.json.decode(head)
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    for bad, fault in [
        (b"", "does not begin"),
        (b"PK\x03\x04", "does not begin"),
        (whole[:-1], "damaged"),
        (bytes(flipped), "damaged"),
        (MAGIC + b"{}\n" + body, "header"),
        (MAGIC + msgspec.json.encode({**header, "slots": 8}) + b"\n" + body, "slots"),
        (MAGIC + msgspec.json.encode({**header, "scale": 1e9}) + b"\n" + body, "no such model"),
        (MAGIC + msgspec.json.encode({**header, "talk_scale": 0.0}) + b"\n" + body, "no such model"),
        (MAGIC + msgspec.json.encode({**header, "more": 1}) + b"\n" + body, "header"),
        (whole + bytes(LARGEST), "at most"),
    ]:
        with pytest.raises(ModelError, match=fault):
            load_model(bad)


@given(TEXTS)
@settings(deadline=None)
def test_what_explains_a_score_adds_up_to_it(text: str):
    model = load_model(package_model())
    (found,) = model.windows([(text.lower().encode(), False)])
    if found is not None:
        score, window = found
        grams, rest = model.explain(window)
        assert sum(gram.amount for gram in grams) + rest == pytest.approx(score)
        assert all(gram.amount > 0 for gram in grams)
        alone = model.score(window)
        # By itself it has tails of its own, which may be worse than all of it.
        assert alone is None or alone >= score or alone == pytest.approx(score)
        everything, against = model.explain(window, most=10_000)
        # With every gram that speaks for an attack shown, what is left speaks against it, or is the bias.
        assert against <= rest + 1e-9
        assert len(everything) >= len(grams)


def test_each_gram_is_in_the_window_as_often_as_it_is_said_to_be(model: PayloadModel):
    window = b"' or 1=1--"
    grams, _ = model.explain(window, most=1000)
    marked = "^" + window.decode() + "$"
    for gram in grams:
        count = sum(marked.startswith(gram.text, at) for at in range(len(marked)))
        assert gram.times == count, gram


@given(st.lists(TEXTS, min_size=1, max_size=12))
@settings(deadline=None, max_examples=60)
def test_a_batch_is_scored_as_each_value_is(texts: list[str]):
    model = load_model(package_model())
    scanner = SignatureScanner.cached()
    targets = [b"/p?q=" + text.encode().replace(b"\n", b"%0a").replace(b"%", b"%25") for text in texts]
    hits = scanner.judge(batch({"target": targets}))
    for row, (_, query) in enumerate(decode(targets, split=True)):
        score = model.score(query, query=True)
        expected = None
        for name, bound in BANDS.items():
            if score is not None and score >= bound:
                expected = name
        bands = {scanner.rules[rule].band for rule in hits.rules(row)} - {None}
        assert bands == ({expected} if expected else set())


def test_values_without_marks_are_not_scored(model: PayloadModel):
    for value in [b"hello world", b"2024-01-31", b"/a/b/c.html", b"john@example.org", b"union select", b""]:
        assert model.score(value) is None


def test_a_query_is_worth_as_much_as_its_worst_value(model: PayloadModel):
    alone = model.score(b"1' or '1'='1")
    among = model.score(b"page=2&sort=price;asc&id=1' or '1'='1&x=(y)", query=True)
    assert among == pytest.approx(alone)


def test_an_attack_is_seen_behind_much_ordinary_text(model: PayloadModel):
    padded = b"the quick brown fox, and so on; " * 40 + b"'><script>alert(document.cookie)</script>"
    assert model.score(padded) > BANDS["likely"]


@pytest.mark.parametrize("lead", [b"2024-05-01", b"blue jeans", b"anna smith, berlin", b"x" * 60])
@pytest.mark.parametrize(
    "attack", [b"' or '1'='1", b"';waitfor delay '0:0:5'--", b"|id;", b'"><svg onload=alert(1)>']
)
def test_what_a_field_held_before_an_attack_takes_nothing_from_it(
    model: PayloadModel, lead: bytes, attack: bytes
):
    assert model.score(lead + attack) >= model.score(attack)


@pytest.mark.parametrize("lead", ["2024-05-01", "blue jeans", "anna.smith@example.org", "calle mayor 12, 3"])
@pytest.mark.parametrize("attack", ["|/usr/bin/id", "';waitfor delay '0:0:5'--", "' or '1'='1"])
def test_an_attack_behind_what_a_field_held_is_no_talk(scanner: SignatureScanner, lead: str, attack: str):
    hits = scanner.judge(batch({"target": [b"/p?q=" + quote(lead + attack).encode()]}))
    assert hits.decisive().all()


def test_without_a_model_no_band_is_hit():
    scanner = SignatureScanner.cached(model=None)
    hits = scanner.judge(batch({"target": [b"/p?q=%3Csvg/onload=alert(1)%3E"]}))
    assert hits.confidence[0] > 0.8
    assert all(scanner.rules[rule].band is None for rule in hits.rules(0))


def test_rules_and_model_are_fused_in_log_odds(scanner: SignatureScanner):
    """A weak rule's odds are multiplied by the root of how far the band moves the odds from the prior."""
    found = 0
    texts = ["a'b(c)=1", "x='y';", "1)) and x<'b", "<b>a</b>", "'); x('", "a\";b='c'#", "{{a}}'<b>", "`x`;y"]
    targets = [b"/p?q=" + text.encode().replace(b"#", b"%23") for text in texts]
    hits = scanner.judge(batch({"target": targets}))
    for row in range(len(texts)):
        rules = [scanner.rules[rule] for rule in hits.rules(row)]
        bands = [rule for rule in rules if rule.band is not None]
        doubt = float(np.prod([1 - rule.confidence for rule in rules if rule.band is None]))
        expected = 1 - doubt
        if bands and doubt < 1:
            moved = (bands[0].confidence / (1 - bands[0].confidence)) / (PRIOR / (1 - PRIOR))
            odds = (1 - doubt) / doubt * moved**0.5
            expected = odds / (1 + odds)
            found += 1
        elif bands:
            expected = bands[0].confidence
        assert float(hits.confidence[row]) == pytest.approx(expected, abs=1e-6)
    assert found, "no text of this test is hit by rules and model"


def test_what_only_the_model_finds_has_the_kind_that_it_tells(scanner: SignatureScanner):
    hits = scanner.judge(batch({"target": [b"/p?q=x=self;y='al';x[y%2b'ert'](1)//%3Cx"]}))
    (rule,) = hits.rules(0)
    assert scanner.rules[rule].band is not None
    assert scanner.rules[rule].type is AnomalyType.XSS
    assert hits.top_rule[0] == rule
    assert types_of(int(hits.types[0])) == (AnomalyType.XSS,)


@pytest.mark.own_mode
def test_interpreted_kernels_score_alike(model: PayloadModel):
    code = (
        "import sys\n"
        "from vedette.detectors.signatures.payload_model import load_model, package_model\n"
        "model = load_model(package_model())\n"
        "for text in sys.argv[1:]:\n"
        "    print(repr(model.score(text.encode(), query=True)))\n"
    )
    texts = ["q=' or 1=1--&b=c", "plain", "x=<svg/onload=alert(1)>" + "a;" * 100, "..", "a=&&b=;c"]
    out = subprocess.run(
        [sys.executable, "-c", code, *texts],
        env={**os.environ, "VEDETTE_KERNELS": "interpret"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert out == [repr(model.score(text.encode(), query=True)) for text in texts]


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=300), st.booleans()), max_size=8))
def test_texts_are_scored_together_as_each_is_alone(texts: list[tuple[bytes, bool]]):
    model = load_model(package_model())
    texts.append((b"id=1' union select password from users--", True))
    alone = [found for text in texts for found in model.windows([text])]
    assert model.windows(texts) == alone
    assert alone[-1] is not None
    # What stands before the first mark would only dilute it.
    assert alone[-1][1] == b"' union select password from users--"


TALK = [
    b"/p?q=what+does+%3Cscript%3E+do",
    b"/p?q=how+to+drop+table+users+in+mysql",
    b"/p?q=difference+between+rm+-rf+and+rm+-r",
]
ATTACKS = [b"/p?q=%3Cscript%3Ealert(1)%3C/script%3E", b"/p?q=';+drop+table+users", b"/p?q=;rm+-rf+/tmp/x"]


def test_what_people_write_about_attacks_is_not_one(scanner: SignatureScanner):
    assert not scanner.judge(batch({"target": TALK})).decisive().any()
    assert scanner.judge(batch({"target": ATTACKS})).decisive().all()


def test_without_the_model_talk_hits_the_rules_that_say_so():
    scanner = SignatureScanner.cached(model=None)
    hits = scanner.judge(batch({"target": TALK}))
    assert all(any(scanner.rules[rule].talk for rule in hits.rules(row)) for row in range(len(TALK)))


def test_an_attack_beside_talk_counts(scanner: SignatureScanner):
    """All of a target must be talk; a second value that is not leaves its rules."""
    both = [talk + attack.replace(b"/p?q=", b"&r=") for talk, attack in zip(TALK, ATTACKS, strict=True)]
    turned = [attack + talk.replace(b"/p?q=", b"&r=") for talk, attack in zip(TALK, ATTACKS, strict=True)]
    assert scanner.judge(batch({"target": both + turned})).decisive().all()


def test_talk_in_a_target_says_nothing_of_a_user_agent(scanner: SignatureScanner):
    agent = b"x' union select password from users--"
    alone = scanner.judge(batch({"target": [b"/"], "user_agent": [agent]}))
    beside = scanner.judge(batch({"target": [TALK[1]], "user_agent": [agent]}))
    assert set(beside.rules(0)) == set(alone.rules(0))


def test_what_is_hidden_in_base64_is_no_talk(scanner: SignatureScanner):
    command = b'powershell -nop -c "IEX(New-Object Net.WebClient)"'
    hidden = b"/p?q=" + base64.b64encode(command).replace(b"+", b"%2B")
    hits = scanner.judge(batch({"target": [hidden]}))
    assert hits.decisive().all()
    assert "command-interpreter" in {scanner.rules[rule].id for rule in hits.rules(0)}


def test_a_sentence_is_taken_for_talk_sooner_than_a_word_or_two(scanner: SignatureScanner):
    sentence = b"/p?q=select+name,+state+from+tickets+where+id+%3D+5"
    dense = b"/p?q=select%0Aname,state%0Afrom%0Atickets%0Awhere%0Aid=5"
    assert scanner.judge(batch({"target": [sentence, dense]})).decisive().tolist() == [False, True]


def test_a_sentence_beyond_doubt_takes_back_what_people_seldom_write(scanner: SignatureScanner):
    """Of rules that are not said to be hit by talk, but by sentences."""
    sentence = (
        b"/p?q=my+teacher+says+that+O'Neill'+and+'x'%3D'x+is+always+true+in+a+query,+but+why+is+that+so"
    )
    bare = b"/p?q=O'Neill'+and+'x'%3D'x"
    judged = scanner.judge(batch({"target": [sentence, bare]}))
    assert judged.decisive().tolist() == [False, True]
    unasked = SignatureScanner.cached(model=None).judge(batch({"target": [sentence]}))
    assert unasked.decisive().all()
    assert not any(scanner.rules[rule].talk for rule in unasked.rules(0))
    elsewhere = [b"/x?a[name]=" + sentence[5:], b"/a%20b" + sentence[2:]]
    assert scanner.judge(batch({"target": elsewhere})).decisive().all()


def test_json_is_no_sentence_for_the_spaces_between_its_members(scanner: SignatureScanner):
    target = b"/p?q=" + quote('{"name": "anna", "shown": "all", "file": "/etc/passwd"}').encode()
    assert scanner.judge(batch({"target": [target]})).decisive().all()


def test_an_attack_in_a_parameter_s_name_is_no_talk(scanner: SignatureScanner):
    targets = [b"/x?__proto__.isAdmin=1", b"/x?constructor[prototype][a]=how+to+do+that+in+php"]
    assert scanner.judge(batch({"target": targets})).decisive().all()


def test_talk_is_told_the_same_in_any_company(scanner: SignatureScanner):
    """Neither the neighbours in a batch nor what was remembered from an earlier one matter."""
    targets = [*TALK, *ATTACKS, b"/", b"/p?q=plain", b"/a'b?c=d"]
    together = SignatureScanner.cached().judge(batch({"target": targets}))
    for row, target in enumerate(targets):
        assert scanner.judge(batch({"target": [target]})).rules(0) == together.rules(row)
