"""Every incident by the name that `--inject` takes."""

from datetime import datetime
from typing import Final

from vedette.simulate import site
from vedette.simulate.incidents.abuse import ABUSES
from vedette.simulate.incidents.attacks import SIGNATURE_ATTACKS
from vedette.simulate.incidents.base import Incident, Scene
from vedette.simulate.incidents.clients import (
    BotActivity,
    BruteForce,
    CredentialStuffing,
    DataExfiltration,
    Scanner,
    SlowScan,
)
from vedette.simulate.incidents.failures import Deploy, ErrorSpike, LatencySpike, TrafficDrop
from vedette.simulate.incidents.floods import (
    Ddos,
    DistributedDdos,
    PulsedDdos,
    RateLimitAbuse,
    SlowDdos,
    TrafficSpike,
)
from vedette.simulate.injection import Injection, SimulationError
from vedette.simulate.rows import SECOND
from vedette.simulate.traffic import Traffic
from vedette.simulate.world import World

INCIDENTS: Final[dict[str, type[Incident]]] = {
    "error_spike": ErrorSpike,
    "latency_spike": LatencySpike,
    "traffic_spike": TrafficSpike,
    "traffic_drop": TrafficDrop,
    "ddos": Ddos,
    "ddos_distributed": DistributedDdos,
    "ddos_pulsed": PulsedDdos,
    "ddos_slow": SlowDdos,
    "brute_force": BruteForce,
    "credential_stuffing": CredentialStuffing,
    "scanner": Scanner,
    "slow_scan": SlowScan,
    "bot_activity": BotActivity,
    "data_exfiltration": DataExfiltration,
    "rate_limit_abuse": RateLimitAbuse,
    "deploy": Deploy,
    **ABUSES,
    **SIGNATURE_ATTACKS,
}


def build_incidents(
    injections: list[Injection], start: datetime, world: World, traffic: Traffic
) -> list[Incident]:
    """Set incidents up in a world; their numbers are their places in the list.

    Raises:
        SimulationError: No such incident, route or service, or one lies outside the log.
    """
    actors: dict[str, int] = {}
    return [
        _build(
            injection,
            number,
            actors.setdefault(injection.actor or f"#{number}", number),
            start,
            world,
            traffic,
        )
        for number, injection in enumerate(injections)
    ]


def _build(
    injection: Injection, number: int, actor: int, start: datetime, world: World, traffic: Traffic
) -> Incident:
    kind = INCIDENTS.get(injection.name)
    if kind is None:
        raise SimulationError(
            f"--inject: no incident named {injection.name!r}: one of {', '.join(sorted(INCIDENTS))}"
        )
    begin = int(injection.starts(start).timestamp()) * SECOND
    lasts = kind.lasts if injection.duration is None else injection.duration
    if not world.start <= begin < world.end:
        minutes = (world.end - world.start) // SECOND // 60
        raise SimulationError(
            f"--inject: {injection.name} starts at {injection.starts(start):%Y-%m-%d %H:%M:%S} UTC, outside "
            f"the log, which is {minutes} minutes from {start:%Y-%m-%d %H:%M:%S} UTC: "
            f"give a start within it, such as +{max(1, minutes // 2)}m"
        )
    scene = Scene(
        world=world,
        traffic=traffic,
        number=number,
        start=begin,
        end=min(begin + lasts * SECOND, world.end),
        intensity=injection.intensity,
        route=_pattern(injection.route),
        routes=_routes(injection.route),
        service=_service(injection.service, world),
        actor=actor,
    )
    return kind(scene)


def _routes(path: str | None) -> tuple[int, ...]:
    if path is None:
        return ()
    routes = site.matching(path)
    if not routes:
        known = ", ".join(dict.fromkeys(r.pattern for r in site.ROUTES))
        raise SimulationError(f"--inject: the site has no route {path!r}: one of {known}")
    return tuple(routes)


def _pattern(path: str | None) -> str | None:
    """The folded route, where the path is one route; None for several."""
    patterns = {site.ROUTES[i].pattern for i in _routes(path)}
    return patterns.pop() if len(patterns) == 1 else None


def _service(name: str | None, world: World) -> int | None:
    if name is None:
        return None
    if name not in world.services:
        raise SimulationError(
            f"--inject: no service {name!r}: one of {', '.join(world.services)} (see --services)"
        )
    return world.services.index(name)
