"""A batch of requests, held as columns.

One `Requests` comes from one source and covers whole lines. Text is dictionary-coded within the batch: a
`Coded` column holds one id per row into a `Vocabulary` of the batch's distinct byte strings, so that each
distinct text is decoded, judged and classified once. Nothing in a batch outlives it except by being copied,
because its bytes live in a reused buffer.

Column names follow the OpenTelemetry HTTP semantic conventions, shortened:

| column | OpenTelemetry attribute | unit |
|---|---|---|
| `time` | (timestamp) | microseconds since 1970-01-01 UTC |
| `method` | `http.request.method` | |
| `target` | `url.path` and `url.query` | |
| `status` | `http.response.status_code` | |
| `bytes_in`, `bytes_out` | `http.request.size`, `http.response.size` | bytes |
| `duration` | `http.server.request.duration` | seconds |
| `peer` | `network.peer.address` | |
| `forwarded` | `http.request.header.x-forwarded-for` | |
| `client` | `client.address` | |
| `template` | `http.route` | |
| `user_agent` | `user_agent.original` | |
| `service` | `server.address` or `service.name` | |
"""

from enum import IntFlag
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOT_RECORDED = -1
"""Id, or size in bytes, of something the log does not tell."""


class RequestFlag(IntFlag):
    """What was odd about a row; several may hold."""

    NOT_HTTP = 1
    """The request line is not an HTTP request line ("-", TLS bytes, garbage)."""
    NO_PROTOCOL = 2
    """Method and target, but no protocol (HTTP/0.9 style)."""
    SPACE_IN_TARGET = 4
    """The target held a raw space."""
    REPAIRED = 8
    """The line did not fit the format; what could be read was read."""
    INTERNAL = 16
    """Client address is one of the configured trusted proxies or loopback."""
    METHOD_CASE = 32
    """The method of the request line has lower case, which makes it another one (RFC 9110, section 9.1)."""


class Vocabulary(msgspec.Struct):
    """Distinct byte strings: string `i` is `buffer[start[i] : start[i] + length[i]]`.

    Attributes:
        buffer: uint8, shape (any,). Shared with the batch; never written to by readers.
        start: int64, shape (k,).
        length: int32, shape (k,).
    """

    buffer: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, index: int) -> bytes:
        if not 0 <= index < len(self.start):
            raise IndexError(f"vocabulary id {index} is not in 0..{len(self.start) - 1}")
        start = self.start.item(index)
        return self.buffer.data[start : start + self.length.item(index)].tobytes()

    def __iter__(self) -> "Iterator[bytes]":
        memory = self.buffer.data
        spans = zip(self.start.tolist(), self.length.tolist(), strict=True)
        return (bytes(memory[start : start + length]) for start, length in spans)

    @classmethod
    def of(cls, texts: "Sequence[bytes]") -> "Vocabulary":
        """Copy byte strings into a vocabulary of their own, in order."""
        length = np.array([len(t) for t in texts], dtype=np.int32)
        start = np.zeros(len(texts), dtype=np.int64)
        if len(texts) > 1:
            np.cumsum(length[:-1], out=start[1:])
        # 64 zero bytes of padding: kernels may load whole words at the end of a string.
        buffer = np.frombuffer(bytearray(b"".join(texts) + bytes(64)), dtype=np.uint8)
        return cls(buffer, start, length)


class Coded(msgspec.Struct):
    """A text column: `ids` (int32, shape (n,), -1 where not recorded) into `vocabulary`."""

    ids: NDArray[np.int32]
    vocabulary: Vocabulary

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> bytes | None:
        """The text of a row, or None where not recorded."""
        index = self.ids.item(row)
        return None if index < 0 else self.vocabulary[index]

    def texts(self, rows: NDArray[np.intp]) -> list[bytes | None]:
        """The texts of rows (k,), as `self[row]` gives each; all at once a fifth of the time."""
        vocabulary, ids = self.vocabulary, self.ids[rows]
        if not len(vocabulary):
            return [None] * len(ids)
        # Of rows that record none, whatever text comes: it is left out.
        start, length = vocabulary.start[ids], vocabulary.length[ids]
        memory = vocabulary.buffer.data
        return [
            None if number < 0 else memory[begin : begin + size].tobytes()
            for number, begin, size in zip(ids.tolist(), start.tolist(), length.tolist(), strict=True)
        ]

    @classmethod
    def nothing(cls, rows: int, buffer: NDArray[np.uint8]) -> "Coded":
        """So many rows of which nothing is recorded."""
        ids = np.empty(rows, dtype=np.int32)
        ids.fill(NOT_RECORDED)
        return cls(ids, Vocabulary(buffer, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)))

    @classmethod
    def of(cls, texts: "Sequence[bytes | None]") -> "Coded":
        """Dictionary-code a short list of texts (slow path and tests)."""
        index: dict[bytes, int] = {}
        ids = np.array(
            [NOT_RECORDED if t is None else index.setdefault(t, len(index)) for t in texts], dtype=np.int32
        )
        return cls(ids, Vocabulary.of(list(index)))


