"""A model of the values that are usual on each route of a service, and how it is fitted and checked."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned import drift
from vedette.detectors.learned.archive import check_arrays, read_archive, write_archive
from vedette.detectors.learned.card import Card, ModelError, within
from vedette.detectors.learned.training import Job, Refused
from vedette.detectors.learned.value_sample import LEAST_WINDOWS, ValueSample
from vedette.detectors.learned.values import NU, Encoding, outside, response_time_encoding, status_encoding
from vedette.windows.distinct import distinct_values
from vedette.windows.quantiles import quantile

LEAST_REQUESTS: Final = 200
"""Requests of a route that a model is fitted to: two of them lie outside."""
HELD_OUT: Final = 0.3
"""Latest share of the windows, which the check is on, and which tells how often a usual value lies outside."""
MOST_OUTSIDE: Final = 5 * NU
"""Share of the latest requests outside from which they are others than those that were learned."""
SHADOW_MARGIN: Final = 0.02
"""Separation by which a running model may be better and is replaced all the same: as much as four of a hundred usual
requests more, or fewer, outside."""
_MOST_COUNT: Final = 2**48
_LEAST_CORRELATION: Final = 1e-3
_MOST_CORRELATION: Final = 0.5
"""Of requests of one window being outside together."""


class ValueCard(Card, frozen=True, kw_only=True):
    """What is known about a model of values.

    Attributes:
        routes: Names. share: Of a usual request to each lying outside. correlation: Of those of one window.
        requests: That each route's rests on. refused: Routes that did not pass, and why.
        counts: Of each route, how often each value came: tells drift. Models of earlier versions have none.
    """

    routes: tuple[str, ...]
    share: tuple[float, ...]
    correlation: tuple[float, ...]
    requests: tuple[int, ...]
    refused: dict[str, str]
    counts: tuple[tuple[int, ...], ...] = ()

    def refuse(self) -> None:
        """See `Card`."""
        super().refuse()
        for number, requests in enumerate(self.requests):
            within(f"requests[{number}]", requests, 1, _MOST_COUNT)
        for number, of_route in enumerate(self.counts):
            within(f"the least of counts[{number}]", min(of_route, default=0), 0, _MOST_COUNT)
            within(f"the most of counts[{number}]", max(of_route, default=0), 0, _MOST_COUNT)


class ValueModel(msgspec.Struct, frozen=True):
    """Values outside what is usual.

    Attributes:
        outside: bool (routes, values).
    """

    card: ValueCard
    outside: NDArray[np.bool_]

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, {"outside": self.outside})

    def summary(self) -> str:
        """See `Model`."""
        card = self.card
        return (
            f"from {sum(card.requests):,} requests to {len(card.routes)} routes in {card.sessions:,} windows; of the "
            f"latest, {np.average(card.share, weights=card.requests):.2%} lie outside"
        )


def fit_response_times(job: Job) -> ValueModel | Refused:
    """Fit to a sample of response times."""
    return _fit(job, response_time_encoding())


def fit_statuses(job: Job) -> ValueModel | Refused:
    """Fit to a sample of statuses."""
    return _fit(job, status_encoding())


def read_response_times(content: bytes) -> ValueModel:
    """What `to_bytes` gave. Raises `ModelError`."""
    return _read(content, response_time_encoding())


def read_statuses(content: bytes) -> ValueModel:
    """What `to_bytes` gave. Raises `ModelError`."""
    return _read(content, status_encoding())


def _fit(job: Job, encoding: Encoding) -> ValueModel | Refused:
    sample = ValueSample()
    sample.from_state(job.sample)
    windows = distinct_values(sample.window)
    if len(windows) < LEAST_WINDOWS:
        return Refused(f"{len(windows)} windows: {LEAST_WINDOWS} are needed")
    edge = quantile(windows, 1.0 - HELD_OUT)
    late = sample.window >= edge
    kept: list[tuple[str, float, float, int, NDArray[np.bool_], tuple[int, ...]]] = []
    refused: dict[str, str] = {}
    for number, name in enumerate(sample.routes):
        of = sample.route == number
        earlier, later = of & ~late, of & late
        counts = _counts(sample, earlier, encoding.size)
        latest = int(sample.count[later].sum())
        if counts.sum() < LEAST_REQUESTS or latest < LEAST_REQUESTS // 2:
            refused[name] = f"{int(counts.sum())} requests, {latest} of them late: too few"
            continue
        beyond = outside(encoding, counts)
        share, correlation = _usual_share(
            sample.window[later], sample.count[later], beyond[sample.value[later]]
        )
        if share > MOST_OUTSIDE:
            refused[name] = f"{share:.1%} of its latest requests lie outside: at most {MOST_OUTSIDE:.0%}"
            continue
        every = tuple(_counts(sample, of, encoding.size).tolist())
        kept.append((name, share, correlation, int(counts.sum()) + latest, beyond, every))
    if not kept:
        told = next(iter(refused.items()), None)
        return Refused(
            "no route has enough requests"
            if told is None
            else f"of {len(refused)} routes none passed; {told[0]}: {told[1]}"
        )
    names, shares, correlations, requests, masks, every_count = zip(*kept, strict=True)
    card = ValueCard(
        service=job.service,
        minutes=job.span / 60e6,
        start=int(windows[0]) * job.span,
        end=(int(windows[-1]) + 1) * job.span,
        rows=int(sample.count.sum()),
        sessions=len(windows),
        seed=job.seed,
        versions={"numpy": np.__version__},
        routes=names,
        share=shares,
        correlation=correlations,
        requests=requests,
        refused=refused,
        counts=every_count,
    )
    model = ValueModel(card, np.stack(masks))
    worse = _shadowed(job, sample, late, model, encoding)
    return Refused(worse) if worse else model


def value_drift(model: ValueModel, sample: ValueSample, span: int) -> str:
    """In what the values of a sample are unlike those that a model was fitted to; empty if in nothing.

    Args:
        span: Length of a window, microseconds.
    """
    sample.settle()
    card = model.card
    if not card.counts or not drift.tells_drift(sample.window, span, card.end - card.start):
        return ""
    told: list[tuple[float, str]] = []
    for place, (name, known) in enumerate(zip(card.routes, card.counts, strict=True)):
        seen = _counts(sample, _of_route(sample, name), len(known))
        if (requests := int(seen.sum())) < LEAST_REQUESTS:
            continue
        share = float(seen[model.outside[place]].sum()) / requests
        if share > MOST_OUTSIDE:
            told.append(
                (
                    share / MOST_OUTSIDE,
                    f"drift of {name}: {share:.1%} lie outside, at most {MOST_OUTSIDE:.0%}",
                )
            )
        index = drift.index_of_counts(*drift.most_frequent(np.array(known, dtype=np.int64), seen))
        if index > drift.MOST:
            told.append(
                (index / drift.MOST, f"drift of {name}: stability index {index:.2f}, at most {drift.MOST}")
            )
    return max(told)[1] if told else ""


def _shadowed(
    job: Job, sample: ValueSample, late: NDArray[np.bool_], fresh: ValueModel, encoding: Encoding
) -> str:
    """Why the running model is to stay; empty if it is not. Judged by the latest part, which neither was fitted to."""
    if job.running is None:
        return ""
    try:
        running = _read(job.running, encoding)
    except ModelError:
        # It can judge no more: whatever passes its own check is better.
        return ""
    of_running, of_fresh = (_separation(model, sample, late) for model in (running, fresh))
    if of_running <= of_fresh + SHADOW_MARGIN:
        return ""
    return (
        f"the running model tells the latest requests from any value better (separation {of_running:.3f}, the new one "
        f"{of_fresh:.3f}): it stays"
    )


def _separation(model: ValueModel, sample: ValueSample, late: NDArray[np.bool_]) -> float:
    """Chance that any value at all lies further outside than one of the latest requests (area under the ROC curve).

    Values are inside or outside, so it is (1 + share of all values outside - share of requests outside) / 2, by routes
    weighted by their requests; one half of a route that the model does not know.
    """
    total = found = 0.0
    for number, name in enumerate(sample.routes):
        seen = _counts(sample, late & (sample.route == number), model.outside.shape[1])
        requests, better = float(seen.sum()), 0.5
        if requests and name in model.card.routes:
            mask = model.outside[model.card.routes.index(name)]
            better = 0.5 * (1.0 + float(mask.mean()) - float(seen[mask].sum()) / requests)
        total += requests
        found += requests * better
    return found / total if total else 0.5


def _of_route(sample: ValueSample, name: str) -> NDArray[np.bool_]:
    """Which cells are a route's, bool (n,)."""
    number = sample.routes.index(name) if name in sample.routes else -1
    return np.asarray(sample.route == number)


