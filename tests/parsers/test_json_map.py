"""Field maps: any JSON log, described by hand."""

import pytest

from vedette.parsers.json_map import json_format_from_map
from vedette.schema.chunk import Chunk

LINE = (
    b'{"@t":1714557600123,"http":{"status_code":200,"url":"/a"},"latency":250,"net.peer":"192.0.2.7:40000"}\n'
)


def test_a_field_map_says_where_fields_stand_and_in_which_unit() -> None:
    described = json_format_from_map(
        {
            "time_ms": "@t",
            "status": "http.status_code",
            "target": "http.url",
            "duration_ms": "latency",
            "peer": r"net\.peer",
        }
    )
    requests = described.open("x").parse(Chunk.of(LINE)).requests
    assert requests.time.tolist() == [1714557600123000]
    assert requests.status.tolist() == [200]
    assert requests.duration.tolist() == [0.25]
    assert requests.target[0] == b"/a"
    assert requests.peer[0] == b"192.0.2.7"
    assert described.score(Chunk.of(LINE)) == 1.0


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("time", 1714557600.5),
        ("time_ms", 1714557600500),
        ("time_us", 1714557600500000),
        ("time_ns", 1714557600500000000),
    ],
)
def test_the_unit_of_a_time_that_is_a_number_is_part_of_its_name(name: str, written: float) -> None:
    described = json_format_from_map({name: "t", "target": "p"})
    line = Chunk.of(b'{"t":%s,"p":"/a"}\n' % str(written).encode())
    assert described.open("x").parse(line).requests.time.tolist() == [1714557600500000]


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ({"time": "t", "targte": "p"}, "'targte' is no field: use one of time, peer, forwarded"),
        ({"target": "p"}, "'time' is not mapped"),
        ({"time": "t", "status": "s"}, "neither 'target' nor 'request' is mapped"),
        (
            {"time": "t", "target": "p", "duration_s": "a", "duration_ms": "b"},
            "duration_ms is a second duration",
        ),
        ({"time": "t", "time_ms": "u", "target": "p"}, "time_ms is a second time: map one of time, time_ms"),
        ({"time_us": "t", "time_ns": "u", "target": "p"}, "time_ns is a second time"),
        ({"time": "t", "target": "p[3]"}, r"JSON key path 'p\[3\]' does not read at character 1"),
    ],
)
def test_a_wrong_field_map_is_refused_with_what_is_wrong(mapping: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        json_format_from_map(mapping)


def test_an_empty_sample_fits_nothing() -> None:
    assert json_format_from_map({"time": "t", "target": "p"}).score(Chunk.of(b"")) == 0.0
