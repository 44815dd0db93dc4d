"""The tables in the reference say what the code does."""

import re
from pathlib import Path

from tests.enrich.batches import Row, batch

from vedette.enrich.client import ClientResolver, format_client
from vedette.enrich.route import RouteFolder

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "routes-and-clients.md"


def table(heading: str) -> list[list[str]]:
    """Cells of the table whose first heading is this, without its headings."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_each_example_of_a_client_holds() -> None:
    rows = table("peer")
    assert len(rows) >= 6
    for peer, forwarded, expected, _ in rows:
        row = Row(
            None if peer == "not logged" else peer.encode(),
            None if forwarded == "none" else forwarded.encode(),
        )
        found = ClientResolver().resolve(batch([row]))
        assert format_client(int(found.high[0]), int(found.low[0]), found.names) == expected


def test_each_example_of_a_route_holds() -> None:
    rows = [(t, r) for t, r in table("target") if t.startswith("`")]
    assert len(rows) >= 9
    for target, route in rows:
        text = re.findall("`([^`]+)`", target)[0]
        expected = text if route == "the same" else route.strip("`")
        folded = RouteFolder().fold(batch([Row(target=text.encode())]))
        assert folded[0] == expected.encode(), target
