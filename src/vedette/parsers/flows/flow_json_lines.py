"""Lines of flow records that are JSON: what of them is read."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from vedette.schema.flows import Flow, Protocol

PROTOCOLS: Final = {
    "tcp": Protocol.TCP,
    "udp": Protocol.UDP,
    "icmp": Protocol.ICMP,
    "ipv6-icmp": Protocol.ICMPV6,
    "icmp6": Protocol.ICMPV6,
    "icmpv6": Protocol.ICMPV6,
    "sctp": Protocol.SCTP,
}
OUTCOMES: Final[Mapping[str, Collection[Flow]]] = MappingProxyType(
    {
        "S0": (Flow.SYN_OUT, Flow.FAILED),
        "S1": (Flow.SYN_OUT, Flow.SUCCEEDED),
        "S2": (Flow.SYN_OUT, Flow.SUCCEEDED, Flow.FIN_OUT),
        "S3": (Flow.SYN_OUT, Flow.SUCCEEDED, Flow.FIN_IN),
        "SF": (Flow.SYN_OUT, Flow.SUCCEEDED, Flow.FIN_OUT, Flow.FIN_IN),
        "SH": (Flow.SYN_OUT, Flow.FAILED, Flow.FIN_OUT),
        "SHR": (Flow.SUCCEEDED, Flow.FIN_IN),
        "OTH": (Flow.SUCCEEDED,),
        "REJ": (Flow.SYN_OUT, Flow.FAILED, Flow.RESET_IN),
        "RSTO": (Flow.SYN_OUT, Flow.SUCCEEDED, Flow.RESET_OUT),
        "RSTR": (Flow.SYN_OUT, Flow.SUCCEEDED, Flow.RESET_IN),
        "RSTRH": (Flow.SUCCEEDED, Flow.RESET_IN),
        "RSTOS0": (Flow.SYN_OUT, Flow.FAILED, Flow.RESET_OUT),
    }
)
"""What is so of a TCP connection by its `conn_state`; `kernels.conn_state` says the same."""


class ZeekConn(msgspec.Struct):
    """A line of Zeek's conn.log."""

    ts: float | str
    orig: str = msgspec.field(name="id.orig_h")
    resp: str = msgspec.field(name="id.resp_h")
    proto: str
    orig_port: int = msgspec.field(name="id.orig_p", default=0)
    resp_port: int = msgspec.field(name="id.resp_p", default=0)
    duration: float = 0.0
    orig_bytes: int = 0
    resp_bytes: int = 0
    orig_pkts: int = 0
    resp_pkts: int = 0
    orig_ip_bytes: int = 0
    resp_ip_bytes: int = 0
    conn_state: str = ""


class EveCounts(msgspec.Struct):
    """What Suricata counts of a flow."""

    start: str
    end: str = ""
    pkts_toserver: int = 0
    pkts_toclient: int = 0
    bytes_toserver: int = 0
    bytes_toclient: int = 0


class EveTcp(msgspec.Struct):
    """Which flags Suricata saw in a flow."""

    syn: bool = False
    fin: bool = False
    rst: bool = False
    ack: bool = False


class EveFlow(msgspec.Struct):
    """A line of Suricata's EVE that is about a flow."""

    src_ip: str
    dest_ip: str
    proto: str
    flow: EveCounts
    src_port: int = 0
    dest_port: int = 0
    tcp: EveTcp | None = None


class Event(msgspec.Struct):
    """What every line of Suricata's EVE says."""

    event_type: str = ""
