"""What holds for every text format and every input."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.parsers.lines import chunk, parse_all

from vedette.parsers.format import Format
from vedette.parsers.text_formats import text_formats
from vedette.parsers.w3c import w3c_formats
from vedette.parsers.wrappers import UnwrappingParser, wrappers

FORMATS = (*text_formats(), *w3c_formats())
GOLDEN = Path(__file__).parents[1] / "golden" / "formats"
LINES = {form.name: (GOLDEN / f"{form.name}.log").read_bytes().splitlines(keepends=True) for form in FORMATS}

fragments = st.sampled_from(
    [
        b"192.0.2.1 - - ",
        b"[17/May/2015:10:05:03 +0000] ",
        b'"GET / HTTP/1.1" ',
        b'200 12 "-" "a\\"b\\x41"',
        b"2024-05-01T10:00:00Z ",
        b"2024-05-01 10:00:00 ",
        b"#Fields: date time c-ip cs(User-Agent)\n",
        b"stdout P ",
        b'{"log":"',
        b"\n",
        b"\r\n",
        b"\0",
    ]
)
texts = st.lists(fragments | st.binary(max_size=20), max_size=40).map(b"".join)


@given(text=texts, form=st.sampled_from(FORMATS))
@settings(max_examples=300)
def test_no_bytes_make_a_parser_raise_and_every_line_is_a_row_or_a_counted_skip(
    text: bytes, form: Format
) -> None:
    rows, skips, lines = parse_all(form.open("x"), [text])
    assert len(rows) + sum(skips.values()) == lines
    assert lines == text.count(b"\n") + (not text.endswith(b"\n") and text != b"")


@given(text=texts, wrapper=st.sampled_from(wrappers()))
def test_no_bytes_make_a_wrapper_raise_and_every_line_is_a_row_or_a_counted_skip(
    text: bytes, wrapper
) -> None:
    parser = UnwrappingParser(wrapper, FORMATS[-1].open("x"))
    parsed = parser.parse(chunk(text))
    rest = parser.finish("x")
    assert parsed.lines == text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    told = sum(len(each.requests) + each.skips.total for each in (parsed, rest))
    assert told == parsed.lines - parsed.joined + rest.lines - rest.joined


@given(text=texts, form=st.sampled_from(FORMATS))
def test_a_score_is_a_share(text: bytes, form: Format) -> None:
    assert 0.0 <= form.score(chunk(text)) <= 1.0


@given(data=st.data(), form=st.sampled_from(FORMATS))
def test_where_a_log_is_split_into_chunks_changes_no_row(data: st.DataObject, form: Format) -> None:
    lines = data.draw(st.lists(st.sampled_from(LINES[form.name]) | st.just(b"\x00odd\n"), max_size=20))
    lines = [line if line.endswith(b"\n") else line + b"\n" for line in lines]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=4)))
    pieces = [b"".join(lines[a:b]) for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    assert parse_all(form.open("x"), pieces) == parse_all(form.open("x"), [b"".join(lines)])


@given(
    cut=st.lists(st.integers(0, 12), max_size=4),
    tags=st.lists(st.sampled_from([b"stdout F", b"stdout P", b"stderr P", b"stderr F"]), max_size=12),
)
def test_where_a_wrapped_log_is_split_changes_no_row(cut: list[int], tags: list[bytes]) -> None:
    lines = [b"2024-05-01T10:00:00Z " + tag + b" " + LINES["common"][0] for tag in tags]
    cuts = sorted(min(c, len(lines)) for c in cut)
    pieces = [b"".join(lines[a:b]) for a, b in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    cri = wrappers()[1]

    def read(parts: list[bytes]) -> object:
        return parse_all(UnwrappingParser(cri, FORMATS[0].open("x")), parts)

    assert read(pieces) == read([b"".join(lines)])


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_line_of_a_megabyte_is_read_like_a_short_one(form: Format) -> None:
    lines = LINES[form.name]
    line = next(i for i, text in enumerate(lines) if b"/health" in text)
    long = lines[line].replace(b"/health", b"/health" + b"a" * 1_000_000)
    short = parse_all(form.open("x"), [b"".join(lines)])[0]
    read = parse_all(form.open("x"), [b"".join([*lines[:line], long, *lines[line + 1 :]])])[0]
    changed = [(a, b) for a, b in zip(short, read, strict=True) if a != b]
    ((before, after),) = changed
    assert len(str(after["target"])) == len(str(before["target"])) + 1_000_000
    assert {**after, "target": None} == {**before, "target": None}


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_carriage_returns_and_a_missing_last_newline_change_no_row(form: Format) -> None:
    plain = b"".join(line.rstrip(b"\r\n") + b"\n" for line in LINES[form.name])
    expected = parse_all(form.open("x"), [plain])
    assert parse_all(form.open("x"), [plain.replace(b"\n", b"\r\n")]) == expected
    assert parse_all(form.open("x"), [plain.removesuffix(b"\n")]) == expected
