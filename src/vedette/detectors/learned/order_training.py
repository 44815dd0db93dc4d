"""Fit a model of order to a sample, and check it on the part of it that is latest."""

from collections.abc import Callable
from typing import Final, TypedDict

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.detectors.learned import drift
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.checks import (
    HELD_OUT,
    LEAST_SEPARATION,
    LEAST_SESSIONS,
    auc,
)
from vedette.detectors.learned.client_training import MOST_OF_CLIENT
from vedette.detectors.learned.order_model import (
    MOST_VOCABULARY,
    OrderChecked,
    OrderModel,
    beyond,
)
from vedette.detectors.learned.sequence_sample import LEAST_TOKENS, SequenceSample
from vedette.detectors.learned.tail import Tail, fit_tail
from vedette.detectors.learned.tokens import PAD, UNKNOWN, Vocabulary
from vedette.detectors.learned.training import Job, Refused
from vedette.detectors.learned.walks import PART, Chunks, chunks, highest, oddness, session_starts
from vedette.windows.quantiles import quantile

_LEAST_COUNT: Final = 2
"""A token that the sample has once is unknown: so the model learns what follows the unknown, and how frequent it is."""
_LONG: Final = 5
"""Requests of a session that has an order."""
MOST_UNKNOWN: Final = 0.05
"""Share of requests that a model does not know, from which it is fitted anew ..."""
TIMES_UNKNOWN: Final = 3.0
"""... if that is so many times what it was on the sessions that the model was checked on."""
SHADOW_MARGIN: Final = 0.05
"""By so much less surprising the latest requests must be to the running model than to a new one for it to stay."""
_SMALLEST_SCALE: Final = 0.05
_MOST_SCORED: Final = 512
"""Sessions by whose scores drift is told: the engine waits for them."""


class Parted(msgspec.Struct, frozen=True):
    """A sample in sessions, of which a model is fitted to the earlier, and checked on the latest.

    Attributes:
        starts, length: int (sessions,), the first row of each, and how many. late: bool (sessions,), the latest.
        of_late: bool (n,), their rows. vocabulary: Of the earlier rows. token: int64 (n,), numbers in it.
        place: int (n,), in the session. counts: int64 (tokens,) twice: of the earlier rows, and of the latest.
        stability: Index by which the latest ask for other things.
    """

    sample: SequenceSample
    starts: NDArray[np.intp]
    length: NDArray[np.intp]
    late: NDArray[np.bool_]
    of_late: NDArray[np.bool_]
    vocabulary: Vocabulary
    token: NDArray[np.int64]
    place: NDArray[np.int64]
    counts: tuple[NDArray[np.int64], NDArray[np.int64]]
    stability: float

    @property
    def sessions(self) -> int:
        """The latest."""
        return int(np.count_nonzero(self.late))

    def windows(self, chosen: NDArray[np.bool_], depth: int) -> Chunks:
        """A model's windows on some sessions; for `depth` see `OrderModel`."""
        return _windows(self.token, self.starts, self.length, chosen, depth)


def parted_sample(job: Job) -> Parted | Refused:
    """The sample of a job, if a model can be fitted to it."""
    sample = SequenceSample()
    sample.from_state(job.sample)
    sample.keep(_fair(sample.client))
    if len(sample) < LEAST_TOKENS:
        return Refused(f"{len(sample)} requests of clients: {LEAST_TOKENS} are needed")
    starts = session_starts(sample.client, sample.window)
    length = np.diff(np.append(starts, len(sample)))
    # By time, and never a session in both parts.
    begun = sample.window[starts]
    late = begun >= quantile(begun, 1.0 - HELD_OUT)
    of_late, sessions = np.repeat(late, length), int(np.count_nonzero(late))
    if sessions < LEAST_SESSIONS or np.count_nonzero(~late) < LEAST_SESSIONS:
        return Refused(
            f"{np.count_nonzero(~late)} sessions before the latest part and {sessions} in it: {LEAST_SESSIONS} of each "
            "are needed"
        )
    vocabulary = _vocabulary(sample, ~of_late)
    if len(vocabulary.texts) < 3:
        return Refused(f"{len(vocabulary.texts)} different requests: nothing to tell sessions by")
    token = np.append(vocabulary.numbers(sample.texts), UNKNOWN)[sample.token]
    place = np.arange(len(token)) - np.repeat(starts, length)
    early, latest = (np.bincount(token[part], minlength=len(vocabulary)) for part in (~of_late, of_late))
    stability = drift.index_of_counts(*drift.most_frequent(early, latest))
    if stability > drift.MOST:
        return Refused(
            f"its latest clients ask for other things than those before (stability index {stability:.2f}, at most "
            f"{drift.MOST})"
        )
    return Parted(sample, starts, length, late, of_late, vocabulary, token, place, (early, latest), stability)


