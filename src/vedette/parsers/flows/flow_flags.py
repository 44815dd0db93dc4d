"""What the flags of a record tell of a flow, where each side has its own: records of NetFlow, IPFIX and nfdump."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.packets.tcp_flags import ACK, FIN, RESET, SYN
from vedette.schema.flows import Flow, Protocol


def tell_flags(
    table: NDArray[np.int64], out: NDArray[np.int64], into: NDArray[np.int64], back: NDArray[np.bool_]
) -> None:
    """Fill in what flags tell of flows: which there were, who was answered, what was opened and closed.

    Args:
        table: int64 (n, FLOW_COLUMNS), with protocols and packets. out, into: int64 (n,), the bits of all flags that
            the client, and the server, sent. back: bool (n,), records of the server's side alone.
    """
    tcp = note_flags(table, out, into)
    begun = out & SYN > 0
    # Who only ever asked was not answered: an answered client sends ACK too.
    refused = tcp & ~back & begun & (out & ACK == 0)
    answered = table[:, Flow.PACKETS_IN] > 0
    table[:, Flow.OPENED] = ~back & (begun | ~tcp)
    table[:, Flow.FAILED] = refused
    table[:, Flow.SUCCEEDED] = np.where(tcp, ~back & begun & ~refused, answered)
    table[:, Flow.CLOSED] = tcp & ((out | into) & (FIN | RESET) > 0)


def note_flags(
    table: NDArray[np.int64], out: NDArray[np.int64], into: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Fill in which flags there were, as `tell_flags` takes them; returns which flows are of TCP, bool (n,)."""
    tcp = np.asarray(table[:, Flow.PROTOCOL] == Protocol.TCP)
    for flag, columns in (
        (SYN, (Flow.SYN_OUT, Flow.SYN_IN)),
        (FIN, (Flow.FIN_OUT, Flow.FIN_IN)),
        (RESET, (Flow.RESET_OUT, Flow.RESET_IN)),
    ):
        for column, flags in zip(columns, (out, into), strict=True):
            table[:, column] = tcp & (flags & flag > 0)
    return tcp


def turn_round(table: NDArray[np.int64], back: NDArray[np.bool_]) -> None:
    """Let some flows, int64 (n, FLOW_COLUMNS), begin at their other end."""
    for one, other in (
        (Flow.CLIENT_HIGH, Flow.SERVER_HIGH),
        (Flow.CLIENT_LOW, Flow.SERVER_LOW),
        (Flow.CLIENT_PORT, Flow.SERVER_PORT),
        (Flow.PACKETS_OUT, Flow.PACKETS_IN),
        (Flow.BYTES_OUT, Flow.BYTES_IN),
        (Flow.PAYLOAD_OUT, Flow.PAYLOAD_IN),
    ):
        table[back, one], table[back, other] = table[back, other], table[back, one]
