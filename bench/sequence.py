"""How quickly sessions are scored: ONNX Runtime on one thread, and all that surrounds it for each window.

Sessions are twenty requests long and all different, so none is computed for another. CPU time, best of five. The
weights are drawn by chance: they cost the same.

Usage: python bench/sequence.py [--sessions 2000]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from vedette.detectors.learned.network import Size, weight_shapes
from vedette.detectors.learned.order_model import OrderChecked
from vedette.detectors.learned.sequence_model import SequenceCard, SequenceModel
from vedette.detectors.learned.tail import fit_tail
from vedette.detectors.learned.tokens import FIRST
from vedette.detectors.learned.transformer import REFERENCE, SMALL
from vedette.detectors.learned.walkers import Walkers
from vedette.detectors.learned.walks import WINDOW

TOKENS = 200


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=2_000)
    count = parser.parse_args().sessions
    token = np.random.default_rng(1).integers(FIRST, FIRST + TOKENS, (count, WINDOW))
    for name, size in (("small", SMALL), ("middle", Size(128, 4, 2)), ("reference", REFERENCE)):
        model = made(size)
        seconds = best(lambda model=model: judge(model, token))
        print(f"{name} {size}: {count / seconds:,.0f} sessions a second, asked 2,000")


def judge(model: SequenceModel, token: "np.ndarray[tuple[int, int], np.dtype[np.int64]]") -> None:
    """One window's requests of new sessions, as the detector takes them."""
    walkers, each = Walkers(), np.full(len(token), WINDOW)
    place = walkers.find(np.arange(1, len(token) + 1, dtype=np.uint64), 0)
    windows = walkers.windows_on(place, token.ravel(), each)
    walkers.add(place, 0, token.ravel(), each, model.excess(windows))


def made(size: Size) -> SequenceModel:
    """A model with weights drawn by chance."""
    draw, shapes = np.random.default_rng(1), weight_shapes(FIRST + TOKENS, size)
    weights = {name: draw.normal(0, 0.02, shape).astype(np.float32) for name, shape in shapes.items()}
    card = SequenceCard(
        service="bench", minutes=1.0, start=0, end=1, rows=1, sessions=1, seed=1, versions={},
        vocabulary=tuple(f"GET /{number}" for number in range(TOKENS)), width=size.width, heads=size.heads,
        layers=size.layers, sessions_tail=fit_tail(np.zeros(1), least_scale=1.0),
        checked=OrderChecked(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    )  # fmt: skip
    return SequenceModel(card, weights)


def best(run: Callable[[], None]) -> float:
    """Seconds of CPU."""
    run()
    taken = []
    for _ in range(5):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return min(taken)


if __name__ == "__main__":
    main()
