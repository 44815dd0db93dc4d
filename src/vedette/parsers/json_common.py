"""JSON whose keys are named as most programs name them: after nginx's variables, or by what they hold."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.json_lines import JsonFormat


def _below(containers: str, names: str) -> tuple[str, ...]:
    """Paths of names that stand in objects of their own."""
    return tuple(f"{container}.{name}" for container in containers.split() for name in names.split())


KEYS: Mapping[Field, Sequence[str]] = MappingProxyType(
    {
        Field.TIME: (
            "time_iso8601", "time_local", "msec", "@timestamp", "timestamp", "time", "ts", "datetime", "date", "@t",
            "start_time", "received_at",
        ),
        Field.DATE: ("date",),
        Field.PEER: (
            "remote_addr", "realip_remote_addr", "remoteAddr", "remote_address", "remoteAddress",
            "remote_ip", "remoteIp", "remoteIP", "client_ip", "clientIp", "clientIP", "client_addr", "client_address",
            "clientip", "peer_addr", "source_ip", "src_ip", "real_ip", "remote_host", "ip", "remote", "client",
            "client.ip", "network.client.ip",
            *_below("request req context fields", "remote_addr remote_ip remoteAddress client_ip ip"),
        ),
        Field.FORWARDED: (
            "http_x_forwarded_for", "x_forwarded_for", "xForwardedFor", "x-forwarded-for", "forwarded_for", "xff",
            *_below("request.headers req.headers", "x-forwarded-for"),
        ),
        Field.REQUEST: ("request", "request_line"),
        Field.METHOD: (
            "method", "request_method", "requestMethod", "http_method", "httpMethod", "verb",
            *_below("http request req context fields span", "method"),
        ),
        Field.TARGET: (
            "request_uri", "requestUri", "uri", "url", "path", "original_url", "originalUrl", "request_path",
            "requestPath", "request_url", "requestUrl",
            *_below("http request req context fields span", "originalUrl uri url path"),
        ),
        Field.QUERY: ("query_string", "queryString", "query", "args", "request.query"),
        Field.PROTOCOL: (
            "protocol", "proto", "server_protocol", "request_protocol", "http_version", "httpVersion",
        ),
        Field.STATUS: (
            "status", "status_code", "statusCode", "response_status", "response_code", "responseStatus", "responseCode",
            "http_status", "httpStatus", "code",
            *_below("http response res context fields", "status status_code statusCode"),
        ),
        Field.BYTES_IN: ("request_length", "request_size", "bytes_in", "bytes_received"),
        Field.BYTES_OUT: (
            "body_bytes_sent", "bytes_sent", "bytesSent", "bytes_out", "response_size", "response_length",
            "response_body_size", "response_bytes", "written_bytes", "bytes_written", "bytes", "size",
            *_below("response", "size length bytes"),
        ),
        Field.REFERER: (
            "http_referer", "http_referrer", "request_referer", "referer", "referrer", "request.referer",
            *_below("request.headers req.headers", "referer"),
        ),
        Field.USER_AGENT: (
            "http_user_agent", "request_user_agent", "user_agent", "userAgent", "user-agent", "useragent", "ua",
            "agent", *_below("http request req context fields", "user_agent userAgent user-agent useragent"),
            *_below("request.headers req.headers", "user-agent user_agent"),
        ),
        Field.SERVICE: ("host", "http_host", "request_host", "server_name", "vhost", "service", "request.host"),
    }
)  # fmt: skip
"""What each field is called, the clearest name first."""
DURATIONS: Mapping[DurationUnit, Sequence[str]] = MappingProxyType(
    {
        DurationUnit.GO: ("duration", "latency", "elapsed", "took", "response_time", "responseTime", "latency_human"),
        DurationUnit.MILLISECONDS: (
            "duration_ms", "durationMs", "latency_ms", "latencyMs", "elapsed_ms", "elapsedMs", "elapsed_milliseconds",
            "response_time_ms", "responseTimeMs", "request_time_ms", "time_taken_ms", "took_ms",
            *_below("http response context fields", "duration_ms"),
        ),
        DurationUnit.SECONDS: (
            "request_time", "duration_s", "duration_seconds", "latency_s", "latency_seconds", "elapsed_s",
            "elapsed_seconds", "response_time_s", "time_taken_s", "took_s",
        ),
    }
)  # fmt: skip
"""What a duration is called whose name or text says its unit: a bare number's is not guessed."""


def common() -> tuple[JsonFormat, ...]:
    """A format for each way to tell durations; of the last, in which they are seconds, lines may have none."""
    return (
        _format(
            "app-units-json",
            "the same as app-json, with durations that say their unit, such as 1.2ms",
            DurationUnit.GO,
            needs=(Field.DURATION,),
        ),
        _format(
            "app-ms-json",
            "the same as app-json, with duration_ms, latency_ms, elapsed_ms and the like",
            DurationUnit.MILLISECONDS,
            needs=(Field.DURATION,),
        ),
        _format(
            "app-json",
            "JSON with keys named after nginx's variables, or as most name them (time, method, path, status, ...)",
            DurationUnit.SECONDS,
        ),
    )


def _format(name: str, description: str, unit: DurationUnit, needs: Sequence[Field] = ()) -> JsonFormat:
    return JsonFormat(
        name,
        description,
        {**KEYS, Field.DURATION: DURATIONS[unit]},
        Conventions(TimeFormat.ANY, unit, peer_has_port=True),
        needs=needs,
        extended=True,
    )
