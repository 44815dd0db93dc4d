"""Where the flow table keeps what it knows of a flow, and how it writes flows out.

The numbers of `OUT` columns are those of `vedette.schema.flows.Flow`, which kernels must not import; a test holds the
two against each other.
"""

from typing import Final

OUT_COLUMNS: Final = 51
FIRST_COUNT: Final = 9
COUNTS: Final = 38

# Columns of the state, one row for each flow. The first seven are in the order of the output's.
CLIENT_HIGH, CLIENT_LOW, SERVER_HIGH, SERVER_LOW, CLIENT_PORT, SERVER_PORT, PROTOCOL = 0, 1, 2, 3, 4, 5, 6
STAGE: Final = 7
"""How far its handshake has come, from `NEW` to `MIDSTREAM`."""
BEGAN, LATEST, LONGEST_GAP = 8, 9, 10
"""Times of its first packet and of its last, and the longest between two."""
BEFORE, AFTER, CHAINED, BUCKET = 11, 12, 13, 14
"""Its neighbours in its list, the next flow of its bucket (or the next free slot), and the bucket."""
TO_TELL, LISTED, TOLD_FROM, NUMBER = 15, 16, 17, 18
"""Whether something happened since its last part; which list it is in; when its next part begins; its number."""
COUNTED: Final = 19
"""Where the counts stand in the state, in the order of the output's columns from `FIRST_COUNT`."""
PACKETS, BYTES, PAYLOAD, SYNS, FINS, RESETS = 19, 21, 23, 25, 27, 29
SEGMENTS, AGAIN, DISORDERED, KEEP_ALIVES = 31, 33, 35, 37
"""These are two each, the client's and the server's."""
PROBES, PROBES_FIN, DNS_QUERIES, DNS_NAME_BYTES, DNS_RARE_TYPES, DNS_LONG_NAMES = 39, 40, 41, 42, 43, 44
ECHO_SIZES, RTT_SUM, RTT_COUNT, RESPONSE_SUM, RESPONSE_COUNT = 45, 46, 47, 48, 49
OPENED, SUCCEEDED, FAILURES, CLOSED, HANDSHAKE_SUM, HANDSHAKE_COUNT, RESPONDED = 50, 51, 52, 53, 54, 55, 56
EXPECTED, EXPECTED_AT = 57, 59
"""From here on two each, by side. The next byte that it will send, and since when; -1 where it is not known."""
ACKED, ACKED_AT, REPEATED, RECEIVE_WINDOW = 61, 63, 65, 71
"""What it acknowledged last, when, how often it said so again, and the window that it offered."""
TIMED, TIMED_AT = 67, 69
"""The end of its segment whose round trip is timed, -1 for none, and when it was sent."""
ASKED_AT, REQUEST_AT, FIRST_SEQUENCE = 73, 75, 78
"""One each: when the first SYN came (-1 once that was sent again), when the client said last what was not answered
yet (-1 for nothing), and the number of the first SYN."""
NEWER_MARK, OLDER_MARK, NEWER_MARK_AT = 76, 80, 82
"""By side again: bytes that were expected next at some time, and when the newer of them was."""
ECHO_SIZE: Final = NEWER_MARK
"""Of pings, the size of the last."""
GAP: Final = 84
"""Where what was sent last behind a gap begins."""
STATE_COLUMNS: Final = 88
AHEAD: Final = 16
"""Packets whose flows are asked for together."""
META: Final = 16 + AHEAD

SLOTS_TAKEN, FREE, NUMBERS, OLDEST, EVICTED, ACTIVE, NOW, ORPHANS, BUCKETS = 0, 1, 2, 3, 7, 8, 9, 10, 16
"""Places in the table's own numbers; `OLDEST` and the three after it are head and tail of the two lists, `BUCKETS` and
those after it those of the packets to come."""

NEW, ASKED, ANSWERED, ESTABLISHED, FAILED, MIDSTREAM = 0, 1, 2, 3, 4, 5
"""How far a TCP handshake has come."""

UNREACHABLE = 3
"""Among a packet's flags: an ICMP message that says which packet could not be delivered."""
