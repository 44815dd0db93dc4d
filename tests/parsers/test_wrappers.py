"""Lines that a runtime cut, a syslog daemon put a head on or a shipper put into JSON are read as what they were."""

import json
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.parsers.lines import chunk, rows

from vedette.engine.line_reader import LineReader
from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import fit, sniff
from vedette.parsers.wrappers import MOST_JOINED, UnwrappingParser, Wrapper, wrappers
from vedette.schema.chunk import Chunk, SkipReason
from vedette.schema.state import StateError

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
LINES = (GOLDEN / "combined.log").read_bytes().splitlines()[:12]
DOCKER, CRI, SYSLOG, KUBERNETES, POD, COMPOSE, JOURNAL, COLOURS, *SHIPPED = wrappers()
STAMP = "2026-03-02T08:00:00.123456789Z"
LONG = b'192.0.2.1 - - [02/Mar/2026:08:00:00 +0000] "GET /%b HTTP/1.1" 200 5 "-" "curl/8.0"'  # as long as asked for


def cri(part: bytes, last: bool, stream: str = "stdout") -> bytes:
    return f"{STAMP} {stream} {'F' if last else 'P'} ".encode() + part + b"\n"


def docker(part: bytes, last: bool, stream: str = "stdout") -> bytes:
    text = part.decode("latin-1") + ("\n" if last else "")
    entry = {"log": text, "stream": stream, "time": STAMP}
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


WRAP = {"cri": (CRI, cri), "docker": (DOCKER, docker)}


def parser(name: str) -> UnwrappingParser:
    return UnwrappingParser(WRAP[name][0], by_name("combined").open("test.log"))


def parts(line: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(line)) for cut in cuts), len(line)]
    return [line[a:b] for a, b in pairwise(edges)]


def told(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "line"}


@cache
def plain() -> list[dict[str, object]]:
    """The rows of the lines without a wrapper."""
    parsed = by_name("combined").open("x").parse(chunk(b"\n".join(LINES) + b"\n"))
    return [told(row) for row in rows(parsed.requests)]


