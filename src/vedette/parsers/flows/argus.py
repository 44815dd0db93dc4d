"""What is particular to Argus' CSV: totals of both directions, who asked as an arrow, and states of TCP as flags.

A state of TCP is what the source and the destination sent, `FSPA_FSPA`, or a word, as ra(1) of Argus writes them.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flows.flow_flags import tell_flags, turn_round
from vedette.schema.flows import Flow, Protocol


def tell_directions(table: NDArray[np.int64], *, states: bool) -> None:
    """Part Argus' totals by direction, and tell whose side each is, and what its state means.

    Of packets only the total may be told: each direction counts half where both sent something, and of an odd one the
    client one more.

    Args:
        table: int64 (n, FLOW_COLUMNS), as the kernel reads Argus' columns: totals of packets and bytes where those of
            the server belong, bits of flags of each side where its SYNs do, and 1 as the longest gap where the
            destination asked.
        states: Whether there are bits of flags.
    """
    size = np.maximum(table[:, Flow.BYTES_IN] - table[:, Flow.BYTES_OUT], 0)
    table[:, Flow.BYTES_IN] = size
    packets, untold = table[:, Flow.PACKETS_IN].copy(), table[:, Flow.PACKETS_OUT] == 0
    back = np.where(untold, np.where(size > 0, packets // 2, 0), packets - table[:, Flow.PACKETS_OUT])
    # Where only the destination sent something, all are its.
    back = np.where(untold & (table[:, Flow.BYTES_OUT] == 0) & (size > 0), packets, np.maximum(back, 0))
    table[:, Flow.PACKETS_IN] = back
    table[untold, Flow.PACKETS_OUT] = (packets - back)[untold]
    turned = table[:, Flow.LONGEST_GAP] > 0
    table[:, Flow.LONGEST_GAP] = 0
    out, into = table[:, Flow.SYN_OUT].copy(), table[:, Flow.SYN_IN].copy()
    turn_round(table, turned)
    out, into = np.where(turned, into, out), np.where(turned, out, into)
    if states:
        tell_flags(table, out, into, np.zeros(len(table), dtype=np.bool_))
    else:
        answered = table[:, Flow.PACKETS_IN] > 0
        table[:, Flow.SUCCEEDED] = answered & (table[:, Flow.PROTOCOL] != Protocol.TCP)
