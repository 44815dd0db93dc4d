import ipaddress
from collections.abc import Sequence
from ipaddress import ip_network

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.enrich.batches import Row, batch

from vedette.enrich.client import DEFAULT_TRUSTED, ClientResolver, Network, clients_called, format_client
from vedette.schema.requests import NAME_TAG, RequestFlag

PROXIES = [ip_network("203.0.113.0/24"), ip_network("2001:db8:ffff::/48"), ip_network("198.51.100.7/32")]


def clients(
    pairs: Sequence[tuple[bytes | None, bytes | None]], trusted: Sequence[Network] | None = None
) -> list[str | None]:
    """Who each (peer, forwarded) is, as reports show it."""
    found = ClientResolver(trusted).resolve(batch([Row(peer=p, forwarded=f) for p, f in pairs]))
    return [
        None if i < 0 else format_client(int(found.high[i]), int(found.low[i]), found.names)
        for i in found.ids.tolist()
    ]


def client(
    peer: bytes | None, forwarded: bytes | None, trusted: Sequence[Network] | None = None
) -> str | None:
    return clients([(peer, forwarded)], trusted)[0]


def shown(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """How reports show an address: IPv4, also mapped, as it is, IPv6 by its /64."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, 64), strict=False))
    return str(address)


def walked(peer: str, chain: list[str], trusted: Sequence[Network]) -> str:
    """The walk, told plainly."""

    def is_trusted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in trusted)

    at = ipaddress.ip_address(peer)
    for hop in reversed(chain):
        if not is_trusted(at):
            break
        try:
            at = ipaddress.ip_address(hop)
        except ValueError:
            break
    return shown(at)


hops = st.one_of(
    st.sampled_from(["203.0.113.5", "203.0.113.9", "2001:db8:ffff::1", "198.51.100.7", "::ffff:203.0.113.1"]),
    st.sampled_from(["192.0.2.1", "2001:db8::1", "10.0.0.1", "::1"]),
    st.ip_addresses().map(str),
)


@given(
    st.lists(
        st.tuples(hops, st.lists(st.one_of(hops, st.sampled_from(["unknown", "_x", "1.2.3"])), max_size=6)),
        min_size=1,
        max_size=12,
    )
)
def test_the_walk_is_the_reference_walk(cases: list[tuple[str, list[str]]]) -> None:
    pairs = [(peer.encode(), ", ".join(chain).encode() if chain else None) for peer, chain in cases]
    assert clients(pairs, PROXIES) == [walked(peer, chain, PROXIES) for peer, chain in cases]


def test_a_public_peer_cannot_forge_its_address() -> None:
    assert client(b"192.0.2.1", b"203.0.113.200") == "192.0.2.1"


def test_what_a_client_wrote_before_the_proxy_is_not_looked_at() -> None:
    assert client(b"10.0.0.1", b"127.0.0.1, 8.8.8.8, 192.0.2.66, 10.2.2.2") == "192.0.2.66"


def test_a_chain_that_is_trusted_throughout_begins_with_the_client() -> None:
    assert client(b"10.0.0.1", b"10.0.0.9, 10.0.0.2") == "10.0.0.9"


def test_something_that_is_no_address_ends_the_walk_at_the_last_trusted_hop() -> None:
    assert client(b"10.0.0.1", b"192.0.2.66, unknown, 10.0.0.2") == "10.0.0.2"
    assert client(b"10.0.0.1", b"<script>") == "10.0.0.1"


def test_empty_elements_of_a_chain_are_passed_over() -> None:
    assert client(b"10.0.0.1", b"192.0.2.66,, ,") == "192.0.2.66"


def test_a_chain_is_believed_where_the_log_records_no_peer() -> None:
    assert client(None, b"192.0.2.66, 10.0.0.1") == "192.0.2.66"
    assert client(b"", b"192.0.2.66") == "192.0.2.66"


def test_nobody_recorded_is_nobody() -> None:
    assert clients([(None, None), (None, b"unknown"), (b"", None)]) == [None, None, None]


def test_trusting_nobody_believes_peers_only() -> None:
    assert client(b"10.0.0.1", b"192.0.2.66", trusted=[]) == "10.0.0.1"


@pytest.mark.parametrize(
    "forwarded",
    [
        b"for=192.0.2.66",
        b"For=192.0.2.66;proto=https;by=203.0.113.43",
        b'proto=https; for="192.0.2.66:4711"',
        b"for=8.8.8.8, for=192.0.2.66",
        b"8.8.8.8,+192.0.2.66",
        b"8.8.8.8,%20192.0.2.66",
        b"8.8.8.8, 192.0.2.66:55",
    ],
)
def test_reads_forwarded_elements_and_the_ways_logs_write_blanks(forwarded: bytes) -> None:
    assert client(b"10.0.0.1", forwarded) == "192.0.2.66"


def test_ipv6_clients_are_their_64_and_mapped_addresses_are_ipv4() -> None:
    pairs = [(b"2001:db8:1:2::aa", None), (b"2001:db8:1:2:ffff::bb%eth0", None), (b"2001:db8:1:3::aa", None)]
    assert clients(pairs) == ["2001:db8:1:2::/64", "2001:db8:1:2::/64", "2001:db8:1:3::/64"]
    assert clients([(b"::ffff:192.0.2.1", None), (b"192.0.2.1", None)]) == ["192.0.2.1", "192.0.2.1"]


def test_equal_clients_share_one_key_and_every_key_has_a_row() -> None:
    rows = [
        Row(b"10.0.0.1", b"192.0.2.9"),
        Row(b"10.0.0.2", b"192.0.2.9"),
        Row(b"192.0.2.9:4000"),
        Row(b"::ffff:192.0.2.9"),
        Row(b"2001:db8::1"),
        Row(b"2001:db8::2"),
    ]
    found = ClientResolver().resolve(batch(rows))
    assert found.ids.tolist() == [0, 0, 0, 0, 1, 1]
    assert found.high.tolist() == [0, 0x20010DB8 << 32]
    assert found.low.tolist() == [(0xFFFF << 32) | 0xC0000209, 0]


def test_host_names_are_clients_whatever_their_case_and_process() -> None:
    rows = [Row(b"Alpha.example"), Row(b"alpha.EXAMPLE"), Row(b"beta.example"), Row(b"192.0.2.xxx")]
    first, second = ClientResolver().resolve(batch(rows)), ClientResolver().resolve(batch(rows))
    assert first.ids.tolist() == [0, 0, 1, 2]
    assert set(first.high.tolist()) == {NAME_TAG}
    assert first.low.tolist() == second.low.tolist()
    assert sorted(first.names.values()) == ["192.0.2.xxx", "alpha.example", "beta.example"]


def test_a_name_is_never_trusted_even_if_it_says_localhost() -> None:
    assert client(b"localhost", b"192.0.2.66") == "localhost"


def test_a_local_socket_is_trusted_like_loopback() -> None:
    assert client(b"unix:", b"192.0.2.66") == "192.0.2.66"
    assert client(b"unix:", b"192.0.2.66", trusted=[]) == "unix:"


def test_a_forged_address_cannot_take_a_named_clients_key() -> None:
    name = ClientResolver().resolve(batch([Row(b"alpha.example")]))
    forged = ipaddress.IPv6Address((NAME_TAG << 64) | int(name.low[0]))
    assert clients([(b"alpha.example", None), (b"10.0.0.1", str(forged).encode())]) == [
        "alpha.example",
        "100:0:0:1::/64",
    ]


def test_a_long_or_odd_name_is_shown_bounded_and_printable() -> None:
    assert client(b"x" * 100_000, None) == "x" * 255
    assert client(b"caf\xe9", None) == "caf\\xe9"


def test_a_name_that_was_not_kept_is_shown_by_its_key() -> None:
    assert format_client(NAME_TAG, 0x1234, {}) == "name:0000000000001234"


PEERS = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from(["::", "::1", "0:0:0:1::", "Host.example", "1.2.3", "2001:db8::/64", "db8::/64"]),
)


@given(st.lists(PEERS, min_size=1, max_size=30), st.sets(PEERS, max_size=5))
def test_clients_are_found_by_the_names_they_are_shown_by(peers: list[str], others: set[str]) -> None:
    found = ClientResolver([]).resolve(batch([Row(peer.encode()) for peer in peers]))
    shown = [
        format_client(high, low, found.names)
        for high, low in zip(found.high.tolist(), found.low.tolist(), strict=True)
    ]
    for wanted in ({*shown[::2], *others}, others, {"name:0000000000001234", "", "12", "01.2.3.4", "1::/6"}):
        called = clients_called(wanted, found.high, found.low, found.names)
        assert called.tolist() == [name in wanted for name in shown]


def test_marks_clients_on_loopback_and_configured_proxies_as_internal() -> None:
    rows = [
        Row(b"127.0.0.1"),
        Row(b"10.0.0.1"),
        Row(b"192.0.2.1"),
        Row(b"10.0.0.1", b"192.0.2.1"),
        Row(b"::1"),
    ]

    def internal(trusted: Sequence[Network] | None) -> list[bool]:
        requests = batch(rows)
        ClientResolver(trusted).resolve(requests)
        return ((requests.flags & np.uint16(RequestFlag.INTERNAL)) != 0).tolist()

    assert internal(None) == [True, False, False, False, True]
    assert internal([ip_network("10.0.0.0/8")]) == [True, True, False, False, True]


def test_a_batch_of_nothing_has_no_clients() -> None:
    found = ClientResolver().resolve(batch([]))
    assert len(found.ids) == len(found.high) == len(found.low) == 0


def test_a_chain_of_a_million_bytes_is_walked_a_few_hops_only() -> None:
    assert client(b"10.0.0.1", b"10.0.0.2," * 100_000) == "10.0.0.2"
    assert client(b"10.0.0.1", b"x" * 1_000_000) == "10.0.0.1"


@given(st.integers(0, 2**32 - 1))
def test_the_default_trust_is_the_private_ranges(number: int) -> None:
    peer = ipaddress.IPv4Address(number)
    believed = any(peer in network for network in DEFAULT_TRUSTED)
    assert client(str(peer).encode(), b"192.0.2.66") == ("192.0.2.66" if believed else str(peer))
