"""Pushes as Loki's shippers send them."""

import gzip
import json
from contextlib import suppress

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.sources.labels import parse_labels, stream_of
from vedette.sources.loki_proto import PushRequest
from vedette.sources.loki_push import decode_loki_push
from vedette.sources.pushed import PushError, PushProblem

JSON = "application/json; charset=utf-8"
PROTOBUF = "application/x-protobuf"


def protobuf(*streams):
    push = PushRequest()
    for labels, entries in streams:
        stream = push.streams.add(labels=labels)
        for number, line in enumerate(entries):
            entry = stream.entries.add(line=line)
            entry.timestamp.seconds = 1_750_000_000 + number
            entry.structuredMetadata.add(name=b"trace_id", value=b"0242ac120002")
    return bytes(cramjam.snappy.compress_raw(push.SerializeToString()))


def as_json(*streams, metadata=False):
    more = [{"trace_id": "0242ac120002"}] if metadata else []
    return json.dumps(
        {
            "streams": [
                {"stream": labels, "values": [[str(10**18 + n), line, *more] for n, line in enumerate(lines)]}
                for labels, lines in streams
            ]
        }
    ).encode()


@pytest.mark.parametrize("metadata", [False, True])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_json_with_and_without_structured_metadata(metadata, encoding):
    body = as_json(
        ({"app": "shop", "pod": "a"}, ["one", "two\n"]), ({"job": "nginx"}, ["three", ""]), metadata=metadata
    )
    body = gzip.compress(body) if encoding else body
    assert decode_loki_push(body, JSON, encoding) == [
        ('{app="shop", pod="a"}', "shop", b"one\ntwo\n"),
        ('{job="nginx"}', "nginx", b"three\n"),
    ]


@pytest.mark.parametrize("encoding", ["", "snappy"])
def test_protobuf_in_a_snappy_block(encoding):
    body = protobuf(
        (b'{pod="a", app="shop"}', [b"one", b"t\xffwo"]), (b'{filename="/var/log/shop.log"}', [b"a\nb"])
    )
    assert decode_loki_push(body, PROTOBUF, encoding) == [
        ('{app="shop", pod="a"}', "shop", b"one\nt\xffwo\n"),
        ("loki:/var/log/shop.log", None, b"a b\n"),
    ]


def test_labels_are_read_as_go_writes_them():
    assert parse_labels(r'{a="x\"y\\z", b="\u00e4\n", c=""}') == {"a": 'x"y\\z', "b": "ä\n", "c": ""}
    assert parse_labels("{}") == {}


MANY = "{" + ",".join(f'a{n}="b"' for n in range(65)) + "}"


@pytest.mark.parametrize("text", ["", "a", "{a}", '{a="b}', '{a="b" c="d"}', MANY])
def test_what_is_no_label_is_named(text):
    with pytest.raises(PushError) as error:
        decode_loki_push(protobuf((text.encode(), [b"x"])), PROTOBUF)
    assert error.value.field == "streams[0].labels"
    assert error.value.problem is PushProblem.MALFORMED


def test_one_stream_has_one_name_in_whatever_order_its_labels_stand():
    assert stream_of({"a": "1", "b": "2"}) == stream_of({"b": "2", "a": "1"})


def test_lokis_word_for_an_unknown_service_names_none():
    assert stream_of({"service_name": "unknown_service", "job": "edge"})[1] == "edge"
    assert stream_of({"container": "unknown_service_x"})[1] == "loki"


def test_what_has_no_labels_is_named_by_who_sent_it() -> None:
    assert stream_of({}) == ("loki", "loki")
    assert stream_of({}, otherwise="otlp") == ("otlp", "otlp")
    assert stream_of({"filename": "/var/log/shop.log"}, otherwise="otlp") == ("otlp:/var/log/shop.log", None)


@pytest.mark.parametrize(
    ("body", "kind", "encoding", "field", "problem"),
    [
        (b"{}", JSON, "", "body", "malformed"),
        (b'{"streams": [{"stream": {"a": 1}, "values": []}]}', JSON, "", "streams[0].stream[...]", "malformed"),
        (b'{"streams": [{"stream": {}, "values": [["1"]]}]}', JSON, "", "streams[0].values[0]", "malformed"),
        (b'{"streams": [{"stream": {}, "values": [["1", 5]]}]}', JSON, "", "streams[0].values[0][1]", "malformed"),
        (b"nonsense", JSON, "", "body", "malformed"),
        (b"[" * 100_000, JSON, "", "body", "malformed"),
        (b"nonsense", JSON, "gzip", "body", "malformed"),
        (gzip.compress(b"{}", mtime=0)[:-9], JSON, "gzip", "body", "malformed"),
        (b"{}", JSON, "br", "Content-Encoding", "unsupported"),
        (b"{}", "text/plain", "", "Content-Type", "unsupported"),
        (b"\xff\xff\xff\xff\x0f", PROTOBUF, "", "body", "too_large"),
        (b"\x05nonsense", PROTOBUF, "", "body", "malformed"),
        (bytes(cramjam.snappy.compress_raw(b"\xff\xff")), PROTOBUF, "", "body", "malformed"),
        (gzip.compress(bytes(2000), mtime=0), JSON, "gzip", "body", "too_large"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body, kind, encoding, field, problem):
    with pytest.raises(PushError) as error:
        decode_loki_push(body, kind, encoding, limit=1000 if len(body) < 1000 else 1 << 20)
    assert (error.value.field, error.value.problem.value) == (field, problem)
    assert "\n" not in str(error.value)


@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from([JSON, PROTOBUF]),
    encoding=st.sampled_from(["", "gzip", "zstd", "snappy"]),
)
def test_any_bytes_are_refused_or_read(body, kind, encoding):
    with suppress(PushError):
        for found in decode_loki_push(body, kind, encoding):
            assert found.lines.endswith(b"\n")
