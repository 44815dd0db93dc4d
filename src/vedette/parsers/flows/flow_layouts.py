"""Columns of delimited flow logs: Zeek's conn.log, CSV of nfdump, Argus, CICFlowMeter and nProbe, and Amazon's VPC."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.parsers.zeek_headers import Header
from vedette.schema.flows import Known


class Role(IntEnum):
    """What a column of a flow log holds. The kernel knows these by number."""

    NOTHING = 0
    EPOCH = 1
    CALENDAR = 2
    CLIENT = 3
    CLIENT_PORT = 4
    SERVER = 5
    SERVER_PORT = 6
    PROTOCOL = 7
    SECONDS = 8
    MICROSECONDS = 9
    BYTES_OUT = 10
    BYTES_IN = 11
    PACKETS_OUT = 12
    PACKETS_IN = 13
    PAYLOAD_OUT = 14
    PAYLOAD_IN = 15
    STATE = 16
    """Zeek's `conn_state`."""
    FLAGS = 17
    """nfdump's letters: `...AP.S.`."""
    SYN = 18
    FIN = 19
    RESET = 20
    CALENDAR_END = 21
    PACKETS = 22
    """Of both directions, ..."""
    BYTES = 23
    """... and so are these."""
    ARGUS_STATE = 24
    """Flags of the source and the destination, `SPA_SPA`, or a word."""
    ARROW = 25
    """Who asked whom: `->`, `<-`."""
    FLAG_BITS = 26
    """Flags as a number."""
    VERDICT = 27
    """Amazon's `ACCEPT` or `REJECT`."""
    EPOCH_MILLISECONDS = 28
    EPOCH_MILLISECONDS_END = 29
    MILLISECONDS = 30


class Layout(msgspec.Struct, frozen=True):
    """A delimited flow log.

    Attributes:
        name: As reports print it.
        roles: Role of each column by its name in lower case.
        needed: Columns that there must be; of those of one tuple, one.
        tells: What columns of a role tell, if there are some.
        remedy: What to do where a column is missing.
    """

    name: str
    roles: Mapping[str, Role]
    needed: tuple[tuple[str, ...], ...]
    tells: Mapping[Role, Known]
    remedy: str


