"""Which fields of JSON lines tell of a flow, by the numbers that kernels know them by."""

from enum import IntEnum


class Spot(IntEnum):
    """A field of a flow. From `PACKETS_OUT` to `PAYLOAD_IN` they are in the order of a flow's columns."""

    EVENT = 0
    START = 1
    END = 2
    SECONDS = 3
    CLIENT = 4
    CLIENT_PORT = 5
    SERVER = 6
    SERVER_PORT = 7
    PROTOCOL = 8
    PACKETS_OUT = 9
    PACKETS_IN = 10
    BYTES_OUT = 11
    BYTES_IN = 12
    PAYLOAD_OUT = 13
    PAYLOAD_IN = 14
    STATE = 15
    """Zeek's `conn_state`."""
    SYN = 16
    FIN = 17
    RESET = 18
    ACK = 19
    TCP_FLAGS = 20
    """This and the next tell only that flags were looked at."""
    TCP_STATE = 21
