"""Keys of captures, flows and what looks at them."""

from vedette.config.networks import Network
from vedette.config.options import Section, option, section
from vedette.schema.networks import PRIVATE_NETWORKS


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


class SynFloodSection(Section):
    """More connections asked for than made, at one port of one host."""

    enabled: bool = _enabled("syn_flood")
    syns: int = option(1000, "SYNs in a window from which it counts.", unit="packets", ge=1)
    unfinished: float = option(
        0.8, "Share of them that became no connection from which it is a flood.", unit="ratio", gt=0.0, le=1.0
    )


class AmplificationSection(Section):
    """Answers that were not asked for, from UDP services known to be abused for that."""

    enabled: bool = _enabled("amplification")
    min_bytes: int = option(
        1_000_000, "Bytes of answers in a window from which it counts.", unit="bytes", ge=1
    )
    ratio: float = option(10.0, "Times what was asked with, from which it counts.", unit="ratio", ge=1.0)
    servers: int = option(3, "Servers that answer, from which it counts.", unit="servers", ge=1)


class FloodSection(Section):
    """Packets and connections to one host at rates that no conversation has."""

    enabled: bool = _enabled("ddos_attack, of flows")
    udp_packets: int = option(
        50_000, "One-way UDP packets in a window from which it is a flood.", unit="packets", ge=1
    )
    icmp_packets: int = option(
        10_000, "One-way ICMP packets in a window from which it is a flood.", unit="packets", ge=1
    )
    connections: int = option(
        1000,
        "Answered connections of one client to one port within a minute from which it is a flood.",
        unit="connections",
        ge=1,
    )


class TunnelSection(Section):
    """Traffic in DNS questions and pings."""

    enabled: bool = _enabled("tunnel")
    queries: int = option(
        30,
        "DNS queries within a minute with long names, or for types that hold anything, from which it counts.",
        unit="queries",
        ge=1,
    )
    messages: int = option(
        10, "Messages each way in one connection to TCP port 53 from which it counts.", unit="messages", ge=2
    )
    pings: int = option(
        20, "Changes of size between pings within a minute from which it counts.", unit="changes", ge=2
    )


class LoginGuessSection(Section):
    """Guessed passwords of SSH, FTP, RDP and other services that are logged into."""

    enabled: bool = _enabled("brute_force, of flows")
    connections: int = option(
        20,
        "Answered connections of one client to one such port within a minute from which it counts.",
        unit="connections",
        ge=3,
    )
    max_bytes: int = option(
        20_000, "Bytes of each on average above which somebody is logged in.", unit="bytes", ge=1
    )


class BeaconingSection(Section):
    """Internal hosts that call the same service outside by the clock."""

    enabled: bool = _enabled("beaconing")
    calls: int = option(20, "Intervals between calls from which it counts.", unit="intervals", ge=5)
    hours: float = option(2.0, "Time they span from which it counts.", unit="hours", gt=0.0)
    variation: float = option(
        0.15,
        "Standard deviation of the intervals over their mean up to which it counts.",
        unit="ratio",
        gt=0.0,
        le=1.0,
    )


class HostsSection(Section):
    """Internal hosts against their own past: what they send out, and whom they talk to."""

    enabled: bool = _enabled("data_exfiltration, of flows, and new_destination")
    min_bytes: int = option(
        1_000_000_000,
        "Bytes to one outside host without an hour's pause below which nothing is stated.",
        unit="bytes",
        ge=1,
    )
    factor: float = option(
        5.0,
        "Times the largest that the host ever uploaded to one outside host.",
        unit="ratio",
        ge=1.0,
    )
    ratio: float = option(5.0, "Times what it got in return.", unit="ratio", ge=1.0)
    once_in: int = option(
        1000,
        "A destination is new if something new is no likelier than once in so many windows of the host.",
        unit="windows",
        ge=50,
        why="after fewer windows most things are new",
    )


class ServersSection(Section):
    """Services of your own that stop answering."""

    enabled: bool = _enabled("error_spike, of flows")
    connections: int = option(
        20, "Failed connections to one port within a minute from which it counts.", unit="connections", ge=3
    )
    clients: int = option(3, "Clients whose connections fail.", unit="clients", ge=1)
    failed: float = option(
        0.8, "Share of the connections that fail from which it does not answer.", unit="ratio", gt=0.0, le=1.0
    )


class LateralSection(Section):
    """Internal hosts that go to many others by ports at which hosts are administered."""

    enabled: bool = _enabled("new_destination, within the network")
    hosts: int = option(
        10,
        "Hosts by which one is answered for the first time, without a pause of a quarter of an hour.",
        unit="hosts",
        ge=2,
    )


