"""Lines of delimited flow logs as flows.

What columns hold is told by numbers, those of `vedette.parsers.flows.flow_layouts.Role`.
"""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.flows.conn_state import tell_outcome
from vedette.kernels.flows.flow_address import address, digits
from vedette.kernels.flows.flow_values import protocol
from vedette.kernels.packets.flow_columns import (
    AT_BEGAN,
    AT_BYTES_IN,
    AT_BYTES_OUT,
    AT_CLIENT_HIGH,
    AT_CLIENT_LOW,
    AT_CLIENT_PORT,
    AT_CLOSED,
    AT_DURATION,
    AT_END,
    AT_FAILED,
    AT_FIN_OUT,
    AT_LONGEST_GAP,
    AT_NUMBER,
    AT_OPENED,
    AT_PACKETS_IN,
    AT_PACKETS_OUT,
    AT_PAYLOAD_IN,
    AT_PAYLOAD_OUT,
    AT_PROTOCOL,
    AT_RESET_IN,
    AT_SERVER_HIGH,
    AT_SERVER_LOW,
    AT_SERVER_PORT,
    AT_START,
    AT_SUCCEEDED,
    AT_SYN_IN,
    AT_SYN_OUT,
)
from vedette.kernels.text.search import find
from vedette.kernels.text.times import day_number
from vedette.kernels.text.words import few_digits

_MOST = 1 << 52
"""Larger numbers count as this."""
_DIGITS = 15
_FOLD = 32
"""The bit that tells small letters from large ones."""
_BITS = tuple(
    {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}.get(chr(letter), 0) for letter in range(65, 86)
)
"""Bits of TCP's flags (RFC 9293) by their letters, from A to U."""
_FINISHED, _SYN, _RESET, _ACK = 1, 2, 4, 16
_REQ, _ACC, _EST, _CON = (int.from_bytes(word) for word in (b"REQ", b"ACC", b"EST", b"CON"))
_FIN, _CLO, _RST = (int.from_bytes(word) for word in (b"FIN", b"CLO", b"RST"))
"""Argus' words for connections: asked for, answered, at work, closed, reset."""
_NO_ZONE = 1 << 20
"""More seconds than a zone can be away from UTC."""


