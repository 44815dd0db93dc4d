"""What container runtimes wrap around each log line: Kubernetes, CRI and Docker."""

from dataclasses import dataclass

import numpy as np

from vedette.kernels import unwrap as kernel
from vedette.parsers.format import Parser
from vedette.schema.chunk import PADDING, Chunk, Parsed, SkipReason, Skips
from vedette.schema.state import check, decode, encode


@dataclass(frozen=True, slots=True)
class Wrapper:
    """One way of wrapping lines.

    Attributes:
        name: As reports print it.
        kind: Which it is, for the kernel.
    """

    name: str
    kind: int

    def open(self) -> "Unwrapper":
        """Start unwrapping a source."""
        return Unwrapper(self.kind)

    def share(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's lines that are wrapped this way."""
        unwrapped = self.open().unwrap(sample)
        return unwrapped.wrapped / unwrapped.lines if unwrapped.lines else 0.0


def wrappers() -> tuple[Wrapper, ...]:
    """All wrappers, the most specific first.

    `docker`: https://docs.docker.com/engine/logging/drivers/json-file/
    `cri`: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
    `kubernetes`: what `kubectl logs --timestamps` prints.
    """
    return (
        Wrapper("docker", kernel.DOCKER),
        Wrapper("cri", kernel.CRI),
        Wrapper("kubernetes", kernel.KUBERNETES),
    )


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The lines inside a chunk's lines.

    Attributes:
        chunk: They, in a buffer of their own, numbered from 1.
        line_of: int64: the source's line number of each.
        skips: Lines that go on with one that the runtime cut; only the first part is read.
        lines: Lines of the wrapped chunk.
        wrapped: Lines of it that were wrapped.
    """

    chunk: Chunk
    line_of: np.ndarray[tuple[int], np.dtype[np.int64]]
    skips: Skips
    lines: int
    wrapped: int


class Unwrapper:
    """Unwraps the chunks of one source."""

    def __init__(self, kind: int) -> None:
        self._kind = kind
        self.split = 0
        """Where in a line that the runtime cut the last chunk ended."""

    def unwrap(self, chunk: Chunk) -> Unwrapped:
        """Peel off the wrapping, into a new chunk; the old one keeps its lines."""
        source = chunk.buffer
        if self._kind == kernel.DOCKER:
            source = source[: chunk.length + PADDING].copy()
        lines = int(np.count_nonzero(source[: chunk.length] == 10)) + 1
        written = np.empty(2 * (chunk.length + 1) + 2 * PADDING, dtype=np.uint8)
        line_of = np.empty(lines, dtype=np.int64)
        samples = np.zeros((kernel.SAMPLES, 3), dtype=np.int64)
        state = np.zeros(kernel.STATE_WIDTH, dtype=np.int64)
        state[kernel.SPLIT] = self.split
        kernel.unwrap(source, chunk.length, self._kind, chunk.first_line, written, line_of, samples, state)
        self.split = int(state[kernel.SPLIT])
        out, inner, left_out = (
            int(state[kernel.OUT]),
            int(state[kernel.LINES]),
            int(state[kernel.CONTINUATIONS]),
        )
        written[out : out + PADDING] = 10
        skips = Skips()
        for line, start, size in samples[:left_out].tolist():
            text = chunk.buffer[start : start + min(size, Skips.SAMPLE_BYTES)].tobytes()
            skips.add(SkipReason.NOT_THIS_FORMAT, line, text)
        if left_out > kernel.SAMPLES:
            skips.counts[SkipReason.NOT_THIS_FORMAT] += left_out - kernel.SAMPLES
        return Unwrapped(
            chunk=Chunk(chunk.source, written, out, 1),
            line_of=line_of[:inner],
            skips=skips,
            lines=inner + left_out,
            wrapped=int(state[kernel.WRAPPED]),
        )


class UnwrappingParser:
    """Parses what is inside the lines of one source."""

    def __init__(self, wrapper: Wrapper, inner: Parser) -> None:
        self._name = wrapper.name
        self._unwrapper = wrapper.open()
        self._inner = inner

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of the formats inside, each with what it was wrapped in."""
        return tuple(f"{name} in {self._name}" for name in self._inner.formats)

    def parse(self, chunk: Chunk) -> Parsed:
        """Turn whole lines into a batch, numbered as in the source. Never raises for what the lines hold."""
        unwrapped = self._unwrapper.unwrap(chunk)
        parsed = self._inner.parse(unwrapped.chunk)
        line_of = unwrapped.line_of
        parsed.requests.line = line_of[parsed.requests.line - 1]
        skips = Skips(
            dict(parsed.skips.counts),
            [(reason, int(line_of[line - 1]), text) for reason, line, text in parsed.skips.samples],
        )
        skips.merge(unwrapped.skips)
        return Parsed(parsed.requests, skips, unwrapped.lines)

    def to_state(self) -> bytes:
        """What the lines so far have told about those to come, as bytes."""
        return encode((self._name, self._unwrapper.split, self._inner.to_state()))

    def from_state(self, content: bytes) -> None:
        """Go on where the parser that `to_state` was asked of stood. Raises `StateError`."""
        name, split, inner = decode(content, tuple[str, int, bytes], "state of a parser")
        check(name == self._name and 0 <= split <= 3, "state of a parser")
        self._unwrapper.split = split
        self._inner.from_state(inner)
