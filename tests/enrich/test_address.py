import ipaddress

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vedette.kernels.lines.address import read_addresses
from vedette.schema.requests import Vocabulary

NO_RANGES = np.zeros(0, dtype=np.int64)


def read(text: bytes) -> int | None:
    """The address in a text as a 128-bit number, IPv4 mapped into IPv6."""
    texts = Vocabulary.of([text])
    words, marks = np.zeros(4, dtype=np.int64), np.zeros(1, dtype=np.uint8)
    read_addresses(
        texts.buffer, texts.start, texts.length, NO_RANGES, NO_RANGES, NO_RANGES, NO_RANGES, words, marks
    )
    return int.from_bytes(words.astype(">u4").tobytes(), "big") if marks[0] else None


def expected(text: str) -> int | None:
    """The same by Python's library."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return int(address) if address.version == 6 else (0xFFFF << 32) | int(address)


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
# Few symbols, so that nearly every text is almost an address.
nearly = st.text(alphabet="0123456789abcdefABCDEFg:::::....%", max_size=46).filter(
    lambda text: text.count(":") != 1
)


@given(nearly)
@example("::")
@example("::1")
@example("1::")
@example("1:2:3:4:5:6:7::")
@example("::2:3:4:5:6:7:8")
@example("1:2:3:4::5:6:7:8")
@example("1:2:3:4:5:6:1.2.3.4")
@example("1:2:3:4:5:6:7:1.2.3.4")
@example("::1.2.3.4")
@example("::ffff:1.2.3.4")
@example("::1.2.3.4:5")
@example("1.2.3.4::")
@example("1:::2")
@example(":1::2")
@example("12345::")
@example("fe80::1%eth0")
@example("fe80::1%")
@example("fe80::1%a%b")
@example("1.2.3.04")
@example("1.2.3.256")
@example("1.2.3")
@example("1.2.3.4.")
@example("0.0.0.0")
def test_reads_what_the_standard_library_reads_and_nothing_else(text: str) -> None:
    assert read(text.encode()) == expected(text)


@given(st.ip_addresses(v=6), st.booleans(), st.booleans())
def test_reads_every_spelling_of_an_ipv6_address(
    address: ipaddress.IPv6Address, exploded: bool, upper: bool
) -> None:
    text = address.exploded if exploded else address.compressed
    assert read((text.upper() if upper else text).encode()) == int(address)


@given(addresses, st.integers(0, 65_535))
def test_takes_off_what_logs_put_around_an_address(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    wanted = expected(str(address))
    bracketed = f"[{address}]" if address.version == 6 else str(address)
    for text in (f" {address}\t", f'"{address}"', f"{bracketed}:{port}", bracketed, f'"{bracketed}:{port}"'):
        assert read(text.encode()) == wanted


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b'"',
        b"-",
        b"[",
        b"[]",
        b"[::1",
        b"::1]",
        b"[::1]x",
        b"[::1]:",
        b"[1.2.3.4]",
        b"1.2.3.4:",
        b"1.2.3.4:123456",
        b"1.2.3.4:a",
        b"1.2.3.4 5.6.7.8",
        b"::1\x00",
        b"\xd9\xa1.2.3.4",
        b"::" + b"0" * 100,
        b"fe80::1%" + b"z" * 1000,
    ],
)
def test_refuses_what_is_nearly_an_address(text: bytes) -> None:
    assert read(text) is None


@given(st.binary(max_size=120))
def test_any_bytes_are_an_address_or_none(text: bytes) -> None:
    read(text)
