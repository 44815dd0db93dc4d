"""Addresses of flows as people write them, and whose they are."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

import numpy as np
from numpy.typing import NDArray

_MAPPED = 0xFFFF
_WORD = 1 << 64


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
    """Which addresses are one's own, bool (n,): private (RFC 1918, RFC 4193), link-local or loopback.

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


def is_group(high: int, low: int) -> bool:
    """Whether an address is of a group that hosts join: multicast."""
    if high == 0 and low >> 32 == _MAPPED:
        return low >> 28 & 0xF == 14
    return high >> 56 & 0xFF == 0xFF


def is_many(high: int, low: int) -> bool:
    """Whether an address stands for many hosts."""
    return bool(many(np.array([high], dtype=np.int64), np.array([low], dtype=np.int64))[0])
