"""Fields that were found in JSON lines as flows.

What a row holds is told by numbers, those of `vedette.parsers.flow_json.Spot`. A line that is not written as Zeek and
Suricata write theirs is only marked: who called looks at it by itself.
"""

from math import floor

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.flow_address import Bytes, Ints, address
from vedette.kernels.words import few_digits

QUOTE = ord('"')
_LONGEST = 15
"""Digits of numbers that are read here: so many are exact as a float64, and as its integer."""
_DAYS_TO_1970 = 719468
_FLOW = tuple(b"flow")
_TCP, _UDP, _ICMP, _ICMPV6, _SCTP = (
    tuple(b"tcp"),
    tuple(b"udp"),
    tuple(b"icmp"),
    tuple(b"icmpv6"),
    tuple(b"sctp"),
)
_ICMP6, _IPV6_ICMP = tuple(b"icmp6"), tuple(b"ipv6-icmp")
_TRUE, _FALSE = tuple(b"true"), tuple(b"false")


@inlined
def _is(buffer: Bytes, at: int, length: int, word: tuple[int, ...], fold: int) -> bool:
    """Whether a span is a word in lower case; with `fold` 32, in any case."""
    if length != len(word):
        return False
    for i in range(len(word)):
        byte = int(buffer[at + i])
        if byte >= 65 and byte <= 90:
            byte |= fold
        if byte != word[i]:
            return False
    return True


@subkernel
def _protocol(buffer: Bytes, at: int, length: int, fold: int) -> int:
    """A protocol's number by its name; 0 for another."""
    if _is(buffer, at, length, _TCP, fold):
        return 6
    if _is(buffer, at, length, _UDP, fold):
        return 17
    if _is(buffer, at, length, _ICMP, fold):
        return 1
    if _is(buffer, at, length, _IPV6_ICMP, fold) or _is(buffer, at, length, _ICMP6, fold):
        return 58
    if _is(buffer, at, length, _ICMPV6, fold):
        return 58
    return 132 if _is(buffer, at, length, _SCTP, fold) else 0


@inlined
def _whole(buffer: Bytes, at: int, length: int) -> int:
    """A whole number that is not negative; -1 for what is read otherwise."""
    if length > _LONGEST:
        return -1
    if length > 0 and length <= 8:
        return few_digits(buffer, at, length)
    value = 0
    for place in range(at, at + length):
        digit = int(buffer[place]) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@subkernel
def _seconds(buffer: Bytes, at: int, length: int) -> int:
    """A decimal number of seconds, of up to 16 digits, as microseconds, rounded as a float64 is; -1 for another."""
    if length > _LONGEST + 2:
        return -1
    value = 0
    parts = 1.0
    point = 0
    for place in range(at, at + length):
        byte = int(buffer[place])
        if byte == 46 and point == 0 and place > at and place < at + length - 1:
            point = 1
            continue
        if byte < 48 or byte > 57:
            return -1
        value = value * 10 + byte - 48
        if point == 1:
            parts *= 10.0
    # Below 2^53 both are exact, and so their quotient is the float64 next to what was written.
    if value >= 9007199254740992:
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
    high = int(buffer[at]) - 48
    low = int(buffer[at + 1]) - 48
    return high * 10 + low if high >= 0 and high <= 9 and low >= 0 and low <= 9 else -10000


@subkernel
def _moment(buffer: Bytes, at: int, length: int) -> int:
    """`2023-11-14T22:13:20.250000+0100`, with six decimals or none, as microseconds; -1 for what is read otherwise."""
    if length < 19:
        return -1
    if buffer[at + 4] != 45 or buffer[at + 7] != 45 or buffer[at + 10] != 84:
        return -1
    if buffer[at + 13] != 58 or buffer[at + 16] != 58:
        return -1
    year = _two(buffer, at) * 100 + _two(buffer, at + 2)
    month = _two(buffer, at + 5)
    day = _two(buffer, at + 8)
    hour = _two(buffer, at + 11)
    minute = _two(buffer, at + 14)
    second = _two(buffer, at + 17)
    if year < 1971 or month < 1 or month > 12 or day < 1 or hour < 0 or minute < 0 or second < 0:
        return -1
    if hour > 23 or minute > 59 or second > 59:
        return -1
    longest = 31
    if month == 4 or month == 6 or month == 9 or month == 11:
        longest = 30
    elif month == 2:
        longest = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    if day > longest:
        return -1
    rest = 19
    fraction = 0
    if length > rest and buffer[at + rest] == 46:
        if length < 26:
            return -1
        fraction = _two(buffer, at + 20) * 10000 + _two(buffer, at + 22) * 100 + _two(buffer, at + 24)
        if _two(buffer, at + 20) < 0 or _two(buffer, at + 22) < 0 or _two(buffer, at + 24) < 0:
            return -1
        rest = 26
    offset = 0
    if length == rest + 1:
        if buffer[at + rest] != 90:
            return -1
    elif length > rest:
        sign = int(buffer[at + rest])
        if length == rest + 5:
            offset = _two(buffer, at + rest + 1) * 60 + _two(buffer, at + rest + 3)
        elif length == rest + 6 and buffer[at + rest + 3] == 58:
            offset = _two(buffer, at + rest + 1) * 60 + _two(buffer, at + rest + 4)
        else:
            return -1
        if offset < 0 or offset >= 1440 or (sign != 43 and sign != 45):
            return -1
        if sign == 45:
            offset = -offset
    # Days since 1970 of a date in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _DAYS_TO_1970
    return ((days * 24 + hour) * 60 + minute - offset) * 60000000 + second * 1000000 + fraction


