"""Joining two batches of one source into one, in line order."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.schema.requests import Coded, Requests, Vocabulary


def interleave(first: Requests, second: Requests) -> Requests:
    """The rows of two batches that enrichment has not seen yet, sorted by line.

    Args:
        first, second: Batches of the same source; a line is in one of them at most.
    """
    shift = len(first.buffer)
    buffer = np.concatenate([first.buffer, second.buffer])
    order = np.argsort(np.concatenate([first.line, second.line]), kind="stable")
    joined: dict[str, Any] = {}
    for column in fields(first):
        left, right = getattr(first, column.name), getattr(second, column.name)
        if isinstance(left, Coded):
            joined[column.name] = _coded(left, right, buffer, shift, order)
        elif isinstance(left, np.ndarray) and column.name != "buffer":
            moved = right + shift if column.name == "raw_start" else right
            joined[column.name] = np.concatenate([left, moved])[order]
    return replace(first, buffer=buffer, **joined)


def _coded(
    left: Coded, right: Coded, buffer: NDArray[np.uint8], shift: int, order: NDArray[np.intp]
) -> Coded:
    """One column over both vocabularies; a text that both hold keeps two ids."""
    known = np.int32(len(left.vocabulary))
    ids = np.concatenate([left.ids, np.where(right.ids < 0, right.ids, right.ids + known)])[order]
    start = np.concatenate([left.vocabulary.start, right.vocabulary.start + shift])
    length = np.concatenate([left.vocabulary.length, right.vocabulary.length])
    return Coded(ids.astype(np.int32, copy=False), Vocabulary(buffer, start, length))
