"""Values in lines of flows as JSON, as Zeek and Suricata write them; what is written otherwise is refused."""

from math import floor
from typing import Final

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import inlined, subkernel
from vedette.kernels.flows.flow_address import address
from vedette.kernels.text.times import NO_DATE, days_since_epoch
from vedette.kernels.text.words import few_digits

_LONGEST: Final = 15
"""Digits of numbers that are read here: so many are exact as a float64, and as its integer."""
_EXACT: Final = 1 << 53
_PLUS, _MINUS, _POINT, _ZERO, _NINE, _COLON = ord("+"), ord("-"), ord("."), ord("0"), ord("9"), ord(":")
_A, _T, _Z = ord("A"), ord("T"), ord("Z")
_ICMP, _TCP, _UDP, _ICMPV6, _SCTP = 1, 6, 17, 58, 132
_TCP_NAME, _UDP_NAME, _SCTP_NAME = tuple(b"tcp"), tuple(b"udp"), tuple(b"sctp")
_ICMP_NAME, _ICMPV6_NAME = tuple(b"icmp"), tuple(b"icmpv6")
_ICMP6_NAME, _IPV6_ICMP_NAME = tuple(b"icmp6"), tuple(b"ipv6-icmp")
_TRUE, _FALSE = tuple(b"true"), tuple(b"false")


@inlined
def is_word(buffer: Bytes, at: int, length: int, word: tuple[int, ...], fold: int) -> bool:
    """Whether a span is a word in lower case; with `fold` 32, in any case."""
    if length != len(word):
        return False
    for i in range(len(word)):
        byte = int(buffer[at + i])
        if byte >= _A and byte <= _Z:
            byte |= fold
        if byte != word[i]:
            return False
    return True


@subkernel
def protocol(buffer: Bytes, at: int, length: int, fold: int) -> int:
    """A protocol's number by its name; 0 for another."""
    if is_word(buffer, at, length, _TCP_NAME, fold):
        return _TCP
    if is_word(buffer, at, length, _UDP_NAME, fold):
        return _UDP
    if is_word(buffer, at, length, _ICMP_NAME, fold):
        return _ICMP
    if is_word(buffer, at, length, _IPV6_ICMP_NAME, fold) or is_word(buffer, at, length, _ICMP6_NAME, fold):
        return _ICMPV6
    if is_word(buffer, at, length, _ICMPV6_NAME, fold):
        return _ICMPV6
    return _SCTP if is_word(buffer, at, length, _SCTP_NAME, fold) else 0


@inlined
def whole(buffer: Bytes, at: int, length: int) -> int:
    """A whole number that is not negative; -1 for what is read otherwise."""
    if length > _LONGEST:
        return -1
    if length > 0 and length <= 8:
        return few_digits(buffer, at, length)
    value = 0
    for place in range(at, at + length):
        digit = int(buffer[place]) - _ZERO
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@subkernel
def seconds(buffer: Bytes, at: int, length: int) -> int:
    """A decimal number of seconds, of up to 16 digits, as microseconds, rounded as a float64 is; -1 for another."""
    if length > _LONGEST + 2:
        return -1
    value = 0
    parts = 1.0
    point = 0
    for place in range(at, at + length):
        byte = int(buffer[place])
        if byte == _POINT and point == 0 and place > at and place < at + length - 1:
            point = 1
            continue
        if byte < _ZERO or byte > _NINE:
            return -1
        value = value * 10 + byte - _ZERO
        if point == 1:
            parts *= 10.0
    # Below 2^53 both are exact, and so their quotient is the float64 next to what was written.
    if value >= _EXACT:
        return -1
    scaled = value / parts * 1e6
    if scaled >= 4e18:
        return -1
    low = floor(scaled)
    over = scaled - low
    rounded = int(low)
    if over > 0.5 or (over == 0.5 and rounded % 2 == 1):
        rounded += 1
    return rounded


@inlined
def _two(buffer: Bytes, at: int) -> int:
    """Two digits; far below zero where they are none."""
    high = int(buffer[at]) - _ZERO
    low = int(buffer[at + 1]) - _ZERO
    return high * 10 + low if high >= 0 and high <= 9 and low >= 0 and low <= 9 else -10000


@subkernel
def moment(buffer: Bytes, at: int, length: int) -> int:
    """`2023-11-14T22:13:20.250000+0100`, with six decimals or none, as microseconds; -1 for what is read otherwise."""
    if length < 19:
        return -1
    if buffer[at + 4] != _MINUS or buffer[at + 7] != _MINUS or buffer[at + 10] != _T:
        return -1
    if buffer[at + 13] != _COLON or buffer[at + 16] != _COLON:
        return -1
    year = _two(buffer, at) * 100 + _two(buffer, at + 2)
    month = _two(buffer, at + 5)
    day = _two(buffer, at + 8)
    hour = _two(buffer, at + 11)
    minute = _two(buffer, at + 14)
    second = _two(buffer, at + 17)
    if year < 1971 or month < 1 or day < 1 or hour < 0 or minute < 0 or second < 0:
        return -1
    if hour > 23 or minute > 59 or second > 59:
        return -1
    days = days_since_epoch(year, month, day)
    if days == NO_DATE:
        return -1
    rest = 19
    fraction = 0
    if length > rest and buffer[at + rest] == _POINT:
        if length < 26:
            return -1
        fraction = _two(buffer, at + 20) * 10000 + _two(buffer, at + 22) * 100 + _two(buffer, at + 24)
        if _two(buffer, at + 20) < 0 or _two(buffer, at + 22) < 0 or _two(buffer, at + 24) < 0:
            return -1
        rest = 26
    offset = 0
    if length == rest + 1:
        if buffer[at + rest] != _Z:
            return -1
    elif length > rest:
        sign = int(buffer[at + rest])
        if length == rest + 5:
            offset = _two(buffer, at + rest + 1) * 60 + _two(buffer, at + rest + 3)
        elif length == rest + 6 and buffer[at + rest + 3] == _COLON:
            offset = _two(buffer, at + rest + 1) * 60 + _two(buffer, at + rest + 4)
        else:
            return -1
        if offset < 0 or offset >= 1440 or (sign != _PLUS and sign != _MINUS):
            return -1
        if sign == _MINUS:
            offset = -offset
    return ((days * 24 + hour) * 60 + minute - offset) * 60000000 + second * 1000000 + fraction


@subkernel
def plain_address(buffer: Bytes, at: int, length: int, found: Ints) -> bool:
    """An address as `address` reads it, without zeros before a number of an IPv4 one."""
    for place in range(at, at + length - 1):
        begins = place == at or buffer[place - 1] == _POINT
        if begins and buffer[place] == _ZERO and buffer[place + 1] >= _ZERO and buffer[place + 1] <= _NINE:
            return False
    return address(buffer, at, at + length, found)


@inlined
def flag(buffer: Bytes, at: int, length: int) -> int:
    """1 for `true`, 0 for `false`, -1 for anything else."""
    if is_word(buffer, at, length, _TRUE, 0):
        return 1
    return 0 if is_word(buffer, at, length, _FALSE, 0) else -1
