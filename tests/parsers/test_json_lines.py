"""JSON lines: structure, nesting, repeats, escapes, against a plain decoder."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.lines.tokenise_json import DEEPEST
from vedette.parsers.fields import Conventions, Field, TimeFormat
from vedette.parsers.json_keys import JsonKeys, key_path
from vedette.parsers.json_lines import JsonFormat
from vedette.schema.chunk import Chunk, Parsed, SkipReason

FORMAT = JsonFormat(
    "test",
    "",
    {
        Field.TIME: ("t",),
        Field.STATUS: ("s",),
        Field.TARGET: ("r.path", "p"),
        Field.USER_AGENT: ("r.headers.UA[0]",),
        Field.REFERER: ("r.headers.Ref[0][0]",),
        Field.SERVICE: (r"dotted\.key",),
    },
    Conventions(TimeFormat.EPOCH_SECONDS),
)


def parse(*lines: str | bytes, log_format: JsonFormat = FORMAT) -> Parsed:
    text = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    return log_format.open("x").parse(Chunk.of(text))


def one(line: str | bytes) -> dict[str, bytes | None]:
    """The text fields of a line that is a request."""
    requests = parse(line).requests
    assert len(requests) == 1
    return {name: getattr(requests, name)[0] for name in ("target", "user_agent", "referer", "service")}


def reasons(*lines: str | bytes) -> dict[SkipReason, int]:
    return parse(*lines).skips.counts


def wanted_text(value: Any) -> bytes | None:
    """What a field of this JSON value says: its text; nothing for null, `-`, arrays and objects."""
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
    elif value is None or isinstance(value, dict | list):
        return None
    else:
        text = json.dumps(value).encode()
    return text if text not in {b"", b"-"} else None


def at(document: Any, *steps: str | int) -> Any:
    for step in steps:
        if isinstance(step, str) and isinstance(document, dict):
            document = document.get(step)
        elif isinstance(step, int) and isinstance(document, list) and document:
            document = document[step]
        else:
            return None
    return document


names = st.sampled_from(["t", "s", "p", "r", "path", "headers", "UA", "Ref", "dotted.key", "x", "", 'q"\\'])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12).filter(lambda t: not any(0xD800 <= ord(c) < 0xE000 for c in t)),
    st.sampled_from(["-", "a\nb", '"', "\\", "\u2028", "\U0001f600", "é" * 20]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=5)),
    max_leaves=25,
)
documents = st.dictionaries(names, values, max_size=8).map(lambda d: d | {"t": 1, "s": 200})


@given(documents, st.booleans(), st.sampled_from([None, 1]))
def test_fields_say_what_a_decoder_says(
    document: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent).replace("\n", " ")
    path = wanted_text(at(document, "r", "path"))
    assert one(text) == {
        "target": path if path is not None else wanted_text(document.get("p")),
        "user_agent": wanted_text(at(document, "r", "headers", "UA", 0)),
        "referer": wanted_text(at(document, "r", "headers", "Ref", 0, 0)),
        "service": wanted_text(document.get("dotted.key")),
    }


@given(st.lists(documents, max_size=6), st.sampled_from([b"\n", b"\r\n", b" \n"]))
def test_lines_are_numbered_and_kept(rows: list[dict[str, Any]], end: bytes) -> None:
    lines = [json.dumps(row).encode() for row in rows]
    requests = parse(end.join(lines)).requests
    assert requests.line.tolist() == list(range(1, len(rows) + 1))
    assert [requests.raw(i).rstrip() for i in range(len(rows))] == lines


JSON_TEXT = json.dumps(
    {"t": 1, "s": 200, "r": {"path": "/a", "headers": {"UA": ["x", None, 1.5e-3, True]}}, "z": []}
)


@given(st.integers(0, len(JSON_TEXT) - 1), st.sampled_from(list('{}[]:,"\\ 0a-')))
def test_a_changed_character_is_refused_where_a_decoder_refuses(position: int, character: str) -> None:
    changed = JSON_TEXT[:position] + character + JSON_TEXT[position + 1 :]
    refused = bool(reasons(changed).get(SkipReason.BAD_JSON))
    try:
        json.loads(changed)
    except ValueError as error:
        # Numbers are assembly's to read, escapes are read forgivingly: a bad one does not cost the line.
        excused = "escape" in str(error) or _only_a_number_is_odd(changed)
        not_an_object = not changed.startswith("{")
        assert refused or excused or not_an_object
    else:
        assert not refused


def _only_a_number_is_odd(text: str) -> bool:
    import re

    try:
        json.loads(re.sub(r"(?<![\w\"])[-0-9][-+.eE0-9]*", "1", text))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("cut", range(1, len(JSON_TEXT)))
def test_a_cut_line_is_bad_json(cut: int) -> None:
    assert reasons(JSON_TEXT[:cut]) == {SkipReason.BAD_JSON: 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", SkipReason.BLANK),
        ("  \t\r", SkipReason.BLANK),
        ("not json", SkipReason.NOT_THIS_FORMAT),
        ('["t", 1]', SkipReason.NOT_THIS_FORMAT),
        ('{"t": 1, "level": "info", "msg": "started"}', SkipReason.NOT_THIS_FORMAT),
        ('{"s": 200}', SkipReason.NO_TIME),
        ('{"t": null, "s": 200}', SkipReason.NO_TIME),
        ('{"t": "today", "s": 200}', SkipReason.BAD_TIME),
        ('{"t": 1, "s": 200,}', SkipReason.BAD_JSON),
        ('{"t": 1, "s": 200} {"t": 1}', SkipReason.BAD_JSON),
        ('{"t": 1 "s": 200}', SkipReason.BAD_JSON),
        ('{"t": 1, "s": nul}', SkipReason.BAD_JSON),
        ('{"t": 1, "s": [1, 2}', SkipReason.BAD_JSON),
        ("{'t': 1}", SkipReason.BAD_JSON),
        ('{"t"', SkipReason.BAD_JSON),
        ('{"t": "\\', SkipReason.BAD_JSON),
    ],
)
def test_each_line_that_is_no_request_is_counted_with_its_reason(line: str, reason: SkipReason) -> None:
    good = '{"t": 1, "s": 200}'
    parsed = parse(good, line, good)
    assert parsed.skips.counts == {reason: 1}
    assert parsed.skips.samples == [(reason, 2, line.removesuffix("\r").encode())]
    assert parsed.requests.line.tolist() == [1, 3]
    assert parsed.lines == 3


def test_skipped_lines_are_all_counted_and_the_first_three_sampled() -> None:
    parsed = parse(*["nope"] * 50, *["{"] * 40, *['{"t": 1}'] * 30)
    assert parsed.skips.counts == {SkipReason.NOT_THIS_FORMAT: 80, SkipReason.BAD_JSON: 40}
    assert [line for reason, line, _ in parsed.skips.samples if reason is SkipReason.BAD_JSON] == [51, 52, 53]


def test_the_last_of_repeated_keys_wins() -> None:
    assert one('{"t":1,"s":1,"p":"/a","p":"/b"}')["target"] == b"/b"
    assert one('{"t":1,"s":1,"p":"/a","p":null}')["target"] is None
    line = '{"t":1,"s":1,"r":{"path":"/a","headers":{"UA":["x"]}},"r":{"headers":{}}}'
    assert one(line) == {"target": None, "user_agent": None, "referer": None, "service": None}


def test_a_trusted_key_wins_wherever_it_stands() -> None:
    assert one('{"t":1,"s":1,"p":"/b","r":{"path":"/a"}}')["target"] == b"/a"
    assert one('{"t":1,"s":1,"r":{"path":"/a"},"p":"/b"}')["target"] == b"/a"
    assert one('{"t":1,"s":1,"r":{"path":"-"},"p":"/b"}')["target"] == b"/b"


def test_keys_are_compared_unescaped() -> None:
    assert one(r'{"t":1,"s":1,"\u0070":"/a"}')["target"] == b"/a"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"\x22", b'"'),
        (r"\xe2\x98\x83", "☃".encode()),
        (r"\xZZ", rb"\xZZ"),
        (r"\u00e9", "é".encode()),
        (r"\ud83d\ude00", "\U0001f600".encode()),
        (r"\ud83d", "\ufffd".encode()),
        (r"\ude00x", "\ufffdx".encode()),
        (r"\ud83d\u0041", "\ufffdA".encode()),
        (r"\u12", rb"\u12"),
        (r"\q", rb"\q"),
        (r"\/\b\f\n\r\t\\", b"/\x08\x0c\n\r\t\\"),
        (r"\u0000", b"\x00"),
    ],
)
def test_escapes_are_read_forgivingly(written: str, text: bytes) -> None:
    assert one('{"t":1,"s":1,"p":"a' + written + 'b"}')["target"] == b"a" + text + b"b"


def test_depth_has_a_limit_and_no_recursion() -> None:
    def nested(depth: int) -> str:
        return '{"t":1,"s":1,"x":' + "[" * depth + "]" * depth + "}"

    assert reasons(nested(DEEPEST - 1)) == {}
    assert reasons(nested(DEEPEST)) == {SkipReason.BAD_JSON: 1}
    assert reasons("{" * 100_000, "[" * 100_000, '{"x":' * 100_000).keys() <= {
        SkipReason.BAD_JSON,
        SkipReason.NOT_THIS_FORMAT,
    }


def test_a_byte_order_mark_before_the_first_line_is_no_part_of_it() -> None:
    line = b'{"t":1,"s":1,"p":"/a"}'
    parsed = parse(b"\xef\xbb\xbf" + line, b"\xef\xbb\xbf" + line)
    assert parsed.requests.line.tolist() == [1]
    assert parsed.requests.raw(0) == line
    assert parsed.skips.counts == {SkipReason.NOT_THIS_FORMAT: 1}


def test_many_short_lines_need_no_more_room_than_they_have() -> None:
    parsed = parse(*['{"t":1,"s":1}'] * 5000)
    assert parsed.requests.line.tolist() == list(range(1, 5001))


@given(st.lists(st.one_of(st.binary(max_size=80), st.just(JSON_TEXT.encode())), max_size=8), st.randoms())
def test_arbitrary_bytes_never_raise_and_every_line_is_accounted_for(parts: list[bytes], random: Any) -> None:
    text = bytearray(b"\n".join(parts))
    for _ in range(random.randrange(4)):
        if text:
            text[random.randrange(len(text))] = random.randrange(256)
    parsed = parse(bytes(text))
    assert len(parsed.requests) + parsed.skips.total == parsed.lines
    assert parsed.lines == bytes(text).count(b"\n") + (not text.endswith(b"\n") and bool(text))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("status", (b"status",)),
        ("a.b.c", (b"a", b"b", b"c")),
        ("a.b[0].c", (b"a", b"b", None, b"c")),
        ("a[0][0]", (b"a", None, None)),
        (r"http\.status", (b"http.status",)),
        (r"odd\[0\]", (b"odd[0]",)),
        ("é-ü @x", ("é-ü @x".encode(),)),
    ],
)
def test_key_paths_read_as_written(text: str, path: tuple[bytes | None, ...]) -> None:
    assert key_path(text) == path


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[1]", "a[0", "[0]", "a[0]b", "a]"])
def test_what_is_no_key_path_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"join keys by '\.'"):
        key_path(text)


def test_one_key_may_give_two_fields() -> None:
    two = JsonFormat(
        "two",
        "",
        {Field.TIME: ("t",), Field.STATUS: ("s",), Field.PEER: ("ip",), Field.FORWARDED: ("ip",)},
        Conventions(TimeFormat.EPOCH_SECONDS),
    )
    requests = parse('{"t":1,"s":1,"ip":"192.0.2.1"}', log_format=two).requests
    assert (requests.peer[0], requests.forwarded[0]) == (b"192.0.2.1", b"192.0.2.1")


def test_a_table_of_many_keys_finds_each() -> None:
    fields = [f for f in Field if f not in {Field.TIME, Field.STATUS}]
    paths = {f: tuple(f"group{i}.key{f}x{i}" for i in range(20)) for f in fields}
    keys = JsonKeys.of(paths)
    assert keys.slots == 20 * len(fields)