class BehaviourSection(Section):
    """Addresses that behave unlike the others of their network, by a model that learns how they do."""

    enabled: bool = _enabled("behavioral_anomaly, of flows; it takes learned.enabled, too")


class OwnPastSection(Section):
    """Internal addresses that do far more of something than they ever did."""

    enabled: bool = _enabled("behavioral_anomaly, of addresses against their own past")
    factor: float = option(
        5.0,
        "Times the most flows, hosts, failures, bytes or DNS questions of the address in a window.",
        unit="ratio",
        ge=1.0,
    )
    once_in: int = option(
        1000,
        "A leap is stated if one is no likelier than once in so many windows of the address.",
        unit="windows",
        ge=50,
        why="after fewer windows most things are new",
    )


class LongLivedSection(Section):
    """Connections that stay, and floods of slow ones."""

    enabled: bool = _enabled("long_lived_connection")
    high: float = option(2.0, "Times the mean duration above which it is high.", unit="ratio", ge=1.0)
    medium: float = option(1.5, "Times the mean duration above which it is medium.", unit="ratio", ge=1.0)
    seconds: float = option(
        3600.0,
        "Duration up to which nothing is stated, unless alarm.mode is threshold.",
        unit="seconds",
        ge=0.0,
    )
    connections: int = option(
        100,
        "Connections whose durations must be known.",
        unit="connections",
        ge=10,
        why="a mean of fewer is a guess",
    )
    slow: int = option(
        50,
        "Unanswered connections of one client to one port within a minute from which it is slowloris.",
        unit="connections",
        ge=2,
    )


class VolumeSection(Section):
    """Far more bytes, or far fewer packets, than the network is used to."""

    enabled: bool = _enabled("traffic_spike, traffic_drop, of flows")
    min_factor: float = option(
        2.5,
        "Times the expected (or, in a drop, expected over seen) below which nothing is stated.",
        unit="ratio",
        ge=1.1,
        why="a smaller change of volume is daily life",
    )


class HighLatencySection(Section):
    """Round trips and answers that take longer than usual."""

    enabled: bool = _enabled("high_latency")
    high: float = option(2.0, "Times the usual above which it is high.", unit="ratio", ge=1.0)
    medium: float = option(1.5, "Times the usual above which it is medium.", unit="ratio", ge=1.0)
    samples: int = option(
        20,
        "Samples in a window from which its percentile means anything.",
        unit="samples",
        ge=20,
        why="a 95th percentile of fewer is the largest",
    )


class PacketLossSection(Section):
    """TCP segments that had to be sent again."""

    enabled: bool = _enabled("packet_loss")
    high: float = option(0.05, "Share sent again above which it is high.", unit="ratio", gt=0.0, lt=1.0)
    medium: float = option(0.02, "Share sent again above which it is medium.", unit="ratio", gt=0.0, lt=1.0)
    segments: int = option(
        1000,
        "Data segments of a window from which the share means anything.",
        unit="segments",
        ge=50,
        why="of fewer, one more or less is a per cent or two",
    )


class ProtocolsSection(Section):
    """The mix of protocols among the flows that open."""

    enabled: bool = _enabled("protocol_anomaly")
    points: float = option(
        30.0, "Percentage points that a protocol's share must have moved.", unit="points", gt=0.0, le=100.0
    )
    flows: int = option(
        100, "Flows opened in a window from which its shares mean anything.", unit="flows", ge=10
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
        "Pairs of client and server port told apart in a window; in all windows that are open twice as many.",
        unit="contacts",
        ge=1024,
        le=1 << 24,
    )
    own_networks: tuple[Network, ...] = option(
        PRIVATE_NETWORKS,
        "Your own networks, IPv4 and IPv6, public ones too: who is within, and who elsewhere, is told by them. Given, "
        "they replace the private, link-local and loopback ones.",
    )
    port_scan: PortScanSection = section(PortScanSection)
    syn_flood: SynFloodSection = section(SynFloodSection)
    amplification: AmplificationSection = section(AmplificationSection)
    floods: FloodSection = section(FloodSection)
    tunnels: TunnelSection = section(TunnelSection)
    brute_force: LoginGuessSection = section(LoginGuessSection)
    beaconing: BeaconingSection = section(BeaconingSection)
    hosts: HostsSection = section(HostsSection)
    servers: ServersSection = section(ServersSection)
    lateral: LateralSection = section(LateralSection)
    behaviour: BehaviourSection = section(BehaviourSection)
    own_past: OwnPastSection = section(OwnPastSection)
    long_lived: LongLivedSection = section(LongLivedSection)
    volume: VolumeSection = section(VolumeSection)
    latency: HighLatencySection = section(HighLatencySection)
    loss: PacketLossSection = section(PacketLossSection)
    protocols: ProtocolsSection = section(ProtocolsSection)
