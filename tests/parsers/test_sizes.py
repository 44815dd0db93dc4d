"""Sizes that no answer has."""

import json

import numpy as np

from vedette.parsers.assemble import LARGEST_SIZE
from vedette.parsers.registry import by_name
from vedette.schema.chunk import Chunk


def test_a_size_that_sums_would_not_hold_is_taken_for_the_largest() -> None:
    said = (0, 912, LARGEST_SIZE, LARGEST_SIZE + 1, 10**18, 10**40)
    lines = [
        json.dumps(
            {
                "start_time": "2026-03-02T08:00:00.000Z", "method": "GET", "path": "/", "response_code": 200,
                "bytes_sent": size, "bytes_received": size, "client_ip": "192.0.2.1",
            }
        )
        for size in said
    ]  # fmt: skip
    requests = by_name("envoy-json").open("x").parse(Chunk.of("\n".join(lines).encode() + b"\n")).requests
    expected = [min(size, LARGEST_SIZE) for size in said]
    assert requests.bytes_out.tolist() == requests.bytes_in.tolist() == expected
    # A window of millions of them.
    assert int(requests.bytes_out.max()) * (1 << 22) <= np.iinfo(np.int64).max
