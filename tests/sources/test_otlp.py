"""OTLP/HTTP logs as SDKs and the collector send them."""

import gzip
import json
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.parsers.lines import parse_all
from vedette.parsers.json_formats import json_formats
from vedette.sources.loki_push import decode_loki_push
from vedette.sources.otlp import decode_otlp_logs
from vedette.sources.pushed import PushError

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
TIME = 1_714_521_600_123_456_789
COMBINED = '192.0.2.1 - - [01/May/2024:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'


def put(fields, **attributes):
    for name, value in attributes.items():
        added = fields.add(key=name.replace("__", "."))
        kind = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}[type(value)]
        setattr(added.value, kind, value)


def request(*records, **resource):
    made = ExportLogsServiceRequest()
    logs = made.resource_logs.add()
    put(logs.resource.attributes, **resource)
    scope = logs.scope_logs.add()
    for body, attributes in records:
        record = scope.log_records.add(time_unix_nano=TIME, trace_id=b"0123456789abcdef")
        if body is not None:
            record.body.string_value = body
        put(record.attributes, **attributes)
    return made


def bodies(made):
    yield made.SerializeToString(), PROTOBUF, ""
    yield gzip.compress(made.SerializeToString()), PROTOBUF, "gzip"
    yield json_format.MessageToJson(made).encode(), JSON, ""


def test_a_body_of_text_is_the_line():
    made = request(
        (COMBINED + "\n", {"http.request.method": "GET"}),
        ("", {}),
        (None, {}),
        service__name="shop",
        host__name="a",
    )
    for body in bodies(made):
        assert decode_otlp_logs(*body) == [
            ('{host_name="a", service_name="shop"}', "shop", COMBINED.encode() + b"\n")
        ]


HTTP = {
    "http.request.method": "POST",
    "url.path": "/pay",
    "url.query": "id=7",
    "http.response.status_code": 503,
    "client.address": "192.0.2.7",
    "http.response.body.size": 1234,
    "user_agent.original": "curl/8",
    "network.protocol.version": "1.1",
    "server.address": "shop.example.com",
}
OLD = {
    "http.method": "POST", "http.target": "/pay?id=7", "http.status_code": 503, "http.client_ip": "192.0.2.7",
    "http.response_content_length": 1234, "http.user_agent": "curl/8", "http.host": "shop.example.com",
}  # fmt: skip


@pytest.mark.parametrize("attributes", [HTTP, OLD])
def test_attributes_of_an_http_request_become_a_line_that_is_read(attributes):
    made = request(("request finished", attributes))
    (nginx,) = [known for known in json_formats() if known.name == "app-json"]
    for body in bodies(made):
        ((stream, service, line),) = decode_otlp_logs(*body)
        assert (stream, service) == ("otlp", "otlp")
        ((row,), skips, _) = parse_all(nginx.open("x"), [line])
        assert skips == {}
        assert row["time"] == "2024-05-01T00:00:00.123456"
        assert (row["method"], row["target"]) == ("POST", "/pay?id=7")
        assert (row["status"], row["peer"], row["bytes_out"]) == (503, "192.0.2.7", 1234)


def test_a_structured_body_becomes_json():
    made = request((None, {}))
    record = made.resource_logs[0].scope_logs[0].log_records[0]
    put(record.body.kvlist_value.values, status=200, path="/x")
    for body in bodies(made):
        ((_, _, line),) = decode_otlp_logs(*body)
        assert json.loads(line) == {"status": 200, "path": "/x"}


def test_a_file_names_the_stream_where_no_service_does():
    made = request(("x", {}), log__file__path="/var/log/shop.log", service__name="unknown_service:python")
    ((stream, service, _),) = decode_otlp_logs(made.SerializeToString(), PROTOBUF)
    assert service is None
    assert stream.endswith("}/var/log/shop.log")


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (b"x", "text/plain", "Content-Type"),
        (b"nonsense", JSON, "body"),
        (b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": 5}]}]}]}', JSON,
         "resourceLogs[0].scopeLogs[0].logRecords[0].body"),
        (b"\xff\xff", PROTOBUF, "body"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body, kind, field):
    with pytest.raises(PushError) as error:
        decode_otlp_logs(body, kind)
    assert error.value.field == field


def test_a_body_deeper_than_is_read_does_no_harm():
    value = '{"stringValue": "x"}'
    for _ in range(5000):
        value = '{"arrayValue": {"values": [' + value + "]}}"
    text = '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": ' + value + "}]}]}]}"
    with pytest.raises(PushError):
        decode_otlp_logs(text.encode(), JSON)


@given(body=st.binary(max_size=300), kind=st.sampled_from([JSON, PROTOBUF]))
def test_any_bytes_are_refused_or_read(body, kind):
    with suppress(PushError):
        for found in decode_otlp_logs(body, kind):
            assert found.lines.endswith(b"\n")


@pytest.mark.parametrize("decode", [decode_otlp_logs, decode_loki_push])
def test_what_is_no_json_is_said_to_be_none(decode: Any) -> None:
    with pytest.raises(PushError) as caught:
        decode(b"{nope", "application/json")
    assert str(caught.value).startswith("body: is not JSON: ")
