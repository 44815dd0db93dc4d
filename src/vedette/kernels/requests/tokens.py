"""Searching many short texts for any of a set of words at once (Aho and Corasick, 1975)."""

from collections import deque
from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel

BEGIN = 0
"""In a pattern, the byte that stands for the beginning of a text."""


class Automaton(msgspec.Struct, frozen=True):
    """Words compiled for `search`.

    Attributes:
        symbols: uint8 (256,): the column of each byte, upper and lower case alike.
        step: int32 (states * columns,): where each state's row begins after each symbol, times 8, plus what
            to say there.
        start: Where the row of the state before a text's first byte begins.
    """

    symbols: NDArray[np.uint8]
    step: NDArray[np.int32]
    start: int


def compile_words(words: Mapping[bytes, int]) -> Automaton:
    """Compile lower-case words, each with a verdict 1..7 that `search` reports.

    A word that begins with byte `BEGIN` matches only at the beginning of a text. Verdict 0 makes a word mask
    the shorter words it ends in: `cubot` with 0 keeps `bot` with 1 from being seen in it.
    """
    used = sorted({byte for word in words for byte in word} - {BEGIN})
    symbols = np.zeros(256, dtype=np.uint8)
    for column, byte in enumerate(used, start=2):
        symbols[byte] = column
        symbols[ord(chr(byte).upper())] = column
    # Column 0 is any byte in no word, column 1 the beginning.
    columns = len(used) + 2
    children: list[dict[int, int]] = [{}]
    own: list[int | None] = [None]
    for word, verdict in words.items():
        state = 0
        for byte in word:
            column = 1 if byte == BEGIN else int(symbols[byte])
            if column not in children[state]:
                children[state][column] = len(children)
                children.append({})
                own.append(None)
            state = children[state][column]
        own[state] = verdict
    step = np.zeros((len(children), columns), dtype=np.int32)
    verdicts = np.zeros(len(children), dtype=np.int32)
    fallback = [0] * len(children)
    queue = deque([0])
    while queue:
        state = queue.popleft()
        inherited = verdicts[fallback[state]]
        known = own[state]
        verdicts[state] = inherited if known is None else max(known, inherited) if known else 0
        if state:
            step[state] = step[fallback[state]]
        for column, child in children[state].items():
            fallback[child] = int(step[state, column])
            step[state, column] = child
            queue.append(child)
    start = int(step[0, 1]) * columns
    return Automaton(symbols, (step * columns * 8 + verdicts[step]).reshape(-1), start)


@kernel
def search(
    text: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    limit: int,
    symbols: Bytes,
    step: NDArray[np.int32],
    first: int,
    highest: int,
    found: NDArray[np.uint8],
) -> None:
    """Search k texts, each up to `limit` bytes: `found` (uint8, (k,)) gets the highest verdict met, or 0.

    `symbols`, `step` and `first` are an `Automaton`'s. A text is read until the verdict `highest` is met.
    """
    for i in range(start.shape[0]):
        at = start[i]
        end = at + min(length[i], limit)
        row = first
        best = 0
        while at < end and best < highest:
            entry = step[row + symbols[text[at]]]
            row = entry >> 3
            if entry & 7 > best:
                best = entry & 7
            at += 1
        found[i] = best
