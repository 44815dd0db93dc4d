"""The memory of the engine for flows as bytes, and back; what `vedette.engine.snapshot` is for requests."""

import msgspec

from vedette.detectors.network.metrics import NetworkMetric
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.engine.network import NetworkEngine
from vedette.schema.state import check, decode, encode
from vedette.windows.contacts import PackedWindow


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
        )
    )


def restore_network(engine: NetworkEngine, content: bytes) -> str | None:
    """Take over what `network_state` gave; returns why the engine begins anew instead, or None.

    Args:
        engine: As configured now; it has seen nothing. After an error it is to be thrown away.
        content: From `network_state`.

    Raises:
        StateError: Damaged; see `vedette.schema.state`.
    """
    kept = decode(content, _State, "state of flows")
    if kept.rests_on != _foundation(engine):
        return f"it rests on {kept.rests_on}, and that is now {_foundation(engine)}"
    engine.windower.from_state(kept.windower)
    engine.baselines.from_state(kept.baselines)
    engine.thresholds.from_state(kept.thresholds)
    for detector in engine.detectors:
        if detector.name in kept.detectors:
            detector.from_state(kept.detectors[detector.name])
    engine.stated.from_state(kept.statements)
    engine.recent.extend(RecentWindow.unpacked(window) for window in kept.recent)
    engine.last = kept.last
    check(set(kept.extremes) <= {metric.value for metric in NetworkMetric}, "state of flows")
    engine.extremes = {NetworkMetric(name): seen for name, seen in kept.extremes.items()}
    coverage, covered = engine.coverage, kept.covered
    coverage.start, coverage.end = covered.start, covered.end
    coverage.windows, coverage.insufficient_data = covered.windows, covered.insufficient_data
    coverage.insufficient_by = covered.insufficient_by
    return None


def _foundation(engine: NetworkEngine) -> str:
    settings = engine.settings
    thresholds = type(engine.thresholds).__name__
    return f"windows of {settings.span // 1_000_000} s, {settings.min_windows} of them, {thresholds}"
