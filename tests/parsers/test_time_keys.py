"""Of a line that nobody knows, the key that looks like a time is named with its unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.parsers.time_keys import time_key


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (b'{"ts":1763632800123,"uri":"/"}', "time_ms=ts"),
        (b'{"ts":"1763632800123","uri":"/"}', "time_ms=ts"),
        (b'{"id":1763632800999,"event":{"time_usec":1763632800123456}}', "time_us=event.time_usec"),
        (b'{"EdgeStart":1763632800123456789}', "time_ns=EdgeStart"),
        (b'{"ts":1763632800}', None),
        (b'{"ts":1763632800.123}', None),
        (b'{"ts":true,"phone":4917636328001}', None),
        (b'{"a b\\n":1763632800123}', None),
        (b"[1763632800123]", None),
        (b"no JSON", None),
        (b"[" * 60_000, None),
        (b'{"t":"' + b"x" * 70_000 + b'","ts":1763632800123}', None),
    ],
)
def test_numbers_since_the_epoch_are_told_by_their_digits(line: bytes, hint: str | None) -> None:
    assert time_key(line) == hint


@given(st.binary(max_size=300))
def test_no_line_is_too_odd(line: bytes) -> None:
    time_key(line)
    time_key(b'{"ts":' + line + b"}")
