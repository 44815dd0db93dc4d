"""Parameters are read as a plain reading of the query string would have it."""

import re
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from vedette.detectors.parameters.described import longest
from vedette.detectors.parameters.suspects import ParameterReader
from vedette.kernels.requests.parameter_text import MOST_PARAMETERS, NAME_BYTES, SHAPE_BYTES, byte_classes

CLASSES = byte_classes()

TEXTS = st.lists(
    st.sampled_from([b"a", b"Zz", b"7", b"42", b"&", b"=", b"%41", b"%5b", b"%5D", b"%", b"%2", b"+", b"#", b"?",
                     b"'", b"--", b"\x00", b"\xff", b"[", b"]", b"name", b"%25"]),
    max_size=60,
).map(b"".join)  # fmt: skip


class Plain(NamedTuple):
    name: bytes
    characters: bytes
    shape: bytes


def plainly(query: bytes) -> list[Plain]:
    """The parameters of a query, read with regular expressions."""
    found = []
    for part in query.partition(b"#")[0].split(b"&")[:MOST_PARAMETERS]:
        if not part:
            continue
        name, equals, value = part.partition(b"=")
        if not equals:
            name, value = b"", part
        name = re.sub(rb"%5([bBdD])", lambda m: b"[" if m[1].lower() == b"b" else b"]", name)
        name = re.sub(rb"[0-9]+", b"0", name)[:NAME_BYTES]
        decoded = re.sub(
            rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), value.replace(b"+", b"\0space")
        ).replace(b"\0space", b" ")
        found.append(Plain(name, decoded, shape(decoded)))
    return found


def shape(value: bytes) -> bytes:
    marks = re.sub(rb"[A-Za-z\x80-\xff]", b"a", value)
    marks = re.sub(rb"[0-9]", b"9", marks)
    marks = re.sub(rb"[\x00-\x1f\x7f]", b"\0", marks)
    return re.sub(rb"(?s)(.)\1*", rb"\1", marks)[:SHAPE_BYTES]


@given(TEXTS)
@example(b"a=1&b=%27&&c&=x&d==&e=%4")
@example(b"item[12]=1&item%5B3%5D=2")
@example(b"&".join(b"p%d=%d" % (n, n) for n in range(100)))
def test_a_query_is_read_as_it_is_plainly_read(query: bytes) -> None:
    read = ParameterReader(CLASSES).read(b"/path?" + query)
    expected = plainly(query)
    assert [p.name for p in read] == [p.name for p in expected]
    assert [p.shape for p in read] == [p.shape for p in expected]
    assert [p.length for p in read] == [len(p.characters) for p in expected]
    for parameter, plain in zip(read, expected, strict=True):
        bits = 0
        for byte in plain.characters:
            bits |= 1 << int(CLASSES[byte])
        assert parameter.classes == bits


@given(st.integers(4, 4_000))
def test_steps_of_length_are_two_to_the_doubling(length: int) -> None:
    reader = ParameterReader(CLASSES)
    once, twice = (reader.read(b"/?a=" + b"x" * n)[0].step for n in (length, 2 * length))
    assert twice == once + 2
    assert longest(once) >= length
    assert longest(once - 1) < length


def test_each_mark_is_a_class_of_its_own() -> None:
    marks = [b for b in range(33, 127) if not chr(b).isalnum()]
    assert len({int(CLASSES[b]) for b in marks}) == len(marks)
    assert int(CLASSES.max()) < 63
