"""What is asked of each batch of packets, besides what flow they belong to: one pass over it each."""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.packets.packet_layout import Packet, Status

_TIME, _SOURCE_PORT, _TARGET_PORT = int(Packet.TIME), int(Packet.SOURCE_PORT), int(Packet.TARGET_PORT)
_PROTOCOL, _CAPTURED, _STATUS = int(Packet.PROTOCOL), int(Packet.CAPTURED), int(Packet.STATUS)
_READ = int(Status.READ)
_TCP = 6


@kernel
def count_behind(rows: Ints, by: int, newest: Ints) -> int:
    """Count packets that stand behind one that is later.

    Args:
        rows: int64 (n, PACKET_COLUMNS). by: Microseconds that are overlooked.
        newest: int64 (1,), the largest time so far; updated.
    """
    behind = 0
    latest = newest[0]
    for row in range(rows.shape[0]):
        time = rows[row, _TIME]
        if time > latest:
            latest = time
        elif latest - time > by:
            behind += 1
    newest[0] = latest
    return behind


@kernel
def find_plain(rows: Ints, others: Bytes, chosen: Ints, latest: Ints) -> int:
    """Find the packets of TCP that hold bytes, and may hold cleartext.

    Args:
        rows: int64 (n, PACKET_COLUMNS). others: uint8 (65536,), 1 for ports whose packets are not looked at.
        chosen: int64 (n,), receives the rows. latest: int64 (n,), receives the largest time up to each of them.

    Returns:
        How many there are.
    """
    found = 0
    if rows.shape[0] == 0:
        return 0
    now = rows[0, _TIME]
    for row in range(rows.shape[0]):
        now = max(now, rows[row, _TIME])
        if (
            rows[row, _PROTOCOL] == _TCP
            and rows[row, _CAPTURED] > 0
            and rows[row, _STATUS] == _READ
            and others[rows[row, _SOURCE_PORT]] == 0
            and others[rows[row, _TARGET_PORT]] == 0
        ):
            chosen[found] = row
            latest[found] = now
            found += 1
    return found
