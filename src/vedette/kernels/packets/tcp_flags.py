"""Bits of TCP's flags (RFC 9293, section 3.1)."""

FIN, SYN, RESET, PUSH, ACK, URGENT = 1, 2, 4, 8, 16, 32
