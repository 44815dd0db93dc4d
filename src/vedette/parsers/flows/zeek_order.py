"""A `conn.log` whose header was cut off, by rotation, `tail` or `split`: its columns by the order that Zeek gives them.

Zeek has written these twenty in this order since 2.4 (2015); what stands behind them differs and is not needed. Lines
are taken for such only where each of the columns that tell holds what only it can hold.
"""

import re
from ipaddress import ip_address
from typing import Final

from vedette.parsers.zeek_headers import TAB, Header

FIELDS: Final = (
    "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes",
    "resp_bytes", "conn_state", "local_orig", "local_resp", "missed_bytes", "history", "orig_pkts", "orig_ip_bytes",
    "resp_pkts", "resp_ip_bytes",
)  # fmt: skip
_MOST: Final = 65_536
_LINES: Final = 40
_TIME: Final = re.compile(r"\d{9,10}\.\d{1,9}")
_PROTOCOLS: Final = frozenset(("tcp", "udp", "icmp", "unknown_transport"))
_STATES: Final = frozenset((
    "S0", "S1", "SF", "REJ", "S2", "S3", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR", "OTH", "-",
))  # fmt: skip
_NUMBER: Final = re.compile(r"\d{1,19}|-")
_COUNTS: Final = slice(16, 20)


def assumed_header(head: bytes) -> Header | None:
    """The header that lines of a `conn.log` once had; None where they do not tell that they are of one.

    Args:
        head: How the log begins: within a line, or a header, it may be.
    """
    lines = head[:_MOST].split(b"\n")[: _LINES + 1]
    # The last may be cut as well.
    texts = [line.decode("utf-8", "surrogateescape").rstrip("\r") for line in lines[:-1]]
    fields = next((text for text in texts if text.startswith(f"#fields{TAB}")), None)
    if fields is not None:
        path = next((text.partition(TAB)[2] for text in texts if text.startswith(f"#path{TAB}")), "")
        return Header(TAB, path, tuple(fields.split(TAB)[1:]))
    rows = [text.split(TAB) for text in texts if text and not text.startswith("#")]
    if rows and not _is_conn(rows[0]):
        del rows[0]
    return Header(TAB, "conn", FIELDS) if rows and all(map(_is_conn, rows)) else None


def _is_conn(row: list[str]) -> bool:
    return (
        len(row) >= len(FIELDS)
        and _TIME.fullmatch(row[0]) is not None
        and all(map(_is_address, (row[2], row[4])))
        and all(port.isdecimal() and len(port) <= 5 for port in (row[3], row[5]))
        and row[6] in _PROTOCOLS
        and row[11] in _STATES
        and all(map(_NUMBER.fullmatch, row[_COUNTS]))
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
