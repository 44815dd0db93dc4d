"""A model of the values that are usual on each route of a service, and how it is fitted and checked."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.archive import check_arrays, read_archive, write_archive
from vedette.detectors.learned.card import Card, ModelError
from vedette.detectors.learned.training import Job, Refused
from vedette.detectors.learned.value_sample import LEAST_WINDOWS, ValueSample
from vedette.detectors.learned.values import NU, Encoding, outside, response_time_encoding, status_encoding

LEAST_REQUESTS: Final = 200
"""Requests of a route that a model is fitted to: two of them lie outside."""
HELD_OUT: Final = 0.3
"""Latest share of the windows, which the check is on, and which tells how often a usual value lies outside."""
MOST_OUTSIDE: Final = 5 * NU
"""Share of the latest requests outside from which they are others than those that were learned."""
_LEAST_CORRELATION: Final = 1e-3
_MOST_CORRELATION: Final = 0.5
"""Of requests of one window being outside together."""


class ValueCard(Card, frozen=True, kw_only=True):
    """What is known about a model of values.

    Attributes:
        routes: Names. share: Of a usual request to each lying outside. correlation: Of those of one window.
        requests: That each route's rests on. refused: Routes that did not pass, and why.
    """

    routes: tuple[str, ...]
    share: tuple[float, ...]
    correlation: tuple[float, ...]
    requests: tuple[int, ...]
    refused: dict[str, str]


@dataclass(frozen=True, slots=True)
class ValueModel:
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
    windows = np.unique(sample.window)
    if len(windows) < LEAST_WINDOWS:
        return Refused(f"{len(windows)} windows: {LEAST_WINDOWS} are needed")
    edge = np.quantile(windows, 1.0 - HELD_OUT)
    late = sample.window >= edge
    kept: list[tuple[str, float, float, int, NDArray[np.bool_]]] = []
    refused: dict[str, str] = {}
    for number, name in enumerate(sample.routes):
        of = sample.route == number
        earlier, later = of & ~late, of & late
        counts = np.bincount(
            sample.value[earlier], weights=sample.count[earlier], minlength=encoding.size
        ).astype(np.int64)
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
        kept.append((name, share, correlation, int(counts.sum()) + latest, beyond))
    if not kept:
        told = next(iter(refused.items()), None)
        return Refused(
            "no route has enough requests"
            if told is None
            else f"of {len(refused)} routes none passed; {told[0]}: {told[1]}"
        )
    names, shares, correlations, requests, masks = zip(*kept, strict=True)
    card = ValueCard(
        service=job.service,
        minutes=job.span / 60e6,
        start=int(windows[0]) * job.span,
        end=(int(windows[-1]) + 1) * job.span,
        rows=int(sample.count.sum()),
        sessions=len(windows),
        seed=job.seed,
        versions=_versions(),
        routes=names,
        share=shares,
        correlation=correlations,
        requests=requests,
        refused=refused,
    )
    return ValueModel(card, np.stack(masks))


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
    card, arrays, _ = read_archive(content, ValueCard, ("outside",))
    routes = len(card.routes)
    check_arrays(arrays, {"outside": (np.bool_, (routes, encoding.size))})
    if not routes or not len(card.share) == len(card.correlation) == len(card.requests) == routes:
        raise ModelError(f"{routes} routes, {len(card.share)} shares of them: must be as many, and some")
    if not all(0.0 < p < 1.0 for p in (*card.share, *card.correlation)):
        raise ModelError("its shares are not all between 0 and 1")
    return ValueModel(card, arrays["outside"])


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("numpy", "scikit-learn")}