@subkernel
def _plain_address(buffer: Bytes, at: int, length: int, found: Ints) -> bool:
    """An address as `address` reads it, without zeros before a number of an IPv4 one."""
    for place in range(at, at + length - 1):
        begins = place == at or buffer[place - 1] == 46
        if begins and buffer[place] == 48 and buffer[place + 1] >= 48 and buffer[place + 1] <= 57:
            return False
    return address(buffer, at, at + length, found)


@subkernel
def _outcome(buffer: Bytes, at: int, length: int, table: Ints, row: int) -> None:
    """What Zeek's `conn_state` says of a TCP connection: SYN seen, answered, refused."""
    a = int(buffer[at]) if length > 0 else 0
    b = int(buffer[at + 1]) if length > 1 else 0
    c = int(buffer[at + 2]) if length > 2 else 0
    d = int(buffer[at + 3]) if length > 3 else 0
    e = int(buffer[at + 4]) if length > 4 else 0
    f = int(buffer[at + 5]) if length > 5 else 0
    # OTH
    other = length == 3 and a == 79 and b == 84 and c == 72
    # SF S1 S2 S3, RSTO RSTR, RSTRH, SHR
    answered = other or (length == 2 and a == 83 and (b == 70 or (b >= 49 and b <= 51)))
    reset = a == 82 and b == 83 and c == 84
    answered = answered or (length == 4 and reset and (d == 79 or d == 82))
    answered = answered or (length == 5 and reset and d == 82 and e == 72)
    answered = answered or (length == 3 and a == 83 and b == 72 and c == 82)
    # S0 SH, REJ, RSTOS0
    refused = (length == 2 and a == 83 and (b == 48 or b == 72)) or (
        length == 3 and a == 82 and b == 69 and c == 74
    )
    refused = refused or (length == 6 and reset and d == 79 and e == 83 and f == 48)
    table[row, 15] = 0 if other else 1
    table[row, 41] = 1 if answered else 0
    table[row, 42] = 1 if refused else 0


@inlined
def _flag(buffer: Bytes, at: int, length: int) -> int:
    """1 for `true`, 0 for `false`, -1 for anything else."""
    if _is(buffer, at, length, _TRUE, 0):
        return 1
    return 0 if _is(buffer, at, length, _FALSE, 0) else -1


@subkernel
def _zeek(buffer: Bytes, start: Ints, length: NDArray[np.int32], line: int, table: Ints, row: int) -> int:
    """What only Zeek's lines say; returns how long the flow took, microseconds, or -1 for an odd line."""
    # Without sizes on the wire, payload is what is known.
    if table[row, 11] == 0:
        table[row, 11] = table[row, 13]
    if table[row, 12] == 0:
        table[row, 12] = table[row, 14]
    if table[row, 8] == 6:
        state = start[15, line]
        _outcome(buffer, state if state >= 0 else 0, length[15, line] if state >= 0 else 0, table, row)
    else:
        table[row, 41] = 1 if table[row, 10] > 0 else 0
    if start[3, line] < 0:
        return 0
    return _seconds(buffer, start[3, line], length[3, line])


