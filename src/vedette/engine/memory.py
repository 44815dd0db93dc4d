"""What an engine remembers, part by part: how each is kept and taken back, and what it rests on.

What a part holds is its class's affair; see `vedette.schema.state`.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import msgspec

from vedette.detectors.memory import Memory
from vedette.detectors.parameters.habits import Habits
from vedette.engine.engine import Engine
from vedette.engine.sealed import Settings
from vedette.enrich.enrich import Enricher
from vedette.schema.findings import Coverage
from vedette.schema.state import StateError, check, decode, encode


class Part(NamedTuple):
    """One part of an engine's memory.

    Attributes:
        name: In words. rests_on: The settings without which it means something else.
        kept: What it is the memory of; None where that is not configured.
    """

    name: str
    rests_on: tuple[str, ...]
    kept: Memory | None


class _Told(msgspec.Struct, frozen=True):
    """A part that has to be told something besides its bytes."""

    to_state: Callable[[], bytes]
    from_state: Callable[[bytes], None]


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Where the engine is in time."""

    services: list[str]
    last: int | None
    heard: int | None
    idle: int
    windows_closed: int
    began: int | None = None


class _Covered(msgspec.Struct, frozen=True, array_like=True):
    """The engine's own counts of `Coverage`."""

    start: int | None
    end: int | None
    windows: int
    insufficient_data: int
    insufficient_by: dict[str, int]
    capped: dict[str, int]
    processed: list[tuple[str, int]]


def settings_of(engine: Engine, enricher: Enricher) -> Settings:
    """The configuration that parts rest on. Of those whose name begins with `most_` a larger one does no harm."""
    settings = engine.settings
    habits = engine.habits
    return {
        "span": settings.windows.span,
        "services": enricher.namer.about,
        "login_routes": _digest(settings.windows.login_routes),
        "most_routes": settings.windows.routes,
        "most_clients": settings.windows.client_slots,
        "most_suspects": settings.suspects,
        "most_entities": settings.entities,
        "most_services": settings.services,
        "most_profiles": 0 if habits is None else habits.profiles.capacity,
        "slug_values": str(settings.slug_values),
        "signatures": _digest([rule.id for rule in engine.scanner.rules]),
        "baselines": f"min_windows={settings.min_windows}",
        "timezone": settings.zone,
        "alarm": type(engine.thresholds).__name__,
    }


class DetectorMemoryError(StateError):
    """What one detector remembers cannot be taken back."""

    def __init__(self, detector: str, error: ValueError) -> None:
        super().__init__(str(error))
        self.detector = detector


def memory_of(
    engine: Engine, enricher: Enricher, taken: Collection[str] = (), without: Collection[str] = ()
) -> Iterator[Part]:
    """The parts, in the order in which they must be taken back: services first, whose numbers the others hold.

    Args:
        taken: Names of the parts that are to be taken back; what some hold means nothing without others.
        without: Detectors that are to take nothing back.
    """
    namer = enricher.namer
    collector = engine.collector
    windows = ("services", "span", "login_routes", "most_routes", "most_clients")
    entities = ("most_entities", "most_services", "span")
    yield Part("services", ("services",), enricher)
    yield Part(
        "place in time",
        ("span",),
        _Told(
            lambda: _place(engine),
            lambda content: _take_place(engine, content, namer.names if "services" in taken else None),
        ),
    )
    yield Part(
        "open windows",
        windows,
        _Told(
            engine.windower.to_state, lambda content: engine.windower.from_state(content, len(namer.names))
        ),
    )
    yield Part("evidence", ("services", "span"), collector.book)
    yield Part(
        "hostile rows",
        ("services", "span", "signatures"),
        _Told(
            collector.hostile.to_state,
            lambda content: collector.hostile.from_state(content, len(namer.names)),
        ),
    )
    yield Part(
        "history of clients",
        ("services", "span", "most_suspects"),
        _Told(engine.history.to_state, lambda content: engine.history.from_state(content, len(namer.names))),
    )
    yield Part("routes", ("slug_values",), engine.slugs)
    yield Part("entities", ("most_entities", "most_services"), engine.book)
    yield Part("baselines", (*entities, "baselines", "timezone"), engine.metrics)
    yield Part(
        "detectors",
        entities,
        _Told(lambda: _detectors(engine), lambda content: _take_detectors(engine, content, without)),
    )
    yield Part("sampling", ("span",), engine.sampling)
    yield Part("thresholds", ("span", "alarm"), engine.thresholds)
    # Suspects of open windows are told by the numbers of windows, services and routes.
    names = namer.names if "open windows" in taken else None
    yield Part("habits", ("most_profiles",), None if engine.habits is None else _habits(engine.habits, names))
    yield Part("trails", windows, engine.trails)
    yield Part("statements", (), engine.stated)
    yield Part("exceptions", (), engine.exceptions)
    yield Part("everyday requests", (), engine.everyday)
    yield Part("names", (), engine.names)
    yield Part(
        "coverage",
        (),
        _Told(lambda: _coverage(engine), lambda content: _take_coverage(engine, content, namer.names)),
    )


def _habits(habits: Habits, names: Sequence[str] | None) -> Memory:
    return _Told(habits.to_state, lambda content: habits.from_state(content, names))


def _place(engine: Engine) -> bytes:
    return encode(_Place(list(engine.services), *engine.place, engine.windows_closed, engine.began))


def _take_place(engine: Engine, content: bytes, names: Sequence[str] | None) -> None:
    place = decode(content, _Place, "place in time")
    check(place.idle >= 0, "place in time")
    engine.place = place.last, place.heard, place.idle
    engine.windows_closed, engine.began = place.windows_closed, place.began
    if names is not None:
        check(place.services == names[: len(place.services)], "place in time")


def _detectors(engine: Engine) -> bytes:
    return encode({detector.name: detector.to_state() for detector in engine.detectors})


def _take_detectors(engine: Engine, content: bytes, without: Collection[str]) -> None:
    memories = decode(content, dict[str, bytes], "detectors")
    for detector in engine.detectors:
        if detector.name in memories and detector.name not in without:
            try:
                detector.from_state(memories[detector.name])
            except ValueError as error:
                raise DetectorMemoryError(detector.name, error) from error


def _coverage(engine: Engine) -> bytes:
    coverage = engine.coverage
    return encode(
        _Covered(
            coverage.start,
            coverage.end,
            coverage.windows,
            coverage.insufficient_data,
            dict(sorted(coverage.insufficient_by.items())),
            dict(sorted(coverage.capped.items())),
            [(name, count) for name, count in zip(engine.services, engine.processed, strict=False) if count],
        )
    )


def _take_coverage(engine: Engine, content: bytes, names: Sequence[str]) -> None:
    covered = decode(content, _Covered, "coverage")
    engine.coverage = Coverage(
        start=covered.start,
        end=covered.end,
        windows=covered.windows,
        insufficient_data=covered.insufficient_data,
        insufficient_by=covered.insufficient_by,
        capped=covered.capped,
    )
    processed = dict(covered.processed)
    engine.processed = [processed.get(name, 0) for name in names]


def _digest(texts: Sequence[str]) -> str:
    joined = "\x1f".join(texts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(joined, digest_size=8).hexdigest()
