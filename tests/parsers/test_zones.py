"""Times without a zone: which logs have them, and that they are told to be taken for UTC."""

from pathlib import Path

import pytest
from tests.parsers.lines import chunk

from vedette.config import Config
from vedette.engine.choosing import Chooser

LINE = b'192.0.2.7 - - [24/Nov/2026:10:00:00%s] "GET / HTTP/1.1" 200 5 "-" "curl/8"\n'
GOLDEN = Path(__file__).parents[1] / "golden" / "formats"


def assumes(text: bytes, zone: str = "UTC") -> bool:
    sample = chunk(text)
    return Chooser(Config.model_validate({"input": {"timezone": zone}}))(sample).assumes_utc(sample)


@pytest.mark.parametrize("log", ["haproxy", "lograge", "gin"])
def test_logs_of_local_times_are_taken_for_utc_unless_a_zone_is_named(log: str) -> None:
    text = (GOLDEN / f"{log}.log").read_bytes()
    assert assumes(text)
    assert not assumes(text, "Europe/Berlin")
    assert not assumes(text, "+02:00")


@pytest.mark.parametrize(
    "log", ["combined", "envoy", "squid", "iis", "cloudfront-json", "caddy-json", "logfmt"]
)
def test_of_logs_that_say_their_zone_or_have_but_one_nothing_is_assumed(log: str) -> None:
    assert not assumes((GOLDEN / f"{log}.log").read_bytes())


@pytest.mark.parametrize(("zone", "assumed"), [(b"", True), (b" +0000", False), (b" -0800", False)])
def test_the_lines_tell_and_not_the_format_also_inside_others(zone: bytes, assumed: bool) -> None:
    assert assumes(LINE % zone) is assumed
    assert assumes(b"2026-11-24T10:00:00.000000000Z stdout F " + LINE % zone) is assumed


def test_cloudfronts_times_are_utc_whatever_zone_is_named() -> None:
    text = (GOLDEN / "cloudfront-json.log").read_bytes()
    times = [
        Chooser(Config.model_validate({"input": {"timezone": zone}}))(chunk(text))
        .open("x").parse(chunk(text)).requests.time.tolist()
        for zone in ("UTC", "+02:00", "Europe/Berlin")
    ]  # fmt: skip
    assert times[0] == times[1] == times[2]
