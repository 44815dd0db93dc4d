"""Addresses of flows as people write them, and whose they are."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.schema.networks import PRIVATE_NETWORKS

_MAPPED = 0xFFFF
_WORD = 1 << 64
_FIRST_BIT = -(1 << 63)
_NOTHING = [1, 0, 0, 0]
"""A range of which the last address stands before the first."""


def address(high: int, low: int) -> str:
    """The text of an address in two int64: `192.0.2.7`, `2001:db8::7`."""
    low %= _WORD
    if high == 0 and low >> 32 == _MAPPED:
        return str(IPv4Address(low & 0xFFFFFFFF))
    return str(IPv6Address((high % _WORD) << 64 | low))


def among(keys: NDArray[np.int64], addresses: Iterable[str]) -> NDArray[np.bool_]:
    """Which keys are some addresses', bool (n,).

    Args:
        keys: int64 (n, 2). addresses: Few, as `address` writes them; other texts are nobody's.
    """
    found = np.zeros(len(keys), dtype=bool)
    for text in addresses:
        if (own := halves(text)) is not None:
            found |= (keys[:, 0] == own[0]) & (keys[:, 1] == own[1])
    return found


def halves(text: str) -> tuple[int, int] | None:
    """An address in two int64, as flows hold it; None for another text."""
    try:
        one = ip_address(text)
    except ValueError:
        return None
    number = int(one) | (_MAPPED << 32 if one.version == 4 else 0)
    return _signed(number >> 64), _signed(number % _WORD)


def _signed(word: int) -> int:
    return word - _WORD if word >= _WORD // 2 else word


def internal(high: NDArray[np.int64], low: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which addresses are of `PRIVATE_NETWORKS`, bool (n,).

    Args:
        high, low: int64 (n,), the halves of an IPv6 address; IPv4 as the address that maps it.
    """
    ipv4 = (high == 0) & (low >> 32 == _MAPPED)
    number = low & 0xFFFFFFFF
    own = ((number >> 24) == 10) | ((number >> 20) == 0xAC1) | ((number >> 16) == 0xC0A8)
    own |= ((number >> 16) == 0xA9FE) | ((number >> 24) == 127)
    first = high >> 48 & 0xFFFF
    own6 = ((first & 0xFE00) == 0xFC00) | ((first & 0xFFC0) == 0xFE80) | ((high == 0) & (low == 1))
    found: NDArray[np.bool_] = np.where(ipv4, own, own6)
    return found


class Own:
    """Which addresses are one's own.

    Args:
        networks: In CIDR notation; of IPv4 also those of addresses that IPv6 maps.

    Attributes:
        ranges: int64 (n, 4), as `vedette.kernels.flows.contact_digest.is_internal` takes them; none for
            `PRIVATE_NETWORKS`.
    """

    def __init__(self, networks: Sequence[str] = PRIVATE_NETWORKS) -> None:
        given = (
            []
            if set(networks) == set(PRIVATE_NETWORKS)
            else [_range(text) for text in networks] or [_NOTHING]
        )
        self.ranges: NDArray[np.int64] = np.array(given, dtype=np.int64).reshape(-1, 4)

    def internal(self, high: NDArray[np.int64], low: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which addresses are one's own, bool (n,).

        Args:
            high, low: int64 (n,), the halves of an IPv6 address; IPv4 as the address that maps it.
        """
        if not len(self.ranges):
            return internal(high, low)
        found = np.zeros(len(high), dtype=bool)
        first, last = high ^ _FIRST_BIT, low ^ _FIRST_BIT
        for a, b, c, d in self.ranges.tolist():
            found |= ((first > a) | ((first == a) & (last >= b))) & (
                (first < c) | ((first == c) & (last <= d))
            )
        return found


def _range(text: str) -> list[int]:
    network = ip_network(text, strict=False)
    mapped = _MAPPED << 32 if network.version == 4 else 0
    ends = [int(end) | mapped for end in (network[0], network[-1])]
    return [_signed(word) ^ _FIRST_BIT for end in ends for word in (end >> 64, end % _WORD)]


def many(high: NDArray[np.int64], low: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which addresses stand for many hosts, bool (n,): multicast, and broadcast to the local network.

    Args:
        high, low: As of `internal`.
    """
    ipv4 = (high == 0) & (low >> 32 == _MAPPED)
    number = low & 0xFFFFFFFF
    group4 = ((number >> 28) == 14) | ((number & 0xFF) == 0xFF)
    found: NDArray[np.bool_] = np.where(ipv4, group4, (high >> 56 & 0xFF) == 0xFF)
    return found


PRIVATE: Final = Own()


def is_group(high: int, low: int) -> bool:
    """Whether an address is of a group that hosts join: multicast."""
    if high == 0 and low >> 32 == _MAPPED:
        return low >> 28 & 0xF == 14
    return high >> 56 & 0xFF == 0xFF


def is_many(high: int, low: int) -> bool:
    """Whether an address stands for many hosts."""
    return bool(many(np.array([high], dtype=np.int64), np.array([low], dtype=np.int64))[0])
