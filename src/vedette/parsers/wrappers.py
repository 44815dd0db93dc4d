"""What container runtimes, syslog daemons, journals and log shippers put around each log line."""

import msgspec
import numpy as np

from vedette.kernels.lines import unwrap as kernel
from vedette.parsers.format import Parser
from vedette.schema.chunk import PADDING, Chunk, Parsed, Skips
from vedette.schema.state import check, decode, encode


class Wrapper(msgspec.Struct, frozen=True):
    """One way of wrapping lines.

    Attributes:
        name: As reports print it.
        kind: Which it is, for the kernel.
        key: Of JSON objects, the key whose text is the line.
    """

    name: str
    kind: int
    key: bytes = b""

    def open(self, *, joins: bool = True) -> "Unwrapper":
        """Start unwrapping a source; see `Unwrapper`."""
        return Unwrapper(self.kind, self.key, joins=joins)

    def share(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's lines that are wrapped this way."""
        if self.key and b'"%b"' % self.key not in sample.buffer[: sample.length].tobytes():
            return 0.0
        unwrapped = self.open().unwrap(sample)
        wrapped = unwrapped.wrapped
        if self.kind == kernel.DOCKER:
            # Parts of a line lack nothing but its end, and so do lines that a shipper has taken from Docker.
            wrapped -= unwrapped.joined
        return wrapped / unwrapped.lines if unwrapped.lines else 0.0


def wrappers() -> tuple[Wrapper, ...]:
    """All wrappers, the most specific first.

    `docker`: https://docs.docker.com/engine/logging/drivers/json-file/
    `cri`: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
    `syslog`: what rsyslog, syslog-ng and `journalctl` write; RFC 3164 and 5424, and the former with RFC 3339's times.
    `kubernetes`: what `kubectl logs --timestamps` prints; `pod`: with `--prefix`.
    `compose`: what `docker compose logs` prints, in colours or not, with times or not.
    `journal`: https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format
    `colours`: nothing but a terminal's colours in the lines.
    `json ...`: what log shippers and stores write, an object with the line under a key: `LINE_KEYS`.
    """
    return (
        Wrapper("docker", kernel.DOCKER),
        Wrapper("cri", kernel.CRI),
        Wrapper("syslog", kernel.SYSLOG),
        Wrapper("kubernetes", kernel.KUBERNETES),
        Wrapper("pod", kernel.POD),
        Wrapper("compose", kernel.COMPOSE),
        Wrapper("journal", kernel.KEYED, b"MESSAGE"),
        Wrapper("colours", kernel.COLOURED),
        *(Wrapper(f"json {key}", kernel.KEYED, key.encode()) for key in LINE_KEYS),
    )


LINE_KEYS = (
    "message",
    "log",
    "textPayload",
    "line",
    "msg",
    "@message",
    "_raw",
    "original",
    "body",
    "LogMessage",
    "LogEntry",
)
"""Keys under which a line stands, at any depth: Filebeat, Vector, Logstash and Elasticsearch (`message`, `original`),
Fluent Bit and Fluentd (`log`), Google Cloud (`textPayload`), Loki (`line`), CloudWatch (`message`, `@message`), Splunk
(`_raw`), OpenTelemetry's collector (`body`), Azure's containers (`LogMessage`, `LogEntry`)."""
MOST_JOINED = 256 << 10
"""Bytes of a line whose parts are joined: sixteen parts of 16 KiB. Servers refuse requests long before: nginx above 32
KiB of headers, Envoy above 60."""


class Unwrapped(msgspec.Struct, frozen=True):
    """The lines inside a chunk's lines.

    Attributes:
        chunk: They, in a buffer of their own, numbered from 1.
        line_of: int64: the source's line number of each; of a line whose parts were joined, that of its last part.
        lines: Lines of the wrapped chunk.
        wrapped: Lines of it that were wrapped.
        joined: Lines of it that are parts of a later one.
        cut_lines, cut_bytes: Joined lines above `MOST_JOINED`, and what they lost.
    """

    chunk: Chunk
    line_of: np.ndarray[tuple[int], np.dtype[np.int64]]
    lines: int
    wrapped: int
    joined: int
    cut_lines: int
    cut_bytes: int


class Unwrapper:
    """Unwraps the chunks of one source.

    Args:
        kind: What is peeled off, for the kernel. key: Of JSON objects, the key whose text is the line.
        joins: Whether the parts of a line that the runtime cut are joined. A source's lines follow each other; lines
            that somebody sends one by one do not.
    """

    def __init__(self, kind: int, key: bytes = b"", *, joins: bool = True) -> None:
        self._kind = kind
        self._key = np.frombuffer(key, dtype=np.uint8).copy()
        self._joins = joins
        self._text = np.empty((kernel.STREAMS, MOST_JOINED if joins else 0), dtype=np.uint8)
        self._held = np.zeros((kernel.STREAMS, kernel.HELD_WIDTH), dtype=np.int64)
        self._split = 0

    def unwrap(self, chunk: Chunk) -> Unwrapped:
        """Peel off the wrapping, into a new chunk; the old one keeps its lines."""
        source = chunk.buffer
        if self._kind in (kernel.DOCKER, kernel.KEYED):
            source = source[: chunk.length + PADDING].copy()
        lines = int(np.count_nonzero(source[: chunk.length] == 10)) + 1
        room = chunk.length + 1 + int(self._held[:, kernel.SIZE].sum())
        written = np.empty(2 * room + 2 * PADDING, dtype=np.uint8)
        line_of = np.empty(lines, dtype=np.int64)
        state = np.zeros(kernel.STATE_WIDTH, dtype=np.int64)
        state[kernel.SPLIT] = self._split
        kernel.unwrap(
            source, chunk.length, self._kind, self._key, chunk.first_line, int(self._joins), self._text,
            self._held, written, line_of, state,
        )  # fmt: skip
        self._split = int(state[kernel.SPLIT])
        return self._unwrapped(chunk.source, written, line_of, state)

    def rest(self, source: str) -> Unwrapped:
        """What a source that has ended holds of lines whose last parts never came."""
        waiting = [stream for stream in range(kernel.STREAMS) if self._split >> stream & 1]
        waiting.sort(key=lambda stream: int(self._held[stream, kernel.NUMBER]))
        texts = [self._text[stream, : self._held[stream, kernel.SIZE]].tobytes() for stream in waiting]
        held = self._held[waiting]
        cut = held[held[:, kernel.LOST] > 0, kernel.LOST]
        chunk = Chunk.of(b"".join(text + b"\n" for text in texts), source)
        self._held[:] = 0
        self._split = 0
        numbers = np.ascontiguousarray(held[:, kernel.NUMBER])
        return Unwrapped(chunk, numbers, 0, 0, -len(waiting), len(cut), int(cut.sum()))

    def to_state(self) -> bytes:
        """What is held of lines that the runtime cut, as bytes."""
        held = [
            (self._text[stream, : row[kernel.SIZE]].tobytes(), row[kernel.LOST], row[kernel.NUMBER])
            for stream, row in enumerate(self._held.tolist())
        ]
        return encode((self._split, held))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        split, held = decode(content, tuple[int, list[tuple[bytes, int, int]]], _STATE)
        check(0 <= split < 1 << kernel.STREAMS and len(held) == kernel.STREAMS, _STATE)
        check(all(len(text) <= self._text.shape[1] and min(rest) >= 0 for text, *rest in held), _STATE)
        self._split = split
        for stream, (text, lost, number) in enumerate(held):
            self._text[stream, : len(text)] = np.frombuffer(text, dtype=np.uint8)
            self._held[stream] = len(text), lost, number

    @staticmethod
    def _unwrapped(
        source: str,
        written: np.ndarray[tuple[int], np.dtype[np.uint8]],
        line_of: np.ndarray[tuple[int], np.dtype[np.int64]],
        state: np.ndarray[tuple[int], np.dtype[np.int64]],
    ) -> Unwrapped:
        out, inner, joined = (int(state[at]) for at in (kernel.OUT, kernel.LINES, kernel.JOINED))
        written[out : out + PADDING] = 10
        return Unwrapped(
            chunk=Chunk(source, written, out, 1),
            line_of=line_of[:inner],
            lines=inner + joined,
            wrapped=int(state[kernel.WRAPPED]),
            joined=joined,
            cut_lines=int(state[kernel.CUT_LINES]),
            cut_bytes=int(state[kernel.CUT_BYTES]),
        )


_STATE = "state of a parser"


class UnwrappingParser:
    """Parses what is inside the lines of one source.

    Args:
        wrapper: What is peeled off. inner: Reads what is inside.
        joins: See `Unwrapper`.
    """

    def __init__(self, wrapper: Wrapper, inner: Parser, *, joins: bool = True) -> None:
        self._name = wrapper.name
        self._unwrapper = wrapper.open(joins=joins)
        self._inner = inner

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of the formats inside, each with what it was wrapped in."""
        return tuple(f"{name} in {self._name}" for name in self._inner.formats)

    def parse(self, chunk: Chunk) -> Parsed:
        """Turn whole lines into a batch, numbered as in the source. Never raises for what the lines hold."""
        return self._parsed(self._unwrapper.unwrap(chunk))

    def finish(self, source: str) -> Parsed:
        """What the source, which has ended, holds of lines whose last parts never came."""
        return self._parsed(self._unwrapper.rest(source))

    def to_state(self) -> bytes:
        """What the lines so far have told about those to come, as bytes."""
        return encode((self._name, self._unwrapper.to_state(), self._inner.to_state()))

    def from_state(self, content: bytes) -> None:
        """Go on where the parser that `to_state` was asked of stood. Raises `StateError`."""
        name, held, inner = decode(content, tuple[str, bytes, bytes], _STATE)
        check(name == self._name, _STATE)
        self._unwrapper.from_state(held)
        self._inner.from_state(inner)

    def _parsed(self, unwrapped: Unwrapped) -> Parsed:
        parsed = self._inner.parse(unwrapped.chunk)
        line_of = unwrapped.line_of
        parsed.requests.line = line_of[parsed.requests.line - 1]
        skips = Skips(
            dict(parsed.skips.counts),
            [(reason, int(line_of[line - 1]), text) for reason, line, text in parsed.skips.samples],
        )
        return Parsed(
            parsed.requests,
            skips,
            unwrapped.lines,
            unwrapped.joined,
            unwrapped.cut_lines,
            unwrapped.cut_bytes,
        )
