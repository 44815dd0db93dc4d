"""An engine as the configuration wants it. The list of detectors is here, and nowhere else."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vedette.baselines.budget import Budget, ZScore
from vedette.baselines.calendar import calendar
from vedette.baselines.locations import quantile_sampling
from vedette.config.alarm import AlarmMode
from vedette.config.exceptions import ExceptionRule
from vedette.config.rules import RuleSection
from vedette.config.tree import Config
from vedette.detectors.parameters.aims import Aims
from vedette.detectors.parameters.detector import AbnormalRequests
from vedette.detectors.parameters.habits import Habits, Limits
from vedette.detectors.parameters.profiles import Profiles
from vedette.detectors.signatures.attacks import Attacks
from vedette.detectors.signatures.everyday import Everyday
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.statistical.absence import Absence
from vedette.detectors.statistical.bots import BotActivity
from vedette.detectors.statistical.brute_force import BruteForce
from vedette.detectors.statistical.combination import Combination
from vedette.detectors.statistical.errors import ErrorSpike
from vedette.detectors.statistical.exfiltration import DataExfiltration
from vedette.detectors.statistical.familiar import Familiar
from vedette.detectors.statistical.floods import Flood
from vedette.detectors.statistical.latency import LatencySpike
from vedette.detectors.statistical.rate_limit import RateLimitAbuse
from vedette.detectors.statistical.refusals import Refusals
from vedette.detectors.statistical.scanning import Scanning
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.statistical.volume import TrafficDrop, TrafficSpike
from vedette.detectors.view import WindowDetector
from vedette.engine.engine import Engine
from vedette.engine.excusing import Exceptions
from vedette.engine.judging import LONGEST_SILENCE
from vedette.engine.members import learned_members, request_trails
from vedette.engine.metrics import LATENCY_QUANTILE
from vedette.engine.settings import EngineSettings
from vedette.engine.signatures import signature_scanner
from vedette.engine.teaching import Teaching
from vedette.engine.telling_apart import grouping
from vedette.enrich.user_agent import AgentKind
from vedette.incidents.correlating import Spans
from vedette.windows.event_time import jump_of
from vedette.windows.windower import WindowSettings

# Few configurations have rules of their own, and what understands them is not imported for the others.
if TYPE_CHECKING:
    from vedette.detectors.custom.detector import CustomRules
    from vedette.detectors.custom.rule import Rule

_RECENT_S = 600
"""How far back single clients are looked at."""


def window_spans(config: Config) -> Spans:
    """Lengths of the windows of requests and of flows."""
    return Spans(config.windows.span_s * 1_000_000, config.network.span_s * 1_000_000)


def build_engine(
    config: Config,
    *,
    lateness_us: int,
    leader: Engine | None = None,
    exceptions: Sequence[ExceptionRule] = (),
    own_clock: bool = True,
    seed: int = 0,
    teaching: Teaching | None = None,
    scanner: SignatureScanner | None = None,
) -> Engine:
    """Make an engine; compiled signatures come from the user's cache directory.

    Args:
        config: What is looked for, and how.
        lateness_us: How late a line may come and still count, microseconds.
        leader: Another engine, whose windows this one is to judge in its own way; see `Engine`.
        exceptions: What is not to be told.
        own_clock: Whether event time follows the rows; else `Engine.advance` tells it.
        seed: See `EngineSettings`.
        teaching: Who fits models, where they are kept; here and nowhere unless told otherwise.
        scanner: Judges requests as configured; made here unless there is one.
    """
    settings = EngineSettings(
        windows=WindowSettings(
            span=config.windows.span_s * 1_000_000,
            lateness=lateness_us,
            jump=jump_of(lateness_us),
            login_routes=config.detectors.brute_force.login_routes,
            routes=4 * config.limits.routes,
            client_slots=config.limits.clients,
            own_clock=own_clock,
        ),
        min_windows=config.baselines.min_windows,
        entities=config.limits.routes + config.limits.services,
        # Configured ones, as many by host as by file, and the one for all others.
        services=len(config.input.services) + 2 * config.limits.services + 1,
        history_windows=max(1, round(_RECENT_S / config.windows.span_s)),
        slug_values=config.routes.slug_values,
        evidence=config.limits.evidence,
        calendar=calendar(config.baselines.timezone, config.baselines.holidays),
        zone=config.baselines.timezone,
        seed=seed,
        grouping=grouping(config),
    )
    thresholds: Thresholds = ZScore(config.alarm.threshold_z)
    if config.alarm.mode is AlarmMode.BUDGET:
        thresholds = Budget(config.alarm.per_week, window_us=settings.windows.span)
    signatures = config.detectors.signatures
    if leader is not None:
        scanner = leader.scanner
    elif scanner is None:
        scanner = signature_scanner(signatures)
    habits = request_habits(config) if leader is None and config.detectors.parameters.enabled else None
    trails = leader.trails if leader is not None else request_trails(config)
    everyday = Everyday(scanner, lateness_us) if leader is None and signatures.everyday else None
    members = learned_members(config, thresholds, teaching or Teaching(), trails)
    engine = Engine(
        settings,
        scanner,
        thresholds,
        lambda engine: detectors(config, engine),
        leader,
        habits,
        members,
        trails,
        everyday,
    )
    if exceptions:
        engine.exceptions = Exceptions(exceptions, scanner)
    return engine


def request_habits(config: Config) -> Habits:
    """What learns the requests of routes, as configured."""
    wanted = config.detectors.parameters
    limits = Limits(
        usual=math.log10(wanted.once_in),
        route=math.log10(wanted.route_once_in),
        own=math.log10(wanted.own_past),
    )
    return Habits(Profiles(config.limits.routes, services=config.limits.services), limits)


def detectors(config: Config, engine: Engine) -> Sequence[WindowDetector]:
    """The detectors that look at closed windows, in the order in which they look.

    The order matters in two places: a flood is looked for before traffic spikes and exfiltration, which leave a
    flooded service to it, and less traffic before what is missing of it.
    """
    wanted = config.detectors
    rules = [rule for rule in config.rules if rule.enabled]
    thresholds = engine.thresholds
    bot = int(AgentKind.DECLARED_BOT)
    familiar = Familiar()
    offered: list[tuple[bool, WindowDetector]] = [
        (
            wanted.signatures.enabled,
            Attacks(
                engine.scanner.rules,
                engine.collector.hostile,
                least=engine.scanner.least,
                shown=config.limits.evidence,
                aims=None if engine.habits is None else Aims(engine.habits),
            ),
        ),
        (
            wanted.ddos.enabled,
            Flood(
                thresholds,
                familiar,
                client_share=wanted.ddos.client_share,
                requests_per_minute=wanted.ddos.client_requests_per_minute,
            ),
        ),
        (wanted.errors.enabled, ErrorSpike(thresholds, min_requests=wanted.errors.min_requests)),
        (wanted.errors.enabled, Refusals(thresholds, min_requests=wanted.errors.min_requests)),
        (
            wanted.latency.enabled,
            LatencySpike(
                thresholds,
                min_requests=wanted.latency.min_requests,
                min_windows=wanted.latency.min_windows,
                sampling=quantile_sampling(LATENCY_QUANTILE),
            ),
        ),
        (wanted.traffic.enabled, TrafficSpike(thresholds, factor=wanted.traffic.min_factor)),
        (wanted.traffic.enabled, TrafficDrop(thresholds, factor=wanted.traffic.min_factor)),
        (
            wanted.traffic.enabled,
            Absence(thresholds, TrafficDrop.name, span=config.windows.span_s * 1_000_000),
        ),
        (
            wanted.exfiltration.enabled,
            DataExfiltration(thresholds, familiar, min_bytes=wanted.exfiltration.min_bytes),
        ),
        (
            wanted.brute_force.enabled,
            BruteForce(
                thresholds, failures=wanted.brute_force.failures, attempts=wanted.brute_force.attempts
            ),
        ),
        (wanted.scanner.enabled, Scanning(distinct=wanted.scanner.missing_routes, declared_bot=bot)),
        (wanted.rate_limit.enabled, RateLimitAbuse(refusals=wanted.rate_limit.rejections)),
        (
            wanted.bots.enabled,
            BotActivity(requests=wanted.bots.requests, declared_bot=bot, browser=int(AgentKind.BROWSER)),
        ),
        (wanted.combination.enabled, Combination(thresholds)),
        *(
            [(True, AbnormalRequests(engine.habits, shown=config.limits.evidence))]
            if engine.habits is not None
            else []
        ),
        *([(True, _custom_rules(rules, config.windows.span_s))] if rules else []),
    ]
    return [detector for enabled, detector in offered if enabled]


def _custom_rules(rules: Sequence[RuleSection], span_s: int) -> "CustomRules":
    """What states windows by configured rules."""
    from vedette.detectors.custom.detector import CustomRules

    return CustomRules([custom_rule(rule) for rule in rules], span_s=span_s, longest_gap=LONGEST_SILENCE)


def custom_rule(rule: RuleSection) -> "Rule":
    """A configured rule, ready to be evaluated."""
    from vedette.detectors.custom.rule import Rule
    from vedette.expression.grammar import parse

    return Rule(rule.name, parse(rule.when), rule.services, rule.routes, rule.severity, rule.message)
