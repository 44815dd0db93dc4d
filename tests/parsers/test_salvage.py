"""Lines that do not fit their format are read as far as they can be, or counted by reason."""

import pytest
from tests.parsers.lines import parse_all

from vedette.kernels.lines import salvage as kernel
from vedette.parsers.fields import Field
from vedette.parsers.registry import by_name

GOOD = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "ua"\n'


def salvaged(line: bytes, form: str = "combined") -> dict[str, object]:
    rows, skips, _ = parse_all(by_name(form).open("x"), [line + b"\n"])
    assert not skips
    (row,) = rows
    assert "REPAIRED" in row["flags"]
    return row


def reason(line: bytes, form: str = "combined") -> str:
    rows, skips, _ = parse_all(by_name(form).open("x"), [line + b"\n"])
    assert not rows
    (name,) = skips
    return name


def test_the_kernel_s_rows_are_the_fields_of_those_names() -> None:
    for name in ("TIME", "PEER", "REQUEST", "STATUS", "BYTES_OUT", "REFERER", "USER_AGENT"):
        assert getattr(kernel, name) == Field[name]


def test_a_request_with_raw_quotes_inside_ends_where_the_status_follows() -> None:
    row = salvaged(
        b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /" "x HTTP/1.1" 404 12 "http://r/" "u a"'
    )
    assert (row["target"], row["status"], row["bytes_out"]) == ('/" "x', 404, 12)
    assert (row["referer"], row["user_agent"]) == ("http://r/", "u a")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"192.0.2.1 - - [17/May/2015:10:05:03 +0000]", {"peer": "192.0.2.1"}),
        (b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b=', {"method": "GET", "target": "/a?b="}),
        (b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 20', {"target": "/a"}),
        (b'2001:db8::1 - - [17/May/2015:10:05:03 +0000] "" 400', {"peer": "2001:db8::1", "status": 400}),
        (b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "\\x16\\x03" x', {"target": "\x16\x03"}),
    ],
)
def test_what_a_cut_line_still_has_is_read(line: bytes, found: dict[str, object]) -> None:
    row = salvaged(line)
    assert row["time"] == "2015-05-17T10:05:03.000000"
    assert {key: row[key] for key in found} == found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"   ", "blank"),
        (b"# a remark", "comment"),
        (b"May  1 10:00:45 web1 kernel: Out of memory", "not_this_format"),
        (b'[17/May/2015:10:05:03 +0000] "some text" went wrong', "not_this_format"),
        (b'192.0.2.1 - - [yesterday] "GET / HTTP/1.1" 200', "no_time"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "binary"),
    ],
)
def test_a_line_that_is_no_request_is_counted_by_reason(line: bytes, expected: str) -> None:
    assert reason(line) == expected


def test_salvage_reads_the_other_lines_of_a_mixed_log() -> None:
    mixed = GOOD * 6 + b"2024-05-01 INFO started\n" * 4
    rows, skips, lines = parse_all(by_name("combined").open("x"), [mixed])
    assert (len(rows), skips, lines) == (6, {"not_this_format": 4}, 10)


@pytest.mark.parametrize("piece", [b'"', b'\\"', b"\\", b"/", b'" 20', b'" [', b"] ", b" [1/"])
def test_a_hostile_line_of_two_megabytes_is_read(piece: bytes) -> None:
    """Cost that grew with the square of the length would take hours."""
    line = GOOD.rstrip()[:60] + piece * (2_000_000 // len(piece)) + b"\n"
    rows, skips, lines = parse_all(by_name("combined").open("x"), [line])
    assert (len(rows) + sum(skips.values()), lines) == (1, 1)
