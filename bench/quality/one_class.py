"""One-class SVMs of response times: exact on half octaves, exact on samples of requests, and approximated.

    python bench/quality/one_class.py

50,000 simulated times of a route that is sometimes answered from a cache: two lognormal humps. Each machine ranks the
values; the cut is where one of a hundred of the times it was fitted to lies outside. Judged are other times of the same
kind, and odd ones: far quicker, far slower, and between the two humps. Times of fitting are CPU seconds.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.pipeline import make_pipeline
from sklearn.svm import OneClassSVM

from vedette.detectors.learned.values import NU, STEPS, outside, response_time_encoding

REQUESTS = 50_000
Floats = NDArray[np.float64]


def drawn(draw: np.random.Generator, count: int) -> Floats:
    """Binary logarithms of seconds: four of five about 50 ms, the others about 1.5 s."""
    quick = draw.random(count) < 0.8
    spread = draw.normal(size=count)
    return np.where(quick, np.log2(0.05) + 0.6 * spread, np.log2(1.5) + 0.4 * spread)


def main() -> None:
    draw = np.random.default_rng(1)
    known, usual = drawn(draw, REQUESTS), drawn(draw, REQUESTS)
    odd = {
        "quicker": draw.uniform(-14.0, -8.0, 2_000),
        "slower": draw.uniform(3.0, 6.0, 2_000),
        "between": draw.normal(-1.6, 0.1, 2_000),
    }
    gamma = 1.0 / float(known.var())
    print(f"| machine | fit | usual outside | {' | '.join(odd)} |\n|---|---|---|{'---|' * len(odd)}")
    report("exact on half octaves, each once, weighted", half_octaves, known, usual, odd)
    for count in (2_000, 10_000):
        some = np.sort(known)[np.linspace(0, REQUESTS - 1, count).astype(int)]
        report(f"exact on {count:,} requests", by(OneClassSVM(nu=NU, gamma=gamma)), some, usual, odd)
    pipeline = make_pipeline(
        Nystroem(gamma=gamma, n_components=100, random_state=1), SGDOneClassSVM(nu=NU, random_state=1)
    )
    report(f"Nyström and SGD on {REQUESTS:,} requests", by(pipeline), known, usual, odd)


Fit = Callable[[Floats], Callable[[Floats], NDArray[np.bool_]]]


def half_octaves(known: Floats) -> Callable[[Floats], NDArray[np.bool_]]:
    """As the product does it."""
    mask = outside(response_time_encoding(), np.bincount(steps(known), minlength=STEPS))
    return lambda values: np.asarray(mask[steps(values)])


def steps(values: Floats) -> NDArray[np.int64]:
    return np.floor((values + 20.0) * 2.0).astype(np.int64).clip(0, STEPS - 1)


def by(machine: OneClassSVM) -> Fit:
    def fit(known: Floats) -> Callable[[Floats], NDArray[np.bool_]]:
        machine.fit(known[:, None])
        cut = np.quantile(machine.decision_function(known[:, None]), NU)
        return lambda values: np.asarray(machine.decision_function(values[:, None]) < cut)

    return fit


def report(name: str, fit: Fit, known: Floats, usual: Floats, odd: dict[str, Floats]) -> None:
    begin = time.process_time()
    judge = fit(known)
    spent = time.process_time() - begin
    cells = [f"{judge(values).mean():.1%}" for values in odd.values()]
    print(f"| {name} | {spent * 1e3:.0f} ms | {judge(usual).mean():.2%} | {' | '.join(cells)} |")


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
