"""Exceptions leave out what they say, and nothing else, and count it."""

from datetime import date
from typing import Any

import pytest

from tests.engine.running import LATENESS_US, batches, found_in, run_case
from tests.golden.incidents import INCIDENTS
from vedette.config import Config
from vedette.config.exceptions import ExceptionRule
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.build import build_engine
from vedette.engine.excusing import Exceptions
from vedette.engine.narrowest import Stamp, of_request, of_window
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.findings import Findings

STAMP = Stamp(date(2026, 1, 1), date(2027, 1, 1), "seen")
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
LINE = (
    '192.0.2.{client} - - [02/Mar/2026:08:00:{second:02} +0000] "GET {target} HTTP/1.1" 200 5 "-" "'
    + AGENT
    + '"\n'
)
UNION = "1%27%20UNION%20SELECT%20password,1"
TARGETS = [
    f"/search?q={UNION}",
    f"/search?q={UNION}&page=2",
    f"/search?q=shoes&sort={UNION}",
    f"/search?q={UNION}&sort={UNION}",
    f"/list?q={UNION}",
    "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
    f"/search?q=%3Cscript%3Ealert(1)%3C/script%3E{UNION}",
]


def log(targets: list[str] = TARGETS) -> bytes:
    """One client for each target, so that each has an anomaly of its own."""
    return "".join(LINE.format(client=n + 1, second=n, target=t) for n, t in enumerate(targets)).encode()


def found(exceptions: list[ExceptionRule], text: bytes) -> Findings:
    engine = build_engine(Config(), lateness_us=LATENESS_US, exceptions=exceptions)
    for batch in batches([text]):
        engine.process(batch)
    return engine.finish()


def told(findings: Findings) -> set[tuple[int, str]]:
    """(place in `TARGETS`, type) of what was stated."""
    return {(int(a.entity.value.rpartition(".")[2]) - 1, a.type.value) for a in findings.anomalies}


def made() -> list[ExceptionRule]:
    """Exceptions for the first target."""
    engine = build_engine(Config(), lateness_us=LATENESS_US)
    (batch,) = batches([log(TARGETS[:1])])
    engine.process(batch)
    (anomaly,) = (a for a in engine.finish().anomalies if a.type is AnomalyType.SQL_INJECTION)
    (batch,) = batches([log(TARGETS[:1])])
    return list(of_request(anomaly, batch.requests, 0, engine.scanner, STAMP))


def test_the_narrowest_exception_of_a_request_is_its_rules_route_and_parameter() -> None:
    exceptions = made()
    assert exceptions
    for each in exceptions:
        assert (each.service, each.route, each.place) == ("test", "/search", "parameter q")
        assert each.type is AnomalyType.SQL_INJECTION
        assert each.detector is None


def test_only_that_rule_on_that_route_in_that_parameter_is_left_out() -> None:
    plain = told(found([], log()))
    findings = found(made(), log())
    # The first two are what was called false; the last is still script.
    gone = {(0, "sql_injection"), (1, "sql_injection"), (6, "sql_injection")}
    assert gone <= plain
    assert told(findings) == plain - gone
    assert (6, "xss") in told(findings)
    for row in findings.coverage.silenced:
        assert row.requests >= 2
        assert not row.expired
    whole = found(made(), log(TARGETS[:1] * 5)).coverage.silenced
    assert {row.requests for row in whole} == {5}


def test_an_exception_that_is_over_or_of_another_service_leaves_out_nothing() -> None:
    plain = told(found([], log()))
    for change in ({"expires": date(2026, 3, 2)}, {"service": "other"}, {"rule": "no-such-rule"}):
        findings = found([each.model_copy(update=change) for each in made()], log())
        assert told(findings) == plain
        assert all(row.requests == 0 for row in findings.coverage.silenced)
        assert {row.ruleless for row in findings.coverage.silenced} == {"rule" in change}
    late = found([each.model_copy(update={"expires": date(2026, 3, 2)}) for each in made()], log())
    assert all(row.expired for row in late.coverage.silenced)


