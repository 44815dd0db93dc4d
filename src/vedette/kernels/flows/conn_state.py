"""What the outcome that Zeek tells of a TCP connection, `conn_state`, says of its flags, and whether it was answered.

Zeek's own words for them: docs.zeek.org, `Conn::Info`.
"""

from typing import Final

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import subkernel
from vedette.kernels.packets.flow_columns import (
    AT_FAILED,
    AT_FIN_IN,
    AT_FIN_OUT,
    AT_RESET_IN,
    AT_RESET_OUT,
    AT_SUCCEEDED,
    AT_SYN_OUT,
)

_LONGEST: Final = 6
_S0: Final = int.from_bytes(b"S0")
_S1: Final = int.from_bytes(b"S1")
_S2: Final = int.from_bytes(b"S2")
_S3: Final = int.from_bytes(b"S3")
_SF: Final = int.from_bytes(b"SF")
_SH: Final = int.from_bytes(b"SH")
_SHR: Final = int.from_bytes(b"SHR")
_OTH: Final = int.from_bytes(b"OTH")
_REJ: Final = int.from_bytes(b"REJ")
_RSTO: Final = int.from_bytes(b"RSTO")
_RSTR: Final = int.from_bytes(b"RSTR")
_RSTRH: Final = int.from_bytes(b"RSTRH")
_RSTOS0: Final = int.from_bytes(b"RSTOS0")


@subkernel
def tell_outcome(buffer: Bytes, at: int, length: int, table: Ints, row: int) -> None:
    """Write what a `conn_state` says of a row; another word says nothing.

    `table`: int64 (n, FLOW_COLUMNS), whose columns of flags and outcomes are zeros in that row.
    """
    if length < 2 or length > _LONGEST:
        return
    state = 0
    for place in range(at, at + length):
        state = state << 8 | int(buffer[place])
    refused = state == _S0 or state == _REJ or state == _SH or state == _RSTOS0
    # Of these no SYN of the client was seen.
    unasked = state == _OTH or state == _SHR or state == _RSTRH
    answered = (
        state == _SF or state == _S1 or state == _S2 or state == _S3 or state == _RSTO or state == _RSTR
    )
    table[row, AT_SYN_OUT] = 1 if refused or answered else 0
    table[row, AT_SUCCEEDED] = 1 if answered or unasked else 0
    table[row, AT_FAILED] = 1 if refused else 0
    table[row, AT_FIN_OUT] = 1 if state == _SF or state == _S2 or state == _SH else 0
    table[row, AT_FIN_IN] = 1 if state == _SF or state == _S3 or state == _SHR else 0
    table[row, AT_RESET_OUT] = 1 if state == _RSTO or state == _RSTOS0 else 0
    table[row, AT_RESET_IN] = 1 if state == _REJ or state == _RSTR or state == _RSTRH else 0
