"""What is new in one request, and how likely that was."""

import math
from enum import StrEnum
from typing import Protocol

import msgspec

from vedette.detectors.parameters.profiles import LEAP, Chance, Feature, Profiles
from vedette.detectors.parameters.suspects import Parameter
from vedette.kernels.requests.parameters import UNKNOWN


class Kind(StrEnum):
    """What can be new."""

    ROUTE = "route"
    METHOD = "method"
    NAME = "name"
    CLASSES = "characters"
    LENGTH = "length"
    SHAPE = "shape"


FEATURES = {Kind.CLASSES: Feature.CLASSES, Kind.LENGTH: Feature.LENGTH, Kind.SHAPE: Feature.SHAPE}


class Asked(Protocol):
    """A request: what was asked for, and how."""

    @property
    def route(self) -> str:
        """Its path, folded."""
        ...

    @property
    def method(self) -> bytes:
        """As it was logged."""
        ...

    @property
    def code(self) -> int:
        """Kind of the method; see `method_code`."""
        ...


class Novelty(msgspec.Struct, frozen=True):
    """One new thing.

    Attributes:
        slot: What it is new for.
        feature: What is new, as text, so that the same thing is known again; of characters, the new classes.
        seen: Requests, queries or values seen before, of which `chance` counts the latest.
        parameter: The parameter that carries it, where one does.
        known: What was known, as it is told.
    """

    kind: Kind
    slot: int
    feature: bytes
    chance: Chance
    seen: int
    parameter: Parameter | None = None
    known: int = 0

    @property
    def surprise(self) -> float:
        """-log10 of the probability of something new."""
        return -math.log10(self.chance.probability)


def novelties(profiles: Profiles, asked: Asked, service: int, parameters: list[Parameter]) -> list[Novelty]:
    """Everything that is new in a request, judged by the profiles as they are.

    Args:
        service: Slot of the service, `UNKNOWN` if it has none yet; then nothing can be told.
        parameters: The request's.
    """
    if service < 0:
        return []
    route = profiles.route(service, asked.route)
    if route == UNKNOWN:
        if profiles.crowded:
            return []
        return [
            Novelty(
                Kind.ROUTE, service, asked.route.encode("utf-8", "surrogateescape"),
                profiles.chance(service, Feature.MEMBER), profiles.seen(service),
            )
        ]  # fmt: skip
    found = []
    if asked.code and not int(profiles.bits[route]) >> asked.code & 1:
        chance = profiles.chance(route, Feature.MEMBER)
        found.append(Novelty(Kind.METHOD, route, asked.method, chance, profiles.seen(route)))
    for parameter in parameters:
        found.extend(of_parameter(profiles, route, parameter))
    return found


def of_parameter(profiles: Profiles, route: int, parameter: Parameter) -> list[Novelty]:
    """What is new in one parameter.

    Args:
        route: Slot of the route that it is sent to.
    """
    slot = profiles.parameter(route, parameter.name)
    if slot == UNKNOWN:
        if (
            profiles.full[route]
            or profiles.is_tracking(parameter.name)
            or profiles.stands_anywhere(route, parameter.name)
        ):
            return []
        query = route + 1
        chance = profiles.chance(query, Feature.MEMBER)
        return [Novelty(Kind.NAME, query, parameter.name, chance, profiles.seen(query), parameter)]
    new: list[tuple[Kind, bytes, int]] = []
    known = int(profiles.bits[slot])
    fresh = parameter.classes & ~known
    if fresh:
        new.append((Kind.CLASSES, b"%x" % fresh, known))
    high = int(profiles.high[slot])
    if parameter.step >= high + LEAP:
        new.append((Kind.LENGTH, b"%d" % parameter.step, high))
    if parameter.shape and not profiles.has_shape(slot, parameter.shape):
        new.append((Kind.SHAPE, parameter.shape, int(profiles.shape_count[slot])))
    seen = profiles.seen(slot)
    return [
        Novelty(kind, slot, text, profiles.chance(slot, FEATURES[kind]), seen, parameter, before)
        for kind, text, before in new
    ]