@subkernel
def _eve(
    buffer: Bytes, start: Ints, length: NDArray[np.int32], line: int, begun: int, table: Ints, row: int
) -> int:
    """What only Suricata's lines say; returns how long the flow took, microseconds, or -1 for an odd line."""
    known = 0
    flags = 0
    for spot in range(16, 20):
        at = start[spot, line]
        if at < 0:
            continue
        known = 1
        value = _flag(buffer, at, length[spot, line])
        if value < 0:
            return -1
        flags |= value << (spot - 16)
    if start[20, line] >= 0 or start[21, line] >= 0:
        known = 1
    if table[row, 8] != 6:
        known = 0
    elif known == 0:
        # There may be a `tcp` without anything in it.
        return -1
    back = table[row, 10]
    if known == 1:
        syn = flags & 1
        reset = flags >> 2 & 1
        refused = 1 if syn == 1 and (back == 0 or (reset == 1 and back == 1)) else 0
        table[row, 15] = syn
        table[row, 17] = flags >> 1 & 1
        table[row, 20] = reset
        table[row, 42] = refused
        table[row, 41] = 1 if flags & 8 != 0 and refused == 0 else 0
    else:
        table[row, 41] = 1 if back > 0 else 0
    if start[2, line] < 0:
        return 0
    finished = _moment(buffer, start[2, line], length[2, line])
    return max(0, finished - begun) if finished >= 0 else -1


@kernel
def read_flow_objects(
    buffer: Bytes,
    start: Ints,
    length: NDArray[np.int32],
    limit: int,
    eve: int,
    number: int,
    found: Ints,
    table: Ints,
    lines: Ints,
    odd: Bytes,
) -> int:
    """Read flows.

    Args:
        buffer: uint8, with at least 64 bytes after `limit`.
        start: int64 (spots, n), length: int32 (spots, n): where fields stand in each line; -1 for none.
        limit: Bytes of lines: what stands behind was unescaped.
        eve: 1 for Suricata's EVE, 0 for Zeek's conn.log.
        number: Number of the first flow.
        found: int64 (8,), scratch.
        table: int64 (at least n, FLOW_COLUMNS), receives flows.
        lines: int64 (at least n,), receives which line each is of.
        odd: uint8 (at least n,), receives 1 for a flow that has to be read from its line by itself.

    Returns:
        Flows, odd ones among them: Suricata's other events are left out.
    """
    count = 0
    for line in range(start.shape[1]):
        if eve == 1:
            at = start[0, line]
            if at < limit and (at < 0 or not _is(buffer, at, length[0, line], _FLOW, 0)):
                continue
        lines[count] = line
        odd[count] = 1
        good = True
        # Texts must be in quotes, and all else must not; nothing may have been written with escapes.
        for spot in range(start.shape[0]):
            at = start[spot, line]
            if at < 0:
                continue
            quoted = at > 0 and at < limit and buffer[at - 1] == QUOTE
            text = spot == 0 or spot == 2 or spot == 4 or spot == 6 or spot == 8 or spot == 15 or spot >= 20
            if at >= limit or (spot != 1 and quoted != text):
                good = False
        good = (
            good
            and start[1, line] >= 0
            and start[4, line] >= 0
            and start[6, line] >= 0
            and start[8, line] >= 0
        )
        if not good:
            count += 1
            continue
        for column in range(table.shape[1]):
            table[count, column] = 0
        at = start[1, line]
        if buffer[at - 1] == QUOTE:
            begun = _moment(buffer, at, length[1, line])
        else:
            begun = _seconds(buffer, at, length[1, line]) if eve == 0 else -1
        good = begun >= 0 and _plain_address(buffer, start[4, line], length[4, line], found)
        if good:
            table[count, 2] = found[0]
            table[count, 3] = found[1]
            good = _plain_address(buffer, start[6, line], length[6, line], found)
        if good:
            table[count, 4] = found[0]
            table[count, 5] = found[1]
        table[count, 8] = _protocol(buffer, start[8, line], length[8, line], 32 * eve)
        for spot in range(9, 15):
            if start[spot, line] >= 0:
                value = _whole(buffer, start[spot, line], length[spot, line])
                table[count, spot] = value
                good = good and value >= 0
        for side in range(2):
            spot = 5 + 2 * side
            if start[spot, line] >= 0:
                value = _whole(buffer, start[spot, line], length[spot, line])
                table[count, 6 + side] = value & 65535
                good = good and value >= 0
        if good:
            if eve == 1:
                took = _eve(buffer, start, length, line, begun, table, count)
            else:
                took = _zeek(buffer, start, length, line, table, count)
            if took >= 0:
                table[count, 0] = begun
                table[count, 1] = begun + took
                table[count, 47] = took
                table[count, 50] = begun
                table[count, 40] = 1
                table[count, 43] = 1
                table[count, 49] = number + count
                odd[count] = 0
        count += 1
    return count