ZEEK: Final = Layout(
    "zeek-conn",
    MappingProxyType(
        {
            "ts": Role.EPOCH,
            "id.orig_h": Role.CLIENT,
            "id.orig_p": Role.CLIENT_PORT,
            "id.resp_h": Role.SERVER,
            "id.resp_p": Role.SERVER_PORT,
            "proto": Role.PROTOCOL,
            "duration": Role.SECONDS,
            "orig_bytes": Role.PAYLOAD_OUT,
            "resp_bytes": Role.PAYLOAD_IN,
            "conn_state": Role.STATE,
            "orig_pkts": Role.PACKETS_OUT,
            "resp_pkts": Role.PACKETS_IN,
            "orig_ip_bytes": Role.BYTES_OUT,
            "resp_ip_bytes": Role.BYTES_IN,
        }
    ),
    (("ts",), ("id.orig_h",), ("id.resp_h",), ("id.resp_p",), ("proto",)),
    MappingProxyType({Role.STATE: Known.FLAGS | Known.OUTCOME}),
    "give a conn.log with Zeek's own fields",
)
NFDUMP: Final = Layout(
    "nfdump-csv",
    MappingProxyType(
        {
            "ts": Role.CALENDAR,
            "te": Role.CALENDAR_END,
            "td": Role.SECONDS,
            "sa": Role.CLIENT,
            "da": Role.SERVER,
            "sp": Role.CLIENT_PORT,
            "dp": Role.SERVER_PORT,
            "pr": Role.PROTOCOL,
            "flg": Role.FLAGS,
            "ipkt": Role.PACKETS_OUT,
            "ibyt": Role.BYTES_OUT,
            "opkt": Role.PACKETS_IN,
            "obyt": Role.BYTES_IN,
            "firstseen": Role.CALENDAR,
            "duration": Role.SECONDS,
            "proto": Role.PROTOCOL,
            "srcaddr": Role.CLIENT,
            "srcport": Role.CLIENT_PORT,
            "dstaddr": Role.SERVER,
            "dstport": Role.SERVER_PORT,
            "packets": Role.PACKETS_OUT,
            "bytes": Role.BYTES_OUT,
        }
    ),
    (("ts", "firstseen"), ("sa", "srcaddr"), ("da", "dstaddr"), ("pr", "proto")),
    MappingProxyType({Role.FLAGS: Known.FLAGS | Known.OUTCOME}),
    "write it with `nfdump -r FILE -o csv`",
)
CIC: Final = Layout(
    "cicflowmeter-csv",
    MappingProxyType(
        {
            "timestamp": Role.CALENDAR,
            "src ip": Role.CLIENT,
            "src port": Role.CLIENT_PORT,
            "dst ip": Role.SERVER,
            "dst port": Role.SERVER_PORT,
            "protocol": Role.PROTOCOL,
            "source ip": Role.CLIENT,
            "source port": Role.CLIENT_PORT,
            "destination ip": Role.SERVER,
            "destination port": Role.SERVER_PORT,
            "flow duration": Role.MICROSECONDS,
            "total fwd packet": Role.PACKETS_OUT,
            "total bwd packets": Role.PACKETS_IN,
            "total fwd packets": Role.PACKETS_OUT,
            "total backward packets": Role.PACKETS_IN,
            "total length of fwd packet": Role.PAYLOAD_OUT,
            "total length of bwd packet": Role.PAYLOAD_IN,
            "total length of fwd packets": Role.PAYLOAD_OUT,
            "total length of bwd packets": Role.PAYLOAD_IN,
            "tot fwd pkts": Role.PACKETS_OUT,
            "tot bwd pkts": Role.PACKETS_IN,
            "totlen fwd pkts": Role.PAYLOAD_OUT,
            "totlen bwd pkts": Role.PAYLOAD_IN,
            "syn flag count": Role.SYN,
            "fin flag count": Role.FIN,
            "rst flag count": Role.RESET,
            "syn flag cnt": Role.SYN,
            "fin flag cnt": Role.FIN,
            "rst flag cnt": Role.RESET,
        }
    ),
    (
        ("timestamp",),
        ("src ip", "source ip"),
        ("dst ip", "destination ip"),
        ("dst port", "destination port"),
        ("protocol",),
    ),
    MappingProxyType({Role.SYN: Known.FLAGS | Known.OUTCOME}),
    "give the file as CICFlowMeter wrote it: of data sets, the one with addresses",
)
ARGUS: Final = Layout(
    "argus-csv",
    MappingProxyType(
        {
            "starttime": Role.CALENDAR,
            "lasttime": Role.CALENDAR_END,
            "dur": Role.SECONDS,
            "proto": Role.PROTOCOL,
            "srcaddr": Role.CLIENT,
            "sport": Role.CLIENT_PORT,
            "dir": Role.ARROW,
            "dstaddr": Role.SERVER,
            "dport": Role.SERVER_PORT,
            "state": Role.ARGUS_STATE,
            "totpkts": Role.PACKETS,
            "srcpkts": Role.PACKETS_OUT,
            "totbytes": Role.BYTES,
            "srcbytes": Role.BYTES_OUT,
        }
    ),
    (
        ("starttime",),
        ("srcaddr",),
        ("dstaddr",),
        ("dport",),
        ("proto",),
        ("totpkts",),
        ("totbytes",),
        ("srcbytes",),
    ),
    MappingProxyType({Role.ARGUS_STATE: Known.FLAGS | Known.OUTCOME}),
    "write it with `ra -c ,` and these columns among those of -s",
)
VPC: Final = Layout(
    "aws-vpc",
    MappingProxyType(
        {
            "srcaddr": Role.CLIENT,
            "dstaddr": Role.SERVER,
            "srcport": Role.CLIENT_PORT,
            "dstport": Role.SERVER_PORT,
            "protocol": Role.PROTOCOL,
            "packets": Role.PACKETS_OUT,
            "bytes": Role.BYTES_OUT,
            "start": Role.CALENDAR,
            "end": Role.CALENDAR_END,
            "action": Role.VERDICT,
            "tcp-flags": Role.FLAG_BITS,
            "tcp_flags": Role.FLAG_BITS,
        }
    ),
    (("start",), ("srcaddr",), ("dstaddr",), ("dstport",), ("protocol",)),
    MappingProxyType({Role.FLAG_BITS: Known.FLAGS | Known.OUTCOME, Role.VERDICT: Known.OUTCOME}),
    "let the flow log have these fields: ${start} ${end} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} "
    "${packets} ${bytes} ${action} ${tcp-flags}",
)
NPROBE: Final = Layout(
    "nprobe-csv",
    MappingProxyType(
        {
            "flow_start_milliseconds": Role.EPOCH_MILLISECONDS,
            "flow_end_milliseconds": Role.EPOCH_MILLISECONDS_END,
            "first_switched": Role.CALENDAR,
            "last_switched": Role.CALENDAR_END,
            "flow_duration_milliseconds": Role.MILLISECONDS,
            "ipv4_src_addr": Role.CLIENT,
            "ipv4_dst_addr": Role.SERVER,
            "l4_src_port": Role.CLIENT_PORT,
            "l4_dst_port": Role.SERVER_PORT,
            "protocol": Role.PROTOCOL,
            "in_bytes": Role.BYTES_OUT,
            "in_pkts": Role.PACKETS_OUT,
            "out_bytes": Role.BYTES_IN,
            "out_pkts": Role.PACKETS_IN,
            "client_tcp_flags": Role.FLAG_BITS,
        }
    ),
    (
        ("flow_start_milliseconds", "first_switched"),
        ("ipv4_src_addr",),
        ("ipv4_dst_addr",),
        ("l4_dst_port",),
        ("protocol",),
    ),
    MappingProxyType({Role.FLAG_BITS: Known.FLAGS | Known.OUTCOME}),
    "let nProbe's template (-T) have them; of data sets, give the one with times",
)
_LAYOUTS: Final = (ZEEK, CIC, ARGUS, NFDUMP, VPC, NPROBE)
_DELIMITERS: Final = (",", " ", "|")
"""nProbe writes |, Amazon spaces."""
_MOST_COLUMNS: Final = 1_024
_TELLING: Final = 5
"""Columns by whose names a layout is told: CSV of something else has some of nfdump's, such as `bytes` and `proto`."""