def _again(name: str, exceptions: list[ExceptionRule]) -> Findings:
    case = INCIDENTS[name]
    engine = build_engine(Config(), lateness_us=LATENESS_US, exceptions=exceptions)
    for batch in batches(case.simulation().chunks(), case.format):
        engine.process(batch)
    return engine.finish()


@pytest.mark.parametrize("name", ["error_spike", "traffic_drop", "scanner", "traffic_spike"])
def test_the_narrowest_exception_of_a_window_silences_it(name: str) -> None:
    before = found_in(name)
    anomaly = next(a for a in before.anomalies if a.type.value == name and a.detector != "signatures")
    exception = of_window(anomaly, STAMP, any_time=False)
    after = _again(name, [exception])
    assert anomaly.id not in {a.id for a in after.anomalies}
    (row,) = after.coverage.silenced
    assert row.anomalies >= 1
    others = [a for a in before.anomalies if a.entity != anomaly.entity or a.detector != anomaly.detector]
    assert {a.id for a in others} <= {a.id for a in after.anomalies}


@pytest.mark.parametrize(
    "change",
    [
        {"when": "Tue 09:00-10:00"},
        {"when": "Mon 03:00-04:00"},
        {"up_to": 0.0, "down_to": None},
        {"entity": {"kind": "service", "value": "another"}},
        {"detector": "another"},
        {"expires": date(2026, 1, 1)},
    ],
)
def test_what_an_exception_of_windows_does_not_say_is_told(change: dict[str, Any]) -> None:
    before = found_in("error_spike")
    anomaly = next(a for a in before.anomalies if a.type is AnomalyType.ERROR_SPIKE)
    values = {**of_window(anomaly, STAMP, any_time=False).model_dump(), **change}
    after = _again("error_spike", [ExceptionRule.model_validate(values, strict=False)])
    assert [a.id for a in after.anomalies] == [a.id for a in before.anomalies]
    assert after.coverage.silenced[0].anomalies == 0


def test_at_any_time_is_wider() -> None:
    anomaly: Anomaly = found_in("error_spike").anomalies[0]
    exception = of_window(anomaly, STAMP, any_time=True)
    assert exception.when is None
    week = 7 * 24 * 3600 * 1_000_000
    assert exception.at(anomaly.start + week // 3)
    narrow = of_window(anomaly, STAMP, any_time=False)
    assert narrow.at(anomaly.start + week)
    assert not narrow.at(anomaly.start + week // 3)


def test_without_exceptions_nothing_is_counted() -> None:
    assert run_case(INCIDENTS["scanner"]).coverage.silenced == []


@pytest.mark.parametrize(
    "target",
    [
        f"/search?q={UNION}",
        "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/search?q=%27%20or%20%271%27=%271",
        f"/search?q=%3Cscript%3Ealert(1)%3C/script%3E{UNION}",
        "/search?q=;cat%20/etc/passwd|id",
    ],
)
def test_what_is_left_without_a_rule_is_what_is_said_where_it_is_switched_off(target: str) -> None:
    engine = build_engine(Config(), lateness_us=LATENESS_US)
    (batch,) = batches([log([target])])
    rules = engine.scanner.rules
    hit = engine.scanner.judge(batch.requests).rules(0)
    assert len(hit) >= 2
    assert any(rules[rule].band is not None for rule in hit)
    for rule in hit:
        exception = ExceptionRule.model_validate(
            {
                "id": "x",
                "service": "test",
                "type": rules[rule].type,
                "rule": rules[rule].id,
                "route": "/search",
                "place": "request",
                "expires": date(2027, 1, 1),
            },
            strict=False,
        )
        left = engine.scanner.judge(batch.requests)
        Exceptions([exception], engine.scanner).excuse(batch.requests, batch.service, batch.services, left)
        off = SignatureScanner.cached(disabled={rules[rule].id}).judge(batch.requests)
        for name in ("confidence", "plain", "types", "top_rule", "payload"):
            assert getattr(left, name).tolist() == pytest.approx(getattr(off, name).tolist(), nan_ok=True), (
                name
            )
