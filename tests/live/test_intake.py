"""Lines that come piece by piece are read as they are together."""

from pathlib import Path

import numpy as np
import pytest

from vedette.config import Config
from vedette.live.intake import Intake
from vedette.schema.chunk import SkipReason
from vedette.sources.source import Delivery
from vedette.sources.tail.paths import Follow
from vedette.sources.tail.tail import Tail

HEADER = b"#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n"
FIELDS = b"#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\n"
ROW = b"2026-03-02 08:00:0%d 10.0.1.12 GET /a - 192.0.2.7 curl/8 200\n"


def deliver(intake: Intake, *pieces: bytes) -> int:
    """Requests that came of pieces of one log."""
    found = 0
    for piece in pieces:
        batch = intake.take(Delivery("u_ex.log", piece, b""))
        found += 0 if batch is None else len(batch.requests)
    return found


@pytest.mark.parametrize("again", [False, True], ids=["in one go", "restarted after the header"])
@pytest.mark.parametrize("header", [[HEADER + FIELDS], [HEADER, FIELDS], [HEADER + FIELDS, b"\n"]])
def test_a_header_that_comes_before_the_first_request_is_not_forgotten(
    header: list[bytes], again: bool
) -> None:
    intake = Intake(Config())
    assert deliver(intake, *header) == 0
    assert intake.problems == []
    if again:
        state = intake.to_state()
        intake = Intake(Config())
        assert intake.from_state(state) == []
    assert deliver(intake, ROW % 1, ROW % 2 + ROW % 3) == 3
    assert intake.streams["u_ex.log", None].formats == ("iis",)
    assert intake.streams["u_ex.log", None].lines == 6 + (b"\n" in header)
    assert SkipReason.NOT_THIS_FORMAT not in intake.tally.skips.counts


def test_a_log_that_is_followed_from_its_end_is_read_by_the_header_at_its_beginning(tmp_path: Path) -> None:
    """A server's columns are not the product's own here: without the header, no line would be a request."""
    log = tmp_path / "u_ex.log"
    log.write_bytes(HEADER + b"#Fields: sc-status date time c-ip cs-uri-stem cs-method\n" + ROW % 1)
    now = 1_772_440_000_000_000
    tail = Tail([Follow((str(log),), from_end=True)], lambda: now)
    tail.open(None)
    intake = Intake(Config())
    for expected in (0, 1, 1):
        found = [batch for delivery in tail.take(1 << 20) if (batch := intake.take(delivery)) is not None]
        assert sum(len(batch.requests) for batch in found) == expected
        with log.open("ab") as file:
            file.write(b"404 2026-03-02 08:00:07 192.0.2.7 /shop GET\n")
        now += 2_000_000
    assert found[0].requests.status.tolist() == [404]
    tail.close()


def test_comments_without_end_are_kept_in_bounds_and_rubbish_after_them_is_a_problem() -> None:
    intake = Intake(Config())
    assert deliver(intake, *[b"# a comment that goes on\n" * 500] * 20, b"rubbish\n") == 0
    assert len(intake.streams["u_ex.log", None].head) <= 16 << 10
    assert "no known log format" in intake.problems[0]


@pytest.mark.parametrize("before", [3, 15, 100, 1_000])
def test_requests_after_long_rubbish_are_found_soon(before: int) -> None:
    line = b'192.0.2.7 - - [02/Mar/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8"\n'
    intake = Intake(Config())
    assert deliver(intake, *[b"listening, as ever\n"] * before) == 0
    assert deliver(intake, *[line] * 40) >= 40 - 15


COMBINED = b'198.51.100.7 - - [02/Mar/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 7 "-" "curl/8.0"\n'


def test_what_to_do_about_an_unknown_format_is_what_can_be_done_in_a_service() -> None:
    intake = Intake(Config())
    assert intake.take(Delivery("shop", b"hello world\n", b"")) is None
    assert (
        "or `?format=` of what is pushed to /ingest), or describe it with --log-format" in intake.problems[0]
    )
    assert "--format," not in intake.problems[0]


def test_a_stream_that_cannot_be_read_is_one_fault_however_its_lines_differ() -> None:
    intake = Intake(Config())
    told = set()
    for number in range(40):
        intake.take(Delivery("shop", bytes([97 + number % 26]) * 5 + b" said\n", b""))
        told.update(intake.problems)
    assert len(told) == 1


def test_a_format_that_is_named_later_counts_from_the_next_line_on() -> None:
    intake = Intake(Config())
    for _ in range(20):
        intake.take(Delivery("shop", b"hello world\n", b""))
    named = intake.take(Delivery("shop", COMBINED, b"", format="combined"))
    assert named is not None
    assert intake.problems == []


