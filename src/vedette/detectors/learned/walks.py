"""Sessions of tokens: where they begin and end, how a model's windows lie on them, and how surprising they were."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.open_sessions import IDLE_WINDOWS
from vedette.detectors.learned.tokens import BEGIN, PAD

WINDOW: Final = 20
"""Requests that a model sees at once."""
STRIDE: Final = WINDOW // 2
"""From one window of a model to the next: beyond a session's first window, every request is judged by at least so many
before it."""
PART: Final = 60
"""Requests that are judged together; a longer session is judged part by part."""
STEADY: Final = 8.0
"""Added to the number of requests: what a few requests look like is chance."""


class Chunks(msgspec.Struct, frozen=True):
    """A model's windows on some sessions.

    Attributes:
        inputs, targets: int64 (b, depth), of a model that looks so far back.
        row, column: intp (t,) each, where each judged request is in them, in order of session and time.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    row: NDArray[np.intp]
    column: NDArray[np.intp]


def chunks(
    token: NDArray[np.int64],
    start: NDArray[np.int64],
    first: NDArray[np.int64],
    begin: NDArray[np.int64],
    past: NDArray[np.int64],
    depth: int = WINDOW,
) -> Chunks:
    """Lay a model's windows on k sessions.

    Where they lie depends on places in the session alone, so a request is judged by the same ones before it however
    much of the session was known when.

    Args:
        token: int64 (n,), sessions one after the other.
        start: int64 (k,), where each session's first known token is. first: Its place in the session.
        begin, past: int64 (k,), places to be judged; those of the `depth` before `begin` are known.
        depth: Requests that the model looks back: 1 or `WINDOW`.
    """
    if depth == 1:
        return _pairs(token, start, first, begin, past)
    from_chunk, to_chunk = _chunk_of(begin), _chunk_of(np.maximum(past - 1, begin))
    each = np.where(past > begin, to_chunk - from_chunk + 1, 0)
    session = np.repeat(np.arange(len(each)), each)
    number = np.arange(len(session)) - np.repeat(np.cumsum(each) - each, each) + from_chunk[session]
    edge = number * STRIDE
    place = edge[:, None] + np.arange(-1, WINDOW)
    there = (place >= 0) & (place < past[session][:, None])
    at = np.where(there, start[session][:, None] + place - first[session][:, None], 0)
    known = token[at] if len(token) else np.zeros(place.shape, dtype=np.int64)
    seen = np.where(there, known, np.where(place < 0, BEGIN, PAD))
    target = place[:, 1:]
    judged = (target >= begin[session][:, None]) & (target < past[session][:, None])
    judged &= _chunk_of(target) == number[:, None]
    row, column = np.nonzero(judged)
    return Chunks(seen[:, :-1], seen[:, 1:], row, column)


def _pairs(
    token: NDArray[np.int64],
    start: NDArray[np.int64],
    first: NDArray[np.int64],
    begin: NDArray[np.int64],
    past: NDArray[np.int64],
) -> Chunks:
    """Each judged request with the one before it; see `chunks`."""
    each = np.maximum(past - begin, 0)
    ends = np.cumsum(each)
    row = np.arange(int(ends[-1]) if len(ends) else 0)
    at = row + np.repeat(start + begin - first - (ends - each), each)
    # The first request of a session has nothing before it; where it stands in front, the place before is another's end.
    before = token[at - 1]
    before[(ends - each)[(begin == 0) & (each > 0)]] = BEGIN
    return Chunks(before[:, None], token[at][:, None], row, np.zeros_like(row))


def _chunk_of(place: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.maximum(place // STRIDE - 1, 0)


def session_starts(client: NDArray[np.uint64], window: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where sessions begin, intp (s,), in rows sorted by client and window."""
    if not len(client):
        return np.zeros(0, dtype=np.intp)
    fresh = (client[1:] != client[:-1]) | (window[1:] - window[:-1] >= IDLE_WINDOWS)
    return np.flatnonzero(np.append(True, fresh))


def oddness(total: NDArray[np.float64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """The score of parts of sessions, float64 (k,): excess over the root of the number of requests.

    The excess of a request is its surprise beyond what the model expected there (the entropy of what it held possible).
    Where a model is right, excess is 0 on average whatever came before, so its sum spreads as a random walk does: with
    the root of its length.

    Args:
        total: float64 (k,), summed excess. count: int64 (k,), requests.
    """
    return np.asarray(total / np.sqrt(count + STEADY))


def highest(
    starts: NDArray[np.intp], window: NDArray[np.int64], excess: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The highest score that each session had at the end of any window, float64 (s,), as they are judged live.

    Args:
        starts: Where sessions begin. window: int64 (n,). excess: float64 (n,), of each request.
    """
    n = len(excess)
    if not n:
        return np.zeros(0)
    length = np.diff(np.append(starts, n))
    session = np.repeat(np.arange(len(starts)), length)
    place = np.arange(n) - starts[session]
    running = np.cumsum(excess)
    before = np.append(0.0, running)[np.arange(n) - place % PART]
    score = oddness(running - before, place % PART + 1)
    last = np.append((session[1:] != session[:-1]) | (window[1:] != window[:-1]), True)
    last |= np.append(place[1:] % PART == 0, True)
    most = np.full(len(starts), -np.inf)
    np.maximum.at(most, session[last], score[last])
    return most
