"""The memory of the engine for flows as bytes, and back; what `vedette.engine.snapshot` is for requests.

Another version of the program may have written it: each part that this one cannot read begins anew, and what is lost
with it is said; the others go on. `FORMAT` tells apart what has the same shape and another meaning.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from vedette import __version__
from vedette.detectors.network.metrics import NetworkMetric
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.engine.network import NetworkEngine
from vedette.engine.snapshot import Anew
from vedette.schema.state import StateError, check, decode, encode
from vedette.windows.contacts import PackedWindow

FORMAT: Final = 1
_WINDOWS: Final = "open windows of flows"
_LOSSES: Final[Mapping[str, str]] = {
    _WINDOWS: "flows of the windows that were open are not judged",
    "baselines of flows": "what is normal is learned anew, and nothing is judged by it until then",
    "thresholds of flows": "the budget finds its thresholds anew",
    "statements of flows": "when the like of an anomaly was there before is forgotten",
    "coverage of flows": "what was judged before is not counted",
}
_ALL_LOST: Final = "all that was learned of flows is learned anew"


class _Covered(msgspec.Struct, frozen=True, array_like=True):
    """The engine's own counts of `Coverage`."""

    start: int | None
    end: int | None
    windows: int
    insufficient_data: int
    insufficient_by: dict[str, int]


class _State(msgspec.Struct, frozen=True):
    """All of it. `rests_on` is the configuration without which the rest means something else."""

    rests_on: str
    windower: bytes
    baselines: bytes
    thresholds: bytes
    detectors: dict[str, bytes]
    statements: bytes
    recent: list[PackedWindow]
    last: int | None
    covered: _Covered
    extremes: dict[str, tuple[float, float]]
    format: int = 1
    """The first one told none, nor its version."""
    version: str = "0.1.0"


def network_state(engine: NetworkEngine) -> bytes:
    """Everything that shapes what an engine will say."""
    coverage = engine.coverage
    return encode(
        _State(
            _foundation(engine),
            engine.windower.to_state(),
            engine.baselines.to_state(),
            engine.thresholds.to_state(),
            {detector.name: detector.to_state() for detector in engine.detectors},
            engine.stated.to_state(),
            [window.packed() for window in engine.recent],
            engine.last,
            _Covered(
                coverage.start,
                coverage.end,
                coverage.windows,
                coverage.insufficient_data,
                dict(sorted(coverage.insufficient_by.items())),
            ),
            {metric.value: seen for metric, seen in engine.extremes.items()},
            FORMAT,
            __version__,
        )
    )


def restore_network(
    make: Callable[[], NetworkEngine], content: bytes, seen: int | None = None
) -> tuple[NetworkEngine, list[Anew]]:
    """An engine that goes on from what `network_state` gave, and what of it begins anew.

    Args:
        make: Makes an engine as configured now. content: From `network_state`, unharmed: a snapshot is sealed.
        seen: The newest time of flows that had come, microseconds.
    """
    engine = make()
    try:
        kept = decode(content, _State, "state of flows")
    except StateError as error:
        return engine, [Anew("flows", f"another version wrote it ({error}): {_ALL_LOST}")]
    if kept.format != FORMAT:
        told = f"Vedette {kept.version[:40]} wrote it in format {kept.format}, and this one reads {FORMAT}"
        return engine, [Anew("flows", f"{told}: {_ALL_LOST}")]
    if kept.rests_on != _foundation(engine):
        return engine, [Anew("flows", f"it rests on {kept.rests_on}, and that is now {_foundation(engine)}")]
    anew: dict[str, Anew] = {}
    while (refused := _refused(engine, kept, anew, seen)) is not None:
        anew[refused.part] = refused
        # What was refused may be half taken over.
        engine = make()
    return engine, list(anew.values())


def _refused(
    engine: NetworkEngine, kept: _State, without: Mapping[str, Anew], seen: int | None
) -> Anew | None:
    """Take over what was kept but for some parts; returns the first that cannot be, or None."""
    takers: dict[str, Callable[[], object]] = {
        _WINDOWS: lambda: _take_windows(engine, kept),
        "baselines of flows": lambda: engine.baselines.from_state(kept.baselines),
        "thresholds of flows": lambda: engine.thresholds.from_state(kept.thresholds),
        "statements of flows": lambda: engine.stated.from_state(kept.statements),
        "coverage of flows": lambda: _take_coverage(engine, kept),
    }
    for detector in engine.detectors:
        if (memory := kept.detectors.get(detector.name)) is not None:
            takers[detector.name] = lambda take=detector.from_state, memory=memory: take(memory)  # type: ignore[misc]
    engine.last = kept.last
    for part, take in takers.items():
        if part in without:
            continue
        try:
            take()
        except ValueError as error:
            loss = _LOSSES.get(part, "what it remembers of addresses is forgotten")
            return Anew(part, f"Vedette {kept.version[:40]} wrote it otherwise ({error}): {loss}")
    if _WINDOWS in without and kept.last is not None:
        # A window of which the beginning is lost would look like a drop.
        engine.last = kept.last if seen is None else max(kept.last, seen // engine.settings.span)
        engine.windower.begin_after(engine.last)
    return None


def _take_windows(engine: NetworkEngine, kept: _State) -> None:
    engine.windower.from_state(kept.windower)
    engine.recent.extend(RecentWindow.unpacked(window) for window in kept.recent)


def _take_coverage(engine: NetworkEngine, kept: _State) -> None:
    check(set(kept.extremes) <= {metric.value for metric in NetworkMetric}, "state of flows")
    engine.extremes = {NetworkMetric(name): seen for name, seen in kept.extremes.items()}
    coverage, covered = engine.coverage, kept.covered
    coverage.start, coverage.end = covered.start, covered.end
    coverage.windows, coverage.insufficient_data = covered.windows, covered.insufficient_data
    coverage.insufficient_by = covered.insufficient_by


def _foundation(engine: NetworkEngine) -> str:
    settings = engine.settings
    thresholds = type(engine.thresholds).__name__
    return f"windows of {settings.span // 1_000_000} s, {settings.min_windows} of them, {thresholds}"
