"""Bodies of `POST /v1/logs`: OTLP/HTTP logs as protobuf and JSON.

A record becomes one line: its body where that is text, unless its attributes describe an HTTP request (OpenTelemetry's
semantic conventions, the stable names and those before them) and the body is no access log's line; then they do, as a
JSON line with the names of nginx's variables.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from vedette.sources.labels import FILE_LABEL, stream_of
from vedette.sources.pushed import (
    MOST_BYTES,
    PushedLines,
    PushError,
    PushProblem,
    media_type,
    not_readable,
    undo_encoding,
)

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
MOST_DEPTH = 32
"""How deep a structured body may be."""

Attributes = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS = 253_402_300_799 * 1_000_000_000


class _Field(msgspec.Struct, rename="camel"):
    key: str = ""
    value: "_Value | None" = None


class _Array(msgspec.Struct, rename="camel"):
    values: "list[_Value]" = []


class _Fields(msgspec.Struct, rename="camel"):
    values: list[_Field] = []


class _Value(msgspec.Struct, rename="camel"):
    """A value as the JSON mapping of protobuf writes it: 64-bit numbers may be text."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | None = None
    double_value: float | str | None = None
    array_value: _Array | None = None
    kvlist_value: _Fields | None = None
    bytes_value: str | None = None


class _Record(msgspec.Struct, rename="camel"):
    time_unix_nano: int = 0
    observed_time_unix_nano: int = 0
    body: _Value | None = None
    attributes: list[_Field] = []


class _Scope(msgspec.Struct, rename="camel"):
    log_records: list[_Record] = []


class _Resource(msgspec.Struct, rename="camel"):
    attributes: list[_Field] = []


class _ResourceLogs(msgspec.Struct, rename="camel"):
    resource: _Resource | None = None
    scope_logs: list[_Scope] = []


class _Request(msgspec.Struct, rename="camel"):
    resource_logs: list[_ResourceLogs] = []


_DECODER = msgspec.json.Decoder(_Request, strict=False)


def decode_otlp_logs(
    body: bytes, content_type: str, content_encoding: str = "", *, limit: int = MOST_BYTES
) -> list[PushedLines]:
    """The lines of an `ExportLogsServiceRequest`, by resource, in the order in which they stand.

    Args:
        body: As received.
        content_type: The header; `application/x-protobuf` or `application/json`.
        content_encoding: The header.
        limit: Most bytes of the body once decompressed.

    Raises:
        PushError: Nothing of it was taken.
    """
    kind = media_type(content_type)
    if kind not in (JSON, PROTOBUF):
        raise PushError(
            "Content-Type",
            PushProblem.UNSUPPORTED,
            f"{content_type[:80]!r} is not understood: send {PROTOBUF} or {JSON}",
        )
    text = undo_encoding(body, content_encoding, limit)
    found: dict[tuple[str, str | None], list[bytes]] = {}
    for resource, records in _from_json(text) if kind == JSON else _from_protobuf(text):
        stream = _stream_of(resource)
        lines = [line for time, said, attributes in records if (line := _line(time, said, attributes))]
        if lines:
            found.setdefault(stream, []).extend(lines)
    return [PushedLines(stream, service, b"".join(lines)) for (stream, service), lines in found.items()]


_RESOURCE = {
    "service.name": "service_name",
    "service.namespace": "service_namespace",
    "host.name": "host_name",
    "k8s.namespace.name": "k8s_namespace_name",
    "k8s.pod.name": "k8s_pod_name",
    "k8s.container.name": "container",
    "log.file.path": FILE_LABEL,
}
"""Attributes of a resource that tell its streams apart."""

_HTTP = {
    "request_method": ("http.request.method", "http.method"),
    "request_uri": ("url.path", "http.target", "url.full", "http.url", "http.route"),
    "status": ("http.response.status_code", "http.status_code"),
    "remote_addr": (
        "client.address",
        "http.client_ip",
        "network.peer.address",
        "net.peer.ip",
        "net.sock.peer.addr",
    ),
    "request_length": ("http.request.body.size", "http.request_content_length"),
    "body_bytes_sent": ("http.response.body.size", "http.response_content_length"),
    "http_user_agent": ("user_agent.original", "http.user_agent"),
    "host": ("server.address", "http.host", "net.host.name"),
}
"""nginx's variables to the attributes that say the same, the stable name first."""


