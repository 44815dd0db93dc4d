"""Running programs over the lines of one source."""

from collections.abc import Callable

import numpy as np

from vedette.kernels.lines import salvage
from vedette.kernels.lines import tokenise_text as kernel
from vedette.kernels.text import spans
from vedette.parsers.fields import ABSENT, FIELDS, Field, Tokens
from vedette.parsers.peer_lists import extend_forwarded, extend_lists
from vedette.parsers.program import Machine
from vedette.schema.chunk import PADDING, Chunk, SkipReason, Skips
from vedette.schema.requests import RequestFlag
from vedette.schema.state import StateError

REASONS = {
    salvage.BLANK: SkipReason.BLANK,
    salvage.COMMENT: SkipReason.COMMENT,
    salvage.NOT_THIS_FORMAT: SkipReason.NOT_THIS_FORMAT,
    salvage.NO_TIME: SkipReason.NO_TIME,
    salvage.BINARY: SkipReason.BINARY,
}
USUAL_BYTES = 64
"""Bytes a line that rows are first set aside for."""

Directive = Callable[[bytes], Machine | None]


class TextTokeniser:
    """Finds the fields of a source's lines; keeps its arrays from chunk to chunk.

    Args:
        machine: The programs, tried in turn on each line.
        directive: Called with each line that begins with `#F` or `#f`; may return the machine for the lines after it.
    """

    def __init__(self, machine: Machine, directive: Directive | None = None) -> None:
        self._use(machine)
        self._directive = directive
        self._followed = b""
        self._used = 0
        self._start = np.empty((FIELDS, 0), dtype=np.int64)
        self._length = np.empty((FIELDS, 0), dtype=np.int32)
        self._line = np.empty(0, dtype=np.int64)
        self._raw_start = np.empty(0, dtype=np.int64)
        self._raw_length = np.empty(0, dtype=np.int32)
        self._flags = np.empty(0, dtype=np.uint16)
        self._shape = np.empty(0, dtype=np.uint8)

    def tokenise(self, chunk: Chunk) -> Tokens:
        """Find the fields of each line. The arrays of the result are good until the next call."""
        self._forget_rows()
        if not len(self._line):
            self._grow(chunk.length // USUAL_BYTES + 16)
        counts = np.zeros(salvage.REASONS, dtype=np.int64)
        samples = np.zeros((salvage.REASONS, kernel.SAMPLES, 3), dtype=np.int64)
        state = np.zeros(kernel.STATE_WIDTH, dtype=np.int64)
        state[kernel.LINE] = chunk.first_line
        state[spans.TAIL] = chunk.length + PADDING
        outcome = self._run(chunk, counts, samples, state)
        while outcome != kernel.DONE:
            if outcome == kernel.FULL:
                self._grow(2 * len(self._line))
            else:
                self._follow(chunk, state)
            outcome = self._run(chunk, counts, samples, state)
        rows = self._used = int(state[kernel.ROWS])
        peer = self._start[Field.PEER, :rows], self._length[Field.PEER, :rows]
        extend_forwarded(
            chunk.buffer, self._start[Field.FORWARDED, :rows], self._length[Field.FORWARDED, :rows], *peer
        )
        extend_lists(chunk.buffer, *peer)
        return Tokens(
            start=self._start[:, :rows],
            length=self._length[:, :rows],
            line=self._line[:rows],
            raw_start=self._raw_start[:rows],
            raw_length=self._raw_length[:rows],
            flags=self._flags[:rows],
            shape=self._shape[:rows],
            skips=_skips(chunk, counts.tolist(), samples.tolist()),
            lines=int(state[kernel.LINE]) - chunk.first_line,
            tail=int(state[spans.TAIL]),
        )

    def _run(
        self,
        chunk: Chunk,
        counts: np.ndarray[tuple[int], np.dtype[np.int64]],
        samples: np.ndarray[tuple[int, int, int], np.dtype[np.int64]],
        state: np.ndarray[tuple[int], np.dtype[np.int64]],
    ) -> int:
        machine = self._machine
        return kernel.tokenise(
            chunk.buffer,
            chunk.length,
            machine.steps,
            machine.pool,
            machine.programs,
            machine.fields,
            machine.layout,
            0 if self._directive is None else 1,
            int(RequestFlag.REPAIRED),
            machine.common,
            self._start,
            self._length,
            self._line,
            self._raw_start,
            self._raw_length,
            self._flags,
            self._shape,
            counts,
            samples,
            state,
        )

    def _follow(self, chunk: Chunk, state: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Take the machine that a directive line asks for."""
        text = chunk.buffer[int(state[kernel.DIRECTIVE]) : int(state[kernel.DIRECTIVE_END])].tobytes()
        machine = None if self._directive is None else self._directive(text)
        if machine is not None:
            self._use(machine)
            self._followed = text
            self._start[:, int(state[kernel.ROWS]) :] = ABSENT

    def to_state(self) -> bytes:
        """The directive that the last lines followed, empty if none."""
        return self._followed

    def from_state(self, content: bytes) -> None:
        """Follow a directive that `to_state` gave. Raises `StateError` if it is none."""
        if content:
            machine = None if self._directive is None else self._directive(content)
            if machine is None:
                raise StateError("state of a text parser is damaged: it holds no directive")
            self._use(machine)
            self._followed = content

    def _forget_rows(self) -> None:
        """Reset what salvage and assembly wrote; the kernel resets only the fields of its own programs."""
        if self._used:
            self._start[self._others, : self._used] = ABSENT

    def _use(self, machine: Machine) -> None:
        """Run a machine's programs from now on."""
        others = np.ones(FIELDS, dtype=bool)
        others[machine.fields] = False
        self._machine, self._others = machine, np.flatnonzero(others)

    def _grow(self, rows: int) -> None:
        kept = len(self._line)
        start = np.full((FIELDS, rows), ABSENT, dtype=np.int64)
        length = np.zeros((FIELDS, rows), dtype=np.int32)
        before = (self._line, self._raw_start, self._raw_length, self._flags, self._shape)
        columns = [np.zeros(rows, dtype=column.dtype) for column in before]
        if kept:
            start[:, :kept] = self._start
            length[:, :kept] = self._length
            for column, old in zip(columns, before, strict=True):
                column[:kept] = old
        self._start, self._length = start, length
        self._line, self._raw_start, self._raw_length, self._flags, self._shape = columns


def _skips(chunk: Chunk, counts: list[int], samples: list[list[list[int]]]) -> Skips:
    """What the kernel counted, with the texts of its samples, in line order."""
    if not any(counts):
        return Skips()
    found = sorted(
        (line, start, size, reason)
        for reason, count in enumerate(counts)
        for line, start, size in samples[reason][:count]
    )
    skips = Skips()
    for line, start, size, reason in found:
        shown = min(size, Skips.SAMPLE_BYTES)
        skips.add(REASONS[reason], line, chunk.buffer[start : start + shown].tobytes())
    for reason, count in enumerate(counts):
        if count > kernel.SAMPLES:
            skips.counts[REASONS[reason]] += count - kernel.SAMPLES
    return skips
