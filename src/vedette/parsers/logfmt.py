"""Access logs of `key=value` pairs (logfmt): Heroku's router, and what Go services, Grafana and many others write."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.kernels.lines.keys import EDGE_KEY, EDGE_LENGTH, EDGE_SLOT
from vedette.kernels.lines.tokenise_logfmt import tokenise_logfmt
from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.json_keys import JsonKeys
from vedette.parsers.json_lines import JsonTokeniser, KeyedParser
from vedette.schema.chunk import Chunk, SkipReason

HEAD = "\n"
"""Stands among the keys of the time for one that stands before all pairs; no line holds a key of that name."""


class LogfmtTokeniser(JsonTokeniser):
    """Finds a format's fields in the lines of one source; keeps scratch space between chunks."""

    fewest_bytes = 4
    """Of a key, `=`, a value and the line's end."""

    def __init__(self, keys: JsonKeys, *, cut: bool = False) -> None:
        super().__init__(keys)
        self._cut = cut
        name = ord(HEAD)
        self._head = next(
            (
                int(edge[EDGE_SLOT])
                for edge in keys.edges.T
                if edge[EDGE_LENGTH] == 1 and keys.keys[edge[EDGE_KEY]] == name
            ),
            -1,
        )

    def _run(self, chunk: Chunk, state: NDArray[np.int64], skips: NDArray[np.int64]) -> None:
        keys = self._keys
        tokenise_logfmt(
            chunk.buffer,
            chunk.length,
            state,
            self._head,
            self._cut,
            keys.buckets,
            keys.edges,
            keys.keys,
            keys.resolve,
            self._is_request,
            self._slot_start,
            self._slot_length,
            self._start,
            self._length,
            self._line,
            self._raw_start,
            self._raw_length,
            skips,
        )


