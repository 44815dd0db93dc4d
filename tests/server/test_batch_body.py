"""The body of a batch is read the same whether or not its lines are made objects."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.schema.lines import JoinedLines
from vedette.server.batch import plain_lines
from vedette.server.batch_body import plain_body, read_batch
from vedette.server.problem import ProblemError

LONGEST = 40
ENTRIES = st.lists(
    st.one_of(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=LONGEST + 2),
        st.text(st.sampled_from('ab"\\/\t\n\r\x00\x7f\x80\u20ac'), max_size=6),
        st.sampled_from([7, None, {"log_line": "a b"}]),
    ),
    max_size=5,
)
"""Most of them plain, some not."""


def entries_of(body: bytes) -> list[Any]:
    """What a reader that makes objects finds in a body."""
    document = json.loads(body)
    return list(document["logs"] if "logs" in document else document["log_lines"])


@given(
    ENTRIES,
    st.sampled_from(["logs", "log_lines"]),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]),
)
def test_plain_lines_are_read_from_a_body_as_from_objects(
    entries: list[Any], name: str, ascii_only: bool, separators: tuple[str, str]
) -> None:
    body = json.dumps({name: entries}, ensure_ascii=ascii_only, separators=separators).encode()
    lines = plain_body(body, LONGEST)
    if lines is None:
        return
    read = plain_lines(entries_of(body), 4 * LONGEST)
    assert read is not None
    assert (lines.text, len(lines)) == (read.text, len(read))
    assert max(map(len, lines)) <= LONGEST


@given(
    st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1), min_size=1), st.data()
)
def test_a_body_that_is_cut_or_changed_is_no_other_body(lines: list[str], data: st.DataObject) -> None:
    """What is read without objects is JSON that says just that; of anything else, objects are made."""
    body = bytearray(json.dumps({"logs": lines}).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    if data.draw(st.booleans()):
        body[at] = data.draw(st.integers(0, 255))
    else:
        del body[at:]
    read = plain_body(bytes(body), 1 << 16)
    if read is not None:
        assert [line.decode() for line in read] == entries_of(bytes(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"logs":["a"]',
        b'{"logs":["a",]}',
        b'{"logs":["a" "b"]}',
        b'{"logs":["a"]} x',
        b'{"logs":["a\\"]}',
        b'{"logs":["a\tb"]}',
        b'["a"]',
    ],
)
def test_what_is_no_body_is_refused_as_ever(body: bytes) -> None:
    assert plain_body(body, LONGEST) is None
    with pytest.raises(ProblemError) as refused:
        read_batch(body, 10, LONGEST)
    assert refused.value.status in (400, 422)


def test_a_list_given_twice_is_refused_and_too_many_lines_are() -> None:
    with pytest.raises(ProblemError, match="once"):
        read_batch(b'{"logs":["a"],"log_lines":["a"]}', 10, LONGEST)
    with pytest.raises(ProblemError, match="at most 2"):
        read_batch(b'{"logs":["a","b","c"]}', 2, LONGEST)


def test_usual_bodies_make_no_objects_of_their_lines() -> None:
    line = r'198.51.100.7 - - [02/Mar/2026:09:00:00 +0000] "GET /a\b HTTP/1.1" 200 7 "-" "curl/8.0"' + "\t7"
    body = json.dumps({"logs": [line] * 3}, indent=1).encode()
    found = plain_body(body, 1 << 16)
    assert isinstance(found, JoinedLines)
    assert list(found) == [line.encode()] * 3
