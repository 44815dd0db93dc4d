"""The JSON access logs that are known by name, and those that a field map describes."""

from collections.abc import Mapping
from types import MappingProxyType

from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.json_keys import JsonKeys
from vedette.parsers.json_lines import JsonFormat

FIELD_NAMES: Mapping[str, Field] = MappingProxyType(
    {
        "time": Field.TIME,
        "peer": Field.PEER,
        "forwarded": Field.FORWARDED,
        "request": Field.REQUEST,
        "method": Field.METHOD,
        "target": Field.TARGET,
        "query": Field.QUERY,
        "protocol": Field.PROTOCOL,
        "status": Field.STATUS,
        "bytes_in": Field.BYTES_IN,
        "bytes_out": Field.BYTES_OUT,
        "referer": Field.REFERER,
        "user_agent": Field.USER_AGENT,
        "service": Field.SERVICE,
    }
)
"""Names that a field map may give a key path, besides those of `DURATION_NAMES`."""

DURATION_NAMES: Mapping[str, DurationUnit] = MappingProxyType(
    {
        "duration_s": DurationUnit.SECONDS,
        "duration_ms": DurationUnit.MILLISECONDS,
        "duration_us": DurationUnit.MICROSECONDS,
        "duration_ns": DurationUnit.NANOSECONDS,
        "duration_go": DurationUnit.GO,
    }
)
"""Names for a duration, by its unit."""


def json_formats() -> tuple[JsonFormat, ...]:
    """The JSON formats known by name."""
    return (
        _vedette(),
        _envoy(),
        _traefik(),
        _caddy(),
        _ecs(),
        _cloudflare(),
        _google(),
        _azure(),
        _api_gateway(),
        _kong(),
        _pino(),
        _winston(),
        _echo(),
        _linkerd(),
        _nginx(),
    )


def json_format_from_map(
    mapping: Mapping[str, str], *, time: TimeFormat = TimeFormat.ANY, utc_offset: int = 0, name: str = "json"
) -> JsonFormat:
    r"""Make a format of any JSON lines from a map of our field names to their key paths.

    Args:
        mapping: Field name (`FIELD_NAMES`, `DURATION_NAMES`) to key path: `{"status": "http.status_code"}`.
            Keys are joined by `.`; `[0]` is an array's first element; `\.` is a dot inside a key.
        time: How times are written.
        utc_offset: Seconds east of UTC of times without a zone.
        name: Name of the format.

    Raises:
        ValueError: A field name is unknown, a path does not read, two durations are mapped, or the map lacks
            `time` or anything to tell a request by.
    """
    paths: dict[Field, tuple[str, ...]] = {}
    unit = DurationUnit.SECONDS
    for key, path in mapping.items():
        if key in DURATION_NAMES:
            field, unit = Field.DURATION, DURATION_NAMES[key]
            if field in paths:
                raise ValueError(
                    f"field map: {key} is a second duration: map one of {', '.join(DURATION_NAMES)}"
                )
        elif key in FIELD_NAMES:
            field = FIELD_NAMES[key]
        else:
            known = ", ".join((*FIELD_NAMES, *DURATION_NAMES))
            raise ValueError(f"field map: {key!r} is no field: use one of {known}")
        paths[field] = (path,)
    if Field.TIME not in paths:
        raise ValueError("field map: 'time' is not mapped: say at which key the time stands, as in time=ts")
    if Field.TARGET not in paths and Field.REQUEST not in paths:
        raise ValueError(
            "field map: neither 'target' nor 'request' is mapped: say at which key the path stands"
        )
    JsonKeys.of(paths)  # says which path does not read
    description = "JSON lines, fields named by a map: " + ", ".join(f"{k}={v}" for k, v in mapping.items())
    return JsonFormat(name, description, paths, Conventions(time, unit, utc_offset, peer_has_port=True))


def _vedette() -> JsonFormat:
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


