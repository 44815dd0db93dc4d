from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tests.enrich.batches import Row, batch

from vedette.enrich.client import format_client
from vedette.enrich.enrich import Enricher
from vedette.enrich.user_agent import AgentKind

rows = st.builds(
    Row,
    peer=st.sampled_from([None, b"192.0.2.1", b"10.0.0.1", b"2001:db8::1", b"alpha.example", b"\xff"]),
    forwarded=st.sampled_from([None, b"192.0.2.7", b"8.8.8.8, 192.0.2.9", b"unknown", b"for=[2001:db8::2]"]),
    target=st.sampled_from([None, b"/", b"/a/1", b"/a/2?x", b"/b/%ff", b"junk"]),
    service=st.sampled_from([None, b"shop", b"api:80", b"!"]),
    agent=st.sampled_from([None, b"curl/8", b"Googlebot"]),
    http=st.booleans(),
)
Answer = tuple[str | None, bytes | None, str, AgentKind | None]


def answers(enricher: Enricher, part: Sequence[Row]) -> list[Answer]:
    """Client, route, service and agent kind of each row."""
    found = enricher.apply(batch(part))
    requests, clients, routes = found.requests, found.requests.client, found.requests.route
    assert clients is not None
    assert routes is not None
    result: list[Answer] = []
    for row in range(len(part)):
        who = int(clients.ids[row])
        client = (
            None if who < 0 else format_client(int(clients.high[who]), int(clients.low[who]), clients.names)
        )
        agent = int(requests.user_agent.ids[row])
        kind = None if agent < 0 else AgentKind(int(found.agent_kind[agent]))
        result.append((client, routes[row], found.services[int(found.service[row])], kind))
    return result


def test_enriches_a_batch() -> None:
    rows = [
        Row(b"10.0.0.1", b"192.0.2.7", b"/users/17?x", b"Shop:443", b"curl/8"),
        Row(b"192.0.2.1", b"192.0.2.7", None, None, None, http=False),
    ]
    assert answers(Enricher(), rows) == [
        ("192.0.2.7", b"/users/{}", "shop", AgentKind.TOOL),
        ("192.0.2.1", b"(not http)", "access", None),
    ]


@given(st.lists(rows, max_size=30), st.integers(0, 30))
def test_how_rows_are_cut_into_batches_makes_no_difference(whole: list[Row], cut: int) -> None:
    enricher = Enricher()
    assert answers(enricher, whole[:cut]) + answers(enricher, whole[cut:]) == answers(Enricher(), whole)
