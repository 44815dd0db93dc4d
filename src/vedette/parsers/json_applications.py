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
            Field.TIME: ("@timestamp", "timestamp"),
            Field.PEER: _either("source.ip", "client.ip", "source.address", "client.address"),
            Field.METHOD: _either("http.request.method"),
            Field.TARGET: _either("url.original", "url.path", "url.full"),
            Field.QUERY: _either("url.query"),
            Field.STATUS: _either("http.response.status_code"),
            Field.BYTES_IN: _either("http.request.bytes", "http.request.body.bytes"),
            Field.BYTES_OUT: _either("http.response.bytes", "http.response.body.bytes"),
            Field.DURATION: _either("event.duration"),
            Field.REFERER: _either("http.request.referrer"),
            Field.USER_AGENT: _either("user_agent.original"),
            Field.SERVICE: _either("service.name", "url.domain"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.NANOSECONDS, peer_has_port=True, target_has_origin=True),
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
        needs=(Field.DURATION,),
    )


def opentelemetry() -> JsonFormat:
    """Attributes of OpenTelemetry's HTTP conventions before they were stable, flat, as tracing libraries write them.

    https://github.com/open-telemetry/opentelemetry-specification/blob/v1.20.0/specification/trace/semantic_conventions/http.md
    """
    return JsonFormat(
        "otel-http-json",
        "OpenTelemetry's earlier HTTP attributes, flat (http.method, http.target, http.status_code, ...)",
        {
            Field.TIME: ("time", "timestamp", "@timestamp", "ts"),
            Field.PEER: (r"http\.client_ip", r"net\.sock\.peer\.addr", r"net\.peer\.ip"),
            Field.METHOD: (r"http\.method",),
            Field.TARGET: (r"http\.target", r"http\.url", r"http\.route"),
            Field.STATUS: (r"http\.status_code",),
            Field.BYTES_IN: (r"http\.request_content_length",),
            Field.BYTES_OUT: (r"http\.response_content_length",),
            Field.DURATION: ("elapsed_milliseconds", "duration_ms"),
            Field.USER_AGENT: (r"http\.user_agent",),
            Field.SERVICE: (r"service\.name", r"http\.host", r"http\.server_name"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.MILLISECONDS, peer_has_port=True),
        needs=(Field.METHOD, Field.TARGET, Field.STATUS),
    )


def datadog() -> JsonFormat:
    """Datadog's standard attributes, flat or nested; `duration` is nanoseconds.

    https://docs.datadoghq.com/standard-attributes/
    """
    return JsonFormat(
        "datadog-json",
        "Datadog's standard attributes (timestamp, network.client.ip, http.method, http.url, ...), flat or nested",
        {
            Field.TIME: ("timestamp", "@timestamp", "date"),
            Field.PEER: _either("network.client.ip"),
            Field.METHOD: _either("http.method"),
            Field.TARGET: _either("http.url_details.path", "http.url"),
            Field.STATUS: _either("http.status_code"),
            Field.BYTES_IN: _either("network.bytes_read"),
            Field.BYTES_OUT: _either("network.bytes_written"),
            Field.DURATION: ("duration",),
            Field.REFERER: _either("http.referer"),
            Field.USER_AGENT: _either("http.useragent"),
            Field.SERVICE: ("service", *_either("http.url_details.host")),
        },
        Conventions(TimeFormat.ANY, DurationUnit.NANOSECONDS, peer_has_port=True, target_has_origin=True),
        needs=(Field.PEER, Field.STATUS),
    )


def serilog() -> JsonFormat:
    """Request logging of Serilog.AspNetCore, compact or not; `Elapsed` is milliseconds.

    A client only where the application adds one to the diagnostic context.
    https://github.com/serilog/serilog-aspnetcore
    """
    return JsonFormat(
        "serilog-json",
        "Serilog's request logging of ASP.NET Core (@t or Timestamp, RequestMethod, RequestPath, StatusCode, Elapsed)",
        {
            Field.TIME: ("@t", "Timestamp", "@timestamp"),
            Field.PEER: _of_properties("ClientIp", "RemoteIpAddress", "RemoteIP"),
            Field.METHOD: _of_properties("RequestMethod"),
            Field.TARGET: _of_properties("RequestPath"),
            Field.STATUS: _of_properties("StatusCode"),
            Field.DURATION: _of_properties("Elapsed"),
            Field.USER_AGENT: _of_properties("UserAgent"),
            Field.SERVICE: _of_properties("Application", "RequestHost"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.MILLISECONDS, peer_has_port=True),
        needs=(Field.METHOD, Field.TARGET, Field.STATUS),
    )


def _of_properties(*names: str) -> tuple[str, ...]:
    """Paths of Serilog's properties, beside the event's own keys or below `Properties`."""
    return tuple(path for name in names for path in (name, f"Properties.{name}"))


def logback_access() -> JsonFormat:
    """Access events of logstash-logback-encoder, which Tomcat and Jetty write by; `elapsed_time` is milliseconds.

    https://github.com/logfellow/logstash-logback-encoder#accessevent-fields
    """
    return JsonFormat(
        "logback-access-json",
        "logstash-logback-encoder's access events (@timestamp, requested_uri, status_code, elapsed_time, ...)",
        {
            Field.TIME: ("@timestamp",),
            Field.PEER: ("remote_host",),
            Field.REQUEST: ("requested_url",),
            Field.METHOD: ("method",),
            Field.TARGET: ("requested_uri",),
            Field.PROTOCOL: ("protocol",),
            Field.STATUS: ("status_code",),
            Field.BYTES_OUT: ("content_length",),
            Field.DURATION: ("elapsed_time",),
            Field.REFERER: ("request_headers.referer",),
            Field.USER_AGENT: ("request_headers.user-agent",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.MILLISECONDS),
        needs=(Field.METHOD, Field.TARGET, Field.STATUS),
    )