class LogfmtFormat(msgspec.Struct, frozen=True):
    """Lines of pairs whose keys have known meanings.

    Attributes:
        name: As `--format` takes it.
        description: One line, with an example product.
        paths: For each field, the keys it may stand at, the most trusted first. A dot in a key has a backslash.
        conventions: How times and durations are written.
        needs: `FORWARDED` if each line of the format has it, `DURATION` if half of them do, so that it is told from
            others with like keys; or None.
        extended: As of `JsonFormat`.
        mark: What a sample of the format holds somewhere.
        cut: Whether a line counts as far as the first value that has a quotation mark inside.
    """

    name: str
    description: str
    paths: Mapping[Field, Sequence[str]]
    conventions: Conventions
    needs: Field | None = None
    extended: bool = False
    mark: bytes = b""
    cut: bool = False

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's lines that are requests of this format, blank lines left out.

        As of JSON lines, more is asked than of a row: a time, and a status with a client or a path, or a method with a
        path.
        """
        text = sample.buffer[: sample.length].tobytes()
        if self.mark not in text or not any(
            key.replace("\\", "").encode() + b"=" in text for key in self.paths[Field.TARGET]
        ):
            # Loading the compiled tokeniser to look at another text log would take longer than the look.
            return 0.0
        parsed = self.open(sample.source).parse(sample)
        lines = parsed.lines - parsed.skips.counts.get(SkipReason.BLANK, 0)
        if not lines:
            return 0.0
        requests = parsed.requests
        peer, method, target = (c.ids >= 0 for c in (requests.peer, requests.method, requests.target))
        chain = requests.forwarded.ids >= 0
        fits = ((requests.status > 0) & (peer | chain | target)) | (method & target)
        if self.needs is Field.FORWARDED:
            fits &= chain
        if self.needs is Field.DURATION and 2 * np.isnan(requests.duration).sum() > len(requests):
            return 0.0
        return float(fits.sum() / lines)

    def open(self, source: str) -> KeyedParser:  # noqa: ARG002 - such a source has no state of its own
        """Start parsing a source."""
        return KeyedParser(
            (self.name,), LogfmtTokeniser(JsonKeys.of(self.paths), cut=self.cut), self.conventions
        )


def logfmt_formats() -> tuple[LogfmtFormat, ...]:
    """The formats of pairs that are known by name."""
    return (
        _heroku(),
        _lograge(),
        _any(
            "logfmt-ms",
            "with duration_ms and the like",
            _MILLISECONDS,
            DurationUnit.MILLISECONDS,
            Field.DURATION,
        ),
        _any("logfmt-s", "with duration_s and the like", _SECONDS, DurationUnit.SECONDS, Field.DURATION),
        _any("logfmt", "(time=... method=GET path=... status=200)", _UNITS, DurationUnit.GO),
    )


def _heroku() -> LogfmtFormat:
    """Heroku's router. The time stands before the pairs; `fwd` ends with the address that the router saw.

    https://devcenter.heroku.com/articles/http-routing#heroku-router-log-format
    """
    return LogfmtFormat(
        "heroku",
        'Heroku\'s router (... heroku[router]: at=info method=GET path="/" host=... fwd=... service=18ms)',
        {
            Field.TIME: (HEAD,),
            Field.FORWARDED: ("fwd",),
            Field.METHOD: ("method",),
            Field.TARGET: ("path",),
            Field.STATUS: ("status",),
            Field.BYTES_OUT: ("bytes",),
            Field.DURATION: ("service",),
            Field.SERVICE: ("host",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.GO),
        needs=Field.FORWARDED,
    )


def _lograge() -> LogfmtFormat:
    """Rails' requests as the gem lograge writes them, behind the prefix of Ruby's logger; durations in milliseconds.

    Parameters, where they are logged, come last and in Ruby's notation, with the client's text in them.

    https://github.com/roidrage/lograge
    """
    return replace(
        _any("lograge", "", ("duration",), DurationUnit.MILLISECONDS),
        description="Rails with lograge (I, [2026-03-02T08:00:00.123456 #1]  INFO -- : method=GET path=/ ...)",
        mark=b" controller=",
        cut=True,
    )


_UNITS = ("duration", "elapsed", "latency", "took", "response_time")
_MILLISECONDS = (
    "duration_ms", "elapsed_ms", "latency_ms", "took_ms", "response_time_ms", "request_time_ms", "durationMs",
)  # fmt: skip
_SECONDS = ("duration_s", "duration_seconds", "elapsed_s", "latency_s", "latency_seconds", "request_time")


def _any(
    name: str, which: str, durations: Sequence[str], unit: DurationUnit, needs: Field | None = None
) -> LogfmtFormat:
    """Keys that Go services, Grafana, Loki and the frameworks' loggers give requests.

    Durations say their unit, in their text or their name: a bare number's is not guessed.
    """
    return LogfmtFormat(
        name,
        f"Lines of key=value pairs, as Grafana and Go services write them, {which}",
        {
            Field.TIME: ("time", "ts", "t", "timestamp", "@timestamp", HEAD),
            Field.PEER: (
                "remote_addr",
                "remote_ip",
                "client_ip",
                "remoteAddr",
                "clientIP",
                "client_addr",
                "peer_addr",
                "source_ip",
                "remote",
                "client",
                "peer",
                "ip",
                "addr",
                r"client\.ip",
            ),
            Field.FORWARDED: ("x_forwarded_for", "forwarded_for", "fwd"),
            Field.METHOD: ("method", "http_method", "request_method", r"http\.method"),
            Field.TARGET: ("path", "uri", "url", "request_uri", "request_path", r"http\.path", r"http\.url"),
            Field.QUERY: ("query", "query_string"),
            Field.PROTOCOL: ("protocol", "proto"),
            Field.STATUS: (
                "status",
                "status_code",
                "statusCode",
                "response_status",
                "response_code",
                "http_status",
                r"http\.status_code",
                "code",
            ),
            Field.BYTES_IN: ("bytes_in", "request_size", "request_bytes"),
            Field.BYTES_OUT: (
                "bytes_out",
                "bytes",
                "size",
                "response_size",
                "response_bytes",
                "bytes_written",
            ),
            Field.DURATION: durations,
            Field.REFERER: ("referer", "referrer"),
            Field.USER_AGENT: ("user_agent", "userAgent", "useragent", "agent", "ua"),
            Field.SERVICE: ("service", "host", "vhost"),
        },
        Conventions(TimeFormat.ANY, unit, peer_has_port=True),
        needs=needs,
        extended=True,
    )
