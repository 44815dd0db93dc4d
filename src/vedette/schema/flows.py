"""A batch of flows, held as columns.

A flow is one conversation between two addresses and ports. A row is either a whole flow (a line of a flow log, or what
a capture's flow came to) or the part of one that lies in one window; counts of parts add up to those of the whole.

| column | OpenTelemetry attribute | unit |
|---|---|---|
| `START`, `END` | (timestamps) | microseconds since 1970-01-01 UTC |
| `CLIENT_HIGH`, `CLIENT_LOW` | `client.address` | 128 bits in two halves |
| `SERVER_HIGH`, `SERVER_LOW` | `server.address` | the same |
| `CLIENT_PORT`, `SERVER_PORT` | `client.port`, `server.port` | |
| `PROTOCOL` | `network.transport` | IANA protocol number |
| `*_OUT`, `*_IN` | `network.io.direction` | client to server, server to client |
"""

from enum import IntEnum, IntFlag
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray


class Flow(IntEnum):
    """Columns of a flow. All are int64; times and durations are microseconds, sizes bytes.

    From `FIRST_COUNT` to `LAST_COUNT` all are counts and sums, which add up over the parts of a flow and over flows.
    """

    START = 0
    END = 1
    CLIENT_HIGH = 2
    CLIENT_LOW = 3
    SERVER_HIGH = 4
    SERVER_LOW = 5
    CLIENT_PORT = 6
    SERVER_PORT = 7
    PROTOCOL = 8
    PACKETS_OUT = 9
    PACKETS_IN = 10
    BYTES_OUT = 11
    """On the wire, with all headers, where packets were seen; as logged otherwise."""
    BYTES_IN = 12
    PAYLOAD_OUT = 13
    PAYLOAD_IN = 14
    SYN_OUT = 15
    SYN_IN = 16
    FIN_OUT = 17
    FIN_IN = 18
    RESET_OUT = 19
    RESET_IN = 20
    SEGMENTS_OUT = 21
    """TCP segments with payload, sent again or not, without keep-alives."""
    SEGMENTS_IN = 22
    RETRANSMITTED_OUT = 23
    RETRANSMITTED_IN = 24
    DISORDERED_OUT = 25
    """Segments that came late, but were not sent twice."""
    DISORDERED_IN = 26
    KEEP_ALIVE_OUT = 27
    KEEP_ALIVE_IN = 28
    PROBES = 29
    """TCP packets that no connection sends: FIN alone, no flag at all, or FIN, PSH and URG, outside a session."""
    PROBES_FIN = 30
    """Of these, with FIN alone."""
    DNS_QUERIES = 31
    DNS_NAME_BYTES = 32
    DNS_RARE_TYPES = 33
    """Queries for NULL, TXT, KEY, private and unassigned types."""
    DNS_LONG_NAMES = 34
    """Queries for names of more than 52 bytes."""
    ECHO_SIZES = 35
    """Pings whose payload is of another size than the one before in their direction."""
    RTT_SUM = 36
    RTT_COUNT = 37
    RESPONSE_SUM = 38
    RESPONSE_COUNT = 39
    OPENED = 40
    SUCCEEDED = 41
    """The server answered: SYN with SYN-ACK; other protocols with anything."""
    FAILED = 42
    """A SYN was refused, or not answered in three seconds; or an ICMP message told the client that its packet could not
    be delivered, and the server never answered."""
    CLOSED = 43
    HANDSHAKE_SUM = 44
    HANDSHAKE_COUNT = 45
    RESPONDED = 46
    """The server said something after the client had, for the first time."""
    DURATION = 47
    """From the flow's first packet to the last one so far."""
    LONGEST_GAP = 48
    NUMBER = 49
    """Tells flows of one source apart: parts of one flow have the same."""
    BEGAN = 50
    """Time of the flow's first packet."""


FLOW_COLUMNS: Final = len(Flow)
LAST_BEGAN: Final = FLOW_COLUMNS
"""A contact's last column. A contact is all that one client had to do with one port of one server in a window: its row
has a flow's columns, the counts added up, `BEGAN` and `LAST_BEGAN` the first and last time that a flow began (-1 for
none), `DURATION` and `LONGEST_GAP` the largest, no client port and no number."""
CONTACT_COLUMNS: Final = FLOW_COLUMNS + 1


class Ended(IntEnum):
    """Columns of what is remembered of a flow that ended. All are int64; times and durations are microseconds."""

    END = 0
    DURATION = 1
    PROTOCOL = 2
    SUCCEEDED = 3


ENDED_COLUMNS: Final = len(Ended)
FIRST_COUNT: Final = Flow.PACKETS_OUT
LAST_COUNT: Final = Flow.RESPONDED
COUNTS: Final = LAST_COUNT - FIRST_COUNT + 1


class Protocol(IntEnum):
    """Transport protocols that are treated by name; the others by number."""

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    SCTP = 132


class Known(IntFlag):
    """What a source of flows tells at all: a column of zeros may mean none, or that nobody looked."""

    FLAGS = 1
    """SYN, FIN and RST counts."""
    OUTCOME = 2
    """Whether connections were answered."""
    SEGMENTS = 4
    """Retransmissions."""
    TIMES = 8
    """Round-trip and response times."""
    CONTENT = 16
    """DNS names, sizes of pings."""


class Flows(msgspec.Struct, frozen=True):
    """n flows, or parts of flows.

    Attributes:
        table: int64 (n, FLOW_COLUMNS), columns as in `Flow`.
        known: What their source tells.
    """

    table: NDArray[np.int64]
    known: Known

    def __len__(self) -> int:
        return len(self.table)

    def column(self, column: Flow) -> NDArray[np.int64]:
        """One column, int64 (n,), a view."""
        values: NDArray[np.int64] = self.table[:, column]
        return values

    @classmethod
    def none(cls, known: Known) -> "Flows":
        """No flows."""
        return cls(np.zeros((0, FLOW_COLUMNS), dtype=np.int64), known)
