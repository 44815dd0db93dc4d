"""Keys of captures, flows and what looks at them."""

from vedette.config.options import Section, option, section


def _enabled(names: str) -> bool:
    enabled: bool = option(True, f"Whether to look for it ({names}).")
    return enabled


class PortScanSection(Section):
    """Sources that look for open ports and hosts."""

    enabled: bool = _enabled("port_scan")
    syns: int = option(
        100,
        "SYNs of one source within a minute above which it scans, if it also tries `ports`.",
        unit="packets",
        ge=1,
    )
    ports: int = option(
        20, "Destination ports of one source within a minute above which it scans.", unit="ports", ge=2
    )
    odds: float = option(
        1e6,
        "Odds, to one, that a source scans, by how many of its first contacts fail, from which it is told.",
        unit="ratio",
        ge=99.0,
        why="the paper's own example; less is chance",
    )
    odd_packets: int = option(
        2,
        "TCP packets within a minute that no connection sends (FIN alone, no flag, Xmas) from which a source scans.",
        unit="packets",
        ge=1,
    )


class NetworkSection(Section):
    """Captures and flow records: how they become windows, and what is looked for in them."""

    span_s: int = option(10, "Length of a window of flows.", unit="seconds", ge=1, le=3600)
    idle_s: int = option(
        60,
        "Silence after which a flow has ended that is no established TCP connection.",
        unit="seconds",
        ge=5,
    )
    tcp_idle_s: int = option(
        900, "Silence after which an established TCP connection has ended.", unit="seconds", ge=5
    )
    active_s: int = option(
        86_400, "Age from which a flow is written out although it goes on.", unit="seconds", ge=60
    )
    flows: int = option(
        131_072, "Flows of one capture told apart at one time.", unit="flows", ge=1024, le=1 << 24
    )
    contacts: int = option(
        262_144,
        "Pairs of client and server port told apart in the windows that are open.",
        unit="contacts",
        ge=1024,
        le=1 << 24,
    )
    port_scan: PortScanSection = section(PortScanSection)