def test_senders_that_call_their_lines_the_same_may_name_two_formats() -> None:
    """And both go on after a restart as they were."""
    intake = Intake(Config())
    for _ in range(2):
        for lines, named in ((COMBINED, "combined"), (HEADER + FIELDS, "iis"), (ROW % 1, "iis")):
            batch = intake.take(Delivery("push", lines, b"", format=named))
            assert (batch is None) is lines.startswith(b"#")
        state = intake.to_state()
        intake = Intake(Config())
        assert intake.from_state(state) == []
    assert intake.take(Delivery("push", ROW % 2, b"", format="iis")) is not None


TIMED = b'192.0.2.1 - - [02/Mar/2026:08:00:0%d +0000] "GET /a HTTP/1.1" 200 10 "-" "curl/8" 35808\n'
DESCRIBED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i" %D'


def again(intake: Intake, config: dict[str, str]) -> tuple[Intake, list[str]]:
    """The intake of a service that goes on with other keys in `input`, and what begins anew."""
    later = Intake(Config.model_validate({"input": config}))
    return later, later.from_state(intake.to_state())


def durations(intake: Intake, piece: bytes) -> list[float]:
    """Of the requests in a piece of a log."""
    batch = intake.take(Delivery("a.log", piece, b""))
    assert batch is not None
    found: list[float] = batch.requests.duration.tolist()
    return found


def test_a_format_that_is_described_later_holds_for_logs_that_were_read_before() -> None:
    intake = Intake(Config())
    assert np.isnan(durations(intake, TIMED % 1 + TIMED % 2)).all()
    later, anew = again(intake, {"log_format": DESCRIBED})
    assert anew == [
        "a.log: its format is looked for anew: it was read as combined, and the configuration says LogFormat now"
    ]
    assert durations(later, TIMED % 3) == [0.035808]
    assert again(later, {"log_format": DESCRIBED})[1] == []
    assert np.isnan(durations(again(later, {})[0], TIMED % 4)).all()


def test_a_format_that_is_named_no_more_is_told_by_the_lines() -> None:
    timed = TIMED.replace(b" 35808", b" 0.035")
    named = Intake(Config.model_validate({"input": {"format": "combined"}}))
    assert np.isnan(durations(named, timed % 1)).all()
    later, anew = again(named, {})
    assert anew == [
        "a.log: its format is looked for anew: it was read as combined, which the configuration says no more"
    ]
    assert durations(later, timed % 2) == [0.035]


def test_what_a_header_said_is_known_also_when_its_format_is_named_no_more() -> None:
    own = HEADER + b"#Fields: sc-status date time c-ip cs-uri-stem cs-method\n"
    intake = Intake(Config.model_validate({"input": {"format": "iis"}}))
    row = b"404 2026-03-02 08:00:07 192.0.2.7 /shop GET\n"
    assert deliver(intake, own + row) == 1
    later, anew = again(intake, {})
    assert (anew, deliver(later, row)) == ([], 1)


def test_a_format_that_a_sender_names_holds_whatever_the_configuration_says_of_others() -> None:
    intake = Intake(Config())
    assert intake.take(Delivery("app", TIMED % 1, b"", format="combined")) is not None
    later, anew = again(intake, {"log_format": DESCRIBED})
    assert anew == []
    assert later.take(Delivery("app", TIMED % 2, b"", format="combined")) is not None
    assert later.streams["app", "combined"].formats == ("combined",)


def test_fields_that_nobody_reads_are_told_once_for_a_format_also_after_a_restart() -> None:
    intake = Intake(Config())
    for name in ("a.log", "b.log"):
        intake.take(Delivery(name, TIMED % 1, b""))
    (told,) = intake.remarks
    assert told.startswith("a.log: fields at the end of its lines, such as 35808, have no names in combined")
    assert intake.problems == []
    assert again(intake, {})[0].remarks == [told]
    described, _ = again(intake, {"log_format": DESCRIBED})
    assert durations(described, TIMED % 2) == [0.035808]
    assert described.remarks == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            '{"time":"2026-03-02T08:00:00Z","method":"GET","path":"/","status":200,"ip":"192.0.2.1","duration":12}',
            "a.log: keys such as duration have no names in app-json, and are not read: if a status",
        ),
        (
            "time=2026-03-02T08:00:00Z method=GET path=/ status=200 ip=192.0.2.1 duration=12",
            "a.log: keys such as duration have no names in logfmt, and are not read: if a duration is",
        ),
    ],
)
def test_keys_that_no_name_is_known_for_are_remarked_on(line: str, told: str) -> None:
    intake = Intake(Config())
    intake.take(Delivery("a.log", line.encode() + b"\n", b""))
    (remark,) = intake.remarks
    assert remark.startswith(told)
