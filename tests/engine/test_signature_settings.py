"""Signatures as the configuration wants them; and what is no evidence at all."""

from pathlib import Path

import pytest

from tests.engine.running import run
from vedette.config import Config
from vedette.config.detectors import Detectors, SignatureException, Signatures
from vedette.detectors.signatures import database
from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.payload_model import packaged
from vedette.detectors.signatures.rules import REQUEST_TYPES, RuleError
from vedette.engine.signatures import signature_scanner
from vedette.schema.anomaly import AnomalyType

OWN = """
type: abnormal_request
reference: CAPEC-1
places: [query]
rules:
  - id: shop-voucher-probe
    pattern: '(?:^|&)voucher=test\\d'
    confidence: 0.9
    why: Nobody but a tester tries such vouchers.
    attacks: ["/cart?voucher=test1"]
    lookalikes: ["/cart?voucher=SUMMER"]
"""


def line(minute: int, client: str, target: str, status: int) -> bytes:
    moment = (
        f"10/Mar/2025:{10 + minute // 60:02}:{minute % 60:02}:{(len(client) + 7 * len(target)) % 60:02} +0000"
    )
    return (
        f'{client} - - [{moment}] "GET {target} HTTP/1.1" {status} 512 "-" '
        f'"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"\n'
    ).encode()


def configured(**settings: object) -> Config:
    return Config(detectors=Detectors(signatures=Signatures(**settings)))


def attacks(log: list[bytes], config: Config | None = None) -> set[AnomalyType]:
    return {anomaly.type for anomaly in run([b"".join(log)], config=config).anomalies}


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One family of rules, not compiled yet: all of them take seconds each time."""
    (name,) = (name for name in database.rule_sources() if name.startswith("sql"))
    chosen = {name: database.rule_sources()[name]}
    monkeypatch.setattr(database, "rule_sources", lambda: chosen)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("few")
def test_a_rule_file_adds_rules(tmp_path: Path):
    file = tmp_path / "shop.yaml"
    file.write_text(OWN)
    log = [line(0, "203.0.113.7", "/cart?voucher=test1", 200)]
    assert attacks(log) == set()
    for _ in range(2):  # compiled, then from the cache
        assert attacks(log, configured(rule_files=(str(file),))) == {AnomalyType.ABNORMAL_REQUEST}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("test1", "other"), "does not hit its attack"),
        (("SUMMER", "test2"), "hits its look-alike"),
        (("shop-voucher-probe", "sql-union-select"), "defined twice"),
        (("    why", "    because"), "because"),
        (("test\\d", "(a+)+\\1"), "not allowed"),
    ],
)
@pytest.mark.usefixtures("few")
def test_a_rule_that_does_not_do_what_its_examples_say_is_refused(
    tmp_path: Path, change: tuple[str, str], fault: str
):
    file = tmp_path / "shop.yaml"
    file.write_text(OWN.replace(*change))
    for _ in range(2):  # what is refused is not cached either
        with pytest.raises(RuleError, match=fault):
            signature_scanner(Signatures(rule_files=(str(file),)))


def test_a_rule_file_that_is_missing_is_named():
    with pytest.raises(RuleError, match=r"rule_files: /nowhere/x\.yaml: cannot be read"):
        signature_scanner(Signatures(rule_files=("/nowhere/x.yaml",)))


def test_an_exception_silences_a_rule_on_its_paths_alone():
    log = [line(0, "203.0.113.7", "/sql-course/try?q=1+union+select+a,b+from+t", 200)]
    assert attacks(log) == {AnomalyType.SQL_INJECTION}
    excepted = SignatureException(path="/sql-course/*", rules=("sql-*", "model-sql-*"))
    assert attacks(log, configured(exceptions=(excepted,))) == set()
    elsewhere = SignatureException(path="/other/*", rules=("sql-*", "model-sql-*"))
    assert attacks(log, configured(exceptions=(elsewhere,))) == {AnomalyType.SQL_INJECTION}


def test_the_payload_model_can_be_switched_off():
    target = "/p?q=top[/al/.source%2b/ert/.source](1)"
    with_it, without = (signature_scanner(Signatures(payload_model=wanted)) for wanted in (True, False))
    requests = batch({"target": [target.encode()]})
    assert with_it.judge(requests).confidence[0] > without.judge(requests).confidence[0]


def test_what_the_model_found_is_told_with_its_arithmetic():
    log = [line(0, "203.0.113.7", "/p?q=x=self;y='al';x[y%2b'ert'](1)//%3Cx", 200)]
    (anomaly,) = run([b"".join(log)]).anomalies
    told = anomaly.details["model"]
    assert told["score"] == pytest.approx(told["rest"] + sum(gram["amount"] for gram in told["grams"]))
    assert told["score"] >= told["threshold"]
    (matched,) = {evidence.matched for evidence in anomaly.evidence}
    assert packaged().score(matched.encode()) == pytest.approx(told["score"])
    assert all(gram["text"].strip("^$") in matched for gram in told["grams"])


def test_our_own_refusals_make_nobody_an_attacker():
    """A client that is refused, politely and for long, is stated to have done nothing."""
    log = []
    for minute in range(90):
        log += [line(minute, f"198.51.100.{visitor}", f"/page/{visitor % 4}", 200) for visitor in range(12)]
        log += [line(minute, "203.0.113.66", f"/members/{page}", 403) for page in range(3)]
    against = [
        anomaly
        for anomaly in run([b"".join(log)]).anomalies
        if "203.0.113.66" in anomaly.clients or anomaly.entity.value == "203.0.113.66"
    ]
    assert against == []


@pytest.mark.parametrize("status", [200, 301, 403, 404, 406, 500])
def test_what_was_answered_does_not_change_what_a_request_is(status: int):
    ordinary = [line(0, "203.0.113.7", target, status) for target in ("/", "/a?b=c", "/login")]
    assert not attacks(ordinary) & set(REQUEST_TYPES)
    hostile = [line(0, "203.0.113.7", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", status)]
    assert attacks(hostile) & set(REQUEST_TYPES) == {AnomalyType.XSS}