@pytest.mark.parametrize("name", list(WRAP))
@given(data=st.data())
def test_cut_lines_of_two_streams_are_joined_wherever_chunks_end(name: str, data: st.DataObject) -> None:
    wrap = WRAP[name][1]
    queues: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    order: list[str] = []
    for line in LINES:
        stream = data.draw(st.sampled_from(["stdout", "stderr"]))
        pieces = parts(line, data.draw(st.lists(st.integers(0, 200), max_size=3)))
        wrapped = [wrap(piece, at == len(pieces) - 1, stream) for at, piece in enumerate(pieces)]
        queues[stream] += wrapped
        order += [stream] * len(wrapped)
    # The two streams are written side by side; each in its own order.
    text = [queues[stream].pop(0) for stream in data.draw(st.permutations(order))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    reading, number, found, lines = parser(name), 1, [], 0
    for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        parsed = reading.parse(chunk(b"".join(text[begin:end]), number))
        found += rows(parsed.requests)
        number += parsed.lines
        lines += parsed.lines - parsed.joined
        assert not parsed.skips.total
        state, reading = reading.to_state(), parser(name)
        reading.from_state(state)
    assert lines == len(LINES)
    assert number == len(text) + 1
    assert sorted(map(str, map(told, found))) == sorted(map(str, plain()))
    # A line has the number of its last part.
    numbers = [int(str(row["line"])) for row in found]
    assert numbers == sorted(numbers)
    assert all(
        (b"stdout F" in text[n - 1] or b"stderr F" in text[n - 1] or b"\\n" in text[n - 1]) for n in numbers
    )


@pytest.mark.parametrize("name", list(WRAP))
def test_a_line_longer_than_there_is_room_for_is_read_as_far_as_that_and_counted(name: str) -> None:
    line = LONG % (b"a" * (MOST_JOINED + 100_000))
    wrap = WRAP[name][1]
    pieces = [line[at : at + 16_384] for at in range(0, len(line), 16_384)]
    text = b"".join(wrap(piece, piece is pieces[-1]) for piece in pieces) + wrap(LINES[0], True)
    parsed = parser(name).parse(chunk(text))
    assert (parsed.cut_lines, parsed.cut_bytes) == (1, len(line) - MOST_JOINED)
    assert parsed.lines - parsed.joined == 2
    assert len(parsed.requests) + parsed.skips.total == 2
    assert told(rows(parsed.requests)[-1]) == plain()[0]


def test_as_many_parts_as_there_is_room_for_lose_nothing() -> None:
    line = LONG % (b"a" * (MOST_JOINED - len(LONG % b"")))
    assert len(line) == MOST_JOINED
    pieces = [line[at : at + 16_384] for at in range(0, len(line), 16_384)]
    parsed = parser("cri").parse(chunk(b"".join(cri(piece, piece is pieces[-1]) for piece in pieces)))
    (row,) = rows(parsed.requests)
    assert (parsed.cut_lines, row["status"], len(str(row["target"]))) == (
        0,
        200,
        len(line) - len(LONG % b"") + 1,
    )


def test_what_waits_for_a_part_that_never_comes_is_told_at_the_end() -> None:
    reading = parser("cri")
    parsed = reading.parse(chunk(cri(LINES[0], True) + cri(LINES[1], False) + cri(LINES[2], False, "stderr")))
    assert [told(row) for row in rows(parsed.requests)] == plain()[:1]
    rest = reading.finish("test.log")
    assert [told(row) for row in rows(rest.requests)] == plain()[1:3]
    assert [row["line"] for row in rows(rest.requests)] == [2, 3]
    assert rest.lines - rest.joined == 2
    assert len(reading.finish("test.log").requests) == 0


def test_a_log_whose_lines_all_came_in_parts_is_recognised() -> None:
    text = b"".join(cri(line[:40], False) + cri(line[40:], True) for line in LINES * 40)
    choice = sniff(Chunk.of(text), formats())
    assert (choice.format.name, choice.wrapper, choice.share) == ("combined", CRI, 1.0)


def test_lines_sent_one_by_one_do_not_wait_for_each_other() -> None:
    reader = LineReader(lambda sample: sniff(sample, formats()))
    reader.read([cri(LINES[0], True).rstrip()], [None])
    for _ in range(2):
        found, reasons = reader.read([cri(LINES[1], False).rstrip()], [None])
        assert [told(row) for read in found for row in rows(read.requests)] == plain()[1:2]
        assert not reasons
    found, reasons = reader.read([cri(b"half of a line", False).rstrip()], [None])
    assert (found, reasons) == ([], {0: SkipReason.NOT_THIS_FORMAT})


@pytest.mark.parametrize("split", [4, -1])
def test_a_damaged_state_is_refused(split: int) -> None:
    from vedette.schema.state import decode, encode

    good = parser("cri")
    name, held, inner = decode(good.to_state(), tuple[str, bytes, bytes], "x")
    _, texts = decode(held, tuple[int, list[tuple[bytes, int, int]]], "x")
    for damaged in (
        (split, texts),
        (0, texts[:1]),
        (0, [(b"a" * (MOST_JOINED + 1), 0, 0), texts[1]]),
        (0, [(b"", -1, 0)] * 2),
    ):
        with pytest.raises(StateError):
            good.from_state(encode((name, encode(damaged), inner)))


HEADS = (
    "Mar  2 08:00:00 web1 nginx: ",
    "Mar 12 08:00:00 web1.example.org nginx[4711]: ",
    "<190>Mar  2 08:00:00 web1 nginx: ",
    "2026-03-02T08:00:00.123456+01:00 web1 nginx[1]: ",
    "<14>1 2026-03-02T08:00:00.123456Z web1 nginx 4711 access - ",
    '<14>1 2026-03-02T08:00:00Z web1 nginx - - [x@1 a="]\\" ["][y b="c"] ',
)


@pytest.mark.parametrize("head", HEADS)
def test_what_a_syslog_daemon_puts_before_a_line_is_peeled_off(head: str) -> None:
    text = b"".join(head.encode() + line + b"\n" for line in LINES)
    choice = sniff(chunk(text), formats())
    assert (choice.wrapper, choice.format.name) == (SYSLOG, "combined")
    parsed = choice.open("test.log").parse(chunk(text))
    assert [told(row) for row in rows(parsed.requests)] == plain()


@pytest.mark.parametrize(
    "line",
    [
        b"Mar  2 08:00:00 web1 last message repeated 2 times",
        b"2026-03-02T08:00:00.000000Z name 192.0.2.1:5 10.0.0.1:80 0.1 0.2 0.3 200 200 0 5",
        b"Mar  2 08:00:00 web1",
        b"Mar 2 08:00:00 web1 nginx: x",
        b"<14>1 2026-03-02T08:00:00Z web1 nginx - - [a",
        b"<14",
        b"<",
        b"",
    ],
)
def test_a_line_without_a_whole_head_stays_as_it_is(line: bytes) -> None:
    unwrapped = SYSLOG.open().unwrap(chunk(line + b"\n"))
    assert unwrapped.wrapped == 0
    assert unwrapped.chunk.buffer[: unwrapped.chunk.length].tobytes() == line + b"\n"


@given(st.binary(max_size=60).map(lambda text: text.replace(b"\n", b" ")), st.sampled_from(HEADS), st.data())
def test_a_head_that_ends_anywhere_never_leaves_the_line(rest: bytes, head: str, data: st.DataObject) -> None:
    cut = head[: data.draw(st.integers(0, len(head)))].encode()
    unwrapped = SYSLOG.open().unwrap(chunk(cut + rest + b"\n"))
    written = unwrapped.chunk.buffer[: unwrapped.chunk.length].tobytes()
    assert written.count(b"\n") == 1
    assert (cut + rest).rstrip(b"\r").endswith(written[:-1])


def journal(line: str) -> str:
    """What `journalctl -o json` writes: text that is no plain text as numbers, and sometimes all of it."""
    entry = {"_HOSTNAME": "web1", "CODE": 'a "MESSAGE":"x"', "MESSAGE": line, "_COMM": "nginx"}
    return json.dumps(entry, separators=(",", ":"))


def journal_of_bytes(line: str) -> str:
    return json.dumps({"PRIORITY": "6", "MESSAGE": list(f"\x1b[32m{line}\x1b[0m".encode("latin-1"))})


@pytest.mark.parametrize(
    ("wrapper", "wrap"),
    [
        (COMPOSE, "web-1  | {}".format),
        (COMPOSE, "nginx_proxy.1    | {}".format),
        (COMPOSE, (f"web-1  | {STAMP} " + "{}").format),
        (COMPOSE, "\x1b[36mweb-1  | \x1b[0m{}".format),
        (COMPOSE, "\x1b[1;36mweb-1  |\x1b[0m \x1b[90m{}\x1b[0m".format),
        (POD, "[pod/web-7d4b9c-x1/nginx] {}".format),
        (POD, (f"[pod/web-7d4b9c-x1/nginx] {STAMP} " + "{}").format),
        (JOURNAL, journal),
        (JOURNAL, journal_of_bytes),
        (COLOURS, "\x1b[32m{}\x1b[0m".format),
    ],
)
def test_what_a_tool_puts_before_a_line_as_it_shows_it_is_peeled_off(
    wrapper: Wrapper, wrap: Callable[[str], str]
) -> None:
    text = b"".join(wrap(line.decode("latin-1")).encode("latin-1") + b"\n" for line in LINES)
    choice = sniff(chunk(text), formats())
    assert (choice.wrapper, choice.format.name) == (wrapper, "combined")
    parsed = choice.open("test.log").parse(chunk(text))
    assert [told(row) for row in rows(parsed.requests)] == plain()


@pytest.mark.parametrize(
    ("wrapper", "line"),
    [
        (COMPOSE, b"web-1 192.0.2.1 | x"),
        (COMPOSE, b"web-1| x"),
        (COMPOSE, b" | x"),
        (COMPOSE, b"web-1  |"),
        (POD, b"[pod/web"),
        (POD, b"[pod/web/nginx]"),
        (JOURNAL, b'{"PRIORITY":"6"}'),
        (JOURNAL, b'{"MESSAGE":null}'),
        (JOURNAL, b'{"MESSAGE":[104,256]}'),
        (JOURNAL, b'{"MESSAGE":[104'),
        (JOURNAL, b'{"MESSAGE"'),
        (JOURNAL, b'{"x":"MESSAGE","y":"z"}'),
        (JOURNAL, b'{"MESSAGE" "z"}'),
        (JOURNAL, b'{"MESSAGE":'),
        (JOURNAL, b'"MESSAGE":"z"'),
        (COLOURS, b"plain"),
        (COLOURS, b"\x1b[31"),
    ],
)
def test_what_only_looks_like_it_stays_as_it_is(wrapper: Wrapper, line: bytes) -> None:
    unwrapped = wrapper.open().unwrap(chunk(line + b"\n"))
    assert unwrapped.wrapped == 0
    assert unwrapped.chunk.buffer[: unwrapped.chunk.length].tobytes() == line + b"\n"


def shipped(line: str, **about: object) -> str:
    """An object as Filebeat writes it; what is told of a line stands before it and behind."""
    head = {"@timestamp": "2026-03-02T08:00:00.000Z", "log": {"offset": 12, "file": {"path": '/a"b'}}}
    return json.dumps({**head, "message": line, "input": {"type": "message"}, **about})


@pytest.mark.parametrize(
    ("key", "wrap"),
    [
        ("message", shipped),
        ("message", lambda line: json.dumps({"_index": "web", "_source": {"message": line}})),
        (
            "log",
            lambda line: json.dumps({"date": 1772438400.1, "log": line, "kubernetes": {"pod_name": "web"}}),
        ),
        ("log", lambda line: json.dumps({"log": line, "stream": "stdout"}, separators=(",", ":"))),
        ("textPayload", lambda line: json.dumps({"textPayload": line, "timestamp": STAMP})),
        ("line", lambda line: json.dumps({"labels": {"job": "line"}, "line": line, "timestamp": STAMP})),
        ("_raw", lambda line: json.dumps({"preview": False, "result": {"_raw": line}})),
        ("original", lambda line: json.dumps({"event": {"original": line}, "message": "request"})),
        ("LogMessage", lambda line: json.dumps({"PodName": "web", "LogMessage": line + "\n"})),
    ],
)
def test_a_line_that_a_shipper_put_under_a_key_is_read(key: str, wrap: Callable[[str], str]) -> None:
    text = b"".join(wrap(line.decode("latin-1")).encode() + b"\n" for line in LINES)
    choice = sniff(chunk(text), formats())
    assert choice.wrapper is not None
    assert (choice.wrapper.key.decode(), choice.format.name) == (key, "combined")
    parsed = choice.open("test.log").parse(chunk(text))
    assert [told(row) for row in rows(parsed.requests)] == plain()
    assert parsed.lines == len(LINES)
    assert not parsed.skips.total


def test_the_line_inside_may_be_json_itself() -> None:
    inside = (GOLDEN / "envoy-json.log").read_bytes().splitlines()[:10]
    text = b"".join(shipped(line.decode()).encode() + b"\n" for line in inside)
    choice = sniff(chunk(text), formats())
    assert (choice.wrapper and choice.wrapper.name, choice.format.name) == ("json message", "envoy-json")
    expected = by_name("envoy-json").open("x").parse(chunk(b"\n".join(inside) + b"\n"))
    assert rows(choice.open("x").parse(chunk(text)).requests) == rows(expected.requests)


def test_an_object_that_tells_the_request_itself_is_read_rather_than_the_line_beside() -> None:
    told_whole = (GOLDEN / "ecs-json.log").read_bytes().splitlines()[:4]
    text = b"".join(
        json.dumps({**json.loads(line), "message": inner.decode("latin-1")}).encode() + b"\n"
        for line, inner in zip(told_whole, LINES, strict=False)
    )
    choice = sniff(chunk(text), formats())
    assert (choice.wrapper, choice.format.name) == (None, "ecs-json")


def test_objects_of_a_named_format_are_not_taken_apart_while_none_of_them_fits() -> None:
    text = b'{"level":"info","msg":"starting"}\n' * 5
    assert fit(chunk(text), by_name("pino-json")).wrapper is None


@given(st.binary(max_size=80).map(lambda text: text.replace(b"\n", b" ")), st.sampled_from(SHIPPED))
def test_whatever_an_object_holds_stays_one_line(text: bytes, wrapper: Wrapper) -> None:
    unwrapped = wrapper.open().unwrap(chunk(b'{"%b":%b\n' % (wrapper.key, text)))
    written = unwrapped.chunk.buffer[: unwrapped.chunk.length].tobytes()
    assert written.count(b"\n") == 1
