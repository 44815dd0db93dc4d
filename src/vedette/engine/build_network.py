"""The engine for flows as the configuration wants it. The list of network detectors is here, and nowhere else."""

from collections.abc import Sequence
from pathlib import Path

from vedette.baselines.budget import Budget, ZScore
from vedette.baselines.calendar import calendar
from vedette.config.alarm import AlarmMode
from vedette.config.flows import NetworkSection
from vedette.config.tree import Config
from vedette.detectors.learned.member_names import ADDRESS
from vedette.detectors.learned.plan import Plan
from vedette.detectors.network.beaconing import Beaconing
from vedette.detectors.network.behaviour import AddressBehaviour
from vedette.detectors.network.brute_force import NetworkBruteForce
from vedette.detectors.network.floods import Amplification, ConnectionFlood, PacketFlood, SynFlood
from vedette.detectors.network.hosts import HostHabits
from vedette.detectors.network.levels import HighLatency, PacketLoss, ProtocolShift, Volume
from vedette.detectors.network.long_lived import LongLived
from vedette.detectors.network.own_past import OwnPast
from vedette.detectors.network.port_scan import PortScan
from vedette.detectors.network.tunnels import Tunnel
from vedette.detectors.network.view import NetworkDetector
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.engine.model_files import load_models
from vedette.engine.network import NetworkEngine, NetworkSettings
from vedette.engine.teaching import Teaching
from vedette.windows.flow_table import TableSettings


def build_network(
    config: Config,
    *,
    lateness_us: int,
    own_clock: bool = True,
    since: int | None = None,
    teaching: Teaching | None = None,
) -> NetworkEngine:
    """Make an engine.

    Args:
        config: What is looked for, and how.
        lateness_us: How late a flow may come and still count, microseconds.
        own_clock, since: See `NetworkSettings`.
        teaching: Who fits models, where they are kept; here and nowhere unless told otherwise.

    Raises:
        ModelFileError: A model that is to be put to work is damaged, or does not fit.
    """
    network = config.network
    span = network.span_s * 1_000_000
    classic = config.alarm.mode is not AlarmMode.BUDGET
    thresholds: Thresholds = (
        ZScore(config.alarm.threshold_z) if classic else Budget(config.alarm.per_week, window_us=span)
    )
    settings = NetworkSettings(
        span=span,
        lateness=lateness_us,
        contacts=network.contacts,
        min_windows=config.baselines.min_windows,
        evidence=config.limits.evidence,
        calendar=calendar(config.baselines.timezone, config.baselines.holidays),
        own_clock=own_clock,
        since=since,
    )
    detectors = network_detectors(config, thresholds, teaching or Teaching(), classic=classic)
    return NetworkEngine(settings, thresholds, detectors)


def table_settings(network: NetworkSection) -> TableSettings:
    """How flows live, as configured."""
    return TableSettings(
        span=network.span_s * 1_000_000,
        idle=(network.idle_s * 1_000_000, network.tcp_idle_s * 1_000_000),
        active=network.active_s * 1_000_000,
        flows=network.flows,
    )


def network_detectors(
    config: Config, thresholds: Thresholds, teaching: Teaching, *, classic: bool
) -> Sequence[NetworkDetector]:
    """The detectors of flows, in the order in which they look: what explains others comes first."""
    wanted = config.network
    offered: list[tuple[bool, NetworkDetector]] = [
        (
            wanted.syn_flood.enabled,
            SynFlood(syns=wanted.syn_flood.syns, unfinished=wanted.syn_flood.unfinished),
        ),
        (
            wanted.amplification.enabled,
            Amplification(
                size=wanted.amplification.min_bytes,
                ratio=wanted.amplification.ratio,
                servers=wanted.amplification.servers,
            ),
        ),
        (
            wanted.floods.enabled,
            PacketFlood(udp=wanted.floods.udp_packets, icmp=wanted.floods.icmp_packets),
        ),
        (wanted.floods.enabled, ConnectionFlood(connections=wanted.floods.connections)),
        (
            wanted.port_scan.enabled,
            PortScan(
                syns=wanted.port_scan.syns,
                ports=wanted.port_scan.ports,
                odds=wanted.port_scan.odds,
                probes=wanted.port_scan.odd_packets,
            ),
        ),
        (
            wanted.tunnels.enabled,
            Tunnel(
                queries=wanted.tunnels.queries,
                messages=wanted.tunnels.messages,
                pings=wanted.tunnels.pings,
            ),
        ),
        (
            wanted.brute_force.enabled,
            NetworkBruteForce(connections=wanted.brute_force.connections, size=wanted.brute_force.max_bytes),
        ),
        (
            wanted.beaconing.enabled,
            Beaconing(
                calls=wanted.beaconing.calls,
                hours=wanted.beaconing.hours,
                variation=wanted.beaconing.variation,
            ),
        ),
        (
            wanted.hosts.enabled,
            HostHabits(
                size=wanted.hosts.min_bytes,
                factor=wanted.hosts.factor,
                ratio=wanted.hosts.ratio,
                once_in=wanted.hosts.once_in,
            ),
        ),
        (
            wanted.long_lived.enabled,
            LongLived(
                high=wanted.long_lived.high,
                medium=wanted.long_lived.medium,
                seconds=wanted.long_lived.seconds,
                connections=wanted.long_lived.connections,
                slow=wanted.long_lived.slow,
                classic=classic,
            ),
        ),
        (
            wanted.volume.enabled,
            Volume(thresholds, factor=wanted.volume.min_factor, classic=classic),
        ),
        (
            wanted.latency.enabled,
            HighLatency(
                thresholds,
                high=wanted.latency.high,
                medium=wanted.latency.medium,
                samples=wanted.latency.samples,
                classic=classic,
            ),
        ),
        (
            wanted.loss.enabled,
            PacketLoss(high=wanted.loss.high, medium=wanted.loss.medium, segments=wanted.loss.segments),
        ),
        (
            wanted.protocols.enabled,
            ProtocolShift(
                thresholds, points=wanted.protocols.points, flows=wanted.protocols.flows, classic=classic
            ),
        ),
        (
            wanted.behaviour.enabled and config.learned.enabled,
            AddressBehaviour(thresholds, _plan(config, teaching)),
        ),
        (
            wanted.own_past.enabled,
            OwnPast(factor=wanted.own_past.factor, once_in=wanted.own_past.once_in),
        ),
    ]
    return [detector for enabled, detector in offered if enabled]


def _plan(config: Config, teaching: Teaching) -> Plan:
    """How the model of addresses comes to be."""
    learned, span = config.learned, config.network.span_s * 1_000_000
    if not (learned.enabled and config.network.behaviour.enabled):
        # Nobody will look at models, damaged ones least of all.
        return Plan(span=span, trainer=teaching.trainer)
    return Plan(
        span=span,
        trainer=teaching.trainer,
        warmup=None if isinstance(learned.warmup, str) else learned.warmup,
        retrain=learned.retrain_days * 86_400 // config.network.span_s or None,
        keep=teaching.keep,
        given=load_models(Path(learned.models), ADDRESS, span) if learned.models else {},
        asked=teaching.asked(ADDRESS, span),
        record=None if teaching.record is None else teaching.record.of(ADDRESS, span),
    )
