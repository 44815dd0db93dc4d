"""Packets of an interface become flows and requests in the journal; what keeps them from it is told in one line."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import wait_until
from vedette.config.sources import CaptureSection
from vedette.live.capturing import Capture
from vedette.schema.flows import Flow
from vedette.sources.journal import Journal
from vedette.sources.source import SourceState
from vedette.windows.flow_table import TableSettings
from vedette.windows.passed_lines import from_line

cypcap = pytest.importorskip("cypcap")


def now() -> int:
    return time.time_ns() // 1000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal", now)
    yield journal
    journal.close()


def capture(journal: Journal, interface: str, chosen: str = "", *, http: bool = True) -> Capture:
    section = CaptureSection(interface=interface, filter=chosen, buffer_mb=1, http=http)
    return Capture(section, TableSettings(span=1_000_000), journal, now)


def allowed() -> bool:
    try:
        with cypcap.create("lo") as pcap:
            pcap.activate()
    except cypcap.Error:
        return False
    return True


@pytest.mark.skipif(not allowed(), reason="needs CAP_NET_RAW, and an interface lo")
def test_packets_become_flows_in_the_journal(journal: Journal) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        source = capture(journal, "lo", f"udp dst port {port}")
        source.open(None)
        # Until the first has been seen nobody knows whether it listens yet.
        wait_until(lambda: client.sendto(b"?", ("127.0.0.1", port)) and source.packets, "listening")
        before = source.packets
        # No more at once than the small buffer holds, should nobody get to empty it.
        for sent in range(1, 501):
            client.sendto(b"x" * 100, ("127.0.0.1", port))
            if sent % 20 == 0:
                wait_until(lambda sent=sent: source.packets >= before + sent, "packets")
        source.close()
    lines = b"".join(delivery.lines for delivery in journal.take(1 << 24)).splitlines()
    found = [from_line(line) for line in lines]
    rows = [row for one in found for row in one.parts.table if row[Flow.SERVER_PORT] == port]
    assert sum(int(row[Flow.PACKETS_OUT]) for row in rows) == source.packets
    # On loopback each is seen once, as Ethernet: 14 bytes before IP and UDP.
    assert sum(int(row[Flow.PAYLOAD_OUT]) for row in rows) >= 500 * 100
    assert source.status().dropped.get("packets_kernel", 0) == 0
    assert all(one.stream == "capture:lo" for one in journal.take(1 << 24))


ANSWER = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello"
REQUEST = b"GET /?id=1%%27+union+select+%d HTTP/1.1\r\nHost: shop.example\r\nCookie: c=%s\r\n\r\n"


@pytest.mark.skipif(not allowed(), reason="needs CAP_NET_RAW, and an interface lo")
@pytest.mark.parametrize("wanted", [True, False])
def test_cleartext_requests_become_lines_of_a_log(journal: Journal, wanted: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = capture(journal, "lo", f"tcp port {port}", http=wanted)
        source.open(None)
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as accepted:

            def exchange(number: int) -> int:
                client.sendall(REQUEST % (number, b"x" * 1_500))
                while not accepted.recv(1 << 16).endswith(b"\r\n\r\n"):
                    pass
                accepted.sendall(ANSWER)
                client.recv(1 << 16)
                return source.packets

            wait_until(lambda: exchange(0), "listening")
            for number in range(1, 6):
                exchange(number)
            told: dict[str, bytes] = {}

            def last_told() -> bool:
                for delivery in journal.take(1 << 24):
                    assert delivery.format == (
                        "vhost_combined" if "HTTP" in delivery.stream else "flow-parts"
                    )
                    told[delivery.stream] = told.get(delivery.stream, b"") + delivery.lines
                return b"select+5" in told.get("capture:lo (HTTP)", b"") if wanted else "capture:lo" in told

            wait_until(last_told, "what was captured")
        source.close()
    lines = told.get("capture:lo (HTTP)", b"").splitlines()[-5:]
    assert len(lines) == (5 if wanted else 0)
    for number, line in enumerate(lines, start=1):
        assert line.startswith(b"shop.example:%d 127.0.0.1 - - [" % port)
        assert line.endswith(b'] "GET /?id=1%%27+union+select+%d HTTP/1.1" 403 5 "-" "-"' % number)


@pytest.mark.skipif(not allowed(), reason="needs CAP_NET_RAW")
def test_an_interface_that_does_not_exist_is_told(journal: Journal) -> None:
    source = capture(journal, "nonesuch0")
    source.open(None)
    wait_until(lambda: source.status().state is SourceState.FAILED, "failed")
    assert source.status().reason == (
        "interface 'nonesuch0': there is none of that name; `ip link` shows those that there are"
    )
    source.close()


def test_an_interface_that_may_not_be_opened_is_told(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise cypcap.Error(cypcap.ErrorCode.PERM_DENIED, "Operation not permitted")

    monkeypatch.setattr(cypcap, "create", refuse)
    source = capture(journal, "lo")
    source.open(None)
    wait_until(lambda: source.status().state is SourceState.FAILED, "failed")
    assert "CAP_NET_RAW" in source.status().reason
    source.close()


@pytest.mark.skipif(not allowed(), reason="needs CAP_NET_RAW, and an interface lo")
def test_a_filter_that_is_none_is_told(journal: Journal) -> None:
    source = capture(journal, "lo", "port nowhere!")
    source.open(None)
    wait_until(lambda: source.status().state is SourceState.FAILED, "failed")
    assert "interface 'lo'" in source.status().reason
    source.close()