def _envoy() -> JsonFormat:
    """Keys of Istio's default JSON encoding, and of the shorter set that gateways are often given.

    Envoy logs durations in milliseconds and `downstream_remote_address` with its port. Lines of TCP
    connections (no method, no path, response code 0) are not requests.
    """
    return JsonFormat(
        "envoy-json",
        "Envoy and Istio access logs as JSON (start_time, response_code, ...)",
        {
            Field.TIME: ("start_time",),
            Field.PEER: ("client_ip", "downstream_direct_remote_address", "downstream_remote_address"),
            Field.FORWARDED: ("x_forwarded_for",),
            Field.METHOD: ("method",),
            Field.TARGET: ("path",),
            Field.PROTOCOL: ("protocol",),
            Field.STATUS: ("response_code",),
            Field.BYTES_IN: ("bytes_received",),
            Field.BYTES_OUT: ("bytes_sent",),
            Field.DURATION: ("duration",),
            Field.REFERER: ("referer",),
            Field.USER_AGENT: ("user_agent",),
            Field.SERVICE: ("service_name", "authority"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.MILLISECONDS, peer_has_port=True),
    )


def _traefik() -> JsonFormat:
    """Traefik's JSON access log: durations in nanoseconds; headers under `request_` where they are kept."""
    return JsonFormat(
        "traefik-json",
        "Traefik access log as JSON (StartUTC, DownstreamStatus, ...)",
        {
            Field.TIME: ("StartUTC", "time"),
            Field.PEER: ("ClientHost", "ClientAddr"),
            Field.FORWARDED: ("request_X-Forwarded-For",),
            Field.METHOD: ("RequestMethod",),
            Field.TARGET: ("RequestPath",),
            Field.PROTOCOL: ("RequestProtocol",),
            Field.STATUS: ("DownstreamStatus",),
            Field.BYTES_IN: ("RequestContentSize",),
            Field.BYTES_OUT: ("DownstreamContentSize",),
            Field.DURATION: ("Duration",),
            Field.REFERER: ("request_Referer",),
            Field.USER_AGENT: ("request_User-Agent",),
            Field.SERVICE: ("ServiceName", "RequestHost"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.NANOSECONDS, peer_has_port=True),
    )


def _caddy() -> JsonFormat:
    """Caddy 2's access log: seconds since the epoch and durations in seconds; headers as arrays."""
    return JsonFormat(
        "caddy-json",
        "Caddy access log (ts, request.method, request.headers, status, ...)",
        {
            Field.TIME: ("ts",),
            Field.PEER: ("request.remote_ip", "request.remote_addr", "request.client_ip"),
            Field.FORWARDED: ("request.headers.X-Forwarded-For[0]",),
            Field.METHOD: ("request.method",),
            Field.TARGET: ("request.uri",),
            Field.PROTOCOL: ("request.proto",),
            Field.STATUS: ("status",),
            Field.BYTES_IN: ("bytes_read",),
            Field.BYTES_OUT: ("size",),
            Field.DURATION: ("duration",),
            Field.REFERER: ("request.headers.Referer[0]",),
            Field.USER_AGENT: ("request.headers.User-Agent[0]",),
            Field.SERVICE: ("request.host",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.SECONDS, peer_has_port=True),
    )


def _either(*names: str) -> tuple[str, ...]:
    """Paths of keys that are written flat, with dots in them, or nested."""
    return tuple(path for name in names for path in (name.replace(".", r"\."), name))


def _ecs() -> JsonFormat:
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


def _cloudflare() -> JsonFormat:
    """Cloudflare Logpush, data set "HTTP requests", with times as RFC 3339 or whole seconds.

    https://developers.cloudflare.com/logs/reference/log-fields/zone/http_requests/
    """
    return JsonFormat(
        "cloudflare-json",
        "Cloudflare Logpush of HTTP requests (EdgeStartTimestamp, ClientRequestURI, ...)",
        {
            Field.TIME: ("EdgeStartTimestamp", "EdgeEndTimestamp"),
            Field.PEER: ("ClientIP",),
            Field.METHOD: ("ClientRequestMethod",),
            Field.TARGET: ("ClientRequestURI", "ClientRequestPath"),
            Field.PROTOCOL: ("ClientRequestProtocol",),
            Field.STATUS: ("EdgeResponseStatus",),
            Field.BYTES_IN: ("ClientRequestBytes",),
            Field.BYTES_OUT: ("EdgeResponseBytes",),
            Field.DURATION: ("EdgeTimeToFirstByteMs",),
            Field.REFERER: ("ClientRequestReferer",),
            Field.USER_AGENT: ("ClientRequestUserAgent",),
            Field.SERVICE: ("ClientRequestHost",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.MILLISECONDS),
    )


def _google() -> JsonFormat:
    """Google Cloud's `httpRequest`: load balancers, Cloud Run, App Engine. Its target is a whole address.

    https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#HttpRequest
    """
    return JsonFormat(
        "gcp-json",
        "Google Cloud's HTTP requests (httpRequest.requestMethod, httpRequest.requestUrl, ...)",
        {
            Field.TIME: ("timestamp",),
            Field.PEER: ("httpRequest.remoteIp",),
            Field.METHOD: ("httpRequest.requestMethod",),
            Field.TARGET: ("httpRequest.requestUrl",),
            Field.PROTOCOL: ("httpRequest.protocol",),
            Field.STATUS: ("httpRequest.status",),
            Field.BYTES_IN: ("httpRequest.requestSize",),
            Field.BYTES_OUT: ("httpRequest.responseSize",),
            Field.DURATION: ("httpRequest.latency",),
            Field.REFERER: ("httpRequest.referer",),
            Field.USER_AGENT: ("httpRequest.userAgent",),
            Field.SERVICE: ("resource.labels.backend_service_name", "resource.labels.service_name"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.GO, peer_has_port=True, target_has_origin=True),
    )


def _azure() -> JsonFormat:
    """Azure Application Gateway's access log; `timeTaken` is seconds in its second version.

    https://learn.microsoft.com/azure/application-gateway/application-gateway-diagnostics
    """
    return JsonFormat(
        "azure-json",
        "Azure Application Gateway (properties.httpMethod, properties.requestUri, ...)",
        {
            Field.TIME: ("timeStamp", "time"),
            Field.PEER: ("properties.clientIP",),
            Field.METHOD: ("properties.httpMethod",),
            Field.TARGET: ("properties.requestUri",),
            Field.QUERY: ("properties.requestQuery",),
            Field.PROTOCOL: ("properties.httpVersion",),
            Field.STATUS: ("properties.httpStatus",),
            Field.BYTES_IN: ("properties.receivedBytes",),
            Field.BYTES_OUT: ("properties.sentBytes",),
            Field.DURATION: ("properties.timeTaken",),
            Field.USER_AGENT: ("properties.userAgent",),
            Field.SERVICE: ("properties.originalHost", "properties.host"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.SECONDS, peer_has_port=True),
    )


def _api_gateway() -> JsonFormat:
    """AWS API Gateway, with the keys of its documentation's example; latency in milliseconds.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    return JsonFormat(
        "aws-apigateway-json",
        "AWS API Gateway access log as JSON (requestTime, httpMethod, resourcePath or path, ...)",
        {
            Field.TIME: ("requestTime",),
            Field.PEER: ("ip", "sourceIp"),
            Field.METHOD: ("httpMethod",),
            Field.TARGET: ("path", "resourcePath"),
            Field.PROTOCOL: ("protocol",),
            Field.STATUS: ("status",),
            Field.BYTES_OUT: ("responseLength",),
            Field.DURATION: ("responseLatency",),
            Field.USER_AGENT: ("userAgent",),
            Field.SERVICE: ("domainName", "apiId"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.MILLISECONDS),
    )


def _kong() -> JsonFormat:
    """Kong's logging plugins: `started_at` in milliseconds since the epoch, latencies in milliseconds.

    https://docs.konghq.com/hub/kong-inc/file-log/
    """
    return JsonFormat(
        "kong-json",
        "Kong's log plugins (started_at, request.uri, latencies.request, ...)",
        {
            Field.TIME: ("started_at",),
            Field.PEER: ("client_ip",),
            Field.METHOD: ("request.method",),
            Field.TARGET: ("request.uri",),
            Field.STATUS: ("response.status",),
            Field.BYTES_IN: ("request.size",),
            Field.BYTES_OUT: ("response.size",),
            Field.DURATION: ("latencies.request",),
            Field.REFERER: ("request.headers.referer",),
            Field.USER_AGENT: ("request.headers.user-agent",),
            Field.SERVICE: ("service.name",),
        },
        Conventions(TimeFormat.EPOCH_MILLISECONDS, DurationUnit.MILLISECONDS),
    )


def _pino() -> JsonFormat:
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


def _winston() -> JsonFormat:
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


def _echo() -> JsonFormat:
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


def _linkerd() -> JsonFormat:
    """Linkerd's access log, `config.linkerd.io/access-log: json`; its target is a whole address.

    https://linkerd.io/2/features/access-logging/
    """
    return JsonFormat(
        "linkerd-json",
        "Linkerd's access log as JSON (timestamp, client.addr, uri, processing_ns, total_ns)",
        {
            Field.TIME: ("timestamp",),
            Field.PEER: (r"client\.addr",),
            Field.METHOD: ("method",),
            Field.TARGET: ("uri",),
            Field.PROTOCOL: ("version",),
            Field.STATUS: ("status",),
            Field.BYTES_IN: ("request_bytes",),
            Field.BYTES_OUT: ("response_bytes",),
            Field.DURATION: ("total_ns",),
            Field.USER_AGENT: ("user_agent",),
            Field.SERVICE: ("host",),
        },
        Conventions(TimeFormat.ANY, DurationUnit.NANOSECONDS, peer_has_port=True, target_has_origin=True),
        needs=Field.PEER,
    )


def _nginx() -> JsonFormat:
    """`log_format ... escape=json`: the operator names the keys; these are the variables' names, and near."""
    return JsonFormat(
        "nginx-json",
        "nginx access log as JSON with keys named after variables (time_iso8601, request_uri, ...)",
        {
            Field.TIME: ("time_iso8601", "time_local", "msec", "@timestamp", "timestamp", "time"),
            Field.PEER: ("remote_addr", "remote_ip", "realip_remote_addr", "client_ip", "client"),
            Field.FORWARDED: ("http_x_forwarded_for", "x_forwarded_for", "xff"),
            Field.REQUEST: ("request",),
            Field.METHOD: ("request_method", "method"),
            Field.TARGET: ("request_uri", "uri", "path", "url"),
            Field.QUERY: ("query_string", "args"),
            Field.PROTOCOL: ("server_protocol", "protocol"),
            Field.STATUS: ("status",),
            Field.BYTES_IN: ("request_length",),
            Field.BYTES_OUT: ("body_bytes_sent", "bytes_sent", "bytes"),
            Field.DURATION: ("request_time",),
            Field.REFERER: ("http_referer", "http_referrer", "referer", "referrer"),
            Field.USER_AGENT: ("http_user_agent", "user_agent", "agent"),
            Field.SERVICE: ("host", "http_host", "server_name", "vhost"),
        },
        Conventions(TimeFormat.ANY, DurationUnit.SECONDS),
    )
