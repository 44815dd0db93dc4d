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
    return (_vedette(), _envoy(), _traefik(), _caddy(), _nginx())


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
