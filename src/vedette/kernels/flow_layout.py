"""Where the flow table keeps what it knows of a flow, and how it writes flows out.

The numbers of `OUT` columns are those of `vedette.schema.flows.Flow`, which kernels must not import; a test holds the
two against each other.
"""

from typing import Final

OUT_COLUMNS: Final = 51
FIRST_COUNT: Final = 9
COUNTS: Final = 38

COUNTED: Final = 19
"""Where the counts stand in the state, in the order of the output's columns from `FIRST_COUNT`."""
STATE_COLUMNS: Final = 88
AHEAD: Final = 16
"""Packets whose flows are fetched from memory together."""
META: Final = 16 + AHEAD

SLOTS_TAKEN, FREE, NUMBERS, OLDEST, EVICTED, ACTIVE, NOW, ORPHANS, FETCHED, BUCKETS = (
    0,
    1,
    2,
    3,
    7,
    8,
    9,
    10,
    11,
    16,
)
"""Places in the table's own numbers; `OLDEST` and the three after it are head and tail of the two lists, `BUCKETS` and
those after it those of the packets to come."""

NEW, ASKED, ANSWERED, ESTABLISHED, FAILED, MIDSTREAM = 0, 1, 2, 3, 4, 5
"""How far a TCP handshake has come."""

UNREACHABLE = 3
"""Among a packet's flags: an ICMP message that says which packet could not be delivered."""
