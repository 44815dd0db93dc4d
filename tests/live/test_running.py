"""A running service can be told of false alarms, and changed, without a restart."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.detectors.test_parameters import START, line, shop
from tests.patience import wait_until
from vedette.live.running import Running
from vedette.live.watch import watch
from vedette.schema.anomaly import Anomaly
from vedette.schema.errors import VedetteError
from vedette.schema.live import DetectedLine
from vedette.storage import open_live_store

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"


@contextmanager
def running(directory: Path, **live: Any) -> Iterator[Running]:
    """A service with its files in a directory, whose windows last a second if it is asked to be quick."""
    quick = {"windows": {"span_s": 1}} if live else {}
    service, end = watch(live={"directory": str(directory), **live}, **quick)
    try:
        yield service
    finally:
        end()


def kept(directory: Path) -> list[Anomaly]:
    """What it has found."""
    with open_live_store(f"sqlite:///{directory}/vedette.db") as store:
        return store.anomalies().items


def test_a_false_alarm_is_not_told_again_after_a_restart_either(tmp_path: Path) -> None:
    moment = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    line = (
        f'203.0.113.9 - - [{moment}] "GET /s?q=1%27+union+select+password+from+users-- HTTP/1.1" 200 12 "-" "{AGENT}"'
    ).encode()
    with running(tmp_path, poll_s=0.05, idle_after_s=1) as live:
        for _ in range(3):
            (judged,) = live.detect([line], [None])
            assert judged.is_anomaly
        assert judged.details["transformer"]["status"] == "off"
        assert judged.details["isolation_forest"]["status"] == "not_ready"
        # Those of later seconds may yet come.
        false = wait_until(lambda: kept(tmp_path))
        for found in false:
            assert live.exclude(found.id, "a test of ours", None) is None
            assert live.answer(found.id, real=False) is None
        assert live.weights().false_alarms == len(false)
        (judged,) = live.detect([line], [None])
        assert not judged.is_anomaly
        assert live.exclude("a0", "", None) == "a0: there is no such anomaly"
    with running(tmp_path) as live:
        (judged,) = live.detect([line], [None])
        assert not judged.is_anomaly


def test_incidents_are_told_in_the_log_in_one_line_that_steers_no_terminal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    moment = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    line = (
        f'203.0.113.9 - - [{moment}] "GET /s?q=1%27+union+select+password+from+users-- HTTP/1.1" 200 12 "-" "{AGENT}"\n'
    ).encode()
    with caplog.at_level("INFO", "vedette"), running(tmp_path, poll_s=0.05, idle_after_s=1) as live:
        live.push("web", line * 3, service="shop\x1b[31m")
        wait_until(lambda: "incident opened: " in caplog.text)
    (told,) = [said for said in caplog.messages if said.startswith("incident opened: ")]
    assert " by 203.0.113.9 (medium, " in told
    assert told.isprintable()


def test_changes_come_into_force_at_once_and_outlive_the_process_or_are_refused_with_reasons(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as live:
        assert live.configure({"alarm": {"budget": "1/day"}, "windows": {"span_s": 30}}) == []
        assert live.configuration()["windows"]["span_s"] == 30
        (reason,) = live.configure({"windows": {"span_s": 0}})
        assert reason.startswith("changed over the API: windows.span_s = 0: must be at least 1")
        (reason,) = live.configure({"store": {"url": "sqlite:///other.db"}})
        assert "store.url: holds from the start of the service to its end" in reason
        (reason,) = live.configure({"widnows": {"span_s": 5}})
        assert "widnows" in reason
        assert live.configuration()["windows"]["span_s"] == 30
    with running(tmp_path) as live:
        shown = live.configuration()
        assert (shown["windows"]["span_s"], shown["alarm"]["budget"]) == (30, "1/day")
        assert live.configure({"windows": {"span_s": None}}) == []
        assert live.configuration()["windows"]["span_s"] == 60


def test_a_configuration_that_is_refused_when_read_again_is_told_until_it_is_mended(tmp_path: Path) -> None:
    config = tmp_path / "vedette.yaml"
    config.write_text("alarm: {budget: 1/day}\n")
    live, end = watch(config, live={"directory": str(tmp_path / "kept")})
    try:
        for spoilt, says in (
            ("alarm: {budget: often, colour: red}\n", "alarm."),
            ("alarm: [\n", "vedette.yaml"),
        ):
            config.write_text(spoilt)
            reasons = live.reload()
            (remark,) = live.health().problems
            assert reasons
            assert says in reasons[0]
            assert reasons[0] in remark
            assert ("and 1 more" in remark) == (len(reasons) == 2)
            # It goes on as before; nothing of what it watches is amiss.
            assert live.health().status == "ok"
            assert live.configuration()["alarm"]["budget"] == "1/day"
        config.write_text("alarm: {budget: 1/month}\n")
        assert live.reload() == []
        assert live.health().problems == ()
        assert live.configuration()["alarm"]["budget"] == "1/month"
    finally:
        end()


def test_a_directory_is_used_by_one_service_at_a_time(tmp_path: Path) -> None:
    with running(tmp_path), pytest.raises(VedetteError, match="another"), running(tmp_path):
        pass


def test_a_line_unlike_the_site_is_told_at_once_when_the_site_is_known(tmp_path: Path) -> None:
    """Its habits are learned from what was asked about before; a line alone and a batch are told alike."""
    odd = line(START + 30_000, "/shop/basket?article=1234x&amount=7").rstrip(b"\n")
    usual = line(START + 30_000, "/shop/basket?article=12345&amount=7").rstrip(b"\n")
    with running(tmp_path) as service:
        first = line(START, "/shop/").rstrip(b"\n")
        assert service.detect([first], [None])[0].details["parameters"].status == "not_ready"
        past = [text.rstrip(b"\n") for text in shop(20_000)]
        for at in range(0, len(past), 5_000):
            service.detect_all(past[at : at + 5_000], [None] * 5_000)
        wait_until(lambda: service.status()["logs_processed"] > len(past))

        def judged() -> DetectedLine | None:
            """Once what is new in it has had trials enough: the past is learned in turns."""
            (one,) = service.detect([odd], [None])
            return one if one.details["parameters"].status == "ready" else None

        told = wait_until(judged)
        (among, *_) = service.detect_all([odd, *[usual] * 20], [None] * 21).answers
    assert told.is_anomaly
    assert not told.details["ensemble"]["votes"]["rule_based"]
    assert told.details["ensemble"]["votes"]["parameters"]
    assert "parameters" in told.details["ensemble"]["active_models"]
    assert told.details["parameters"].novelties[0]["parameter"] == "article"
    assert told.anomaly_score == told.details["ensemble"]["score"] > 0.8
    assert msgspec.json.decode(among)["details"]["parameters"]["is_anomaly"]


def test_a_source_whose_clock_is_wrong_is_named_with_the_remedy(tmp_path: Path) -> None:

    def named() -> tuple[str, ...]:
        past = (datetime.now(UTC) - timedelta(hours=1)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        live.push("web", f'203.0.113.9 - - [{past}] "GET / HTTP/1.1" 200 12 "-" "{AGENT}"\n'.encode())
        return live.health().problems

    with running(tmp_path, poll_s=0.05, idle_after_s=1) as live:
        (said,) = wait_until(named)
        assert live.health().status == "ok"
    assert "web: its lines are dated 3,6" in said
    assert "behind the clock here, or come so late" in said
    assert "set its clock by NTP" in said


def test_a_log_of_no_known_format_degrades_the_service_only_if_it_reads_nothing_else(tmp_path: Path) -> None:
    now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    access = f'203.0.113.9 - - [{now}] "GET / HTTP/1.1" 200 12 "-" "{AGENT}"\n'.encode()
    with running(tmp_path, poll_s=0.05) as live:
        for number in range(25):
            live.push(f"queue-{number}", b"a job is done\n" * 20)
        wait_until(lambda: live.health().problems[-1:] == ("and 6 more logs cannot be read",))
        found = live.health()
        assert (found.status, len(found.problems)) == ("degraded", 20)
        assert found.problems[0].startswith("queue-0: no known log format")
        live.push("web", access * 20)
        wait_until(lambda: live.health().status == "ok")
        assert live.health().problems == found.problems


def test_a_service_that_watches_flows_alone_waits_no_longer_once_they_come(tmp_path: Path) -> None:
    flow = (
        b'{"ts":1700000000.5,"id.orig_h":"10.0.0.5","id.orig_p":40000,"id.resp_h":"192.0.2.1","id.resp_p":443,'
        b'"proto":"tcp","conn_state":"SF"}\n'
    )
    with running(tmp_path) as live:
        assert (live.health().phase, live.health().flows) == ("waiting", ())
        assert live.push("conn", flow * 50).taken == 50
        wait_until(lambda: live.health().flows and live.health().flows[0].flows == 50)
        (stream,) = live.health().flows
        assert (stream.format, stream.received, stream.flows) == ("zeek-conn-json", 50, 50)
        assert live.health().phase == "warmup"
        assert live.status()["phase"] == "warmup"
