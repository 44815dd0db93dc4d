"""What is said of single flows is what is said of who has them, at that time."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.conftest import Run, vedette
from tests.incidents.test_grouping import anomaly
from tests.network.packets import BEGIN, SECOND, SYN, pcap, tcp
from tests.network.test_scan import attack, scan
from vedette.engine.flow_verdicts import KEPT, TYPES, FlowMarker
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Entity, EntityKind

__all__ = ["vedette"]

MAPPED = 0xFFFF << 32
WINDOW = 10 * SECOND
KINDS = (AnomalyType.PORT_SCAN, AnomalyType.DDOS_ATTACK, AnomalyType.TUNNEL)


def stated(
    kind: AnomalyType, window: int, about: int, *, host: bool = False, clients: Sequence[int] = (), score: float = 0.7
) -> Anomaly:  # fmt: skip
    one = anomaly(kind, 0)
    entity = Entity(EntityKind.HOST if host else EntityKind.CLIENT, f"10.0.0.{about}")
    return msgspec.structs.replace(
        one,
        id=f"a{window}",
        detector="network.test",
        service="network",
        entity=entity,
        score=score,
        start=window * WINDOW,
        end=(window + 1) * WINDOW,
        contributions=tuple(Contribution("client", f"10.0.0.{client}", 0.5) for client in clients),
        clients=tuple(f"10.0.0.{client}" for client in clients),
    )


def flow(start: int, end: int, client: int, server: int) -> list[int]:
    base = MAPPED | 10 << 24
    return [start, end, 0, base | client, 0, base | server, 4000, 80, 6, 1, 1, 60, 60]


def expected(row: list[int], anomalies: Sequence[Anomaly]) -> tuple[float, set[str]]:
    """The rule, flow by flow."""
    client, server = (f"10.0.0.{row[column] & 255}" for column in (3, 5))
    score, types = 0.0, set()
    for one in anomalies:
        if not (row[0] < one.end and row[1] >= one.start - 60 * SECOND):
            continue
        who = one.entity.value
        if one.entity.kind is EntityKind.CLIENT:
            theirs = client == who
        else:
            theirs = who in (client, server) and (
                not one.clients or client in one.clients or server in one.clients
            )
        if theirs:
            score = max(score, one.score)
            types.add(one.type.value)
    return score, types


ANOMALIES = st.lists(
    st.builds(
        lambda kind, window, about, host, clients, score: stated(
            kind, window, about, host=host, clients=clients if host else (), score=score
        ),
        st.sampled_from(KINDS), st.integers(0, 60), st.integers(1, 4), st.booleans(),
        st.lists(st.integers(5, 7), max_size=2), st.just(0.7),
    ),
    max_size=9,
)  # fmt: skip
FLOWS = st.lists(
    st.builds(
        lambda start, length, client, server: flow(start * SECOND, (start + length) * SECOND, client, server),
        st.integers(0, 700), st.integers(0, 90), st.integers(1, 8), st.integers(1, 8),
    ),
    max_size=20,
)  # fmt: skip


@given(ANOMALIES, FLOWS)
def test_a_flow_is_marked_by_what_is_said_of_its_ends_at_that_time(
    anomalies: list[Anomaly], flows: list[list[int]]
) -> None:
    rows = np.array(flows, dtype=np.int64).reshape(-1, KEPT)
    verdicts = FlowMarker(anomalies).judge(rows)
    found = [
        (score, {kind.value for place, kind in enumerate(TYPES) if types >> place & 1})
        for score, types in zip(verdicts.score.tolist(), verdicts.types.tolist(), strict=True)
    ]
    assert found == [expected(row, anomalies) for row in flows]


def test_what_is_said_of_requests_and_of_the_network_is_about_no_flow() -> None:
    rows = np.array([flow(0, 5, 1, 2)], dtype=np.int64)
    of_requests = anomaly(AnomalyType.SQL_INJECTION, 0, client="10.0.0.1")
    of_network = msgspec.structs.replace(
        stated(AnomalyType.TRAFFIC_SPIKE, 0, 1), entity=Entity(EntityKind.SERVICE, "network")
    )
    assert not FlowMarker([of_requests, of_network]).judge(rows).types.any()


@pytest.mark.parametrize("every", [False, True])
def test_a_scan_writes_verdicts_of_requests_and_of_flows(vedette: Run, tmp_path: Path, every: bool) -> None:
    quiet = [(BEGIN + n * SECOND, tcp(f"192.0.2.{n}:4000", "192.0.2.1:443", SYN)) for n in range(2, 9)]
    frames = sorted([*scan(), *attack(), *quiet], key=lambda frame: frame[0])
    (tmp_path / "trace.pcap").write_bytes(pcap(frames, 101))
    words = ["--all"] if every else []
    done = vedette("scan", "trace.pcap", "--verdicts", "v.jsonl", *words)
    assert done.returncode == 1, done.stderr
    told = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    requests = [one for one in told if "line" in one]
    flows = [one for one in told if "flow" in one]
    assert requests + flows == told
    assert ["sql_injection" in one["types"] for one in requests] == [True]
    bad = [one for one in flows if one["is_anomaly"]]
    assert {one["flow"]["client"] for one in bad} == {"198.51.100.7"}
    assert len(bad) >= 300
    assert all(one["types"] == ["port_scan"] and 0.5 <= one["score"] <= 1.0 for one in bad)
    # The attack comes after the scan: what is said of it is said of its request.
    assert len(flows) - len(bad) == (len(quiet) + 1 if every else 0)
    assert bad[0]["flow"]["protocol"] == "tcp"
    assert {one["flow"]["server_port"] for one in bad} >= set(range(1, 301))


def test_flows_alone_have_verdicts_on_standard_output(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    done = vedette("scan", "trace.pcap", "--verdicts", "-")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == 300
    assert all(one["is_anomaly"] for one in told)