class Clients(msgspec.Struct):
    """Who made each request: an address after the trusted-proxy walk, one key per distinct client.

    A key is 128 bits. IPv6 clients are keyed by their /64 (low half zero), IPv4 (and IPv4-mapped IPv6) as
    `::ffff:a.b.c.d`, host names (old logs) as `high = NAME_TAG` and a keyed 64-bit hash of the name as `low`.

    Attributes:
        ids: int32, shape (n,): row to key; -1 where no client is recorded.
        high, low: uint64, shape (k,).
        names: host names by `low`, only of clients logged as names.
    """

    ids: NDArray[np.int32]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    names: dict[int, str] = msgspec.field(default_factory=dict)


UNNAMED_TAG = 0x0100_0000_0000_0002
"""High half of the key that stands for all requests whose log records no client."""
NAME_TAG = 0x0100_0000_0000_0001
"""High half of the key of a client known by host name (inside 100::/8, which no client address uses)."""


class Requests(msgspec.Struct):
    """One batch of n requests from one source, in line order.

    Attributes:
        source: Name of the source, as reports print it (a path, `-` for standard input).
        line: int64 (n,): 1-based line number within the source.
        time: int64 (n,): microseconds since the epoch, UTC. Every row has one.
        status: int16 (n,): HTTP status, 0 where not recorded.
        bytes_in, bytes_out: int64 (n,): -1 where not recorded.
        duration: float64 (n,): seconds, NaN where not recorded.
        flags: uint16 (n,): `RequestFlag` bits.
        peer, forwarded, method, target, protocol, user_agent, referer, service: text columns. `target` is
            path and query as logged; `forwarded` the raw `X-Forwarded-For`; `service` a virtual host or
            service name.
        buffer: uint8: the bytes that `raw_start` and `raw_length` and the vocabularies refer to.
        raw_start: int64 (n,), raw_length: int32 (n,): the whole line of each row, for evidence.
        client: Set by enrichment.
        route: Set by enrichment: one id per row into folded paths.
        template: Routes as whoever answered knew them (`/users/{user_id}`); None where no row tells any.
    """

    source: str
    line: NDArray[np.int64]
    time: NDArray[np.int64]
    status: NDArray[np.int16]
    bytes_in: NDArray[np.int64]
    bytes_out: NDArray[np.int64]
    duration: NDArray[np.float64]
    flags: NDArray[np.uint16]
    peer: Coded
    forwarded: Coded
    method: Coded
    target: Coded
    protocol: Coded
    user_agent: Coded
    referer: Coded
    service: Coded
    buffer: NDArray[np.uint8]
    raw_start: NDArray[np.int64]
    raw_length: NDArray[np.int32]
    client: Clients | None = None
    route: Coded | None = None
    template: Coded | None = None

    def __len__(self) -> int:
        return len(self.line)

    def select(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "Requests":
        """Some of the rows, by place, by mark or as a slice, in their order; text is shared."""
        client, route = self.client, self.route
        taken: dict[str, Any] = {
            "client": None if client is None else replace(client, ids=client.ids[rows]),
            "route": None if route is None else replace(route, ids=route.ids[rows]),
        }
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Coded):
                taken.setdefault(name, replace(value, ids=value.ids[rows]))
            elif isinstance(value, np.ndarray) and name != "buffer":
                taken[name] = value[rows]
        return replace(self, **taken)

    def raw(self, row: int) -> bytes:
        """The log line of a row, without its line end."""
        start = int(self.raw_start[row])
        return self.buffer[start : start + int(self.raw_length[row])].tobytes()
