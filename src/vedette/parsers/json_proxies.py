"""What proxies and gateways write as JSON."""

from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.json_lines import JsonFormat


def envoy() -> JsonFormat:
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


def traefik() -> JsonFormat:
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


def caddy() -> JsonFormat:
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
        needs=(Field.PEER,),
    )


def kong() -> JsonFormat:
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


def linkerd() -> JsonFormat:
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
        needs=(Field.PEER,),
    )
