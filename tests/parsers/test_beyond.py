"""What lines hold behind the last field that their format reads is shown: only their owner knows what it is."""

import pytest
from tests.parsers.lines import chunk

from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import fit, sniff

COMMON = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5'
COMBINED = COMMON + b' "-" "a \\"quoted\\" agent"'


def beyond(*lines: bytes) -> tuple[str, str | None]:
    choice = sniff(chunk(b"".join(line + b"\n" for line in lines)), formats())
    return choice.format.name, choice.beyond


@pytest.mark.parametrize(
    ("line", "name", "shown"),
    [
        (COMBINED, "combined", None),
        (COMBINED + b" 35808", "combined", "35808"),
        (COMBINED + b' "shop.example" 0.435', "combined", '"shop.example" 0.435'),
        (COMBINED + b' "-" 62643', "nginx-main", "62643"),
        (COMBINED + b' "203.0.113.7"', "nginx-main", None),
        (COMMON + b" 12", "common", "12"),
        (COMMON, "common", None),
        (b"shop.example:443 " + COMBINED + b" 7", "vhost_combined", "7"),
        (COMBINED + b" 0.012 0.011 .", "nginx-timed", None),
        (COMBINED + b' rt=0.012 uct="0.001"', "nginx-named", None),
    ],
)
def test_what_no_field_is_named_for_is_shown_where_people_add_fields(
    line: bytes, name: str, shown: str | None
) -> None:
    assert beyond(line, line) == (name, shown)


def test_fewer_than_half_of_the_lines_are_somebody_s_doing_and_not_the_log_s_layout() -> None:
    assert beyond(*(COMBINED,) * 3, *(COMBINED + b" 7",) * 2) == ("combined", None)
    assert beyond(*(COMBINED,) * 2, *(COMBINED + b" 7",) * 2) == ("combined", "7")


def test_it_is_cut_and_harmless_to_show() -> None:
    _, shown = beyond(COMBINED + b" \x01\xff" + b"x" * 1000)
    assert shown == r"\x01\xff" + "x" * 58 + "..."


def test_a_format_that_was_named_shows_it_too_and_wrapped_lines_are_unwrapped_before() -> None:
    line = b"2026-03-02T08:00:00.000000000Z stdout F " + COMBINED + b" 7\n"
    assert fit(chunk(line), by_name("combined")).beyond == "7"
    assert sniff(chunk(line * 3), formats()).beyond == "7"
