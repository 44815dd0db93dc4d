"""Who calls: the walk from the peer through `X-Forwarded-For`, past trusted proxies."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

Address = IPv4Address | IPv6Address
REMEMBERED = 4096
REMEMBERED_BYTES = 200
"""Walks that are remembered: so many, of at most so long a chain."""
MOST_HOPS = 20
"""Proxies that are walked past at most."""


class Walked(NamedTuple):
    """Who calls.

    Attributes:
        address: None if it has none (a Unix socket without a proxy's word). shown: As it is told.
        counted: What is counted as one caller; empty for this machine itself.
    """

    address: Address | None
    shown: str
    counted: str


class ClientWalk:
    """Finds the address of who calls: the last one, from the right, that no trusted proxy has.

    What stands further left was written by somebody who is not trusted.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = [ip_network(text) for text in trusted]
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._walk)

    def find(self, peer: str, forwarded: str) -> Walked:
        """Who calls.

        Args:
            peer: Address of the connection; empty for a Unix socket. forwarded: `X-Forwarded-For`.
        """
        # Longer ones are rare, and could fill the memory.
        walk = self._remembered if len(forwarded) <= REMEMBERED_BYTES else self._walk
        return walk(peer, forwarded)

    def _walk(self, peer: str, forwarded: str) -> Walked:
        address = self._address(peer, forwarded)
        counted = "" if address is None or address.is_loopback else limited_as(address)
        return Walked(address, str(address or "local"), counted)

    def _address(self, peer: str, forwarded: str) -> Address | None:
        at = read_address(peer)
        if at is not None and not self._is_trusted(at):
            return at
        for text in reversed(forwarded[-4096:].split(",")[-MOST_HOPS:] if forwarded else []):
            found = read_address(text.strip())
            if found is None:
                break
            at = found
            if not self._is_trusted(found):
                break
        return at

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def read_address(text: str) -> Address | None:
    """An address, an IPv4-mapped one as IPv4; None if the text is none. A port is passed over."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def limited_as(address: Address) -> str:
    """What is counted as one caller: an IPv4 address, an IPv6 /64."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


def is_local(host: str) -> bool:
    """Whether a host to listen on is this machine's own alone."""
    if host == "localhost":
        return True
    address = read_address(host)
    return address is not None and address.is_loopback
