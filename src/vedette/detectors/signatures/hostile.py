"""The hostile rows that statements of a window will rest on, kept until it closes.

How a service's attackers are stated depends on how many they are (see `attacks`), and that is known only when the
window closes: while they are few, the most telling rows of each are kept; once they are many, those of all of them
together. Either way it is told by the rows alone, in whatever order and however batched they came.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import KeptLine
from vedette.detectors.signatures.columns import COLUMNS
from vedette.detectors.signatures.evidence import REMEMBERED_BYTES, Asked, Locator, Match
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.rules import REQUEST_TYPES
from vedette.schema.requests import UNNAMED_TAG, Clients, Requests
from vedette.schema.state import check, decode, encode, within
from vedette.windows.distinct import distinct_values

MOST_STATED = 20
"""Hostile clients that are stated one by one, of one service in one window; more are stated together, as one."""
MOST_IN_ALL = 256
"""The same for all services of a window."""

Client = tuple[int, int]
UNNAMED: Client = (UNNAMED_TAG, 0)
"""All clients that their log does not name."""

Order = tuple[int, float, int, str, int]
"""Rank of the rule, combined confidence negated, time, source, line: the most telling come first."""


def too_many(clients: Iterable[int]) -> bool:
    """Whether so many hostile clients of services, all of one window, are too many to be stated one by one.

    What a service has beyond `MOST_STATED` is stated as one, and counts for no more.
    """
    return sum(min(count, MOST_STATED + 1) for count in clients) > MOST_IN_ALL


class Proof(NamedTuple):
    """A row that shows one type of attack."""

    order: Order
    rule: int
    """Its most confident rule of that type."""
    asked: Asked | None
    """What that rule hit; None where there is nothing to look up any more."""
    match: Match | None
    line: KeptLine
    route: str = ""
    """Its path, folded; older versions did not keep it."""


class _Service(msgspec.Struct):
    """Rows of one service in one window, by type and client."""

    rows: int
    together: bool = False
    clients: set[Client] = msgspec.field(default_factory=set)
    kinds: dict[int, dict[Client, list[Proof]]] = msgspec.field(default_factory=dict)

    def join(self) -> None:
        """State all clients together from now on: one row of each is enough."""
        self.together = True
        self.clients.clear()
        for kind, senders in self.kinds.items():
            self.kinds[kind] = {client: proofs[:1] for client, proofs in _best(senders)[: self.rows]}

    def wants(self, kind: int, client: Client, order: Order) -> bool:
        """Whether a row would be kept."""
        senders = self.kinds.get(kind)
        if senders is None:
            return True
        own = senders.get(client)
        if not self.together:
            return own is None or len(own) < self.rows or order < own[-1].order
        if own is not None:
            return order < own[0].order
        return len(senders) < self.rows or any(order < proofs[0].order for proofs in senders.values())

    def put(self, kind: int, client: Client, proof: Proof) -> None:
        """Keep a row that is wanted."""
        senders = self.kinds.setdefault(kind, {})
        own = senders.setdefault(client, [])
        own.append(proof)
        own.sort(key=_order)
        del own[1 if self.together else self.rows :]
        if self.together and len(senders) > self.rows:
            del senders[_best(senders)[-1][0]]


class _Window(msgspec.Struct):
    together: bool = False
    """Whether there are too many clients over all services."""
    services: dict[tuple[int, bool], _Service] = msgspec.field(default_factory=dict)


class _KeptService(msgspec.Struct, frozen=True, array_like=True):
    """A `_Service` as a part of a state."""

    number: int
    named: bool
    together: bool
    clients: list[Client]
    kinds: list[tuple[int, list[tuple[Client, list[Proof]]]]]


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `HostileRows` hold: by window, whether all are taken together, and the services."""

    windows: list[tuple[int, bool, list[_KeptService]]]


