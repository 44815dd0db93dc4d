"""Fit a model of clients to a sample, and check it on the part of it that is latest."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

import msgspec
import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from vedette.detectors.learned import drift
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.checks import HELD_OUT, LEAST_SEPARATION, LEAST_SESSIONS, auc, versions
from vedette.detectors.learned.drift import Population
from vedette.detectors.learned.evidence import most_evidence
from vedette.detectors.learned.features import (
    DAILY,
    ClientTable,
    FeatureError,
    matrix,
    route_rarity,
)
from vedette.detectors.learned.forest import Forest, fit_forest
from vedette.detectors.learned.model import (
    BehaviourCard,
    BehaviourModel,
    Checked,
    ClientCard,
    ClientModel,
    read_client_model,
)
from vedette.detectors.learned.own_features import all_features
from vedette.detectors.learned.sample import LEAST_ROWS, SESSION_WINDOWS, Sample
from vedette.detectors.learned.tail import fit_tail
from vedette.detectors.learned.training import Job, Refused
from vedette.schema.spans import DAY_US
from vedette.windows.distinct import distinct_values
from vedette.windows.layout import Client
from vedette.windows.quantiles import quantile, quantiles

MOST_OF_CLIENT = 0.01
"""Share of the sample that one client's rows make up: a few that never rest are not what is usual."""
LEAST_DAYS = 3.0
"""Days of a sample from which the time of day is a feature: before that, every new hour would be odd."""
SHADOW_MARGIN = 0.02
"""Area under the curve by which a running model may be better and is replaced all the same: three times what twelve
fits of one sample with other seeds lay apart (0.006)."""
_SMALLEST_SCALE = 0.01
_SMALLEST_EVIDENCE = 0.25


class Scorer(Protocol):
    """What a model of clients scores by."""

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """How odd rows are, float64 (n,)."""
        ...


F = TypeVar("F", bound=Scorer)


class Way(msgspec.Struct, Generic[F], frozen=True):
    """How one kind of model of clients is made.

    Attributes:
        fit: To rows, float32 (n, features), of so named features, with a seed. build: The model from what was fitted.
        read: A model from its bytes. libraries: Whose versions are told.
    """

    fit: Callable[[NDArray[np.float32], Sequence[str], int], F]
    build: Callable[[BehaviourCard, F, NDArray[np.float64]], BehaviourModel]
    read: Callable[[bytes], BehaviourModel]
    libraries: tuple[str, ...]


def fit_client_model(job: Job) -> BehaviourModel | Refused:
    """Fit a forest, check and calibrate it. The same job gives the same model."""
    return fit_behaviour(job, _FOREST)


def fit_behaviour(job: Job, way: Way[F]) -> BehaviourModel | Refused:
    """Fit, check and calibrate. The same job gives the same model."""
    parted = _parted(job)
    if isinstance(parted, Refused):
        return parted
    fitted, held = parted.rows[~parted.late], parted.rows[parted.late]
    scorer = way.fit(fitted, parted.names, job.seed)
    scores = scorer.score(held)
    checked = _check(scorer, fitted, scores, parted.sessions, job.seed)
    refused = _refused(checked) or _shadowed(job, way, parted.sample, parted.late, checked)
    if refused:
        return Refused(refused)
    return way.build(_card(job, way, parted, scores, checked), scorer, parted.rarity)


class _Parted(msgspec.Struct, frozen=True):
    """A sample, of which a model is fitted to the earlier sessions, and checked on the latest.

    Attributes:
        late: bool (n,), rows of the latest sessions. sessions: How many these are.
        names: Of the features. rows: float32 (n, features). rarity: Of routes, by the earlier rows.
    """

    sample: Sample
    late: NDArray[np.bool_]
    sessions: int
    names: tuple[str, ...]
    rows: NDArray[np.float32]
    rarity: NDArray[np.float64]


def _parted(job: Job) -> _Parted | Refused:
    """The sample of a job, if a model can be fitted to it."""
    sample = Sample()
    sample.from_state(job.sample)
    sample.keep(_fair(sample))
    if len(sample) < LEAST_ROWS:
        return Refused(f"{len(sample)} windows of clients: {LEAST_ROWS} are needed")
    # By time, and never a session in both parts.
    first = _first_windows(sample)
    late = first >= quantile(first, 1.0 - HELD_OUT)
    if np.count_nonzero(~late) < LEAST_ROWS:
        return Refused(
            f"{np.count_nonzero(~late)} windows of clients before its latest part: {LEAST_ROWS} are needed"
        )
    sessions = len(distinct_values(sample.session[late]))
    if sessions < LEAST_SESSIONS:
        return Refused(f"{sessions} sessions in the latest part: {LEAST_SESSIONS} are needed")
    days = float(sample.window.max() - sample.window.min()) * job.span / DAY_US
    try:
        offered = all_features(job.features)
    except FeatureError as error:
        return Refused(str(error))
    features = [f for f in offered if f.name not in DAILY or days >= LEAST_DAYS]
    rarity = route_rarity(sample.sums[~late][:, Client.ROUTES])
    rows = matrix(
        features,
        ClientTable(
            sample.sums, (sample.window + 1) * job.span, ((len(sample.sums), rarity),), job.span / 60e6
        ),
    )
    spread = np.ptp(rows[~late], axis=0)
    if np.count_nonzero(spread) < 3:
        return Refused(
            f"{np.count_nonzero(spread == 0)} of {len(features)} features never change: nothing to tell clients by"
        )
    return _Parted(sample, late, sessions, tuple(feature.name for feature in features), rows, rarity)


