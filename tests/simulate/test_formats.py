"""Every format, read back by readers that share nothing with the simulator."""

import ipaddress
from itertools import pairwise

import pytest
from tests.simulate.reference import Request, read

from vedette.simulate import FORMATS, Simulation

# Every family of attack is in it, so that hostile bytes go through every format's escaping.
_TRAFFIC = {"minutes": 4, "rate": 12.0, "services": 4, "attack_share": 0.08, "seed": 5}


@pytest.fixture(scope="module")
def requests() -> dict[str, list[Request]]:
    return {name: read(name, b"".join(Simulation(format=name, **_TRAFFIC).chunks())) for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
def test_every_line_is_a_request_of_its_format(name: str, requests: dict[str, list[Request]]) -> None:
    assert 2000 < len(requests[name]) < 4000
    for request in requests[name]:
        ipaddress.ip_address(request.client or "")
        assert 200 <= request.status < 600
        assert request.size is not None
        assert request.size >= 0
        assert request.seconds is None or 0 <= request.seconds < 60


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_the_same_story(name: str, requests: dict[str, list[Request]]) -> None:
    for mine, reference in zip(requests[name], requests["nginx-json"], strict=True):
        assert (mine.client, mine.method, mine.status) == (
            reference.client,
            reference.method,
            reference.status,
        )
        if name != "cloudfront":  # which counts the response's headers too
            assert mine.size == reference.size
        if mine.seconds is not None and reference.seconds is not None:
            assert abs(mine.seconds - reference.seconds) <= 0.001
        if FORMATS[name].names_service:
            assert mine.service == reference.service
        plain = reference.target.isascii() and not set(reference.target) & set(" \"\\<>'`{}|^#")
        if plain:
            assert mine.target == reference.target


@pytest.mark.parametrize("name", FORMATS)
def test_lines_are_in_the_order_in_which_requests_ended(
    name: str, requests: dict[str, list[Request]]
) -> None:
    if FORMATS[name].timestamp == "end":
        assert all(a.time <= b.time for a, b in pairwise(requests[name]))
    else:
        # A whole millisecond of the end is lost in formats that count durations in milliseconds.
        ends = [r.time.timestamp() + (r.seconds or 0.0) for r in requests[name]]
        assert all(b - a > -0.0021 for a, b in pairwise(ends))


def test_hostile_bytes_stay_inside_their_line_and_their_quotes() -> None:
    simulation = Simulation(minutes=3, rate=30, attack_share=1.0, seed=9)
    for name in FORMATS:
        log = b"".join(Simulation(minutes=3, rate=30, attack_share=1.0, seed=9, format=name).chunks())
        assert len(read(name, log)) == sum(label.requests for label in simulation.labels.incidents)