OUTCOMES: Final = Known.FLAGS | Known.OUTCOME
"""What a log does not tell that lacks a column of flags or outcomes."""


def tells_of(layout: Layout, roles: NDArray[np.int64]) -> Known:
    """What a log of a layout with such columns tells."""
    told = Known(0)
    for role, known in layout.tells.items():
        if role in roles:
            told |= known
    return told


def layout_of(
    head: bytes, header: Header | None
) -> tuple[Layout, int, NDArray[np.int64], Sequence[str]] | None:
    """The layout that Zeek's header or a line of names names, the delimiter, each column's role, and their names."""
    if header is not None:
        if header.path not in ("conn", ""):
            return None
        lines = [(header.delimiter, list(header.fields))]
    else:
        first = head[:65_536].partition(b"\n")[0].decode("utf-8", "replace").strip("\r\ufeff")
        lines = [(delimiter, first.split(delimiter)) for delimiter in _DELIMITERS]
    for delimiter, titles in lines:
        names = [name.strip().lower() for name in titles][:_MOST_COLUMNS]
        found = columns_of(names, zeek=header is not None)
        if found is not None:
            return found[0], ord(delimiter), found[1], names
    return None


def lacks_addresses(layout: Layout, names: Sequence[str]) -> bool:
    """Whether none of such columns, in lower case, tells an address."""
    return not {layout.roles.get(name) for name in names} & {Role.CLIENT, Role.SERVER}


def columns_of(names: Sequence[str], *, zeek: bool) -> tuple[Layout, NDArray[np.int64]] | None:
    """The layout whose columns have such names, in lower case, and the role of each."""
    names = names[:_MOST_COLUMNS]
    layout = max(
        (layout for layout in _LAYOUTS if (layout is ZEEK) == zeek),
        key=lambda layout: len(layout.roles.keys() & set(names)),
    )
    present = sum(bool(set(of) & set(names)) for of in layout.needed)
    # Most of them, or of all that it may have: a log that lacks some is told which.
    if present < len(layout.needed) - 1 and len(layout.roles.keys() & set(names)) < _TELLING:
        return None
    held = [layout.roles.get(name, Role.NOTHING) for name in names]
    # What stands behind the last column that is wanted need not be looked at.
    while held and held[-1] is Role.NOTHING:
        held.pop()
    return layout, np.array(held, dtype=np.int64)