def _refused(checked: Checked) -> str:
    """Why a model is not put to work by its own check; empty if it may be."""
    if checked.stability > drift.MOST:
        return (
            f"its latest clients behave unlike those it was fitted to (stability index {checked.stability:.2f}, "
            f"at most {drift.MOST})"
        )
    if checked.separation < LEAST_SEPARATION:
        return (
            f"it does not know its clients from noise (area under the curve {checked.separation:.2f}, "
            f"at least {LEAST_SEPARATION})"
        )
    return ""


def _card(
    job: Job, way: Way[F], parted: _Parted, scores: NDArray[np.float64], checked: Checked
) -> BehaviourCard:
    """What is said of a model that passed, calibrated on the scores of the latest rows."""
    sample = parted.sample
    windows = fit_tail(scores, least_scale=_SMALLEST_SCALE)
    evidence = most_evidence(sample.session[parted.late], windows.surprise(scores))
    low, mid, high = quantiles(parted.rows[~parted.late], [0.05, 0.5, 0.95])
    return BehaviourCard(
        service=job.service,
        minutes=job.span / 60e6,
        start=int(sample.window.min()) * job.span,
        end=(int(sample.window.max()) + 1) * job.span,
        rows=len(parted.rows),
        sessions=len(distinct_values(sample.session)),
        names=parted.names,
        windows=windows,
        sessions_tail=fit_tail(evidence, least_scale=_SMALLEST_EVIDENCE),
        low=_floats(low),
        mid=_floats(mid),
        high=_floats(high),
        checked=checked,
        scores=Population.of(scores),
        spread=tuple(Population.of(column) for column in parted.rows.T),
        seed=job.seed,
        versions=versions(*way.libraries),
        own=job.features,
    )


def _forest_model(card: BehaviourCard, forest: Forest, rarity: NDArray[np.float64]) -> ClientModel:
    return ClientModel(ClientCard(**asdict(card), usual_path=forest.usual), forest, rarity)


_FOREST: Final = Way(fit_forest, _forest_model, read_client_model, ("numpy",))


def _shadowed(job: Job, way: Way[F], sample: Sample, late: NDArray[np.bool_], checked: Checked) -> str:
    """Why the running model is to stay; empty if it is not. Judged by the latest part, which neither was fitted to."""
    if job.running is None:
        return ""
    try:
        running = way.read(job.running)
    except ModelError:
        # It can judge no more: whatever passes its own check is better.
        return ""
    rows = running.matrix(sample.sums, (sample.window + 1) * job.span)
    of_running = _check(running, rows[~late], running.score(rows[late]), checked.sessions, job.seed)
    if of_running.separation <= checked.separation + SHADOW_MARGIN:
        return ""
    return (
        f"the running model knows the latest clients from noise better (area under the curve "
        f"{of_running.separation:.3f}, the new one {checked.separation:.3f}): it stays"
    )


def client_drift(model: BehaviourModel, sample: Sample, span: int) -> str:
    """In what the clients of a sample are unlike those that a model was fitted to; empty if in nothing.

    Args:
        span: Length of a window, microseconds.
    """
    sample.settle()
    card = model.card
    if len(sample) < LEAST_ROWS or card.scores is None:
        return ""
    if not drift.tells_drift(sample.window, span, card.end - card.start):
        return ""
    rows = model.matrix(sample.sums, (sample.window + 1) * span)
    told = [("scores", card.scores.index(model.score(rows)))]
    told += [
        (name, population.index(rows[:, place]))
        for place, (name, population) in enumerate(zip(card.names, card.spread, strict=True))
        if name not in DAILY
    ]
    name, index = max(told, key=lambda pair: pair[1])
    return f"drift of {name}: stability index {index:.2f}, at most {drift.MOST}" if index > drift.MOST else ""


def _fair(sample: Sample) -> NDArray[np.bool_]:
    """Rows with which no client has more than its share, bool (n,): of more, those of the first sessions by lot."""
    most = max(SESSION_WINDOWS, round(MOST_OF_CLIENT * len(sample.client)))
    order = np.argsort(sample.client, kind="stable")
    ordered = sample.client[order]
    place = np.arange(len(order))
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = ordered[1:] != ordered[:-1]
    kept = np.zeros(len(order), dtype=bool)
    kept[order] = place - np.maximum.accumulate(np.where(starts, place, 0)) < most
    return kept


def _check(
    scorer: Scorer, fitted: NDArray[np.float32], scores: NDArray[np.float64], sessions: int, seed: int
) -> Checked:
    draw = np.random.default_rng(seed)
    low, high = fitted.min(axis=0), fitted.max(axis=0)
    noise = draw.uniform(low, high, size=(len(scores), fitted.shape[1])).astype(np.float32)
    return Checked(
        rows=len(scores),
        sessions=sessions,
        stability=Population.of(scorer.score(fitted)).index(scores),
        separation=auc(scores, scorer.score(noise)),
    )


def _first_windows(sample: Sample) -> NDArray[np.int64]:
    """Of each row, the first window of its session; rows are sorted by session and window."""
    _, first, of_row = np.unique(sample.session, return_index=True, return_inverse=True)
    return np.asarray(sample.window[first][of_row])


def _floats(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
