"""Who sent the lines that are judged by themselves: clients behind trusted proxies are found once for each chain."""

from collections.abc import Sequence
from ipaddress import IPv6Address, IPv6Network

from vedette.engine.line_logs import shown
from vedette.engine.line_verdicts import REMEMBERED
from vedette.enrich.client import format_client
from vedette.enrich.enrich import Enricher
from vedette.parsers.single import Single
from vedette.schema.requests import Coded, Requests


class LineClients:
    """Finds who sent lines. For one thread.

    Args:
        enricher: Knows the trusted proxies.
    """

    def __init__(self, enricher: Enricher) -> None:
        self._enricher = enricher
        self._addresses: dict[tuple[bytes | None, bytes | None], bytes | None] = {}

    def of_single(self, request: Single) -> tuple[bool, bytes | None]:
        """Whether it is known who sent a line that was read by itself, and who that is."""
        if not _is_walked(request.peer, request.forwarded):
            return True, request.peer
        walked = request.peer, request.forwarded
        return walked in self._addresses, self._addresses.get(walked)

    def of(self, requests: Requests) -> Coded:
        """The client's address of each row: the peer's own where nothing was forwarded."""
        if not (
            len(requests.forwarded.vocabulary) or any(_is_walked(p, None) for p in requests.peer.vocabulary)
        ):
            return requests.peer
        rows = list(zip(_raw(requests.peer), _raw(requests.forwarded), strict=True))
        if any(_is_walked(*row) and row not in self._addresses for row in rows):
            self._walk(requests, rows)
        return Coded.of([self._addresses[row] if _is_walked(*row) else row[0] for row in rows])

    def _walk(self, requests: Requests, rows: Sequence[tuple[bytes | None, bytes | None]]) -> None:
        """Find the clients behind trusted proxies."""
        clients = self._enricher.clients.resolve(requests)
        if len(self._addresses) + len(rows) > REMEMBERED:
            self._addresses.clear()
        for number, (peer, forwarded) in zip(clients.ids.tolist(), rows, strict=True):
            if not _is_walked(peer, forwarded):
                continue
            name = None
            if number >= 0:
                name = format_client(int(clients.high[number]), int(clients.low[number]), clients.names)
            address = _in_network(name, peer, forwarded)
            self._addresses[peer, forwarded] = (
                None if address is None else address.encode("utf-8", "backslashreplace")
            )


def _raw(coded: Coded) -> list[bytes | None]:
    """The text of each row."""
    texts: list[bytes | None] = [*coded.vocabulary, None]
    return [texts[number] for number in coded.ids.tolist()]


def _is_walked(peer: bytes | None, forwarded: bytes | None) -> bool:
    """Whether a client stands behind proxies, or where a list of addresses is logged for one."""
    return forwarded is not None or (peer is not None and b"," in peer)


def _in_network(name: str | None, peer: bytes | None, forwarded: bytes | None) -> str | None:
    """The address itself of a client that is named by its /64, as IPv6 clients are told apart."""
    if name is None or not name.endswith("/64"):
        return name
    network = IPv6Network(name)
    for text in (*reversed(shown(forwarded or b"").split(",")), *reversed(shown(peer or b"").split(","))):
        address = _ipv6(text.strip())
        if address is not None and address in network:
            return str(address)
    return name


def _ipv6(text: str) -> IPv6Address | None:
    """An IPv6 address, perhaps in brackets; None if the text is none."""
    try:
        return IPv6Address(text.removeprefix("[").partition("]")[0])
    except ValueError:
        return None
