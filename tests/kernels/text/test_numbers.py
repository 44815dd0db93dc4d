"""Numbers: whole, decimal, and Go's durations, against Python's own."""

import math
from decimal import Decimal, InvalidOperation

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.text.numbers import LARGEST, durations, go_durations, whole_numbers
from vedette.schema.chunk import Chunk

ODD = 8


def whole(text: bytes | None, largest: int = LARGEST) -> tuple[int, int]:
    """Value and flag of one whole number."""
    out, flags = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.uint16)
    start = np.array([-1 if text is None else 0])
    whole_numbers(Chunk.of(text or b"").buffer, start, lengths(text), largest, -1, ODD, out, flags)
    return int(out[0]), int(flags[0])


def lengths(text: bytes | None) -> np.ndarray:
    return np.array([len(text or b"")], dtype=np.int32)


def seconds(text: bytes | None, unit: int | None) -> tuple[float, int]:
    """Value and flag of one duration in units of 10 ** `unit` seconds, or of Go's."""
    out, flags = np.zeros(1, dtype=np.float64), np.zeros(1, dtype=np.uint16)
    buffer, start = Chunk.of(text or b"").buffer, np.array([-1 if text is None else 0])
    if unit is None:
        go_durations(buffer, start, lengths(text), ODD, out, flags)
    else:
        durations(buffer, start, lengths(text), unit, ODD, out, flags)
    return float(out[0]), int(flags[0])


@given(st.integers(0, 10**30))
def test_whole_numbers_saturate(value: int) -> None:
    assert whole(str(value).encode()) == (min(value, LARGEST) if value < 10**18 else whole_beyond(value), 0)


def whole_beyond(value: int) -> int:
    """Beyond 18 digits the last ones are cut to zero, then the number saturates."""
    digits = str(value)
    return min(int(digits[:18]) * 10 ** (len(digits) - 18), LARGEST)


@pytest.mark.parametrize(
    ("text", "value", "flag"),
    [
        (None, -1, 0),
        (b"-", -1, 0),
        (b"-1", -1, 0),
        (b"0", 0, 0),
        (b"+17", 17, 0),
        (b"200.0", 200, 0),
        (b"12.9", 12, 0),
        (b"1e3", 1000, 0),
        (b"000000000000000000000000007", 7, 0),
        (b"9e99", 500, 0),
        (b"", -1, ODD),
        (b"12x", -1, ODD),
        (b"x", -1, ODD),
        (b".", -1, ODD),
        (b"1.2.3", -1, ODD),
        (b"\xff\x00", -1, ODD),
    ],
)
def test_a_whole_number_is_read_as_far_as_it_is_one(text: bytes | None, value: int, flag: int) -> None:
    assert whole(text, largest=500) == (min(value, 500), flag)


@given(
    st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=6), st.sampled_from([0, -3, -6, -9])
)
def test_decimals_become_the_nearest_float(value: Decimal, unit: int) -> None:
    read, flag = seconds(f"{value:f}".encode(), unit)
    assert flag == 0
    assert read == float(value.scaleb(unit))


@given(st.floats(0, 1e9, allow_nan=False, allow_subnormal=False))
def test_a_printed_float_is_read_within_a_part_in_a_quadrillion(value: float) -> None:
    read, flag = seconds(repr(value).encode(), 0)
    assert flag == 0
    assert read == pytest.approx(value, rel=1e-15, abs=1e-300)


@pytest.mark.parametrize("text", [b"", b"fast", b"1s", b"--1", b"1e", b"1 ", b"1e300", b"99999999999"])
def test_what_is_no_duration_is_flagged(text: bytes) -> None:
    value, flag = seconds(text, 0)
    assert math.isnan(value)
    assert flag == ODD


@pytest.mark.parametrize("text", [None, b"-", b"-1", b"-0.5"])
def test_a_missing_or_negative_duration_is_not_recorded(text: bytes | None) -> None:
    for unit in (0, None):
        value, flag = seconds(b"-5ms" if unit is None and text == b"-0.5" else text, unit)
        if unit is None and text == b"-1":
            continue  # Go writes a unit
        assert math.isnan(value)
        assert flag == 0


@given(st.integers(0, 2**53))
def test_go_durations_agree_with_go(nanoseconds: int) -> None:
    read, flag = seconds(go_text(nanoseconds).encode(), None)
    assert flag == 0
    assert read == pytest.approx(nanoseconds / 1e9, rel=1e-14)


def go_text(nanoseconds: int) -> str:
    """What Go's Duration.String prints."""
    if nanoseconds < 1000:
        return f"{nanoseconds}ns" if nanoseconds else "0s"
    for unit, size in (("µs", 10**3), ("ms", 10**6)):
        if nanoseconds < size * 1000:
            return f"{trimmed(Decimal(nanoseconds) / size)}{unit}"
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{trimmed(Decimal(rest) / 10**9)}s"
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + text


def trimmed(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@pytest.mark.parametrize("text", [b"", b"5", b"ms", b"1m-2s", b"1.5", b"1d", b"1\xc2s", b"1m\x00"])
def test_what_go_would_not_print_is_flagged(text: bytes) -> None:
    assert seconds(text, None)[1] == ODD


@given(st.binary(max_size=60))
def test_arbitrary_bytes_never_raise_and_are_numbers_only_if_python_agrees(text: bytes) -> None:
    value, flag = seconds(text, 0)
    go, _ = seconds(text, None)
    assert math.isnan(go) or go >= 0
    if flag == 0 and not math.isnan(value):
        try:
            assert value == pytest.approx(float(Decimal(text.decode())), rel=1e-14)
        except InvalidOperation:
            pytest.fail(f"{text!r} was read as {value}")