class HostileRows(msgspec.Struct):
    """The most telling hostile rows of the windows that are still open, bounded."""

    locator: Locator
    rows: int = 3
    """Rows kept for each statement."""
    _windows: dict[int, _Window] = msgspec.field(default_factory=dict)

    def keep(
        self,
        requests: Requests,
        clients: Clients,
        service: NDArray[np.int32],
        window: NDArray[np.int64],
        hits: SignatureHits,
        rows: NDArray[np.intp],
    ) -> None:
        """Keep what tells most of a batch's hostile rows.

        Args:
            requests, clients, service, hits: The batch. window: int64 (n,). rows: (k,), the hostile rows.
        """
        if len(rows) == 0:
            return
        senders = _Senders.of(clients.ids, service, window, rows)
        services = [self._service(*group) for group in senders.groups]
        self._count(senders, services, clients)
        together = np.array([service.together for service in services], dtype=bool)
        slot, once = senders.slots(together)
        told = hits.tell(rows, slot, clients.ids, once, self.rows)

        row = told.row
        number = clients.ids[row]
        orders = zip(
            told.rank[told.rule].tolist(),
            (-hits.confidence[row]).tolist(),
            requests.time[row].tolist(),
            [requests.source] * len(row),
            requests.line[row].tolist(),
            strict=True,
        )
        keys = _keys(clients, number)
        group = senders.group[np.searchsorted(rows, row)]
        # Nearly all of them are wanted: what is kept of a row is read for all of them at once.
        distinct, place = np.unique(row, return_inverse=True)
        lines = KeptLine.of_each(requests, distinct)
        routes = [None] * len(row) if requests.route is None else requests.route.texts(row)
        for line, kind, rule, column, own, client, order, text, route in zip(
            place.tolist(), told.kind.tolist(), told.rule.tolist(), told.column.tolist(), group.tolist(), keys,
            orders, _texts(requests, row, told.column), routes, strict=True,
        ):  # fmt: skip
            kept = services[own]
            if kept.wants(kind, client, order):
                asked, match = self._ask(text, column, rule)
                path = (route or b"").decode("utf-8", "surrogateescape")
                kept.put(kind, client, Proof(order, rule, asked, match, lines[line], path))

    def _ask(self, text: bytes, column: int, rule: int) -> tuple[Asked | None, Match | None]:
        asked = Asked(text, column, rule)
        if len(text) <= REMEMBERED_BYTES:
            return asked, None
        # What matched is looked up at once, so that a long text need not be kept.
        return None, self.locator.find([asked])[0]

    def of_client(self, window: int, service: int, client: Client, kind: int) -> list[Proof]:
        """Rows of a client that show a type, the most telling first."""
        kept = self._kept(window, service, named=client != UNNAMED)
        return kept.kinds.get(kind, {}).get(client, []) if kept else []

    def of_all(self, window: int, service: int, kind: int) -> list[Proof]:
        """Rows of a service's clients that show a type, one of each client, the most telling first."""
        kept = self._kept(window, service, named=True)
        return [proofs[0] for _, proofs in _best(kept.kinds.get(kind, {}))[: self.rows]] if kept else []

    def drop(self, window: int) -> None:
        """Forget a window that has been judged."""
        self._windows.pop(window, None)

    def drop_from(self, window: int) -> None:
        """Forget windows from this number on, which will not be judged."""
        self._windows = {number: kept for number, kept in self._windows.items() if number < window}

    def to_state(self) -> bytes:
        """All rows kept, as bytes."""
        return encode(
            _State(
                [
                    (
                        window,
                        opened.together,
                        [
                            _KeptService(
                                number,
                                named,
                                kept.together,
                                sorted(kept.clients),
                                [(kind, list(senders.items())) for kind, senders in kept.kinds.items()],
                            )
                            for (number, named), kept in opened.services.items()
                        ],
                    )
                    for window, opened in self._windows.items()
                ]
            )
        )

    def from_state(self, content: bytes, services: int) -> None:
        """Take over what `to_state` gave, with the same rules.

        Args:
            content: From `to_state`. services: How many services there are.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        what = "hostile rows"
        rules = len(self.locator.rules)
        self._windows = {}
        for window, together, kept_services in decode(content, _State, what).windows:
            opened = self._windows[window] = _Window(together)
            for kept in kept_services:
                within([kept.number], 0, services, what)
                within([kind for kind, _ in kept.kinds], 0, len(REQUEST_TYPES), what)
                for proof in (p for _, senders in kept.kinds for _, proofs in senders for p in proofs):
                    rests_on = [proof.rule, *([proof.match.rule] if proof.match else [])]
                    if proof.asked is not None:
                        rests_on.append(proof.asked.rule)
                        within([proof.asked.column], 0, len(COLUMNS), what)
                    within(rests_on, 0, rules, what)
                kinds = {kind: dict(senders) for kind, senders in kept.kinds}
                check(all(all(senders.values()) for senders in kinds.values()), what)
                opened.services[kept.number, kept.named] = _Service(
                    self.rows, kept.together, set(kept.clients), kinds
                )

    def _count(self, senders: "_Senders", services: list[_Service], clients: Clients) -> None:
        """Note who attacked, and where they have become too many."""
        for kept, (_, _, named), own in zip(services, senders.groups, senders.pairs_of_group(), strict=True):
            if named and not kept.together:
                if len(own) <= MOST_STATED:
                    kept.clients.update(
                        _keys(clients, clients.ids[senders.row_of_pair[own.start : own.stop]])
                    )
                if len(own) > MOST_STATED or len(kept.clients) > MOST_STATED:
                    kept.join()
        for number in {window for window, _, _ in senders.groups}:
            opened = self._windows[number]
            told = [kept for (_, named), kept in opened.services.items() if named]
            if not opened.together and too_many(
                MOST_STATED + 1 if kept.together else len(kept.clients) for kept in told
            ):
                opened.together = True
                for kept in told:
                    kept.join()

    def _kept(self, window: int, service: int, *, named: bool) -> _Service | None:
        opened = self._windows.get(window)
        return opened.services.get((service, named)) if opened else None

    def _service(self, window: int, service: int, named: bool) -> _Service:
        opened = self._windows.setdefault(window, _Window())
        found = opened.services.get((service, named))
        if found is None:
            # Nobody knows how many the unnamed are: they are stated as one anyhow.
            found = opened.services[service, named] = _Service(self.rows, together=opened.together and named)
        return found


class _Senders(msgspec.Struct, frozen=True):
    """Who sent the k hostile rows of a batch: pairs of a group (window, service, named or not) and a client.

    Attributes:
        groups: (window, service, whether clients are named), in ascending order.
        group, pair: int64 (k,), of each row.
        group_of_pair, row_of_pair: int64 (pairs,), the latter any row of the batch.
    """

    groups: list[tuple[int, int, bool]]
    group: NDArray[np.int64]
    pair: NDArray[np.int64]
    group_of_pair: NDArray[np.int64]
    row_of_pair: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        client: NDArray[np.int32],
        service: NDArray[np.int32],
        window: NDArray[np.int64],
        rows: NDArray[np.intp],
    ) -> Self:
        """Tell apart the senders of rows. client, service, window: (n,), by row of the batch."""
        number = client[rows].astype(np.int64)
        _, when = np.unique(window[rows], return_inverse=True)
        services, clients = int(service.max()) + 1, int(number.max()) + 2
        code = ((when * services + service[rows]) * 2 + (number >= 0)) * clients + number + 1
        pairs, any_row, pair = np.unique(code, return_index=True, return_inverse=True)
        _, any_pair, group_of_pair = np.unique(pairs // clients, return_index=True, return_inverse=True)
        any_row = rows[any_row]
        group_row = any_row[any_pair]
        groups = zip(
            window[group_row].tolist(),
            service[group_row].tolist(),
            (client[group_row] >= 0).tolist(),
            strict=True,
        )
        return cls(list(groups), group_of_pair[pair], pair, group_of_pair, any_row)

    def pairs_of_group(self) -> list[range]:
        """The pairs of each group."""
        ends = np.cumsum(np.bincount(self.group_of_pair)).tolist()
        return [range(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]

    def slots(self, together: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """A slot for each group whose clients are taken together, and for each client of the others.

        Returns:
            The slot of each row, and for each slot whether it is one of a group.
        """
        alone = ~together[self.group_of_pair]
        slot_of_pair = np.where(alone, len(together) + np.cumsum(alone) - 1, self.group_of_pair)
        once = np.zeros(len(together) + int(np.count_nonzero(alone)), dtype=np.uint8)
        once[: len(together)] = 1
        return slot_of_pair[self.pair], once


def _texts(requests: Requests, row: NDArray[np.int64], column: NDArray[np.int64]) -> list[bytes]:
    """The texts of rows (k,), each in its column, a place in `COLUMNS`."""
    texts = [b""] * len(row)
    for number in distinct_values(column).tolist():
        at = np.flatnonzero(column == number)
        found = COLUMNS[number].of(requests).texts(row[at])
        for place, text in zip(at.tolist(), found, strict=True):
            texts[place] = text or b""
    return texts


_order = itemgetter(0)


def _best(senders: dict[Client, list[Proof]]) -> list[tuple[Client, list[Proof]]]:
    """Clients and their rows, those with the most telling one first."""
    return sorted(senders.items(), key=lambda sender: sender[1][0].order)


def _keys(clients: Clients, number: NDArray[np.int32]) -> list[Client]:
    """The clients of these numbers, -1 for unnamed ones."""
    # Number -1 picks the last element.
    high = np.append(clients.high, np.uint64(UNNAMED[0]))[number]
    low = np.append(clients.low, np.uint64(UNNAMED[1]))[number]
    return list(zip(high.tolist(), low.tolist(), strict=True))
