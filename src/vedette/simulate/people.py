"""Who asks: visitors with an address and a habit of coming back."""

import math
from typing import Final

import numpy as np

from vedette.simulate.draws import Draws, Ints, mix, mixed_uniform
from vedette.simulate.rows import IPV6

# Only addresses that nobody has: shared address space (RFC 6598) for visitors, benchmarking (RFC 2544) for
# bot nets, and the documentation blocks (RFC 5737, RFC 3849) for everyone who is named in a label.
_VISITORS: Final = 100 << 24 | 64 << 16  # 100.64.0.0/10
_VISITOR_BITS: Final = 22
_BOTNET: Final = 198 << 24 | 18 << 16  # 198.18.0.0/15
_BOTNET_BITS: Final = 17
_CRAWLERS: Final = 192 << 24 | 2 << 8  # 192.0.2.0/24
_LONE: Final = (203 << 24 | 113 << 8, 198 << 24 | 51 << 16 | 100 << 8)  # 203.0.113.0/24, 198.51.100.0/24

_IPV6_SHARE: Final = 0.14
_RETURN_OFFSET: Final = 20.0
"""Visitors return by a Zipf-Mandelbrot law: the chance falls with (rank + this) to the power of 3/4."""


def visitor_address(visitors: Ints, ipv6_share: float = _IPV6_SHARE) -> Ints:
    """The address of each visitor number: different numbers, different addresses."""
    inside = 1 << _VISITOR_BITS
    v4 = _VISITORS | (visitors * 2_654_435_761 + 971) % inside
    v6 = IPV6 | (visitors * 2_246_822_519 + 77) % (1 << 32)
    over_v6 = (visitors >= inside) | (mixed_uniform(visitors, 31) < ipv6_share)
    return np.asarray(np.where(over_v6, v6, v4), dtype=np.int64)


def botnet_address(members: Ints, salt: int) -> Ints:
    """The address of each member of a bot net: half in one network, half spread among ordinary visitors'."""
    half = members // 2
    own = _BOTNET | (half * 65_537 * 3 + salt * 7919) % (1 << _BOTNET_BITS)
    scattered = _VISITORS | ((1 << _VISITOR_BITS) - 1 - (half + salt * 4096)) * 2_654_435_761 % (
        1 << _VISITOR_BITS
    )
    return np.asarray(np.where(members % 2 == 0, own, scattered), dtype=np.int64)


def crawler_address(crawler: Ints, machine: Ints) -> Ints:
    """The address of one of a crawler's four machines."""
    return np.asarray(_CRAWLERS | (16 + crawler * 8 + machine % 4), dtype=np.int64)


def monitor_address(monitor: int) -> int:
    """The address of a monitoring probe."""
    return _CRAWLERS | (4 + monitor)


def lone_address(index: int, seed: int) -> int:
    """The address of the client behind incident `index`; one in five comes over IPv6."""
    spread = int(mix(np.array([seed], dtype=np.int64), 32)[0])
    if (spread + index) % 5 == 4:
        return IPV6 | (0xBAD0_0000 + index * 257 + spread % 200)
    host = (spread + index * 37) % 254 + 1
    return _LONE[index % 2] | host


def returning_visitors(draws: Draws, n: int, known: int) -> Ints:
    """N visitors out of the first `known`, a few of whom come very often."""
    if known <= 1:
        return np.zeros(n, dtype=np.int64)
    low, high = _fourth_root(_RETURN_OFFSET), _fourth_root(known + _RETURN_OFFSET)
    square = (low + draws.uniform(n) * (high - low)) ** 2
    rank = square * square - _RETURN_OFFSET
    return np.asarray(np.clip(rank.astype(np.int64), 0, known - 1), dtype=np.int64)


def _fourth_root(value: float) -> float:
    return math.sqrt(math.sqrt(value))


def address_text(client: int) -> bytes:
    """An address as a server logs it."""
    if client & IPV6:
        subnet = client & 0xFFFF_FFFF
        host = (subnet * 40_503 & 0xFFFF) + 1
        return b"2001:db8:%x:%x::%x" % (subnet >> 16, subnet & 0xFFFF, host)
    return b"%d.%d.%d.%d" % (client >> 24, client >> 16 & 255, client >> 8 & 255, client & 255)


def address_texts(clients: Ints) -> list[bytes]:
    """Addresses as a server logs them: shape (n,)."""
    high = (clients >> 16).tolist()
    front = {h: b"%d.%d." % (h >> 8 & 255, h & 255) for h in set(high)}
    texts = [front[h] + _BACK[low] for h, low in zip(high, (clients & 0xFFFF).tolist(), strict=True)]
    for i in np.flatnonzero(clients & IPV6).tolist():
        texts[i] = address_text(int(clients[i]))
    return texts


_BACK: Final = [b"%d.%d" % (i >> 8, i & 255) for i in range(65536)]
