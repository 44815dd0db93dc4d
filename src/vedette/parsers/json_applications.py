"""What applications and their frameworks write as JSON."""

from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.json_lines import JsonFormat


def vedette() -> JsonFormat:
    """What `vedette.middleware` records: attributes of OpenTelemetry's HTTP conventions, flat."""
    return JsonFormat(
        "vedette-json",
        "Vedette's middleware: OpenTelemetry's HTTP attributes (http.request.method, url.path, ...)",
        {
            Field.TIME: ("time",),
            Field.PEER: (r"network\.peer\.address",),
            Field.FORWARDED: (r"http\.request\.header\.x-forwarded-for",),
            Field.METHOD: (r"http\.request\.method",),
            Field.TARGET: (r"url\.path",),
            Field.QUERY: (r"url\.query",),
            Field.ROUTE: (r"http\.route",),
            Field.PROTOCOL: (r"network\.protocol",),
            Field.STATUS: (r"http\.response\.status_code",),
            Field.BYTES_IN: (r"http\.request\.size",),
            Field.BYTES_OUT: (r"http\.response\.size",),
            Field.DURATION: (r"http\.server\.request\.duration",),
            Field.REFERER: (r"http\.request\.header\.referer",),
            Field.USER_AGENT: (r"user_agent\.original",),
            Field.SERVICE: (r"service\.name", r"server\.address"),
        },
        Conventions(TimeFormat.EPOCH_SECONDS, DurationUnit.SECONDS),
    )


def _either(*names: str) -> tuple[str, ...]:
    """Paths of keys that are written flat, with dots in them, or nested."""
    return tuple(path for name in names for path in (name.replace(".", r"\."), name))


def ecs() -> JsonFormat:
    """Elastic Common Schema, flat or nested; `event.duration` is nanoseconds.

    https://www.elastic.co/guide/en/ecs/current/ecs-http.html
    """
    return JsonFormat(
        "ecs-json",
        "Elastic Common Schema (@timestamp, http.request.method, url.original, ...), flat or nested",
        {
            Field.TIME: ("@timestamp",),
            Field.PEER: _either("source.ip", "client.ip", "source.address", "client.address"),
            Field.METHOD: _either("http.request.method"),
            Field.TARGET: _either("url.original", "url.path"),
            Field.QUERY: _either("url.query"),
            Field.STATUS: _either("http.response.status_code"),
            Field.BYTES_IN: _either("http.request.bytes", "http.request.body.bytes"),
            Field.BYTES_OUT: _either("http.response.bytes", "http.response.body.bytes"),
            Field.DURATION: _either("event.duration"),
            Field.REFERER: _either("http.request.referrer"),
            Field.USER_AGENT: _either("user_agent.original"),
            Field.SERVICE: _either("service.name", "url.domain"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.NANOSECONDS, peer_has_port=True),
    )


def pino() -> JsonFormat:
    """pino-http and Fastify: `time` in milliseconds since the epoch, `responseTime` in milliseconds.

    Lines about anything but a request that has been answered are not requests.
    https://github.com/pinojs/pino-http
    """
    return JsonFormat(
        "pino-json",
        "pino-http and Fastify (time, req.method, req.url, res.statusCode, responseTime, ...)",
        {
            Field.TIME: ("time",),
            Field.PEER: ("req.remoteAddress",),
            Field.FORWARDED: ("req.headers.x-forwarded-for",),
            Field.METHOD: ("req.method",),
            Field.TARGET: ("req.url",),
            Field.STATUS: ("res.statusCode",),
            Field.DURATION: ("responseTime",),
            Field.REFERER: ("req.headers.referer",),
            Field.USER_AGENT: ("req.headers.user-agent",),
            Field.SERVICE: ("req.headers.host", "name"),
        },
        Conventions(TimeFormat.EPOCH_MILLISECONDS, DurationUnit.MILLISECONDS),
    )


def winston() -> JsonFormat:
    """express-winston: milliseconds; a time only where winston's `format.timestamp()` is among its formats.

    https://github.com/bithavoc/express-winston
    """
    return JsonFormat(
        "express-winston-json",
        "express-winston (timestamp, meta.req.method, meta.req.url, meta.res.statusCode, meta.responseTime)",
        {
            Field.TIME: ("timestamp", "time", "@timestamp"),
            Field.PEER: ("meta.req.ip", "meta.req.connection.remoteAddress"),
            Field.FORWARDED: ("meta.req.headers.x-forwarded-for",),
            Field.METHOD: ("meta.req.method",),
            Field.TARGET: ("meta.req.originalUrl", "meta.req.url"),
            Field.STATUS: ("meta.res.statusCode",),
            Field.DURATION: ("meta.responseTime",),
            Field.REFERER: ("meta.req.headers.referer",),
            Field.USER_AGENT: ("meta.req.headers.user-agent",),
            Field.SERVICE: ("meta.req.headers.host",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.MILLISECONDS),
    )


def echo() -> JsonFormat:
    """labstack/echo's `middleware.Logger()`; `latency` is nanoseconds, `latency_human` bears its unit.

    https://echo.labstack.com/docs/middleware/logger
    """
    return JsonFormat(
        "echo-json",
        "Echo's logger (time, remote_ip, uri, status, latency_human, bytes_in, bytes_out)",
        {
            Field.TIME: ("time",),
            Field.PEER: ("remote_ip",),
            Field.METHOD: ("method",),
            Field.TARGET: ("uri",),
            Field.STATUS: ("status",),
            Field.BYTES_IN: ("bytes_in",),
            Field.BYTES_OUT: ("bytes_out",),
            Field.DURATION: ("latency_human",),
            Field.USER_AGENT: ("user_agent",),
            Field.SERVICE: ("host",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.GO),
        needs=Field.DURATION,
    )
