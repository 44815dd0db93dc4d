"""Who is within, and who elsewhere, is told by the networks that are one's own."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.network.packets import contact_window, host
from tests.network.test_detectors import UDP, contact
from tests.network.test_port_scan import asking_for_what_is_off
from vedette.config.flows import NetworkSection
from vedette.detectors.network.addresses import Own, halves
from vedette.detectors.network.floods import Amplification
from vedette.detectors.network.manners import Did, address_table
from vedette.detectors.network.own_past import OwnPast
from vedette.detectors.network.port_scan import PortScan
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.detectors.network.view import NetworkDetector, NetworkView
from vedette.schema.anomaly import Anomaly
from vedette.schema.flows import Flow
from vedette.schema.networks import PRIVATE_NETWORKS
from vedette.windows.contacts import FlowWindow


@pytest.mark.parametrize(
    ("networks", "address", "within"),
    [
        (PRIVATE_NETWORKS, "10.255.255.255", True),
        (PRIVATE_NETWORKS, "11.0.0.0", False),
        (PRIVATE_NETWORKS, "fd00::1", True),
        (PRIVATE_NETWORKS, "2001:db8::1", False),
        (["198.51.100.0/24"], "198.51.100.0", True),
        (["198.51.100.0/24"], "198.51.100.255", True),
        (["198.51.100.0/24"], "198.51.101.0", False),
        (["198.51.100.0/24"], "198.51.99.255", False),
        (["198.51.100.0/24"], "10.0.0.1", False),
        (["198.51.100.7"], "198.51.100.7", True),
        (["198.51.100.7"], "198.51.100.8", False),
        (["2001:db8:20::/48", "198.51.100.0/24"], "2001:db8:20:ffff:ffff:ffff:ffff:ffff", True),
        (["2001:db8:20::/48", "198.51.100.0/24"], "198.51.100.1", True),
        (["2001:db8:20::/48"], "2001:db8:21::", False),
        (["2001:db8:20::/48"], "2001:db8:1f:ffff::", False),
        (["2001:db8::8000:0:0:0/65"], "2001:db8::7fff:ffff:ffff:ffff", False),
        (["2001:db8::8000:0:0:0/65"], "2001:db8::8000:0:0:0", True),
        (["f000::/4"], "ff02::1", True),
        (["f000::/4"], "efff::", False),
        (["::/0"], "192.0.2.1", True),
        (["0.0.0.0/0"], "192.0.2.1", True),
        (["0.0.0.0/0"], "::1", False),
        ([], "10.0.0.1", False),
        ([], "::", False),
    ],
)
def test_which_addresses_are_one_s_own(networks: Sequence[str], address: str, *, within: bool) -> None:
    ends = halves(address)
    assert ends is not None
    high, low = (np.array([half], dtype=np.int64) for half in ends)
    own = Own(networks)
    assert own.internal(high, low).tolist() == [within]
    row = {
        Flow.CLIENT_HIGH: ends[0],
        Flow.CLIENT_LOW: ends[1],
        Flow.SERVER_PORT: 443,
        Flow.PROTOCOL: 6,
        Flow.OPENED: 1,
    }
    to_it = {
        Flow.CLIENT_LOW: host("192.0.2.9"),
        Flow.SERVER_HIGH: ends[0],
        Flow.SERVER_LOW: ends[1],
        Flow.OPENED: 1,
    }
    # Kernels say the same.
    keys, did = address_table(contact_window([row, to_it]).contacts, own=own)
    of = {int(low): float(did[Did.OUTSIDE, at]) for at, (_, low) in enumerate(keys.tolist())}
    assert of[host("192.0.2.9")] == float(not within)


def test_the_private_networks_are_the_default() -> None:
    assert NetworkSection().own_networks == PRIVATE_NETWORKS
    assert not len(Own().ranges)


def look(detector: NetworkDetector, window: FlowWindow, own: Own) -> list[Anomaly]:
    return detector.look(NetworkView(window, (RecentWindow(window),), {}, own=own))


def test_a_host_with_a_public_address_of_one_s_own_scans_from_within() -> None:
    rows = [row | {Flow.CLIENT_LOW: host("198.51.100.9")} for row in asking_for_what_is_off()]
    for own, severity in ((Own(), "low"), (Own(["198.51.100.0/24"]), "high")):
        detector = PortScan()
        look(detector, contact_window([], -360), own)
        (found,) = look(detector, contact_window(rows), own)
        assert found.severity == severity


def test_a_resolver_that_one_s_own_hosts_ask_a_lot_is_not_abused() -> None:
    row = contact(host("198.51.100.9"), host("192.0.2.1"), 53, UDP, bytes_in=1_000_000)
    window = contact_window([row | {Flow.PACKETS_OUT: 100}])
    assert look(Amplification(), window, Own())
    assert not look(Amplification(), window, Own(["198.51.100.0/24"]))


def test_hosts_of_one_s_own_have_a_past() -> None:
    window = contact_window([contact(host("198.51.100.9"), host("192.0.2.1"), 443)])
    for own, known in ((Own(), 0), (Own(["198.51.100.0/24"]), 1)):
        detector = OwnPast()
        look(detector, window, own)
        assert len(detector._known) == known
