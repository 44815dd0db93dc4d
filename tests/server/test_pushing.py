"""What is pushed is on disk before it is acknowledged, or refused with what to do."""

import gzip
import json

import cramjam
import httpx
import pytest

from tests.server.doubles import House
from vedette.sources.loki_proto import PushRequest

LINE = '192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET / HTTP/1.1" 200 12'
NDJSON = {"content-type": "application/x-ndjson"}
TEXT = {"content-type": "text/plain"}
PROTOBUF = {"content-type": "application/x-protobuf"}


async def test_lines_are_taken_as_they_are() -> None:
    house = House()
    async with house.client() as client:
        answer = await client.post("/ingest", content=f"{LINE}\n{LINE}", headers=TEXT)
    assert answer.status_code == 202
    assert answer.json() == {"taken": 2, "refused": 0, "reason": ""}
    assert house.view.pushed == [("push", f"{LINE}\n{LINE}\n".encode(), None, None)]


@pytest.mark.parametrize("by", ["query", "header"])
async def test_the_sender_says_whose_lines_they_are(by: str) -> None:
    house = House()
    said = {"stream": "edge-1", "format": "combined", "service": "shop"}
    headers = {f"X-Vedette-{name}": value for name, value in said.items()} if by == "header" else {}
    async with house.client() as client:
        await client.post(
            "/ingest", content=LINE, params=said if by == "query" else None, headers=TEXT | headers
        )
    assert house.view.pushed == [("edge-1", f"{LINE}\n".encode(), "combined", "shop")]


@pytest.mark.parametrize("by", ["query", "header"])
async def test_a_format_that_nobody_reads_is_refused_before_lines_are_taken(by: str) -> None:
    house = House()
    async with house.client() as client:

        async def ingest(name: str) -> httpx.Response:
            headers = {"X-Vedette-Format": name} if by == "header" else {}
            params = {"format": name} if by == "query" else None
            return await client.post("/ingest", content=LINE, params=params, headers=TEXT | headers)

        refused = await ingest("nope")
        assert refused.status_code == 422
        (fault,) = refused.json()["errors"]
        assert (fault["field"], fault["place"]) == ("format" if by == "query" else "X-Vedette-Format", by)
        assert not house.view.pushed
        assert (await ingest("nginx")).status_code == 202
        assert (await ingest("auto")).status_code == 202
    assert [pushed[2] for pushed in house.view.pushed] == ["nginx", None]


async def test_json_lines_are_unwrapped_where_they_wrap_a_line() -> None:
    house = House()
    own = '{"status": 200, "path": "/log_line"}'
    body = "\n".join([json.dumps(LINE), json.dumps({"log_line": LINE}), own, '{"log_line" broken', ""])
    async with house.client() as client:
        answer = await client.post("/ingest", content=body, headers=NDJSON)
    assert answer.json()["taken"] == 4
    assert house.view.pushed[0][1].decode().splitlines() == [LINE, LINE, own, '{"log_line" broken']


async def test_compressed_bodies_are_taken_up_to_the_limit() -> None:
    house = House(limits={"body_bytes": 65_536})
    headers = TEXT | {"content-encoding": "gzip"}
    async with house.client() as client:
        good = await client.post("/ingest", content=gzip.compress(LINE.encode()), headers=headers)
        bomb = await client.post("/ingest", content=gzip.compress(b"x" * (1 << 20)), headers=headers)
        damaged = await client.post(
            "/ingest", content=gzip.compress(LINE.encode() * 99)[:-20], headers=headers
        )
        unknown = await client.post("/ingest", content=b"x", headers=TEXT | {"content-encoding": "lzma"})
    assert [a.status_code for a in (good, bomb, damaged, unknown)] == [202, 413, 400, 415]
    assert unknown.json()["errors"][0]["field"] == "Content-Encoding"
    assert len(house.view.pushed) == 1