class Grounds(TypedDict):
    """What any model's card tells of what it was fitted to, before it was checked."""

    service: str
    minutes: float
    start: int
    end: int
    rows: int
    sessions: int
    vocabulary: tuple[str, ...]
    sessions_tail: Tail
    checked: OrderChecked
    seed: int


def grounds(job: Job, parted: Parted) -> Grounds:
    """See `Grounds`."""
    window = parted.sample.window
    return Grounds(
        service=job.service,
        minutes=job.span / 60e6,
        start=int(window.min()) * job.span,
        end=(int(window.max()) + 1) * job.span,
        rows=len(parted.sample),
        sessions=len(parted.starts),
        vocabulary=parted.vocabulary.texts,
        sessions_tail=fit_tail(np.zeros(1), least_scale=_SMALLEST_SCALE),
        checked=OrderChecked(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        seed=job.seed,
    )


def calibrated(
    job: Job,
    parted: Parted,
    model: OrderModel,
    draw: np.random.Generator,
    read: Callable[[bytes], OrderModel],
) -> OrderModel | Refused:
    """The model, checked and calibrated on the latest sessions.

    Args:
        model: Fitted to the earlier ones. draw: For sessions by chance. read: Reads the model at work.
    """
    of_late, late_length = parted.of_late, parted.length[parted.late]
    token, (early, latest) = parted.token[of_late], parted.counts
    held = parted.windows(parted.late, model.depth)
    surprise, expected = model.surprise(held)
    excess = beyond(held, surprise, expected)
    separation = _separation(
        model, excess, _by_chance(token, early, draw), parted.place[of_late], late_length
    )
    if separation < LEAST_SEPARATION:
        return Refused(
            f"it does not know its clients' order from chance (area under the curve {separation:.2f}, at least "
            f"{LEAST_SEPARATION})"
        )
    worse = _shadowed(job, parted, float(surprise.mean()), read)
    if worse:
        return Refused(worse)
    most = highest(np.cumsum(late_length) - late_length, parted.sample.window[of_late], excess)
    share = (early + 0.5) / (early + 0.5).sum()
    checked = OrderChecked(
        requests=len(surprise),
        sessions=parted.sessions,
        stability=parted.stability,
        separation=separation,
        surprise=float(surprise.mean()),
        expected=float(expected.mean()),
        by_frequency=float(-np.log10(share[token]).mean()),
        unknown=float((token == UNKNOWN).mean()),
    )
    card = replace(
        model.card,
        sessions_tail=fit_tail(most, least_scale=_SMALLEST_SCALE, sums=True),
        checked=checked,
        counts=tuple((early + latest).tolist()),
        scores=drift.Population.of(most),
    )
    return model.calibrated(card)


def order_drift(model: OrderModel, sample: SequenceSample, span: int) -> str:
    """In what the requests of a sample are unlike those that a model was fitted to; empty if in nothing.

    Args:
        span: Length of a window, microseconds.
    """
    sample.settle()
    card = model.card
    if len(sample) < LEAST_TOKENS:
        return ""
    token = np.append(model.vocabulary.numbers(sample.texts), UNKNOWN)[sample.token]
    share = float((token == UNKNOWN).mean())
    most = max(MOST_UNKNOWN, TIMES_UNKNOWN * card.checked.unknown)
    if share > most:
        return f"drift of its vocabulary: {share:.1%} of the requests are new, at most {most:.1%}"
    if card.scores is None or not drift.tells_drift(sample.window, span, card.end - card.start):
        return ""
    known = np.array(card.counts, dtype=np.int64)
    mix = drift.index_of_counts(*drift.most_frequent(known, np.bincount(token, minlength=len(known))))
    told = [("requests", mix), ("scores", card.scores.index(_scores(model, sample, token)))]
    name, index = max(told, key=lambda pair: pair[1])
    return f"drift of {name}: stability index {index:.2f}, at most {drift.MOST}" if index > drift.MOST else ""


def _scores(model: OrderModel, sample: SequenceSample, token: NDArray[np.int64]) -> NDArray[np.float64]:
    """The highest score of each of the first sessions; clients are in order of their hashes, so these are by lot."""
    starts = session_starts(sample.client, sample.window)
    past = int(starts[_MOST_SCORED]) if len(starts) > _MOST_SCORED else len(token)
    starts = starts[:_MOST_SCORED]
    length = np.diff(np.append(starts, past))
    windows = _windows(token[:past], starts, length, np.ones(len(starts), dtype=np.bool_), model.depth)
    return highest(starts, sample.window[:past], model.excess(windows))


def _shadowed(job: Job, parted: Parted, surprise: float, read: Callable[[bytes], OrderModel]) -> str:
    """Why the running model is to stay; empty if it is not. Judged by the latest part, which neither was fitted to."""
    if job.running is None:
        return ""
    try:
        running = read(job.running)
    except ModelError:
        # It can judge no more: whatever passes its own check is better.
        return ""
    token = np.append(running.vocabulary.numbers(parted.sample.texts), UNKNOWN)[parted.sample.token]
    windows = _windows(token, parted.starts, parted.length, parted.late, running.depth)
    seen, _ = running.surprise(windows)
    if float(seen.mean()) >= surprise - SHADOW_MARGIN:
        return ""
    return (
        f"the latest requests surprise the running model less (on average {seen.mean():.3f}, the new one "
        f"{surprise:.3f}): it stays"
    )


def _fair(client: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Rows with which no client has more than its share, bool (n,): of more, the first."""
    most = max(PART, round(MOST_OF_CLIENT * len(client)))
    place = np.arange(len(client))
    starts = np.append(True, client[1:] != client[:-1])[: len(client)]
    return np.asarray(place - np.maximum.accumulate(np.where(starts, place, 0)) < most)


def _vocabulary(sample: SequenceSample, fitted: NDArray[np.bool_]) -> Vocabulary:
    """The most frequent tokens of the earlier part."""
    known = sample.token[fitted]
    counts = np.bincount(known[known >= 0], minlength=len(sample.texts))
    order = sorted(range(len(counts)), key=lambda n: (-int(counts[n]), sample.texts[n]))
    return Vocabulary([sample.texts[n] for n in order[:MOST_VOCABULARY] if counts[n] >= _LEAST_COUNT])


def _windows(
    token: NDArray[np.int64],
    starts: NDArray[np.intp],
    length: NDArray[np.intp],
    chosen: NDArray[np.bool_],
    depth: int,
) -> Chunks:
    """A model's windows on some whole sessions."""
    begin = np.zeros(int(np.count_nonzero(chosen)), dtype=np.int64)
    start, past = starts[chosen].astype(np.int64), length[chosen].astype(np.int64)
    return chunks(token, start, begin, begin, past, depth)


def counted(windows: Chunks) -> NDArray[np.int64]:
    """Targets, int64 of the windows' shape; `PAD` where a request counts in another window."""
    counted = np.full(windows.targets.shape, PAD, dtype=np.int64)
    counted[windows.row, windows.column] = windows.targets[windows.row, windows.column]
    return counted


def _by_chance(
    token: NDArray[np.int64], counts: NDArray[np.int64], draw: np.random.Generator
) -> NDArray[np.int64]:
    """As many tokens, drawn as frequently as they are."""
    return np.asarray(draw.choice(len(counts), size=len(token), p=counts / counts.sum()), dtype=np.int64)


def _separation(
    model: OrderModel,
    excess: NDArray[np.float64],
    drawn: NDArray[np.int64],
    place: NDArray[np.int64],
    length: NDArray[np.intp],
) -> float:
    """Area under the curve of long sessions drawn by chance against those that there were, by their first part."""
    starts = np.cumsum(length) - length
    begin = np.zeros(len(length), dtype=np.int64)
    start, past = starts.astype(np.int64), length.astype(np.int64)
    by_chance = model.excess(chunks(drawn, start, begin, begin, past, model.depth))
    session = np.repeat(np.arange(len(length)), length)
    first = place < PART
    count = np.minimum(length, PART).astype(np.int64)

    def scores(of: NDArray[np.float64]) -> NDArray[np.float64]:
        summed = np.bincount(session[first], weights=of[first], minlength=len(length)).astype(np.float64)
        return oddness(summed, count)[length >= _LONG]

    seen = scores(excess)
    return auc(seen, scores(by_chance)) if len(seen) else 0.0
