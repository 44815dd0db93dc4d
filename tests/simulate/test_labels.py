"""Every labelled line is what its label says, and nothing else is."""

import io
import json
import re
from collections import Counter
from collections.abc import Callable
from urllib.parse import unquote_plus

import pytest
from tests.golden.incidents import ABUSES, INTRUSION, SILENT
from tests.golden.incidents import INCIDENTS as CASES
from tests.simulate.reference import Request, read

from vedette.schema.anomaly import EntityKind
from vedette.simulate import INCIDENTS, Simulation
from vedette.simulate.labels import Label

Claim = Callable[[list[Request]], bool]


def _decoded(r: Request) -> str:
    text = f"{r.target} {r.agent}"
    for _ in range(3):
        text = unquote_plus(text)
    return text.lower().replace("/**/", " ")


def _all_match(pattern: str) -> Claim:
    return lambda rows: all(re.search(pattern, _decoded(r)) for r in rows)


def _share(rows: list[Request], holds: Callable[[Request], bool]) -> float:
    return sum(map(holds, rows)) / len(rows)


# What must hold for the lines of each incident, all taken together.
CLAIMS: dict[str, Claim] = {
    "error_spike": lambda rows: all(r.status >= 500 for r in rows),
    "latency_spike": lambda rows: sorted(r.seconds or 0 for r in rows)[len(rows) // 2] > 0.2,
    "traffic_spike": lambda rows: (
        len({r.client for r in rows}) > 100 and _share(rows, lambda r: r.status < 400) > 0.8
    ),
    "traffic_drop": lambda rows: not rows,
    "ddos": lambda rows: (
        len({r.client for r in rows}) == 1 and {r.target.partition("?")[0] for r in rows} == {"/"}
    ),
    "ddos_distributed": lambda rows: max(Counter(r.client for r in rows).values()) < 0.02 * len(rows),
    "ddos_pulsed": lambda rows: (
        len({r.client for r in rows}) > 100
        # It begins at a full minute; an answer may take until the next third of it.
        and _share(rows, lambda r: (r.time.timestamp() - (r.seconds or 0)) % 60 < 21) > 0.95
    ),
    "ddos_slow": lambda rows: (
        all(r.target.startswith("/search?q=") for r in rows)
        and sorted(r.seconds or 0 for r in rows)[len(rows) // 2] > 0.2
    ),
    "brute_force": lambda rows: (
        {(r.method, r.target) for r in rows} == {("POST", "/login")}
        and _share(rows, lambda r: r.status == 401) > 0.98
    ),
    "credential_stuffing": lambda rows: (
        len({r.client for r in rows}) > 50 and all((r.method, r.target) == ("POST", "/login") for r in rows)
    ),
    "scanner": lambda rows: (
        _share(rows, lambda r: r.status == 404) > 0.85 and len({r.target for r in rows}) > 500
    ),
    "slow_scan": lambda rows: (
        _share(rows, lambda r: r.status == 404) > 0.7 and "Mozilla/5.0" in (rows[0].agent or "")
    ),
    "bot_activity": lambda rows: all(
        r.target.startswith("/product/") and "Mozilla" in (r.agent or "") for r in rows
    ),
    "data_exfiltration": lambda rows: sum(r.size or 0 for r in rows) / len(rows) > 5_000_000,
    "rate_limit_abuse": lambda rows: _share(rows, lambda r: r.status == 429) > 0.8,
    "skipped_payment": lambda rows: (
        _share(rows, lambda r: r.target.endswith("/thanks")) > 0.1
        and not any(r.target == "/checkout/orders" for r in rows)
    ),
    "cart_hoarding": lambda rows: (
        _share(rows, lambda r: r.target == "/cart/items") > 0.5 and not any(r.target == "/cart" for r in rows)
    ),
    "card_testing": lambda rows: _share(rows, lambda r: r.target == "/checkout/orders") > 0.3,
    "order_walking": lambda rows: _share(rows, lambda r: r.target.startswith("/account/orders/")) > 0.8,
    "account_hopping": lambda rows: (
        _share(rows, lambda r: (r.method, r.target) == ("POST", "/login")) > 0.15
        and {r.status for r in rows} != {401}
    ),
    "deploy": lambda rows: any(r.status in (502, 503) for r in rows),
    "sqli": _all_match(r"'|--|;|union|select|sleep|order by|0x|and |or "),
    "xss": _all_match(r"<|javascript:|onmouseover"),
    "path_traversal": _all_match(r"\.\.|%c0%af|\ufffd"),
    "command_injection": _all_match(r"[;|`&\n]|\$\(|\{ "),
    "file_inclusion": _all_match(r"(php|http|data|expect|file|phar|zip)://|data:"),
    "ssrf": _all_match(r"(http|gopher|dict)://"),
    "template_injection": _all_match(r"\{\{|\$\{|<%=|#\{|\*\{|\{php"),
    "log4shell": _all_match(r"\$\{"),
    "xxe": _all_match(r"<!doctype|<!entity"),
    "webshell": _all_match(r"\.(php|jsp|aspx)"),
    "sensitive_file": _all_match(r"/\.|bak|sql|config|key|php|actuator"),
    "protocol_violation": lambda rows: all(
        r.method in ("TRACE", "CONNECT") or "%0" in r.target for r in rows
    ),
}


def _labelled(label: Label, rows: list[Request]) -> list[Request]:
    return [rows[line - 1] for first, last in label.lines for line in range(first, last + 1)]


def _times_fit(label: Label, rows: list[Request]) -> bool:
    # A request begins within its incident; its line is written when it ends. Visits outlast a flash crowd.
    slack = 60 + (600 if label.incident == "traffic_spike" else 0)
    return all(
        label.start / 1e6 <= r.time.timestamp() + (r.seconds or 0) + 0.01 < label.end / 1e6 + slack
        for r in rows
    )


@pytest.mark.parametrize("name", INCIDENTS)
def test_labelled_lines_are_what_they_are_said_to_be(name: str) -> None:
    simulation = Simulation(minutes=30, rate=5, seed=11, format="nginx-json", inject=f"{name}@+10m+10m")
    stream = io.BytesIO()
    (label,) = simulation.write(stream).incidents
    rows = read("nginx-json", stream.getvalue())
    mine = _labelled(label, rows)
    assert label.requests == len(mine)
    assert CLAIMS[name](mine)
    assert _times_fit(label, mine)
    if label.entity.kind is EntityKind.CLIENT:
        theirs = [r for r in rows if r.client == label.entity.value]
        assert theirs == mine


@pytest.mark.parametrize("name", [n for n in INCIDENTS if n != "traffic_drop"])
def test_an_incident_is_large_enough_to_be_seen(name: str) -> None:
    (label,) = Simulation(minutes=30, rate=5, seed=11, inject=f"{name}@+10m+10m").labels.incidents
    assert label.requests >= 20


def test_a_traffic_drop_shows_in_what_is_missing() -> None:
    log = read(
        "nginx-json",
        b"".join(
            Simulation(minutes=30, rate=5, format="nginx-json", inject="traffic_drop@+10m+10m").chunks()
        ),
    )
    start = log[0].time.timestamp()
    during = sum(600 < r.time.timestamp() - start < 1200 for r in log)
    assert during < 0.25 * (len(log) - during) / 2


def test_a_route_and_an_intensity_are_obeyed() -> None:
    simulation = Simulation(
        minutes=30, rate=20, format="nginx-json", inject="error_spike@+10m+10m*0.5/product/{}"
    )
    rows = read("nginx-json", b"".join(simulation.chunks()))
    label = simulation.labels.incidents[0]
    mine = _labelled(label, rows)
    assert label.route == "/product/{}"
    assert all(r.target.startswith("/product/") for r in mine)
    start = rows[0].time.timestamp()
    then = [r for r in rows if r.target.startswith("/product/") and 600 < r.time.timestamp() - start < 1200]
    assert 0.15 < len(mine) / len(then) < 0.4


def test_a_service_is_obeyed() -> None:
    simulation = Simulation(
        minutes=20, rate=20, format="nginx-json", services=4, inject="error_spike@+5m+5m:api.shop.example"
    )
    rows = read("nginx-json", b"".join(simulation.chunks()))
    label = simulation.labels.incidents[0]
    assert label.service == "api.shop.example"
    assert {r.service for r in _labelled(label, rows)} == {"api.shop.example"}


def test_incidents_of_one_actor_come_from_one_client_and_others_do_not() -> None:
    inject = "scanner@+1m+1m#eve,sqli@+2m+1m#eve,xss@+3m+1m"
    scanner, sqli, xss = Simulation(minutes=10, rate=2, inject=inject).labels.incidents
    assert scanner.entity == sqli.entity != xss.entity


def test_a_share_of_all_requests_can_be_attacks_each_labelled_by_its_family() -> None:
    simulation = Simulation(minutes=20, rate=20, seed=2, format="nginx-json", attack_share=0.2)
    rows = read("nginx-json", b"".join(simulation.chunks()))
    labels = simulation.labels.incidents
    assert sum(label.requests for label in labels) == pytest.approx(0.2 * len(rows), rel=0.1)
    for label in labels:
        assert CLAIMS[label.incident](_labelled(label, rows)), label.incident


def test_spoilt_lines_are_not_labelled() -> None:
    simulation = Simulation(minutes=10, rate=10, attack_share=1.0, malformed_share=1.0)
    assert all(label.requests == 0 for label in simulation.labels.incidents)


def test_line_numbers_count_the_header_of_formats_that_have_one() -> None:
    plain = Simulation(minutes=5, rate=5, inject="sqli@+1m+1m")
    with_header = Simulation(minutes=5, rate=5, inject="sqli@+1m+1m", format="iis")
    shifted = [(first + 4, last + 4) for first, last in plain.labels.incidents[0].lines]
    assert with_header.labels.incidents[0].lines == shifted


def test_a_labels_file_holds_one_json_object_per_incident() -> None:
    labels = Simulation(minutes=20, rate=5, inject="ddos@+5m+5m,deploy@+12m").labels
    stream = io.BytesIO()
    labels.write(stream)
    ddos, deploy = (json.loads(line) for line in stream.getvalue().splitlines())
    assert ddos["type"] == "ddos_attack"
    assert ddos["start"] == "2026-03-02T08:05:00Z"
    assert ddos["end"] == "2026-03-02T08:10:00Z"
    assert ddos["entity"]["kind"] == "client"
    assert ddos["requests"] == sum(last - first + 1 for first, last in ddos["lines"])
    assert deploy["type"] is None


def test_line_labels_are_one_json_object_per_labelled_line_in_order() -> None:
    labels = Simulation(minutes=10, rate=5, inject="sqli@+1m+2m,xss@+1m+2m").labels
    stream = io.BytesIO()
    labels.write_lines(stream)
    marks = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [m["line"] for m in marks] == sorted(m["line"] for m in marks)
    assert Counter(m["type"] for m in marks) == {
        "sql_injection": labels.incidents[0].requests,
        "xss": labels.incidents[1].requests,
    }


def test_the_table_of_cases_has_every_incident_and_each_fits_its_traffic() -> None:
    assert {case.name for case in (*CASES.values(), *SILENT.values())} | set(ABUSES) == set(INCIDENTS)
    for case in (*CASES.values(), *SILENT.values(), INTRUSION):
        assert case.simulation().inject
        assert not case.calm().inject
