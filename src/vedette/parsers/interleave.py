"""Joining two batches of one source into one, in line order."""

from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.schema.chunk import PADDING
from vedette.schema.requests import Coded, Requests, Vocabulary


def interleave(first: Requests, second: Requests) -> Requests:
    """The rows of two batches that enrichment has not seen yet, sorted by line.

    Args:
        first, second: Batches of the same source; a line is in one of them at most. The room that the buffer of
            `first` has after its texts may be written to.
    """
    buffer, shift = _beside(first, second)
    order = np.argsort(np.concatenate([first.line, second.line]), kind="stable")
    joined: dict[str, Any] = {}
    for name in first.__struct_fields__:
        left, right = getattr(first, name), getattr(second, name)
        if isinstance(left, Coded) or isinstance(right, Coded):
            # Only one of two formats may tell what route a request took.
            left = Coded.nothing(len(first), first.buffer) if left is None else left
            right = Coded.nothing(len(second), second.buffer) if right is None else right
            joined[name] = _coded(left, right, buffer, shift, order)
        elif isinstance(left, np.ndarray) and name != "buffer":
            moved = right + shift if name == "raw_start" else right
            joined[name] = np.concatenate([left, moved]).take(order)
    return replace(first, buffer=buffer, **joined)


def overwrite(first: Requests, rows: NDArray[np.int64], second: Requests) -> None:
    """Put the rows of a batch in the place of some rows of another of the same source; neither is enriched yet.

    Args:
        first: Written to. The texts of the rows that go stay in its vocabularies. See `interleave` for its buffer.
        rows: int64 (k,): which of its rows, in ascending order.
        second: The k rows that take their place.
    """
    buffer, shift = _beside(first, second)
    for name in first.__struct_fields__:
        left, right = getattr(first, name), getattr(second, name)
        if isinstance(left, Coded) or isinstance(right, Coded):
            left = Coded.nothing(len(first), first.buffer) if left is None else left
            right = Coded.nothing(len(second), second.buffer) if right is None else right
            left.ids[rows] = _behind(left, right)
            setattr(first, name, Coded(left.ids, _both(left, right, buffer, shift)))
        elif isinstance(left, np.ndarray) and name != "buffer":
            left[rows] = right + shift if name == "raw_start" else right
    first.buffer = buffer


def _beside(first: Requests, second: Requests) -> tuple[NDArray[np.uint8], int]:
    """A buffer with the texts of both, those of the first where they were, and where those of the second begin.

    A chunk's buffer has as much room again as its lines take, so a few lines of another format fit behind
    them, and eight megabytes need not be copied for each.
    """
    shift, more = _end(first), _end(second)
    if shift + more <= len(first.buffer):
        first.buffer[shift : shift + more] = second.buffer[:more]
        return first.buffer, shift
    return np.concatenate([first.buffer[:shift], second.buffer[:more]]), shift


def _end(requests: Requests) -> int:
    """The first byte of the buffer after the lines and texts of a batch and their padding."""
    spans = [(requests.raw_start, requests.raw_length)]
    for name in requests.__struct_fields__:
        value = getattr(requests, name)
        if isinstance(value, Coded):
            spans.append((value.vocabulary.start, value.vocabulary.length))
    last = max((int((start + length).max()) for start, length in spans if len(start)), default=0)
    return min(last + PADDING, len(requests.buffer))


def _coded(
    left: Coded, right: Coded, buffer: NDArray[np.uint8], shift: int, order: NDArray[np.intp]
) -> Coded:
    """One column over both vocabularies; a text that both hold keeps two ids."""
    ids = np.concatenate([left.ids, _behind(left, right)]).take(order)
    return Coded(ids, _both(left, right, buffer, shift))


def _behind(left: Coded, right: Coded) -> NDArray[np.int32]:
    """Ids of `right` in a vocabulary of both."""
    return np.where(right.ids < 0, right.ids, right.ids + np.int32(len(left.vocabulary)))


def _both(left: Coded, right: Coded, buffer: NDArray[np.uint8], shift: int) -> Vocabulary:
    """The texts of both, those of `right` behind."""
    one, other = left.vocabulary, right.vocabulary
    start = np.concatenate([one.start, other.start + shift])
    return Vocabulary(buffer, start, np.concatenate([one.length, other.length]))
