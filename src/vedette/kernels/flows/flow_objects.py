"""Fields that were found in JSON lines as flows.

A line that is not written as Zeek and Suricata write theirs is only marked: who called looks at it by itself.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.flows.conn_state import tell_outcome
from vedette.kernels.flows.flow_spots import Spot
from vedette.kernels.flows.flow_values import flag, is_word, moment, plain_address, protocol, seconds, whole
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
    AT_START,
    AT_SUCCEEDED,
    AT_SYN_OUT,
)

QUOTE = ord('"')
_FLOW = tuple(b"flow")
_TCP_NUMBER: Final = 6
_EVENT: Final = int(Spot.EVENT)
_START: Final = int(Spot.START)
_END: Final = int(Spot.END)
_SECONDS: Final = int(Spot.SECONDS)
_CLIENT: Final = int(Spot.CLIENT)
_CLIENT_PORT: Final = int(Spot.CLIENT_PORT)
_SERVER: Final = int(Spot.SERVER)
_SERVER_PORT: Final = int(Spot.SERVER_PORT)
_PROTOCOL: Final = int(Spot.PROTOCOL)
_PACKETS_OUT: Final = int(Spot.PACKETS_OUT)
_PAYLOAD_IN: Final = int(Spot.PAYLOAD_IN)
_STATE: Final = int(Spot.STATE)
_SYN: Final = int(Spot.SYN)
_ACK: Final = int(Spot.ACK)
_TCP_FLAGS: Final = int(Spot.TCP_FLAGS)
_TCP_STATE: Final = int(Spot.TCP_STATE)


@subkernel
def _zeek(buffer: Bytes, start: Ints, length: NDArray[np.int32], line: int, table: Ints, row: int) -> int:
    """What only Zeek's lines say; returns how long the flow took, microseconds, or -1 for an odd line."""
    # Without sizes on the wire, payload is what is known.
    if table[row, AT_BYTES_OUT] == 0:
        table[row, AT_BYTES_OUT] = table[row, AT_PAYLOAD_OUT]
    if table[row, AT_BYTES_IN] == 0:
        table[row, AT_BYTES_IN] = table[row, AT_PAYLOAD_IN]
    if table[row, AT_PROTOCOL] == _TCP_NUMBER:
        if start[_STATE, line] >= 0:
            tell_outcome(buffer, start[_STATE, line], length[_STATE, line], table, row)
    else:
        table[row, AT_SUCCEEDED] = 1 if table[row, AT_PACKETS_IN] > 0 else 0
    if start[_SECONDS, line] < 0:
        return 0
    return seconds(buffer, start[_SECONDS, line], length[_SECONDS, line])


@subkernel
def _eve(
    buffer: Bytes, start: Ints, length: NDArray[np.int32], line: int, begun: int, table: Ints, row: int
) -> int:
    """What only Suricata's lines say; returns how long the flow took, microseconds, or -1 for an odd line."""
    known = 0
    flags = 0
    for spot in range(_SYN, _ACK + 1):
        at = start[spot, line]
        if at < 0:
            continue
        known = 1
        value = flag(buffer, at, length[spot, line])
        if value < 0:
            return -1
        flags |= value << (spot - _SYN)
    if start[_TCP_FLAGS, line] >= 0 or start[_TCP_STATE, line] >= 0:
        known = 1
    if table[row, AT_PROTOCOL] != _TCP_NUMBER:
        known = 0
    elif known == 0:
        # There may be a `tcp` without anything in it.
        return -1
    back = table[row, AT_PACKETS_IN]
    if known == 1:
        syn = flags & 1
        reset = flags >> 2 & 1
        refused = 1 if syn == 1 and (back == 0 or (reset == 1 and back == 1)) else 0
        table[row, AT_SYN_OUT] = syn
        table[row, AT_FIN_OUT] = flags >> 1 & 1
        table[row, AT_RESET_IN] = reset
        table[row, AT_FAILED] = refused
        table[row, AT_SUCCEEDED] = 1 if flags & 8 != 0 and refused == 0 else 0
    else:
        table[row, AT_SUCCEEDED] = 1 if back > 0 else 0
    if start[_END, line] < 0:
        return 0
    finished = moment(buffer, start[_END, line], length[_END, line])
    return max(0, finished - begun) if finished >= 0 else -1


@subkernel
def _as_usual(buffer: Bytes, start: Ints, line: int, limit: int) -> bool:
    """Whether a line has what a flow needs, texts in quotes and all else without, and nothing written with escapes."""
    for spot in range(start.shape[0]):
        at = start[spot, line]
        if at < 0:
            if spot == _START or spot == _CLIENT or spot == _SERVER or spot == _PROTOCOL:
                return False
            continue
        text = (
            spot == _EVENT
            or spot == _END
            or spot == _CLIENT
            or spot == _SERVER
            or spot == _PROTOCOL
            or spot == _STATE
            or spot >= _TCP_FLAGS
        )
        quoted = at > 0 and at < limit and buffer[at - 1] == QUOTE
        # When it began is a number in Zeek's lines, or a text.
        if at >= limit or (spot != _START and quoted != text):
            return False
    return True


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
        start: int64 (spots, n), length: int32 (spots, n), by `Spot`: where fields stand in each line; -1 for none.
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
            at = start[_EVENT, line]
            if at < limit and (at < 0 or not is_word(buffer, at, length[_EVENT, line], _FLOW, 0)):
                continue
        lines[count] = line
        odd[count] = 1
        if not _as_usual(buffer, start, line, limit):
            count += 1
            continue
        for column in range(table.shape[1]):
            table[count, column] = 0
        at = start[_START, line]
        if buffer[at - 1] == QUOTE:
            begun = moment(buffer, at, length[_START, line])
        else:
            begun = seconds(buffer, at, length[_START, line]) if eve == 0 else -1
        good = begun >= 0 and plain_address(buffer, start[_CLIENT, line], length[_CLIENT, line], found)
        if good:
            table[count, AT_CLIENT_HIGH] = found[0]
            table[count, AT_CLIENT_LOW] = found[1]
            good = plain_address(buffer, start[_SERVER, line], length[_SERVER, line], found)
        if good:
            table[count, AT_SERVER_HIGH] = found[0]
            table[count, AT_SERVER_LOW] = found[1]
        table[count, AT_PROTOCOL] = protocol(
            buffer, start[_PROTOCOL, line], length[_PROTOCOL, line], 32 * eve
        )
        for spot in range(_PACKETS_OUT, _PAYLOAD_IN + 1):
            if start[spot, line] >= 0:
                value = whole(buffer, start[spot, line], length[spot, line])
                table[count, AT_PACKETS_OUT + spot - _PACKETS_OUT] = value
                good = good and value >= 0
        for side in range(2):
            spot = _CLIENT_PORT if side == 0 else _SERVER_PORT
            if start[spot, line] >= 0:
                value = whole(buffer, start[spot, line], length[spot, line])
                table[count, AT_CLIENT_PORT + side] = value & 65535
                good = good and value >= 0
        if good:
            if eve == 1:
                took = _eve(buffer, start, length, line, begun, table, count)
            else:
                took = _zeek(buffer, start, length, line, table, count)
            if took >= 0:
                table[count, AT_START] = begun
                table[count, AT_END] = begun + took
                table[count, AT_DURATION] = took
                table[count, AT_BEGAN] = begun
                table[count, AT_OPENED] = 1
                table[count, AT_CLOSED] = 1
                table[count, AT_NUMBER] = number + count
                odd[count] = 0
        count += 1
    return count