async def test_what_cannot_be_kept_is_refused_with_when_to_come_back() -> None:
    house = House()
    house.view.room = 10
    async with house.client() as client:
        for path, body in (
            ("/ingest", LINE),
            ("/loki/api/v1/push", json.dumps({"streams": [{"stream": {}, "values": [["1", LINE]]}]})),
        ):
            kind = {"content-type": "text/plain" if path == "/ingest" else "application/json"}
            answer = await client.post(path, content=body, headers=kind)
            assert answer.status_code == 503
            assert "journal is full" in answer.json()["detail"]
            assert answer.headers["retry-after"] == "7"
    assert not house.view.pushed


async def test_an_empty_body_takes_nothing() -> None:
    house = House()
    async with house.client() as client:
        answer = await client.post("/ingest", content=b"", headers=TEXT)
    assert answer.status_code == 202
    assert answer.json()["taken"] == 0
    assert not house.view.pushed


async def test_lokis_shippers_push_json_and_protobuf() -> None:
    house = House()
    push = PushRequest()
    stream = push.streams.add()
    stream.labels = b'{service_name="shop", filename="/var/log/shop.log"}'
    stream.entries.add().line = LINE.encode()
    body = {
        "streams": [
            {
                "stream": {"service_name": "shop", "filename": "/var/log/shop.log"},
                "values": [["1772442600000000000", LINE]],
            }
        ]
    }
    async with house.client() as client:
        as_json = await client.post("/loki/api/v1/push", json=body)
        packed = bytes(cramjam.snappy.compress_raw(push.SerializeToString()))
        as_protobuf = await client.post("/loki/api/v1/push", content=packed, headers=PROTOBUF)
    assert (as_json.status_code, as_json.content) == (204, b"")
    assert as_protobuf.status_code == 204
    first, second = house.view.pushed
    assert first == second
    assert first[1] == f"{LINE}\n".encode()
    assert first[3] == "shop"


async def test_opentelemetrys_exporters_push_json_and_protobuf() -> None:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
        ExportLogsServiceRequest,
        ExportLogsServiceResponse,
    )

    house = House()
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = LINE
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": LINE}}]}]}]}
    async with house.client() as client:
        as_json = await client.post("/v1/logs", json=body)
        as_protobuf = await client.post("/v1/logs", content=request.SerializeToString(), headers=PROTOBUF)
    assert (as_json.status_code, as_json.json()) == (200, {})
    assert as_protobuf.status_code == 200
    assert as_protobuf.headers["content-type"] == "application/x-protobuf"
    assert not ExportLogsServiceResponse.FromString(as_protobuf.content).HasField("partial_success")
    assert house.view.pushed[0] == house.view.pushed[1]
    assert house.view.pushed[0][1] == f"{LINE}\n".encode()


@pytest.mark.parametrize("path", ["/loki/api/v1/push", "/v1/logs"])
async def test_damaged_pushes_are_refused_with_where(path: str) -> None:
    house = House()
    wrong = {"streams": [{"stream": {}, "values": [["1", 5]]}], "resourceLogs": [{"scopeLogs": 5}]}
    async with house.client() as client:
        named = await client.post(path, json=wrong)
        rubbish = await client.post(path, content=b"\xff\xff\xff", headers=PROTOBUF)
        form = await client.post(path, data={"a": "b"})
    assert named.status_code == 400
    assert named.json()["errors"][0]["field"].startswith(("streams[", "resourceLogs["))
    assert rubbish.status_code == 400
    assert form.status_code == 415
    assert not house.view.pushed


@pytest.mark.parametrize("path", ["/ingest/nginx", "/loki/api/v1/pushed", "/v1/traces"])
async def test_a_path_that_is_none_is_not_found_whatever_the_body_is(path: str) -> None:
    """Not refused for its media type: a sender would look for its mistake in the wrong place."""
    async with House().client() as client:
        answer = await client.post(path, content=b"a b\n", headers={"content-type": "text/csv"})
    assert answer.status_code == 404
