"""What is particular to flow logs of Amazon's VPC: records of one direction, verdicts, lines without a header.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.packets.tcp_flags import FIN, RESET, SYN
from vedette.parsers.flows.flow_ends import from_servers
from vedette.parsers.flows.flow_flags import note_flags, turn_round
from vedette.schema.flows import Flow

FIELDS: Final = (
    "version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes",
    "start", "end", "action", "log-status",
)  # fmt: skip
"""Of the default format, version 2."""
_MOST: Final = 65_536
_LINES: Final = 40
_BEFORE: Final = 2
"""Words that what shows a log (CloudWatch's time, the AWS CLI's stream) puts before a record, at most."""
_RECORD: Final = re.compile(
    rb"2 (?:\d{12}|unknown) \S{1,64} (?:[0-9a-f.:]{2,45} ){2}(?:\d{1,10} ){7}(?:ACCEPT|REJECT) OK"
    rb"|2 (?:\d{12}|unknown) \S{1,64} (?:- ){7}\d{10} \d{10} - (?:NODATA|SKIPDATA)"
)
_HANDSHAKE: Final = 3
"""Packets that a client sends before anything is asked for: SYN, ACK, and what ends the connection or asks."""
_MOST_SYNS: Final = 7
"""Linux asks again six times."""
_SYNS: Final = (44, 48, 56, 60, 64)
"""Bytes of a SYN over IPv4, with a header of 20 and options; without, or with 12 bytes of them, an ACK is as long."""
_IS_SYN: Final = np.zeros(_SYNS[-1] + 2, dtype=np.bool_)
_IS_SYN[list(_SYNS)] = True
_LONGER: Final = 20
"""Bytes that a header of IPv6 has more."""


def header_of_lines(head: bytes) -> bytes | None:
    """The names of columns that lines without a header have, as a line; None where most are of no VPC's default log.

    Args:
        head: How the log begins. Its last line may be cut.
    """
    lines = [line.rstrip(b"\r") for line in head[:_MOST].split(b"\n")[: _LINES + 1]]
    whole = [line for line in (lines[:-1] if len(lines) > 1 else lines) if line]
    if not whole:
        return None
    for before in range(_BEFORE + 1):
        records = [line.split(b" ", before)[-1] for line in whole]
        if 2 * sum(map(bool, map(_RECORD.fullmatch, records))) > len(records):
            return " ".join(("-",) * before + FIELDS).encode() + b"\n"
    return None


def without_data(text: bytes) -> int:
    """How many lines say that there was no traffic, or that records were skipped."""
    return len(re.findall(rb" (?:NODATA|SKIPDATA)\b", text))


def tell_verdicts(table: NDArray[np.int64], *, flags: bool, verdicts: bool) -> None:
    """Tell whose side each record is, and what came of it.

    The other direction is a record of its own. What was rejected failed, and so did who sent nothing but SYNs, which
    are told by their size: flags may be missing, and of a client's there is no ACK without SYN.

    Args:
        table: int64 (n, FLOW_COLUMNS), as the kernel reads it: bits of flags where SYNs belong, 1 as the longest gap
            where a record was rejected.
        flags, verdicts: Whether there are such columns.
    """
    bits = table[:, Flow.SYN_OUT].copy()
    rejected = table[:, Flow.LONGEST_GAP] > 0
    table[:, Flow.LONGEST_GAP] = 0
    back = from_servers(table[:, Flow.CLIENT_PORT], table[:, Flow.SERVER_PORT], table[:, Flow.PROTOCOL], bits)
    # Nobody answers what was rejected.
    back &= ~rejected
    turn_round(table, back)
    tcp = note_flags(table, np.where(back, 0, bits), np.where(back, bits, 0))
    begun = ~back & (tcp & (bits & SYN > 0) if flags else tcp)
    sent, size = table[:, Flow.PACKETS_OUT], table[:, Flow.BYTES_OUT]
    of_one = size // np.maximum(sent, 1) - np.where(table[:, Flow.CLIENT_HIGH] == 0, 0, _LONGER)
    # Alike in size, as SYNs that are sent again are.
    syns = (
        _IS_SYN[np.clip(of_one, 0, len(_IS_SYN) - 1)]
        & (size % np.maximum(sent, 1) == 0)
        & (sent <= _MOST_SYNS)
    )
    answered = begun & ~rejected & ~syns & (sent >= _HANDSHAKE)
    table[:, Flow.OPENED] = begun | (~tcp & ~back)
    table[:, Flow.CLOSED] = tcp & (bits & (FIN | RESET) > 0)
    table[:, Flow.FAILED] = ~back & (rejected | (begun & syns))
    told = answered & (flags or verdicts)
    table[:, Flow.SUCCEEDED] = np.where(tcp, told, table[:, Flow.PACKETS_IN] > 0)