def _stream_of(resource: Attributes) -> tuple[str, str | None]:
    labels = {label: str(resource[name]) for name, label in _RESOURCE.items() if resource.get(name)}
    return stream_of(labels, otherwise="otlp")


def _line(time: int, said: Any, attributes: Attributes) -> bytes:
    """A record's line with its newline; empty if it says nothing."""
    text = said if isinstance(said, str) else "" if said is None else json.dumps(said, default=str)
    if " HTTP/" not in text and (request := _request(time, attributes)):
        text = json.dumps(request)
    text = text.rstrip("\r\n").replace("\n", " ")
    return text.encode("utf-8", "replace") + b"\n" if text else b""


def _request(time: int, attributes: Attributes) -> dict[str, Any]:
    """The fields of an HTTP request, none if the attributes describe none."""
    fields = {
        field: attributes[name]
        for field, names in _HTTP.items()
        if (name := next((name for name in names if name in attributes), None)) is not None
    }
    if not {"request_method", "request_uri", "status"} <= fields.keys() or not 0 < time <= _LAST_NS:
        return {}
    if attributes.get("url.query") and "?" not in str(fields["request_uri"]):
        fields["request_uri"] = f"{fields['request_uri']}?{attributes['url.query']}"
    if version := attributes.get("network.protocol.version"):
        fields["server_protocol"] = f"HTTP/{version}"
    if isinstance(seconds := attributes.get("http.server.request.duration"), int | float):
        fields["request_time"] = seconds
    for name, field in (
        ("http.request.header.referer", "http_referer"),
        ("http.request.header.x-forwarded-for", "http_x_forwarded_for"),
    ):
        if values := attributes.get(name):
            fields[field] = ", ".join(map(str, values)) if isinstance(values, list) else str(values)
    stamp = _EPOCH + timedelta(microseconds=time // 1000)
    return {"time_iso8601": stamp.isoformat(timespec="microseconds"), **fields}


_Records = Iterable[tuple[int, Any, Attributes]]


def _from_json(text: bytes) -> Iterator[tuple[Attributes, _Records]]:
    try:
        request = _DECODER.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise not_readable(error) from None
    for logs in request.resource_logs:
        resource = _json_fields(logs.resource.attributes) if logs.resource else {}
        yield (
            resource,
            (
                (
                    record.time_unix_nano or record.observed_time_unix_nano,
                    _json_value(record.body, 0),
                    _json_fields(record.attributes),
                )
                for scope in logs.scope_logs
                for record in scope.log_records
            ),
        )


def _json_fields(fields: Iterable[_Field], depth: int = 0) -> dict[str, Any]:
    return {field.key: _json_value(field.value, depth) for field in fields}


def _json_value(value: _Value | None, depth: int) -> Any:
    if value is None or depth > MOST_DEPTH:
        return None
    if value.array_value is not None:
        return [_json_value(item, depth + 1) for item in value.array_value.values]
    if value.kvlist_value is not None:
        return _json_fields(value.kvlist_value.values, depth + 1)
    simple = value.string_value, value.bool_value, value.int_value, value.double_value, value.bytes_value
    return next((item for item in simple if item is not None), None)


def _from_protobuf(text: bytes) -> Iterator[tuple[Attributes, _Records]]:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    try:
        request.ParseFromString(text)
    except DecodeError as error:
        reason = f"is no protobuf of an ExportLogsServiceRequest: {error}"
        raise PushError("body", PushProblem.MALFORMED, reason) from None
    for logs in request.resource_logs:
        yield (
            _fields(logs.resource.attributes),
            (
                (
                    record.time_unix_nano or record.observed_time_unix_nano,
                    _value(record.body, 0),
                    _fields(record.attributes),
                )
                for scope in logs.scope_logs
                for record in scope.log_records
            ),
        )


def _fields(fields: Iterable[Any], depth: int = 0) -> dict[str, Any]:
    return {field.key: _value(field.value, depth) for field in fields}


def _value(value: Any, depth: int) -> Any:
    kind = value.WhichOneof("value")
    if kind is None or depth > MOST_DEPTH:
        return None
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _fields(value.kvlist_value.values, depth + 1)
    simple = getattr(value, kind)
    return simple.decode("utf-8", "replace") if isinstance(simple, bytes) else simple
