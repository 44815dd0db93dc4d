"""Addresses of flows as people write them, and whose they are."""

from ipaddress import IPv4Address, IPv6Address

_MAPPED = 0xFFFF
_WORD = 1 << 64


def address(high: int, low: int) -> str:
    """The text of an address in two int64: `192.0.2.7`, `2001:db8::7`."""
    low %= _WORD
    if high == 0 and low >> 32 == _MAPPED:
        return str(IPv4Address(low & 0xFFFFFFFF))
    return str(IPv6Address((high % _WORD) << 64 | low))


def is_internal(high: int, low: int) -> bool:
    """Whether an address is private (RFC 1918, RFC 4193), link-local or loopback."""
    low %= _WORD
    if high == 0 and low >> 32 == _MAPPED:
        found = IPv4Address(low & 0xFFFFFFFF)
        return found.is_private and not found.is_unspecified
    return IPv6Address((high % _WORD) << 64 | low).is_private


def is_many(high: int, low: int) -> bool:
    """Whether an address stands for many hosts: multicast, and broadcast to the local network."""
    low %= _WORD
    if high == 0 and low >> 32 == _MAPPED:
        number = low & 0xFFFFFFFF
        return number >> 28 == 14 or number == 0xFFFFFFFF or number & 0xFF == 0xFF
    return (high % _WORD) >> 56 == 0xFF
