"""Request lines: split as a plain reference does, whatever they hold."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.lines.request_line import (
    LONGEST_SCHEME,
    complete_targets,
    split_request_lines,
    target_room,
)
from vedette.schema.chunk import Chunk

NOT_HTTP, NO_PROTOCOL, SPACE, CASE = 1, 2, 4, 32
Split = tuple[bytes | None, bytes | None, bytes | None, int]


def split(text: bytes | None) -> Split:
    buffer = Chunk.of(text or b"").buffer
    start = [np.array([-1]) for _ in range(4)]
    length = [np.zeros(1, dtype=np.int32) for _ in range(4)]
    if text is not None:
        start[0][0], length[0][0] = 0, len(text)
    flags = np.zeros(1, dtype=np.uint16)
    spans = [column for pair in zip(start, length, strict=True) for column in pair]
    split_request_lines(buffer, *spans, NOT_HTTP, NO_PROTOCOL, SPACE, CASE, flags)
    method, target, protocol = (
        bytes(buffer[int(s[0]) : int(s[0] + n[0])]) if s[0] >= 0 else None
        for s, n in zip(start[1:], length[1:], strict=True)
    )
    return method, target, protocol, int(flags[0])


TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
WHOLE = re.compile(rb"(" + TOKEN + rb") (.*) (HTTP/[0-9.]{1,7})", re.DOTALL)
BARE = re.compile(rb"(" + TOKEN + rb") (.*)", re.DOTALL)


def reference(text: bytes) -> Split:
    """The same, said with regular expressions."""
    for pattern in (WHOLE, BARE):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        method, target, *protocol = match.groups()
        target = target.strip(b" ")
        spaced = SPACE if b" " in target else 0
        if protocol and target:
            return method, target, protocol[0], spaced | (CASE if re.search(rb"[a-z]", method) else 0)
        if not protocol and target and not re.search(rb"[a-z]", method) and plausible(method, target):
            return method, target, None, spaced | NO_PROTOCOL
    return None, text, None, NOT_HTTP


def plausible(method: bytes, target: bytes) -> bool:
    if target.startswith(b"/") or target == b"*" or method == b"CONNECT":
        return True
    colon = target[:16].find(b":")
    return colon >= 0 and target[colon : colon + 3] == b"://"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b"GET / HTTP/1.1", (b"GET", b"/", b"HTTP/1.1", 0)),
        (b"GET /a?b=c HTTP/2", (b"GET", b"/a?b=c", b"HTTP/2", 0)),
        (b"GET /a b/c HTTP/1.1", (b"GET", b"/a b/c", b"HTTP/1.1", SPACE)),
        (b"GET /a HTTP/1.1 HTTP/1.1", (b"GET", b"/a HTTP/1.1", b"HTTP/1.1", SPACE)),
        (b"GET /old", (b"GET", b"/old", None, NO_PROTOCOL)),
        (b"GET /old page", (b"GET", b"/old page", None, NO_PROTOCOL | SPACE)),
        (b"GET http://example.net/x HTTP/1.1", (b"GET", b"http://example.net/x", b"HTTP/1.1", 0)),
        (b"GET http://example.net/x", (b"GET", b"http://example.net/x", None, NO_PROTOCOL)),
        (b"CONNECT example.net:443 HTTP/1.1", (b"CONNECT", b"example.net:443", b"HTTP/1.1", 0)),
        (b"CONNECT example.net:443", (b"CONNECT", b"example.net:443", None, NO_PROTOCOL)),
        (b"OPTIONS * HTTP/1.0", (b"OPTIONS", b"*", b"HTTP/1.0", 0)),
        (b"M-SEARCH * HTTP/1.1", (b"M-SEARCH", b"*", b"HTTP/1.1", 0)),
        (b"get / HTTP/1.1", (b"get", b"/", b"HTTP/1.1", CASE)),
        (b"\x16\x03\x01\x02\x00", (None, b"\x16\x03\x01\x02\x00", None, NOT_HTTP)),
        (b"SSH-2.0-OpenSSH_8.2p1 Ubuntu", (None, b"SSH-2.0-OpenSSH_8.2p1 Ubuntu", None, NOT_HTTP)),
        (b"OPTIONS sip:nm SIP/2.0", (None, b"OPTIONS sip:nm SIP/2.0", None, NOT_HTTP)),
        (b"EHLO mail.example.org", (None, b"EHLO mail.example.org", None, NOT_HTTP)),
        (b"GET HTTP/1.1", (None, b"GET HTTP/1.1", None, NOT_HTTP)),
        (b"GET  HTTP/1.1", (None, b"GET  HTTP/1.1", None, NOT_HTTP)),
        (b"HTTP/1.1", (None, b"HTTP/1.1", None, NOT_HTTP)),
        (b"GET", (None, b"GET", None, NOT_HTTP)),
        (b"", (None, b"", None, NOT_HTTP)),
        (b"-", (None, None, None, 0)),
        (None, (None, None, None, 0)),
    ],
)
def test_request_lines_split_as_written(text: bytes | None, wanted: Split) -> None:
    assert split(text) == wanted


pieces = st.sampled_from(
    [
        b"GET",
        b"post",
        b"CONNECT",
        b" ",
        b"  ",
        b"/",
        b"/a",
        b"HTTP/",
        b"HTTP/1.1",
        b"HTTP/2",
        b"1.0",
        b"://",
        b"*",
    ]
)


@given(
    st.one_of(
        st.binary(max_size=50), st.lists(st.one_of(pieces, st.binary(max_size=4)), max_size=9).map(b"".join)
    )
)
def test_any_bytes_split_as_the_reference_says(text: bytes) -> None:
    if text != b"-":
        assert split(text) == reference(text)


def _is_rooted(target: bytes) -> bool:
    scheme, colon, rest = target.partition(b":")
    whole = colon and len(scheme) < LONGEST_SCHEME and rest.startswith(b"/") and len(rest) > 1
    return target.startswith(b"/") or target == b"*" or bool(whole)


@given(
    st.lists(
        st.tuples(
            st.none()
            | st.binary(max_size=9)
            | st.sampled_from([b"*", b"a/b", b"http://a/b", b"a:/", b"/a:b"]),
            st.none() | st.binary(max_size=9),
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
)
def test_queries_join_targets_that_have_none_and_paths_get_their_slash(
    rows: list[tuple[bytes | None, bytes | None]], relative: bool
) -> None:
    text = b"".join((target or b"") + (query or b"") for target, query in rows)
    chunk = Chunk.of(text)
    at, spans = 0, []
    for row in rows:
        for part in row:
            spans.append((-1 if part is None else at, len(part or b"")))
            at += len(part or b"")
    target_start, query_start = (np.array([s for s, _ in spans[i::2]]) for i in (0, 1))
    target_length, query_length = (np.array([n for _, n in spans[i::2]], dtype=np.int32) for i in (0, 1))
    columns = (query_start, query_length, target_start, target_length)
    room = target_room(relative, *columns)
    buffer = np.concatenate([chunk.buffer, np.zeros(room, dtype=np.uint8)])
    complete_targets(buffer, len(chunk.buffer), relative, *columns)
    for i, (target, query) in enumerate(rows):
        wanted = b"" if relative and target is None else target
        if wanted is not None and query and b"?" not in wanted:
            wanted += b"?" + query.removeprefix(b"?")
        if relative and wanted is not None and not _is_rooted(target or b""):
            wanted = b"/" + wanted
        start = int(target_start[i])
        read = None if start < 0 else bytes(buffer[start : start + int(target_length[i])])
        assert read == wanted
