"""The engine for flows as the configuration wants it. The list of network detectors is here, and nowhere else."""

from collections.abc import Sequence

from vedette.baselines.budget import Budget, ZScore
from vedette.baselines.calendar import calendar
from vedette.config.alarm import AlarmMode
from vedette.config.tree import Config
from vedette.detectors.network.port_scan import PortScan
from vedette.detectors.network.view import NetworkDetector
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.engine.network import NetworkEngine, NetworkSettings


def build_network(config: Config, *, lateness_us: int) -> NetworkEngine:
    """Make an engine.

    Args:
        config: What is looked for, and how.
        lateness_us: How late a flow may come and still count, microseconds.
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
        calendar=calendar(config.baselines.timezone, config.baselines.holidays),
    )
    return NetworkEngine(settings, thresholds, network_detectors(config, thresholds, classic=classic))


def network_detectors(config: Config, thresholds: Thresholds, *, classic: bool) -> Sequence[NetworkDetector]:
    """The detectors of flows, in the order in which they look: what explains others comes first."""
    wanted = config.network
    del thresholds, classic
    offered: list[tuple[bool, NetworkDetector]] = [
        (
            wanted.port_scan.enabled,
            PortScan(
                syns=wanted.port_scan.syns,
                ports=wanted.port_scan.ports,
                odds=wanted.port_scan.odds,
                probes=wanted.port_scan.odd_packets,
            ),
        ),
    ]
    return [detector for enabled, detector in offered if enabled]
