"""Fit a model of floods to labelled windows, and check it on recordings that it was not fitted to."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.flood_features import FLOOD_FEATURES
from vedette.detectors.learned.flood_model import (
    EVERY_SERVICE,
    FloodCard,
    FloodChecked,
    FloodModel,
    log_odds,
)
from vedette.detectors.learned.flood_windows import LabelledWindows
from vedette.detectors.learned.random_forest import RandomForest, fit_random_forest
from vedette.detectors.learned.tail import Tail, fit_tail
from vedette.detectors.learned.training import Refused
from vedette.windows.layout import SLICES

TREES: Final = 64
"""Of a table of 305 windows, 200 reached no more than 64: F1 0.916 both ways, over three seeds."""
LEAST_OF_CLASS: Final = 50
"""Windows of each class that a model is fitted to: ten leaves of the smallest size."""
PARTS: Final = 5
ALARM: Final = 0.5
_CHANGES: Final = 1e-4
"""Range below which a feature is the same everywhere: what is left is the rounding of float32."""
_LEAST_SCALE: Final = 0.1
"""Log-odds of quiet windows that are all alike: the difference that would matter."""


class Judged(msgspec.Struct, frozen=True):
    """How a model did: F1 of floods, and the share of normal windows that it calls floods."""

    f1: float
    false_positives: float


def fit_flood_model(windows: LabelledWindows, *, seed: int = 1) -> FloodModel | Refused:
    """Fit to a table of windows, and check; the same table and seed give the same model."""
    positive = windows.positive
    floods = int(positive.sum())
    lacking = _lacks(len(windows), floods)
    if lacking:
        return Refused(lacking)
    rows = windows.features(positive)
    constant = [
        f.name for f, width in zip(FLOOD_FEATURES, np.ptp(rows, axis=0), strict=True) if width < _CHANGES
    ]
    if len(constant) > len(FLOOD_FEATURES) - 2:
        return Refused(
            f"{len(constant)} of {len(FLOOD_FEATURES)} features never change ({', '.join(constant)}): at least two "
            "must, to tell floods by"
        )
    part = parts(windows, PARTS)
    if part is None:
        return Refused(
            f"{len(np.unique(windows.session))} recordings (windows without a gap of five minutes): floods and normal "
            "traffic must each be in two, so that the model can be checked on one that it was not fitted to"
        )
    held = held_out(rows, positive, part, seed)
    judged = judge(held >= ALARM, positive)
    blind = judge(np.ones(len(rows), dtype=np.bool_), positive).f1
    if judged.f1 <= blind:
        return Refused(
            f"on recordings that it was not fitted to it finds floods with F1 {judged.f1:.2f}: calling every window a "
            f"flood gives {blind:.2f}; give more recordings"
        )
    forest = fit_random_forest(rows, positive, _names(), trees=TREES, seed=seed)
    step = _step(windows.time)
    checked = FloodChecked(len(rows), floods, judged.f1, judged.false_positives, int(part.max(initial=0)) + 1)
    card = flood_card(
        forest,
        quiet=quiet_tail(held[~positive]),
        alarm=ALARM,
        floods=floods,
        rows=len(rows),
        sessions=len(np.unique(windows.session)),
        checked=checked,
        minutes=SLICES * step / 60.0,
        span=(int(windows.time[0]) * 1_000_000, (int(windows.time[-1]) + step) * 1_000_000),
        seed=seed,
        trained_on="labelled windows",
    )
    return FloodModel(card, forest)


def flood_card(
    forest: RandomForest,
    *,
    quiet: Tail,
    alarm: float,
    floods: int,
    rows: int,
    sessions: int,
    checked: FloodChecked,
    minutes: float,
    span: tuple[int, int],
    seed: int,
    trained_on: str,
) -> FloodCard:
    """What is known about a model that was fitted; `span` is in microseconds."""
    from importlib.metadata import version

    return FloodCard(
        service=EVERY_SERVICE,
        minutes=minutes,
        start=span[0],
        end=span[1],
        rows=rows,
        sessions=sessions,
        seed=seed,
        versions={name: version(name) for name in ("numpy", "scikit-learn")},
        names=forest.trees.names,
        usual=forest.usual,
        alarm=alarm,
        quiet=quiet,
        floods=floods,
        checked=checked,
        trained_on=trained_on,
    )


def quiet_tail(probability: NDArray[np.float64]) -> Tail:
    """Tail of the log-odds of normal windows that a model was not fitted to, from its probabilities, float64 (n,)."""
    return fit_tail(log_odds(probability), least_scale=_LEAST_SCALE)


def parts(windows: LabelledWindows, most: int) -> NDArray[np.int64] | None:
    """Which part each window is of, int64 (n,): whole recordings, dealt so that each class is in every other part.

    The recordings of each class are dealt by themselves, in order of time: a label often goes with the recording.
    None if a class is in one recording only.
    """
    part = np.zeros(len(windows), dtype=np.int64)
    sessions = np.unique(windows.session)
    flooded = np.array([windows.positive[windows.session == s].any() for s in sessions])
    fewest = min(int(flooded.sum()), int((~flooded).sum()))
    if flooded.all():
        # Each recording has both, perhaps: floods among normal traffic.
        mixed = sum(bool((~windows.positive[windows.session == s]).any()) for s in sessions)
        fewest = min(len(sessions), mixed)
    if fewest < 2:
        return None
    count = min(most, max(int(flooded.sum()), int((~flooded).sum())))
    for chosen in (sessions[flooded], sessions[~flooded]):
        for place, session in enumerate(chosen.tolist()):
            part[windows.session == session] = place % count
    return part


def held_out(
    rows: NDArray[np.float32], positive: NDArray[np.bool_], part: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """Probabilities by models that were fitted to the other parts, float64 (n,)."""
    found = np.zeros(len(rows))
    for number in np.unique(part).tolist():
        out = part == number
        forest = fit_random_forest(rows[~out], positive[~out], _names(), trees=TREES, seed=seed)
        found[out] = forest.probability(rows[out])
    return found


def judge(called: NDArray[np.bool_], positive: NDArray[np.bool_]) -> Judged:
    """Hold what was called a flood against what is one; bool (n,) both."""
    right, wrong = int((called & positive).sum()), int((called & ~positive).sum())
    missed, normal = int((~called & positive).sum()), int((~positive).sum())
    return Judged(2 * right / max(2 * right + wrong + missed, 1), wrong / max(normal, 1))


def _names() -> list[str]:
    return [feature.name for feature in FLOOD_FEATURES]


def _lacks(rows: int, floods: int) -> str:
    normal = rows - floods
    for name, value, count in (("attack", 1, floods), ("normal", 0, normal)):
        if count == 0:
            return (
                f"all {rows} windows have the label {1 - value}: some of the label {value} ({name}) are needed to tell "
                "the two apart"
            )
    if min(floods, normal) < LEAST_OF_CLASS:
        return (
            f"{normal} normal windows and {floods} of attacks: at least {LEAST_OF_CLASS} of each are needed"
        )
    return ""


def _step(time: NDArray[np.int64]) -> int:
    """Seconds from one window to the next."""
    gaps = np.diff(np.unique(time))
    return int(gaps.min()) if len(gaps) else 20
