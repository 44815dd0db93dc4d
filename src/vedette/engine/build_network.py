"""The engine for flows as the configuration wants it. The list of network detectors is here, and nowhere else."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from vedette.baselines.budget import Budget, ZScore
from vedette.baselines.calendar import calendar
from vedette.config.alarm import AlarmMode
from vedette.config.flows import NetworkSection
from vedette.config.tree import Config
from vedette.detectors.learned.member_names import ADDRESS
from vedette.detectors.learned.plan import Plan
from vedette.detectors.network.addresses import Own
from vedette.detectors.network.beaconing import Beaconing
from vedette.detectors.network.behaviour import AddressBehaviour
from vedette.detectors.network.brute_force import NetworkBruteForce
from vedette.detectors.network.floods import Amplification, ConnectionFlood, PacketFlood, SynFlood
from vedette.detectors.network.hosts import HostHabits
from vedette.detectors.network.latency import HighLatency
from vedette.detectors.network.lateral import Lateral
from vedette.detectors.network.long_lived import LongLived
from vedette.detectors.network.loss import PacketLoss
from vedette.detectors.network.own_past import OwnPast
from vedette.detectors.network.port_scan import PortScan
from vedette.detectors.network.protocols import ProtocolShift
from vedette.detectors.network.servers import SilentServers
from vedette.detectors.network.tunnels import Tunnel
from vedette.detectors.network.view import NetworkDetector
from vedette.detectors.network.volume import Volume
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.engine.model_files import load_models
from vedette.engine.network import NetworkEngine, NetworkSettings
from vedette.engine.teaching import Teaching
from vedette.engine.telling_apart import grouping
from vedette.windows.flow_table import TableSettings

_Offer: TypeAlias = tuple[bool, NetworkDetector]
"""Whether a detector is wanted, and it."""


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
        grouping=grouping(config),
        own=Own(network.own_networks),
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
    own = Own(wanted.own_networks)
    offered = [
        *_of_floods(wanted),
        *_of_attacks(wanted, own),
        *_of_manners(wanted, own, classic=classic),
        *_of_levels(wanted, thresholds, classic=classic),
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


def _of_floods(wanted: NetworkSection) -> Iterator[_Offer]:
    """Too much for one host."""
    syns, answers, floods = wanted.syn_flood, wanted.amplification, wanted.floods
    yield syns.enabled, SynFlood(syns=syns.syns, unfinished=syns.unfinished)
    yield (
        answers.enabled,
        Amplification(size=answers.min_bytes, ratio=answers.ratio, servers=answers.servers),
    )
    yield floods.enabled, PacketFlood(udp=floods.udp_packets, icmp=floods.icmp_packets)
    yield floods.enabled, ConnectionFlood(connections=floods.connections)


def _of_attacks(wanted: NetworkSection, own: Own) -> Iterator[_Offer]:
    """What one client does that no program of a user does."""
    scan, tunnels, logins, calls = wanted.port_scan, wanted.tunnels, wanted.brute_force, wanted.beaconing
    yield (
        scan.enabled,
        PortScan(syns=scan.syns, ports=scan.ports, odds=scan.odds, probes=scan.odd_packets),
    )
    yield (
        tunnels.enabled,
        Tunnel(queries=tunnels.queries, messages=tunnels.messages, pings=tunnels.pings, own=own),
    )
    yield logins.enabled, NetworkBruteForce(connections=logins.connections, size=logins.max_bytes, own=own)
    yield calls.enabled, Beaconing(calls=calls.calls, hours=calls.hours, variation=calls.variation)


def _of_manners(wanted: NetworkSection, own: Own, *, classic: bool) -> Iterator[_Offer]:
    """What a host did not do before, and connections that stay open."""
    hosts, long = wanted.hosts, wanted.long_lived
    yield (
        hosts.enabled,
        HostHabits(size=hosts.min_bytes, factor=hosts.factor, ratio=hosts.ratio, once_in=hosts.once_in),
    )
    servers = wanted.servers
    yield (
        servers.enabled,
        SilentServers(
            connections=servers.connections, clients=servers.clients, failed=servers.failed, own=own
        ),
    )
    yield wanted.lateral.enabled, Lateral(hosts=wanted.lateral.hosts)
    yield (
        long.enabled,
        LongLived(
            high=long.high,
            medium=long.medium,
            seconds=long.seconds,
            connections=long.connections,
            slow=long.slow,
            classic=classic,
        ),
    )


def _of_levels(wanted: NetworkSection, thresholds: Thresholds, *, classic: bool) -> Iterator[_Offer]:
    """Measures of the whole network that leave their level."""
    volume, latency, loss, shift = wanted.volume, wanted.latency, wanted.loss, wanted.protocols
    yield volume.enabled, Volume(thresholds, factor=volume.min_factor, classic=classic)
    yield (
        latency.enabled,
        HighLatency(
            thresholds,
            high=latency.high,
            medium=latency.medium,
            samples=latency.samples,
            classic=classic,
        ),
    )
    yield loss.enabled, PacketLoss(high=loss.high, medium=loss.medium, segments=loss.segments)
    yield (
        shift.enabled,
        ProtocolShift(thresholds, points=shift.points, flows=shift.flows, classic=classic),
    )


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
