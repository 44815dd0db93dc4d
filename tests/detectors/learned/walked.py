"""Sessions in a made-up shop with one way through it, as samples hold them."""

import importlib.util
from functools import cache
from typing import Final

import numpy as np
import pytest

from vedette.detectors.learned.order_model import OrderModel
from vedette.detectors.learned.sequence_sample import SequenceSample
from vedette.detectors.learned.training import Job
from vedette.detectors.learned.walks import WINDOW, Chunks, chunks, oddness

SPAN: Final = 60_000_000
needs_transformer = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "onnx", "onnxruntime")),
    reason="fits a transformer: pip install 'vedette[transformer]'",
)
WAY: Final = (
    "GET /",
    "GET /list",
    "GET /item",
    "GET /item",
    "POST /cart",
    "GET /cart",
    "POST /pay",
    "GET /thanks",
)
HELP: Final = "GET /help"
TEXTS: Final = [*dict.fromkeys(WAY), HELP]
ROUND: Final = ("POST /pay", "GET /cart", "GET /thanks", "POST /pay")
"""What nobody does who buys."""


def numbers(texts: tuple[str, ...]) -> list[int]:
    """Places of tokens in `TEXTS`."""
    return [TEXTS.index(text) for text in texts]


def session(draw: np.random.Generator) -> list[int]:
    """A customer: on the way from its beginning, to anywhere on it, looking for help now and then."""
    steps = numbers(WAY[: draw.integers(2, len(WAY) + 1)])
    for place in np.flatnonzero(draw.random(len(steps)) < 0.15)[::-1].tolist():
        steps.insert(place + 1, TEXTS.index(HELP))
    return steps


def sample(
    windows: int = 100, *, each: int = 6, poison: int = 0, shuffled: bool = False, seed: int = 1
) -> SequenceSample:
    """What windows leave: every one has new customers; `poison` clients go round and round in all of them."""
    draw = np.random.default_rng(seed)
    made = SequenceSample()
    for window in range(1_000, 1_000 + windows):
        clients, tokens = [], []
        for number in range(each):
            steps = session(draw)
            if shuffled:
                steps = draw.choice(len(TEXTS), len(steps)).tolist()
            clients += [window * 1_000_003 + number] * len(steps)
            tokens += steps
        for number in range(poison):
            clients += [7 + number] * 10
            tokens += (numbers(ROUND) * 3)[:10]
        made.add(np.array(clients, np.uint64), window, np.array(tokens, np.int64), TEXTS)
    made.settle()
    return made


def job(of: SequenceSample | None = None, seed: int = 1) -> Job:
    """A model to be fitted."""
    return Job("transformer", "shop", (sample() if of is None else of).to_state(), SPAN, seed)


@cache
def fitted() -> object:
    """The model of the usual sample, fitted once."""
    from vedette.detectors.learned.sequence_training import fit_sequence_model

    return fit_sequence_model(job())


def windows_on(token: np.ndarray, depth: int = WINDOW) -> Chunks:
    """A model's windows on one session."""
    one = np.zeros(1, dtype=np.int64)
    return chunks(token, one, one, one, np.array([len(token)]), depth)


def score(model: OrderModel, texts: tuple[str, ...]) -> float:
    """Of one session."""
    token = model.vocabulary.numbers(texts)
    excess = model.excess(windows_on(token))
    return float(oddness(np.array([excess.sum()]), np.array([len(token)]))[0])


def check_that_another_order_is_odd(model: OrderModel) -> None:
    """The way through the shop is usual to a model of its usual sample, and another order is not."""
    tail = model.card.sessions_tail
    assert score(model, WAY) < tail.quantile(0.9)
    assert score(model, ROUND * 3) > tail.critical(4.0)
    assert score(model, WAY[::-1]) > tail.critical(2.0)
    assert model.card.checked.surprise < model.card.checked.by_frequency - 0.2
