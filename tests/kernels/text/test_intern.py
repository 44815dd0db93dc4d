"""Dictionary coding, hashing and port stripping."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.arrays import Bytes, Ints, Ints32
from vedette.kernels.lines.origins import strip_origins
from vedette.kernels.lines.ports import strip_ports
from vedette.kernels.text.hashing import new_secret
from vedette.kernels.text.intern import intern, slots_for
from vedette.schema.chunk import Chunk
from vedette.schema.requests import Coded

Texts = list[bytes | None]


def code(texts: Texts, secret: tuple[int, int]) -> tuple[list[int], list[bytes]]:
    """Ids and vocabulary of a column."""
    chunk = Chunk.of(b"".join(t or b"" for t in texts))
    length = np.array([len(t or b"") for t in texts], dtype=np.int32)
    start = np.where([t is None for t in texts], -1, np.cumsum(length) - length)
    rows = len(texts)
    slots = np.full(slots_for(rows), 77, dtype=np.int64)
    ids, first_length = np.zeros(rows, dtype=np.int32), np.zeros(rows, dtype=np.int32)
    first_start = np.zeros(rows, dtype=np.int64)
    count = intern(chunk.buffer, start, length, *secret, slots, ids, first_start, first_length)
    words = [
        chunk.buffer[s : s + n].tobytes()
        for s, n in zip(first_start[:count], first_length[:count], strict=True)
    ]
    return ids.tolist(), words


def stripped(strip: Callable[[Bytes, Ints, Ints32], None], text: bytes) -> tuple[int, int]:
    """Where the span of a text begins and ends once a kernel has shortened it."""
    start, length = np.zeros(1, dtype=np.int64), np.array([len(text)], dtype=np.int32)
    strip(Chunk.of(text).buffer, start, length)
    return int(start[0]), int(start[0] + length[0])


few = st.sampled_from(
    [b"", b"a", b"ab", b"abc", b"abcd", b"x" * 8, b"x" * 9, b"y" * 16, b"z" * 17, b"z" * 40]
)


@given(st.lists(st.one_of(st.none(), few, st.binary(max_size=40)), max_size=60))
def test_ids_follow_first_appearance(texts: Texts) -> None:
    wanted = Coded.of(texts)
    assert code(texts, new_secret()) == (wanted.ids.tolist(), list(wanted.vocabulary))


def test_the_secret_changes_nothing_that_is_seen() -> None:
    texts: Texts = [b"%d" % (i * i % 997) for i in range(3000)]
    assert code(texts, (1, 1)) == code(texts, new_secret())


def test_texts_that_differ_in_any_one_byte_are_told_apart() -> None:
    for size in (1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 64):
        texts: Texts = [bytes(size)]
        texts += [bytes(i) + b"\x01" + bytes(size - i - 1) for i in range(size)]
        ids, _ = code(texts, new_secret())
        assert ids == list(range(size + 1))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (b"192.0.2.7:5678", b"192.0.2.7"),
        (b"192.0.2.7", b"192.0.2.7"),
        (b"192.0.2.7:", b"192.0.2.7"),
        (b"[2001:db8::7]:443", b"2001:db8::7"),
        (b"[2001:db8::7]", b"2001:db8::7"),
        (b"2001:db8::7", b"2001:db8::7"),
        (b"::ffff:192.0.2.7", b"::ffff:192.0.2.7"),
        (b"client.example.org:80", b"client.example.org"),
        (b"@", b"@"),
        (b"[]:1", b"[]:1"),
        (b":80", b":80"),
        (b"192.0.2.7:123456", b"192.0.2.7:123456"),
        (b"unix:/run/x.sock", b"unix:/run/x.sock"),
    ],
)
def test_ports_come_off_addresses(text: bytes, address: bytes) -> None:
    first, last = stripped(strip_ports, text)
    assert text[first:last] == address


@given(st.binary(max_size=30))
def test_stripping_a_port_stays_inside_the_span(text: bytes) -> None:
    first, last = stripped(strip_ports, text)
    assert 0 <= first <= last <= len(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b"https://shop.example/cart?a=http://b/", b"/cart?a=http://b/"),
        (b"HTTP://[2001:db8::1]:8080/", b"/"),
        (b"https://shop.example", b"https://shop.example"),
        (b"http:///x", b"/x"),
        (b"/https://a/b", b"/https://a/b"),
        (b"httpsx://a/b", b"httpsx://a/b"),
        (b"hello/world", b"hello/world"),
    ],
)
def test_scheme_and_host_come_off_whole_addresses(text: bytes, path: bytes) -> None:
    first, last = stripped(strip_origins, text)
    assert text[first:last] == path


@given(st.binary(max_size=30).map(lambda rest: b"http" + rest))
def test_stripping_an_origin_leaves_the_end_of_the_span(text: bytes) -> None:
    first, last = stripped(strip_origins, text)
    assert 0 <= first <= last == len(text)