def _counts(sample: ValueSample, chosen: NDArray[np.bool_], size: int) -> NDArray[np.int64]:
    """How often each value came in some cells, int64 (size,)."""
    return np.bincount(sample.value[chosen], weights=sample.count[chosen], minlength=size).astype(np.int64)


def _usual_share(
    window: NDArray[np.int64], count: NDArray[np.int64], beyond: NDArray[np.bool_]
) -> tuple[float, float]:
    """Share of a usual request lying outside (Laplace's rule), and how much those of one window go together.

    The correlation is that of a beta-binomial, by moments (Kleinman 1973), at least `_LEAST_CORRELATION`.
    """
    _, which = np.unique(window, return_inverse=True)
    total = np.bincount(which, weights=count)
    out = np.bincount(which, weights=count * beyond)
    share = float((out.sum() + 1.0) / (total.sum() + 2.0))
    busy = total >= 2
    total, out = total[busy], out[busy]
    if not len(total):
        return share, _LEAST_CORRELATION
    # E (x - n p)^2 = n p (1 - p) (1 + (n - 1) rho)
    excess = float(((out - total * share) ** 2).sum()) - float((total * share * (1.0 - share)).sum())
    pairs = float((total * (total - 1.0)).sum()) * share * (1.0 - share)
    return share, min(max(excess / max(pairs, 1e-12), _LEAST_CORRELATION), _MOST_CORRELATION)


def _read(content: bytes, encoding: Encoding) -> ValueModel:
    card, arrays = read_archive(content, ValueCard, ("outside",))
    routes = len(card.routes)
    check_arrays(arrays, {"outside": (np.bool_, (routes, encoding.size))})
    if not routes or not len(card.share) == len(card.correlation) == len(card.requests) == routes:
        raise ModelError(f"{routes} routes, {len(card.share)} shares of them: must be as many, and some")
    if (card.counts and {len(of_route) for of_route in card.counts} != {encoding.size}) or len(
        card.counts
    ) not in (0, routes):
        raise ModelError(f"counts of {len(card.counts)} routes: must be {encoding.size} each, of {routes}")
    if not all(0.0 < p < 1.0 for p in (*card.share, *card.correlation)):
        raise ModelError("its shares are not all between 0 and 1")
    return ValueModel(card, arrays["outside"])
