"""Columns of flows and contacts as kernels find them; named and explained by `Flow` in `vedette.schema.flows`."""

from typing import Final

AT_START: Final = 0
AT_END: Final = 1
AT_CLIENT_HIGH: Final = 2
AT_CLIENT_LOW: Final = 3
AT_SERVER_HIGH: Final = 4
AT_SERVER_LOW: Final = 5
AT_CLIENT_PORT: Final = 6
AT_SERVER_PORT: Final = 7
AT_PROTOCOL: Final = 8
AT_PACKETS_OUT: Final = 9
AT_PACKETS_IN: Final = 10
AT_BYTES_OUT: Final = 11
AT_BYTES_IN: Final = 12
AT_PAYLOAD_OUT: Final = 13
AT_PAYLOAD_IN: Final = 14
AT_SYN_OUT: Final = 15
AT_SYN_IN: Final = 16
AT_FIN_OUT: Final = 17
AT_FIN_IN: Final = 18
AT_RESET_OUT: Final = 19
AT_RESET_IN: Final = 20
AT_SEGMENTS_OUT: Final = 21
AT_SEGMENTS_IN: Final = 22
AT_RETRANSMITTED_OUT: Final = 23
AT_RETRANSMITTED_IN: Final = 24
AT_PROBES: Final = 29
AT_DNS_QUERIES: Final = 31
AT_ECHO_SIZES: Final = 35
AT_OPENED: Final = 40
AT_SUCCEEDED: Final = 41
AT_FAILED: Final = 42
AT_CLOSED: Final = 43
AT_RESPONDED: Final = 46
AT_DURATION: Final = 47
AT_LONGEST_GAP: Final = 48
AT_NUMBER: Final = 49
AT_BEGAN: Final = 50
AT_LAST_BEGAN: Final = 51
"""Of contacts alone."""
FIRST_COUNT: Final = 9
LAST_COUNT: Final = 46
FLOW_COLUMNS: Final = 51