@inlined
def _number(buffer: Bytes, start: int, end: int, scale: int) -> int:
    """A decimal number times `scale` (a power of ten), -1 where the field is none; `-` and an empty one are 0."""
    at = start
    if at == end or (end - at == 1 and buffer[at] == 45):
        return 0
    length = end - at
    if scale == 1:
        if length <= 8:
            few = few_digits(buffer, at, length)
            if few >= 0:
                return few
    elif scale == 1000000 and length >= 8 and length <= 22 and buffer[end - 7] == 46:
        # With six digits behind the point, as Zeek writes times and durations.
        fine = few_digits(buffer, end - 6, 6)
        upper = 0
        left = length - 7
        if left > 8:
            upper = few_digits(buffer, at, left - 8)
            left = 8
        lower = few_digits(buffer, end - 7 - left, left)
        if fine >= 0 and upper >= 0 and lower >= 0 and upper * 100000000 + lower < _MOST // 1000000:
            return (upper * 100000000 + lower) * 1000000 + fine
    whole = 0
    fraction = 0
    unit = 1
    # So many digits are below the largest.
    few = min(end, start + _DIGITS)
    while at < few and buffer[at] >= 48 and buffer[at] <= 57:
        whole = whole * 10 + int(buffer[at]) - 48
        at += 1
    seen = 1 if at > start else 0
    while at < end and buffer[at] >= 48 and buffer[at] <= 57:
        whole = min(_MOST, whole * 10 + int(buffer[at]) - 48)
        at += 1
        seen = 1
    if at < end and buffer[at] == 46:
        at += 1
        while at < end and buffer[at] >= 48 and buffer[at] <= 57:
            if unit < scale:
                fraction = fraction * 10 + int(buffer[at]) - 48
                unit *= 10
            at += 1
            seen = 1
    if seen == 0:
        return -1
    if at < end:
        # 1.5e-05, as CSV writers put small durations; 2.1E9. More digits than these matter to nobody.
        if buffer[at] != 69 and buffer[at] != 101:
            return -1
        at += 1
        negative = at < end and buffer[at] == 45
        if at < end and (buffer[at] == 45 or buffer[at] == 43):
            at += 1
        exponent = 0
        while at < end and buffer[at] >= 48 and buffer[at] <= 57:
            exponent = min(30, exponent * 10 + int(buffer[at]) - 48)
            at += 1
        if at < end:
            return -1
        value = min(_MOST, whole) * scale + fraction * (scale // unit)
        for _ in range(exponent):
            if negative:
                value //= 10
            elif value < _MOST:
                value *= 10
        return value
    return min(_MOST, whole * scale if whole < _MOST // scale else _MOST) + fraction * (scale // unit)


@inlined
def _zone(buffer: Bytes, start: int, end: int, found: Ints) -> int:
    """Seconds east of UTC that `Z`, `UTC`, `GMT`, `+02`, `+0200`, `+02:00` or nothing mean, else `_NO_ZONE`."""
    at = start
    while at < end and buffer[at] == 32:
        at += 1
    left = end - at
    if left == 0:
        return 0
    first = int(buffer[at])
    if first != 43 and first != 45:
        letter = first | 32
        if left == 1 and letter == 122:
            return 0
        if left == 3:
            second = int(buffer[at + 1]) | 32
            third = int(buffer[at + 2]) | 32
            if (letter == 117 and second == 116 and third == 99) or (
                letter == 103 and second == 109 and third == 116
            ):
                return 0
        return _NO_ZONE
    close = digits(buffer, at + 1, end, found)
    hours = int(found[0])
    long = close - at - 1
    minutes = 0
    if long == 4:
        minutes = hours % 100
        hours //= 100
    elif long != 2:
        return _NO_ZONE
    elif close < end and buffer[close] == 58:
        long = digits(buffer, close + 1, end, found) - close - 1
        minutes = int(found[0])
        if long != 2:
            return _NO_ZONE
        close += 3
    if close != end or hours > 23 or minutes > 59:
        return _NO_ZONE
    offset = hours * 3600 + minutes * 60
    return offset if first == 43 else -offset


@subkernel
def _calendar(buffer: Bytes, start: int, end: int, found: Ints) -> int:
    """`2017-07-06 12:39:22.123456` (or T between), as microseconds; -1 where it is none.

    Or `06/07/2017 12:39:22 PM`, the day first, as CICFlowMeter writes it; without PM or AM the hour counts to 23.
    Behind either a zone may stand, `Z`, `UTC`, `GMT` or `+02:00`; without one it is UTC, and behind another word none.
    Or seconds since 1970, ten digits of them, as nfdump writes raw times.
    """
    at = digits(buffer, start, end, found)
    first = int(found[0])
    long = at - start
    if long == 10 and (at == end or buffer[at] == 46):
        return _number(buffer, start, end, 1000000)
    if at >= end or (buffer[at] != 47 and (long != 4 or buffer[at] != 45)):
        return -1
    at = digits(buffer, at + 1, end, found)
    month = int(found[0])
    if at >= end or (buffer[at] != 47 and buffer[at] != 45):
        return -1
    before = at + 1
    at = digits(buffer, before, end, found)
    year = first
    day = int(found[0])
    if long != 4:
        if long < 1 or long > 2 or at - before != 4:
            return -1
        year = day
        day = first
    if month < 1 or month > 12 or day < 1 or day > 31 or at >= end or (buffer[at] != 32 and buffer[at] != 84):
        return -1
    at = digits(buffer, at + 1, end, found)
    hour = int(found[0])
    if at >= end or buffer[at] != 58:
        return -1
    at = digits(buffer, at + 1, end, found)
    minute = int(found[0])
    second = 0
    fraction = 0
    if at < end and buffer[at] == 58:
        at = digits(buffer, at + 1, end, found)
        second = int(found[0])
        if at < end and buffer[at] == 46:
            unit = 100000
            at += 1
            while at < end and buffer[at] >= 48 and buffer[at] <= 57:
                fraction += (int(buffer[at]) - 48) * unit
                unit //= 10
                at += 1
    if at + 2 < end and buffer[at] == 32 and (buffer[at + 2] | 32) == 109:
        half = int(buffer[at + 1]) | 32
        if half == 97 or half == 112:
            if hour < 1 or hour > 12:
                return -1
            hour = hour % 12 + (12 if half == 112 else 0)
            at += 3
    offset = _zone(buffer, at, end, found)
    if offset == _NO_ZONE:
        return -1
    if hour > 23 or minute > 59 or second > 60:
        return -1
    days = day_number(year, month, day)
    return (days * 86400 + hour * 3600 + minute * 60 + second - offset) * 1000000 + fraction


@subkernel
def _protocol(buffer: Bytes, start: int, end: int, found: Ints) -> int:
    """A protocol by name, in any case, or by number; 0 where it is another."""
    named = protocol(buffer, start, end - start, _FOLD)
    if named > 0 or digits(buffer, start, end, found) == start:
        return named
    return int(found[0]) & 255


@subkernel
def _argus_state(buffer: Bytes, start: int, end: int, table: Ints, row: int) -> None:
    """Write the bits of flags that each side sent, by letters (`FSPA_FSPA`) or by a word of Argus'; another is none."""
    out = 0
    into = 0
    behind = 0
    for place in range(start, end):
        letter = int(buffer[place])
        if letter == 95:
            behind = 1
            continue
        bits = _BITS[letter - 65] if letter >= 65 and letter <= 85 else 0
        if behind == 0:
            out |= bits
        else:
            into |= bits
    if behind == 0:
        out = 0
        if end - start == 3:
            word = int(buffer[start]) << 16 | int(buffer[start + 1]) << 8 | int(buffer[start + 2])
            if word == _REQ:
                out = _SYN
            elif word == _FIN or word == _CLO:
                out = _SYN | _ACK | _FINISHED
                into = out
            elif word == _ACC or word == _EST or word == _CON:
                out = _SYN | _ACK
                into = out
            elif word == _RST:
                out = _SYN | _ACK
                into = _RESET
    table[row, AT_SYN_OUT] = out
    table[row, AT_SYN_IN] = into


@kernel
def read_flow_rows(
    buffer: Bytes,
    length: int,
    delimiter: int,
    roles: Ints,
    counted: int,
    found: Ints,
    table: Ints,
    begins: Ints,
    state: Ints,
) -> int:
    """Read whole lines.

    Args:
        buffer: uint8, with at least 64 bytes after `length`. length: Bytes of it.
        delimiter: Byte between fields.
        roles: int64 (columns,), what each holds.
        counted: 1 where outcomes have to be told from counts of packets and flags (CICFlowMeter).
        found: int64 (8,), scratch.
        table: int64 (lines, FLOW_COLUMNS), receives flows; where a column holds letters of flags, `SYN_OUT` their bits;
            of Argus' columns what `vedette.parsers.flows.argus.tell_directions` takes, of Amazon's what
            `vedette.parsers.flows.vpc.tell_verdicts` does.
        begins: int64 (lines,), receives where the line of each flow begins.
        state: int64 (8,): bad lines, comments, blank lines, lines, number of the first flow.

    Returns:
        Flows read.
    """
    count = 0
    at = 0
    columns = roles.shape[0]
    while at < length:
        end = find(buffer, at, length, 10)
        stop = end
        if stop > at and buffer[stop - 1] == 13:
            stop -= 1
        state[3] += 1
        if stop == at:
            state[2] += 1
            at = end + 1
            continue
        if buffer[at] == 35:
            state[1] += 1
            at = end + 1
            continue
        for column in range(table.shape[1]):
            table[count, column] = 0
        begins[count] = at
        needed = 0
        begun = -1
        finished = -1
        field = at
        for column in range(columns):
            if field > stop:
                break
            close = find(buffer, field, stop, delimiter)
            role = roles[column]
            if role != 0:
                start = field
                last = close
                while start < last and (buffer[start] == 32 or buffer[start] == 34):
                    start += 1
                while last > start and (buffer[last - 1] == 32 or buffer[last - 1] == 34):
                    last -= 1
                if role == 1:
                    begun = _number(buffer, start, last, 1000000)
                    needed |= 1 if begun > 0 else 0
                elif role == 2:
                    begun = _calendar(buffer, start, last, found)
                    needed |= 1 if begun >= 0 else 0
                elif role == 21:
                    finished = _calendar(buffer, start, last, found)
                elif role == 28:
                    begun = _number(buffer, start, last, 1000)
                    needed |= 1 if begun > 0 else 0
                elif role == 29:
                    finished = _number(buffer, start, last, 1000)
                elif role == 3 or role == 5:
                    if address(buffer, start, last, found):
                        table[count, AT_CLIENT_HIGH if role == 3 else AT_SERVER_HIGH] = found[0]
                        table[count, AT_CLIENT_LOW if role == 3 else AT_SERVER_LOW] = found[1]
                        needed |= 2 if role == 3 else 4
                elif role == 7:
                    table[count, AT_PROTOCOL] = _protocol(buffer, start, last, found)
                    needed |= 8
                elif role == 16:
                    tell_outcome(buffer, start, last - start, table, count)
                elif role == 24:
                    _argus_state(buffer, start, last, table, count)
                elif role == 25:
                    # <- and <?, without a point on its right.
                    turned = last > start and buffer[start] == 60 and buffer[last - 1] != 62
                    table[count, AT_LONGEST_GAP] = 1 if turned else 0
                elif role == 27:
                    # REJECT.
                    table[count, AT_LONGEST_GAP] = 1 if last > start and buffer[start] == 82 else 0
                elif role == 17:
                    bits = 0
                    for place in range(start, last):
                        letter = buffer[place]
                        bits |= _BITS[letter - 65] if letter >= 65 and letter <= 85 else 0
                    table[count, AT_SYN_OUT] = bits
                else:
                    scale = 1000000 if role == 8 else 1000 if role == 30 else 1
                    value = _number(buffer, start, last, scale)
                    if value < 0:
                        # Such as a negative duration: CICFlowMeter writes some.
                        value = 0
                    if role == 4 or role == 6:
                        table[count, AT_CLIENT_PORT if role == 4 else AT_SERVER_PORT] = value & 65535
                    elif role == 8 or role == 9 or role == 30:
                        table[count, AT_DURATION] = value
                    elif role == 10 or role == 11 or role == 23:
                        table[count, AT_BYTES_OUT if role == 10 else AT_BYTES_IN] = value
                    elif role == 12 or role == 13 or role == 22:
                        table[count, AT_PACKETS_OUT if role == 12 else AT_PACKETS_IN] = value
                    elif role == 14 or role == 15:
                        table[count, AT_PAYLOAD_OUT if role == 14 else AT_PAYLOAD_IN] = value
                    elif role == 18 or role == 26:
                        table[count, AT_SYN_OUT] = value
                    elif role == 19:
                        table[count, AT_FIN_OUT] = value
                    elif role == 20:
                        table[count, AT_RESET_IN] = value
            field = close + 1
        if needed != 15:
            state[0] += 1
            at = end + 1
            continue
        if finished > begun and table[count, AT_DURATION] == 0:
            table[count, AT_DURATION] = finished - begun
        table[count, AT_START] = begun
        table[count, AT_END] = begun + table[count, AT_DURATION]
        table[count, AT_BEGAN] = begun
        table[count, AT_OPENED] = 1
        table[count, AT_CLOSED] = 1
        table[count, AT_NUMBER] = state[4] + count
        # Without sizes on the wire, payload is what is known.
        if table[count, AT_BYTES_OUT] == 0:
            table[count, AT_BYTES_OUT] = table[count, AT_PAYLOAD_OUT]
        if table[count, AT_BYTES_IN] == 0:
            table[count, AT_BYTES_IN] = table[count, AT_PAYLOAD_IN]
        if table[count, AT_PROTOCOL] != 6:
            table[count, AT_SUCCEEDED] = 1 if table[count, AT_PACKETS_IN] > 0 else 0
            table[count, AT_FAILED] = 0
            for column in range(AT_SYN_OUT, AT_RESET_IN + 1):
                table[count, column] = 0
        elif counted:
            back = table[count, AT_PACKETS_IN]
            reset = table[count, AT_RESET_IN] > 0 and back <= table[count, AT_PACKETS_OUT]
            refused = (
                table[count, AT_SYN_OUT] > 0
                and table[count, AT_PAYLOAD_IN] == 0
                and table[count, AT_PAYLOAD_OUT] == 0
                and (back == 0 or reset)
            )
            table[count, AT_FAILED] = 1 if refused else 0
            table[count, AT_SUCCEEDED] = 0 if refused or table[count, AT_PACKETS_IN] == 0 else 1
            # Its counts are of both directions together: the first SYN is the client's.
            if table[count, AT_SYN_OUT] > 1:
                table[count, AT_SYN_IN] = table[count, AT_SYN_OUT] - 1
                table[count, AT_SYN_OUT] = 1
        count += 1
        at = end + 1
    return count
