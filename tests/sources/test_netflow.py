"""Datagrams of exporters wait in the journal, each as a line of its exporter's stream."""

import base64
import socket
import time
from pathlib import Path

import pytest

from tests.patience import wait_until
from vedette.config import Config
from vedette.config.errors import ConfigError
from vedette.sources.build import build_sources
from vedette.sources.journal import Journal
from vedette.sources.source import Delivery
from vedette.sources.syslog import Syslog


def now() -> int:
    return time.time_ns() // 1000


def received(journal: Journal, count: int) -> list[Delivery]:
    found: list[Delivery] = []

    def came() -> bool:
        found.extend(journal.take(1 << 20))
        return sum(one.lines.count(b"\n") for one in found) >= count

    wait_until(came)
    return found


def test_a_datagram_is_a_line_of_its_exporters_stream(tmp_path: Path) -> None:
    config = Config.load(overrides={"sources.netflow": [{"listen": ["udp://127.0.0.1:0"]}]})
    journal = Journal(tmp_path, now)
    (source,) = build_sources(config.sources, now, journal)
    assert isinstance(source, Syslog)
    source.open(None)
    datagrams = [b"\x00\x05" + bytes(22), b"\x00\x09\n\n" + bytes(16), b"\r\n"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as exporter:
        for one in datagrams:
            exporter.sendto(one, source.addresses[0])
        found = received(journal, 3)
    assert {(one.stream, one.format) for one in found} == {("netflow:127.0.0.1", "netflow")}
    lines = b"".join(one.lines for one in found).splitlines()
    assert [base64.b64decode(line) for line in lines] == datagrams
    source.close()
    journal.close()


def test_a_datagram_of_sflow_is_a_line_with_the_time_that_it_came_at(tmp_path: Path) -> None:
    config = Config.load(overrides={"sources.netflow": [{"listen": ["udp://127.0.0.1:0"]}]})
    journal = Journal(tmp_path, now)
    (source,) = build_sources(config.sources, now, journal)
    assert isinstance(source, Syslog)
    source.open(None)
    sent, before = b"\0\0\0\5\0\0\0\1" + bytes(20), now()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.sendto(sent, source.addresses[0])
        (found,) = received(journal, 1)
    assert (found.stream, found.format) == ("sflow:127.0.0.1", "netflow")
    stamp, _, content = found.lines.partition(b":")
    assert before <= int(stamp) <= now()
    assert base64.b64decode(content) == sent
    source.close()
    journal.close()


def test_who_may_not_send_is_counted(tmp_path: Path) -> None:
    sections = [{"listen": ["udp://127.0.0.1:0"], "senders": ["192.0.2.0/24"]}]
    journal = Journal(tmp_path, now)
    (source,) = build_sources(Config.load(overrides={"sources.netflow": sections}).sources, now, journal)
    assert isinstance(source, Syslog)
    source.open(None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as exporter:
        exporter.sendto(b"\x00\x05", source.addresses[0])
        wait_until(lambda: source.status().dropped.get("datagrams_refused"))
    assert not journal.take(1 << 20)
    source.close()
    journal.close()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:2055", "127.0.0.1:2055"])
def test_exporters_send_over_udp(address: str) -> None:
    with pytest.raises(ConfigError, match="must be like udp://"):
        Config.load(overrides={"sources.netflow": [{"listen": [address]}]})
