"""Which end of a packet or a one-way record is the client, where nobody saw who began."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.packets.tcp_flags import ACK, SYN
from vedette.schema.flows import Protocol

_SERVERS: Final = 1_024
_EPHEMERAL: Final = 32_768
"""Linux takes ephemeral ports from there on."""


def from_servers(
    source_port: NDArray[np.int64],
    target_port: NDArray[np.int64],
    protocol: NDArray[np.int64],
    flags: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether rows (n,) go from a server to its client: from a port below 1024 to one above, or into ephemeral ports.

    SYN without ACK comes from a client, whatever port it chose.

    Args:
        source_port, target_port, protocol: int64 (n,), as of IP. Of other protocols than TCP and UDP none does.
        flags: int64 (n,), the bits of TCP's flags.
    """
    back = (source_port < _SERVERS) & (target_port >= _SERVERS)
    back |= (source_port < _EPHEMERAL) & (target_port >= _EPHEMERAL)
    back &= (protocol != Protocol.TCP) | (flags & (SYN | ACK) != SYN)
    found: NDArray[np.bool_] = back & ((protocol == Protocol.TCP) | (protocol == Protocol.UDP))
    return found
