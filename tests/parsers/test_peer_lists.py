"""Where a log has `X-Forwarded-For` in the client's place, the whole list is read, and walked like any other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.parsers.lines import chunk

from vedette.enrich.client import ClientResolver, format_client
from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import UnknownFormatError, sniff

REST = ' - - [02/Mar/2026:08:00:00 +0000] "GET /a HTTP/1.1" 200 612'
AGENT = ' "-" "Mozilla/5.0"'


@pytest.mark.parametrize(
    ("rest", "name"),
    [(REST, "common"), (REST + AGENT, "combined"), (REST + AGENT + " 0.012", "nginx-timed")],
)
@pytest.mark.parametrize(
    ("listed", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("192.0.2.1, 203.0.113.9, 10.0.0.7, 10.0.0.1", "203.0.113.9"),
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("2001:db8::7, 10.0.0.1", "2001:db8::/64"),
        ("unknown, 10.0.0.1", "10.0.0.1"),
    ],
)
def test_a_list_is_told_from_a_virtual_host_and_its_client_found(
    rest: str, name: str, listed: str, client: str
) -> None:
    log = chunk("".join(f"{listed}{rest}\n" for _ in range(3)).encode())
    choice = sniff(log, formats())
    requests = choice.open("x").parse(log).requests
    clients = ClientResolver().resolve(requests)
    assert choice.format.name == name
    assert [requests.peer[row] for row in range(len(requests))] == [listed.encode()] * 3
    assert {format_client(int(clients.high[n]), int(clients.low[n]), clients.names) for n in clients.ids} == {
        client
    }


def test_a_virtual_host_before_a_list_is_one_still() -> None:
    log = chunk(f"shop.example:443 203.0.113.9, 10.0.0.1{REST}{AGENT}\n".encode())
    choice = sniff(log, formats())
    requests = choice.open("x").parse(log).requests
    assert (choice.format.name, requests.service[0]) == ("vhost_combined", b"shop.example")
    assert requests.peer[0] == b"203.0.113.9, 10.0.0.1"


ADDRESS = st.sampled_from(["203.0.113.9", "2001:db8::7", "10.0.0.1", "unknown", "2001:db8::1%eth0", "a" * 80])


@given(st.lists(st.lists(ADDRESS, min_size=1, max_size=40), min_size=1, max_size=6))
def test_lists_of_many_lines_end_where_a_space_without_a_comma_before_it_stands(
    lists: list[list[str]],
) -> None:
    text = "".join(f"{', '.join(names)}{REST}{AGENT}\n" for names in lists)
    requests = by_name("combined").open("x").parse(chunk(text.encode())).requests
    for row, names in enumerate(lists):
        taken = 1
        while taken < len(names) and taken <= 32 and len(names[taken]) < 56:
            taken += 1
        expected = ", ".join(names[:taken]) + ("," if taken < len(names) else "")
        assert requests.peer[row] == expected.encode()


def test_a_line_that_ends_in_its_list_takes_nothing_of_the_next() -> None:
    text = f"203.0.113.9,{REST}{AGENT}\n203.0.113.9, \n10.0.0.1{REST}{AGENT}\n".encode()
    requests = by_name("combined").open("x").parse(chunk(text)).requests
    assert requests.peer[len(requests) - 1] == b"10.0.0.1"
    assert all(b"\n" not in (requests.peer[row] or b"") for row in range(len(requests)))


@pytest.mark.parametrize(
    ("before", "client"),
    [
        ("203.0.113.9 10.0.0.1", "203.0.113.9"),
        ("192.0.2.1, 203.0.113.9 10.0.0.1", "203.0.113.9"),
        ("192.0.2.1, 203.0.113.9, 10.0.0.2 10.0.0.1", "203.0.113.9"),
        ("2001:db8::7 fd00::1", "2001:db8::/64"),
    ],
)
def test_a_public_address_before_a_private_one_is_the_client_before_its_proxy(
    before: str, client: str
) -> None:
    log = chunk(f"{before}{REST}{AGENT}\n".encode() * 3)
    choice = sniff(log, formats())
    requests = choice.open("x").parse(log).requests
    clients = ClientResolver().resolve(requests)
    assert choice.format.name == "forwarded_combined"
    assert requests.status.tolist() == [200] * 3
    assert {format_client(int(clients.high[n]), int(clients.low[n]), clients.names) for n in clients.ids} == {
        client
    }


@pytest.mark.parametrize(
    "before", ["198.51.100.80 203.0.113.9", "10.0.0.80 10.0.0.9", "0.012 203.0.113.9", "[1234] 203.0.113.9",
               "5f2b6c1e9d8a4b7f 203.0.113.9", "17 2001:db8::7", '"www.example" 203.0.113.9'],
)  # fmt: skip
def test_what_may_be_anything_before_a_client_is_asked_for_and_not_guessed(before: str) -> None:
    """Which of two public addresses is the client, the log's owner knows: neither is a virtual host."""
    with pytest.raises(UnknownFormatError, match="no known log format"):
        sniff(chunk(f"{before}{REST}{AGENT}\n".encode() * 3), formats())


@pytest.mark.parametrize("ratio", ["0.012", "2.31", "17"])
def test_a_quoted_number_behind_the_agent_is_no_address(ratio: str) -> None:
    choice = sniff(chunk(f'203.0.113.9{REST}{AGENT} "{ratio}"\n'.encode() * 3), formats())
    assert (choice.format.name, choice.beyond) == ("combined", f'"{ratio}"')
