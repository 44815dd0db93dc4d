"""Which requests of a session surprised a model, and what it expected instead."""

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.order_model import OrderModel
from vedette.detectors.learned.tokens import BEGIN, FIRST
from vedette.detectors.learned.walkers import Walkers
from vedette.detectors.learned.walks import WINDOW, chunks
from vedette.schema.anomaly import Contribution

SHOWN: Final = 5
STEPS: Final = 3
EXPECTED: Final = 3


class Part(msgspec.Struct, frozen=True):
    """A part of a session, with what came before it.

    Attributes:
        token: int64 (n,), the part's requests. excess: float64 (n,). before: int64 (b,), up to `WINDOW` requests.
        begin: Place of the part's first request in the session.
    """

    token: NDArray[np.int64]
    excess: NDArray[np.float64]
    before: NDArray[np.int64]
    begin: int


def part_of(walkers: Walkers, place: int, past: int, count: int) -> Part:
    """A part of a session that is remembered: `count` requests up to the place `past` in it."""
    first, slot = past - count, walkers.slot[place]
    before = min(first, WINDOW)
    part = np.arange(first, past)
    return Part(
        walkers.rings.tokens(slot, part),
        walkers.rings.excesses(slot, part),
        walkers.rings.tokens(slot, np.arange(first - before, first)),
        first,
    )


def contributions(model: OrderModel, part: Part) -> tuple[Contribution, ...]:
    """The requests that add most to a part's excess, alike ones together; shares are of all that adds."""
    kinds, which = np.unique(part.token, return_inverse=True)
    added = np.maximum(np.bincount(which, weights=part.excess), 0.0)
    whole = float(added.sum())
    if whole <= 0.0:
        return ()
    order = np.argsort(-added, kind="stable")[:SHOWN]
    return tuple(
        Contribution("request", model.vocabulary.text(int(kinds[n])), float(added[n]) / whole)
        for n in order.tolist()
        if added[n] > 0.0
    )


def odd_steps(model: OrderModel, part: Part) -> list[dict[str, Any]]:
    """The most surprising requests, each kind after another once, with what was expected instead, in their order."""
    text = model.vocabulary.text
    held = np.concatenate([part.before, part.token])
    after = np.concatenate([[BEGIN], held])[len(part.before) :][: len(part.token)]
    chosen: dict[tuple[int, int], int] = {}
    for number in np.argsort(-part.excess, kind="stable").tolist():
        if part.excess[number] <= 0.0:
            break
        chosen.setdefault((int(after[number]), int(part.token[number])), number)
        if len(chosen) == STEPS:
            break
    steps = []
    for number in sorted(chosen.values()):
        probability = _expected(model, part, held, number)
        order = np.argsort(-probability[FIRST:], kind="stable")[:EXPECTED] + FIRST
        steps.append(
            {
                "request": text(int(part.token[number])),
                "after": text(int(after[number])),
                "number": number + 1,
                "share": float(probability[part.token[number]]),
                "expected": [{"request": text(int(n)), "share": float(probability[n])} for n in order],
            }
        )
    return steps


def _expected(model: OrderModel, part: Part, held: NDArray[np.int64], number: int) -> NDArray[np.float64]:
    at = part.begin + number
    one = np.array([at], dtype=np.int64)
    first = np.array([part.begin - len(part.before)], dtype=np.int64)
    windows = chunks(held, np.zeros(1, dtype=np.int64), first, one, one + 1)
    return np.asarray(model.expected(windows.inputs)[int(windows.row[0]), int(windows.column[0])])
