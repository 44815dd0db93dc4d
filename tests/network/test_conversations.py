"""What is stated of an address shows its largest conversations."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Run, vedette
from tests.network.packets import BEGIN, SECOND, SYN, contact_window, host, pcap, tcp
from tests.network.test_detectors import contact
from tests.network.test_flow_verdicts import stated
from tests.network.test_scan import scan
from vedette.detectors.network.conversations import with_conversations
from vedette.schema.anomaly import AnomalyType

__all__ = ["vedette"]

A, B, C, D = (host(f"10.0.0.{n}") for n in range(1, 5))
WINDOW = contact_window(
    [
        contact(A, B, 22, bytes_out=500, opened=1),
        contact(A, B, 80, bytes_out=10, bytes_in=900),
        contact(A, C, 443, bytes_out=700),
        contact(D, B, 80, bytes_out=5000),
        contact(B, D, 5000, bytes_out=1),
    ],
    7,
)


def told(
    about: int, most: int = 3, *, at_host: bool = False, clients: tuple[int, ...] = ()
) -> list[tuple[str, str, int]]:
    one = stated(AnomalyType.PORT_SCAN, 7, about, host=at_host, clients=clients)
    found = with_conversations(one, WINDOW, most).details.get("conversations", [])
    return [(each["client"], each["server"], each["server_port"]) for each in found]


def test_a_clients_largest_come_first_and_no_more_than_asked_for() -> None:
    one, two, three = (
        ("10.0.0.1", "10.0.0.2", 80),
        ("10.0.0.1", "10.0.0.3", 443),
        ("10.0.0.1", "10.0.0.2", 22),
    )
    assert told(1) == [one, two, three]
    assert told(1, 2) == [one, two]
    assert told(1, 0) == []
    whole = with_conversations(stated(AnomalyType.PORT_SCAN, 7, 1), WINDOW, 1)
    assert whole.details["conversations_in_all"] == 3


def test_a_hosts_are_those_with_the_clients_that_are_named() -> None:
    assert told(2, at_host=True)[0] == ("10.0.0.4", "10.0.0.2", 80)
    assert {client for client, *_ in told(2, at_host=True, clients=(1,))} == {"10.0.0.1"}
    # Nobody asked it anything: then what it did itself.
    assert told(4, at_host=True, clients=(9,)) == [("10.0.0.4", "10.0.0.2", 80)]


def test_who_is_not_in_the_window_has_none() -> None:
    assert told(9) == []


@pytest.mark.parametrize("kept", [0, 2])
def test_a_scan_tells_them_and_explain_shows_them(vedette: Run, tmp_path: Path, kept: int) -> None:
    more = [(BEGIN + n * SECOND, tcp(f"192.0.2.{n}:4000", "192.0.2.1:443", SYN)) for n in range(2, 9)]
    (tmp_path / "trace.pcap").write_bytes(pcap(sorted([*scan(), *more], key=lambda frame: frame[0]), 101))
    (tmp_path / "vedette.yaml").write_text(f"limits: {{evidence: {kept}}}\n")
    vedette("scan", "trace.pcap", "--json", "found.json", "--config", "vedette.yaml", "-q")
    first, *_ = json.loads((tmp_path / "found.json").read_text())["anomalies"]
    shown = first["details"].get("conversations", [])
    assert len(shown) == kept
    assert all(one["client"] == "198.51.100.7" and one["syn_out"] == 1 for one in shown)
    words = vedette("explain", first["id"], "--json", "found.json").stdout.decode()
    assert words.count("198.51.100.7 to 192.0.2.1 port") == kept
    assert "requests" not in [line.split()[-1] for line in words.splitlines() if line.startswith("evidence")]
