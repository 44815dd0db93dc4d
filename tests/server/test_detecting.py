"""Lines are judged at once, and what is wrong with one does not touch the others."""

import gzip
import json
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.doubles import House
from vedette.server.app import routed
from vedette.server.batch import LineSplitter, plain_lines, read_line
from vedette.server.bodies import DetectAnswer
from vedette.server.metrics import Traffic
from vedette.server.rooms import Rooms


async def test_one_line_is_answered_with_the_documented_fields() -> None:
    async with House().client() as client:
        answer = await client.post("/detect", json={"log_line": "an attack", "session_id": "s1"})
    assert answer.status_code == 200
    found = msgspec.json.decode(answer.content, type=DetectAnswer)
    assert found.is_anomaly
    assert found.details.rule_based.is_attack
    assert found.details.log_data is not None
    assert found.details.log_data.host == "s1"


async def test_a_line_that_is_no_access_log_is_not_judged_and_says_why() -> None:
    async with House().client() as client:
        answer = await client.post("/detect", json={"log_line": "garbage"})
    assert answer.status_code == 200
    assert not answer.json()["is_anomaly"]
    assert answer.json()["details"]["log_data"] is None
    assert answer.json()["details"]["reason"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "log_line"),
        ({"log_line": 3}, 422, "log_line"),
        ({"log_line": ""}, 422, "log_line"),
        ({"log_line": "\n"}, 422, "log_line"),
        ({"log_line": "two\nlines"}, 422, "log_line"),
        ({"log_line": "a b", "session_id": 3}, 422, "session_id"),
        ({"log_line": "a b", "sessionid": "x"}, 422, "sessionid"),
        ([], 422, ""),
        ("text", 422, ""),
    ],
)
async def test_a_wrong_body_is_refused_with_the_name_of_the_field(body: Any, status: int, field: str) -> None:
    async with House().client() as client:
        answer = await client.post("/detect", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["errors"][0]["field"] == field
    assert field in problem["detail"]


async def test_what_is_not_json_is_a_bad_request() -> None:
    async with House().client() as client:
        answer = await client.post(
            "/detect", content=b'{"log_line"', headers={"content-type": "application/json"}
        )
    assert answer.status_code == 400
    assert answer.json()["title"] == "Bad Request"


async def test_a_form_is_refused_by_its_media_type() -> None:
    async with House().client() as client:
        answer = await client.post("/detect", data={"log_line": "a b"})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


async def test_a_compressed_body_is_refused_as_such_where_none_is_unpacked() -> None:
    async with House().client() as client:
        for path in ("/detect", "/detect/batch"):
            headers = {"content-type": "application/json", "content-encoding": "gzip"}
            answer = await client.post(path, content=gzip.compress(b"{}"), headers=headers)
            assert answer.status_code == 415
            assert (
                answer.json()["detail"] == "Content-Encoding: gzip: this path takes bodies as they are alone"
            )


async def test_too_long_a_line_is_refused_with_its_length() -> None:
    house = House(limits={"line_bytes": 1024})
    async with house.client() as client:
        answer = await client.post("/detect", json={"log_line": "x" * 1025})
    assert answer.status_code == 422
    assert "1025" in answer.json()["detail"]
    assert house.view.judged == 0


@pytest.mark.parametrize("name", ["logs", "log_lines"])
async def test_a_batch_is_answered_entry_by_entry_and_counted(name: str) -> None:
    entries = ["a b", "an attack", {"log_line": "c d", "session_id": "s"}, "garbage"]
    async with House().client() as client:
        answer = (await client.post("/detect/batch", json={name: entries})).json()
    assert [r["is_anomaly"] for r in answer["results"]] == [False, True, False, False]
    assert answer["results"][2]["details"]["log_data"]["host"] == "s"
    assert answer["summary"] == {
        "total": 4,
        "anomalies": 1,
        "normal": 2,
        "anomaly_rate": 1 / 3,
        "unread": 1,
        "errors": 0,
    }


async def test_entries_that_are_no_lines_lose_nothing_else() -> None:
    entries = [5, "an attack", {"line": "x"}, None, "a b", {"log_line": "a\nb"}]
    async with House().client() as client:
        answer = (await client.post("/detect/batch", json={"logs": entries})).json()
    assert [r.get("index") for r in answer["results"]] == [0, None, 2, 3, None, 5]
    assert all(r["error"] for r in answer["results"] if "index" in r)
    assert answer["summary"]["errors"] == 4
    assert answer["summary"]["total"] == 6
    assert answer["summary"]["anomalies"] == 1


@pytest.mark.parametrize("body", [{}, {"logs": "x"}, {"logs": ["a b"], "log_lines": ["a b"]}, {"lines": []}])
async def test_a_batch_without_its_list_is_refused(body: Any) -> None:
    async with House().client() as client:
        answer = await client.post("/detect/batch", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in ("logs", "lines")


async def test_an_empty_batch_has_an_empty_answer() -> None:
    async with House().client() as client:
        answer = (await client.post("/detect/batch", json={"logs": []})).json()
    assert answer["results"] == []
    assert answer["summary"]["anomaly_rate"] == 0.0


async def test_a_batch_of_too_many_lines_is_refused_whole() -> None:
    house = House(limits={"batch_lines": 3})
    async with house.client() as client:
        answer = await client.post("/detect/batch", json={"logs": ["a b"] * 4})
    assert answer.status_code == 413
    assert house.view.judged == 0


async def test_a_stream_is_answered_line_by_line_and_ends_with_the_summary() -> None:
    lines = [
        b'"a b"',
        b"{bad",
        b'{"log_line": "an attack", "session_id": "s"}',
        b'{"status": 200, "path": "/x y"}',
        b"7",
    ]
    async with House().client() as client:
        answer = await client.post(
            "/detect/batch", content=b"\n".join(lines), headers={"content-type": "application/x-ndjson"}
        )
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *results, summary = [json.loads(line) for line in answer.text.splitlines()]
    assert [r.get("is_anomaly") for r in results] == [False, None, True, False, None]
    assert [r["index"] for r in results if "error" in r] == [1, 4]
    # An object that is no entry is the line of a JSON log itself.
    assert results[3]["details"]["log_data"]["path"] == '{"status": 200, "path": "/x y"}'
    assert summary["summary"]["total"] == 5
    assert summary["summary"]["errors"] == 2


async def test_a_stream_has_no_end_to_its_length_but_its_lines_have() -> None:
    house = House(limits={"batch_lines": 10, "line_bytes": 1024, "body_bytes": 1 << 16})
    line, long = b'"a b"\n', b'"' + b"x" * 2000 + b'"\n'
    async with house.client() as client:
        answer = await client.post(
            "/detect/batch",
            content=line * 20_000 + long + line,
            headers={"content-type": "application/x-ndjson"},
        )
    *results, summary = [json.loads(text) for text in answer.text.splitlines()]
    assert summary["summary"]["normal"] == 20_001
    assert [r for r in results if "error" in r] == [{"error": "has more than 1024 bytes", "index": 20_000}]


@given(st.lists(st.binary(max_size=12).filter(lambda b: b"\n" not in b)), st.lists(st.integers(1, 9)))
def test_lines_are_the_same_however_a_stream_is_cut(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    splitter, found = LineSplitter(8), []
    for cut in cuts:
        found += splitter.feed(stream[:cut])
        stream = stream[cut:]
    found += splitter.feed(stream) + splitter.feed(b"", last=True)
    assert found == [line if len(line) <= 8 else None for line in lines]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/detect", {"log_line": "an attack", "session_id": "s"}),
        ("/detect", {"log_line": "garbage"}),
        ("/detect", {"log_line": 3}),
        ("/detect", {"log_line": ""}),
        ("/detect", {"log_line": "a\nb"}),
        ("/detect", {}),
        ("/detect", []),
        ("/detect/batch", {"logs": ["a b", 5, "an attack", "garbage"]}),
        ("/detect/batch", {"log_lines": ["a b", "an attack"]}),
        ("/detect/batch", {"logs": []}),
        ("/detect/batch", {"logs": ["a b"], "log_lines": ["a b"]}),
        ("/detect/batch", {"logs": 5}),
        ("/detect/batch", {}),
        ("/detect/batch", {"logs": ["a b"] * 20_000}),
    ],
)
async def test_the_short_way_answers_as_the_documented_route_does(path: str, body: Any) -> None:
    house = House()
    rooms = Rooms(house.view, house.store, house.settings, house.clock)  # type: ignore[arg-type]
    whole = httpx.ASGITransport(routed(rooms, Traffic()))
    async with (
        house.client() as short,
        httpx.AsyncClient(transport=whole, base_url="http://localhost") as long,
    ):
        quick = await short.post(path, json=body)
        house.view.judged = 0
        documented = await long.post(path, json=body)
    assert quick.status_code == documented.status_code
    assert quick.headers["content-type"] == documented.headers["content-type"]
    assert quick.json() == documented.json()


@given(
    st.lists(
        st.one_of(
            st.text(st.sampled_from("ab\r\n\x00\udcff\u20ac"), max_size=5),
            st.text(max_size=12),
            st.sampled_from([7, None]),
        ),
        max_size=6,
    )
)
def test_plain_lines_are_read_at_once_as_they_are_one_by_one(entries: list[Any]) -> None:
    """And what is not plain is left to whoever reads one by one."""
    entries = [
        entry.encode("utf-8", "replace").decode()
        if isinstance(entry, str) and "\udcff" not in entry
        else entry
        for entry in entries
    ]
    lines = plain_lines(entries, 8)
    if lines is None:
        return
    assert list(lines) == [read_line(entry, 8) for entry in entries]
    assert (len(lines), lines[-1:], lines.text) == (
        len(entries),
        [lines[len(entries) - 1]],
        b"".join(line + b"\n" for line in lines),
    )


def test_lines_are_plain_unless_something_is_wrong_with_one() -> None:
    assert plain_lines(["a", "\udcff\u20ac"], 8) is not None
    for wrong in ("", "a\nb", "a\r", "abcdefghi", {"log_line": "a"}):
        assert plain_lines(["a", wrong], 8) is None
    assert plain_lines([], 8) is None


@pytest.mark.parametrize("escape", [r"\ud800b", r"\uDBFF\u0041", r"\ud83d"])
async def test_half_of_a_surrogate_pair_is_called_so(escape: str) -> None:
    async with House().client() as client:
        answer = await client.post(
            "/detect",
            content=b'{"log_line": "a%s"}' % escape.encode(),
            headers={"content-type": "application/json"},
        )
    assert answer.status_code == 400
    assert answer.json()["detail"] == (
        f"the body is not JSON: {escape[:6]} is half of a surrogate pair, and stands alone: it stands for no character"
    )
