"""A model of how addresses of a network behave in a window: an isolation forest, calibrated on what it has not seen."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned import drift
from vedette.detectors.learned.archive import read_archive, write_archive
from vedette.detectors.learned.card import Card, ModelError, finite, within
from vedette.detectors.learned.checks import (
    HELD_OUT,
    LEAST_SEPARATION,
    LEAST_SESSIONS,
    auc,
    versions,
)
from vedette.detectors.learned.drift import Population
from vedette.detectors.learned.evidence import most_evidence
from vedette.detectors.learned.forest import FOREST_ARRAYS, Forest, fit_forest, read_forest
from vedette.detectors.learned.keys import address_keys, session_keys
from vedette.detectors.learned.tail import Tail, fit_tail
from vedette.detectors.learned.training import Job, Refused
from vedette.detectors.network.addresses import among
from vedette.detectors.network.manners import MANNERS
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.distinct import distinct_rows, distinct_values
from vedette.windows.quantiles import quantile, quantiles

LEAST_ROWS: Final = 1_000
"""Addresses' windows: 300 of them are held out, and a tail of one in ten has thirty in it."""
MOST_ROWS: Final = 32_768
"""Rows that are kept: beyond, every other window is forgotten, and from then on passed over."""
MOST_OF_WINDOW: Final = MOST_ROWS // 64
"""Rows of a window that are kept, however many addresses there are: a model rests on dozens of windows."""
SESSION_WINDOWS: Final = 30
"""A session is what an address does in so many windows, counted from the epoch: five minutes of windows of ten seconds.
Twelve, of which a site's sessions are, would not hold the evidence that the budget asks for here, with six times as
many windows a week."""
_SMALLEST_SCALE: Final = 0.01
_SMALLEST_EVIDENCE: Final = 0.25


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `MannerSample` holds."""

    stride: int
    window: PackedArray
    keys: PackedArray
    rows: PackedArray


class MannerSample:
    """How addresses behaved, window by window.

    Attributes:
        window: int64 (n,). keys: int64 (n, 2), addresses. rows: float32 (n, features).
    """

    def __init__(self) -> None:
        self.window = np.zeros(0, dtype=np.int64)
        self.keys = np.zeros((0, 2), dtype=np.int64)
        self.rows = np.zeros((0, len(MANNERS)), dtype=np.float32)
        self._stride = 1
        self._waiting: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self._held = 0

    def __len__(self) -> int:
        return self._held

    def add(self, window: int, keys: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
        """Take a window in.

        Args:
            window: Its number. keys: int64 (n,), of the addresses. rows: float32 (n, features), how each behaved.
        """
        if window % self._stride or not len(rows):
            return
        if len(rows) > MOST_OF_WINDOW:
            chosen = np.linspace(0, len(rows) - 1, MOST_OF_WINDOW).astype(np.int64)
            keys, rows = keys[chosen], rows[chosen]
        self._waiting.append((np.full(len(rows), window, dtype=np.int64), keys, rows))
        self._held += len(rows)
        if self._held > MOST_ROWS:
            self.settle()

    def drop(self, addresses: Iterable[str], since: int) -> None:
        """Take addresses out that turned out bad, from window `since` on."""
        self.settle()
        bad = (self.window >= since) & among(self.keys, addresses)
        if bad.any():
            self._keep(~bad)

    def settle(self) -> None:
        """Put together what was added, and halve it until it fits."""
        if self._waiting:
            parts = [(self.window, self.keys, self.rows), *self._waiting]
            self.window, self.keys, self.rows = (
                np.concatenate(column) for column in zip(*parts, strict=True)
            )
            self._waiting = []
        while len(self.window) > MOST_ROWS:
            self._stride *= 2
            self._keep(self.window % self._stride == 0)
        self._held = len(self.window)

    def lacks(self) -> str:
        """See `Collected`."""
        self.settle()
        if len(self.window) >= LEAST_ROWS:
            return ""
        return f"{len(self.window)} windows of addresses: {LEAST_ROWS} are needed"

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        self.window, self.keys, self.rows = self.window[kept], self.keys[kept], self.rows[kept]
        self._held = len(self.window)

    def to_state(self) -> bytes:
        """See `Collected`."""
        self.settle()
        return encode(_State(self._stride, pack(self.window), pack(self.keys), pack(self.rows)))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "sample of addresses"
        state = decode(content, _State, what)
        self.window = unpack(state.window, np.int64, (None,), what)
        n = len(self.window)
        self.keys = unpack(state.keys, np.int64, (n, 2), what)
        self.rows = unpack(state.rows, np.float32, (n, len(MANNERS)), what)
        check(state.stride > 0 and n <= 2 * MOST_ROWS and bool(np.isfinite(self.rows).all()), what)
        self._stride, self._waiting, self._held = state.stride, [], n


class MannerCard(Card, frozen=True, kw_only=True):
    """What is known about a model of addresses besides its trees.

    Attributes:
        names: Of the features. usual_path: Length of a usual row's path.
        tail: Of scores of the time that it was not fitted to. sessions_tail: Of sessions' evidence in it.
        low, mid, high: Quantiles 0.05, 0.5, 0.95 of each feature.
        stability, separation: What its own check found; see `vedette.detectors.learned.model.Checked`.
    """

    names: tuple[str, ...]
    usual_path: float
    tail: Tail
    sessions_tail: Tail
    low: tuple[float, ...]
    mid: tuple[float, ...]
    high: tuple[float, ...]
    stability: float
    separation: float

    def refuse(self) -> None:
        """See `Card`."""
        super().refuse()
        self.tail.refuse("tail")
        self.sessions_tail.refuse("sessions_tail")
        for name in ("low", "mid", "high"):
            values = getattr(self, name)
            within(f"the count of {name}", len(values), len(self.names), len(self.names))
            finite(name, values)


class MannerModel(msgspec.Struct, frozen=True):
    """An isolation forest over windows of addresses, calibrated."""

    card: MannerCard
    forest: Forest

    def surprise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """-log10 of the share of usual windows of addresses that are isolated as quickly, float64 (k,)."""
        return self.card.tail.surprise(self.forest.score(rows))

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, self.forest.arrays())

    def summary(self) -> str:
        """See `Model`."""
        card = self.card
        return (
            f"from {card.rows:,} windows of {card.sessions:,} addresses; stability {card.stability:.3f}, "
            f"separation {card.separation:.3f}"
        )


def fit_manner_model(job: Job) -> MannerModel | Refused:
    """Fit, check and calibrate. The same job gives the same model."""
    sample = MannerSample()
    sample.from_state(job.sample)
    if lacks := sample.lacks():
        return Refused(lacks)
    late = sample.window >= quantile(sample.window, 1.0 - HELD_OUT)
    fitted, held = sample.rows[~late], sample.rows[late]
    if min(len(fitted), len(held)) < LEAST_ROWS // 10:
        return Refused(
            f"{len(fitted)} windows of addresses before the latest part, {len(held)} in it: too few"
        )
    varied = int(np.count_nonzero(np.ptp(fitted, axis=0)))
    if varied < 3:
        return Refused(f"{len(MANNERS) - varied} of {len(MANNERS)} features never change: nothing to tell by")
    names = tuple(manner.name for manner in MANNERS)
    forest = fit_forest(fitted, names, job.seed)
    scores = forest.score(held)
    stability = Population.of(forest.score(fitted)).index(scores)
    if stability > drift.MOST:
        return Refused(
            f"its latest addresses behave unlike those it was fitted to (stability index {stability:.2f}, at most "
            f"{drift.MOST})"
        )
    noise = np.random.default_rng(job.seed).uniform(fitted.min(axis=0), fitted.max(axis=0), held.shape)
    separation = auc(scores, forest.score(noise.astype(np.float32)))
    if separation < LEAST_SEPARATION:
        return Refused(
            f"it does not know its addresses from noise (area under the curve {separation:.2f}, at least "
            f"{LEAST_SEPARATION})"
        )
    tail = fit_tail(scores, least_scale=_SMALLEST_SCALE)
    session = sessions_of(sample.keys[late], sample.window[late])
    order = np.lexsort((sample.window[late], session))
    evidence = most_evidence(session[order], tail.surprise(scores)[order])
    if len(evidence) < LEAST_SESSIONS:
        return Refused(f"{len(evidence)} sessions in the latest part: {LEAST_SESSIONS} are needed")
    low, mid, high = quantiles(fitted, [0.05, 0.5, 0.95])
    card = MannerCard(
        service=job.service,
        minutes=job.span / 60e6,
        start=int(sample.window.min()) * job.span,
        end=(int(sample.window.max()) + 1) * job.span,
        rows=len(sample.rows),
        sessions=distinct_rows(sample.keys),
        names=names,
        usual_path=forest.usual,
        tail=tail,
        sessions_tail=fit_tail(evidence, least_scale=_SMALLEST_EVIDENCE),
        low=_floats(low),
        mid=_floats(mid),
        high=_floats(high),
        stability=stability,
        separation=separation,
        seed=job.seed,
        versions=versions("numpy"),
    )
    return MannerModel(card, forest)


def read_manner_model(content: bytes) -> MannerModel:
    """What `MannerModel.to_bytes` gave.

    Raises:
        ModelError: It is no such thing, is damaged, or looks at features that this program does not have.
    """
    card, arrays = read_archive(content, MannerCard, FOREST_ARRAYS)
    if card.names != tuple(manner.name for manner in MANNERS):
        raise ModelError("it looks at other features than this program: train it again with this program")
    return MannerModel(card, read_forest(arrays, card.names, card.usual_path))


def sessions_of(keys: NDArray[np.int64], window: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number for each address's session: what it does in `SESSION_WINDOWS` windows, counted from the epoch.

    Args:
        keys: int64 (n, 2). window: int64 (n,), the window of each.
    """
    found = np.zeros(len(keys), dtype=np.uint64)
    for number in distinct_values(window // SESSION_WINDOWS).tolist():
        own = window // SESSION_WINDOWS == number
        found[own] = sessions_in(keys[own], number * SESSION_WINDOWS)
    return found


def sessions_in(keys: NDArray[np.int64], window: int) -> NDArray[np.uint64]:
    """The number of each address's session in one window, uint64 (n,); see `sessions_of`."""
    words = keys.view(np.uint64)
    return session_keys(address_keys(words[:, 0], words[:, 1]), window // SESSION_WINDOWS)


def _floats(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
