"""What is said of single flows, from what is said of who has them."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import halves
from vedette.engine.network import RECENT_US
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind
from vedette.schema.flows import Flow

KEPT: Final = Flow.BYTES_IN + 1
"""Columns of a flow that verdicts are about: the first so many of `Flow`."""
TYPES: Final = tuple(AnomalyType)
_WORD: Final = 1 << 64

_Address = tuple[int, int]
"""Both halves, as int64."""


class _Claim(msgspec.Struct, frozen=True, order=True):
    """That something was stated of an address from one time to another, microseconds.

    Attributes:
        kind: Place among `TYPES`. client: Whether of flows that it opened alone. other: The other end, if not anybody.
    """

    kind: int
    client: bool
    other: _Address | None
    start: int
    end: int
    score: float


class FlowVerdicts(msgspec.Struct, frozen=True):
    """What is said of n flows.

    Attributes:
        score: float64 (n,), 0..1; 0 where nothing is said. types: int64 (n,), bits by place among `TYPES`.
    """

    score: NDArray[np.float64]
    types: NDArray[np.int64]


class FlowMarker:
    """Finds the flows that statements are about: those of who is named, in the window or the minute before it.

    A statement about a client is about the flows that it opened; one about a host is about its flows with the clients
    that are named with it, or with all where none is. What is said of the whole network is about no flow.

    Args:
        anomalies: All that were stated; those of requests are passed over.
    """

    def __init__(self, anomalies: Iterable[Anomaly]) -> None:
        found: defaultdict[_Address, set[_Claim]] = defaultdict(set)
        for anomaly in anomalies:
            if anomaly.of_flows:
                for address, claim in _claims(anomaly):
                    found[address].add(claim)
        self._claims = {address: _merged(claims) for address, claims in found.items()}
        self._numbers = np.array([_number(*address) for address in self._claims], dtype=np.uint64)

    def judge(self, rows: NDArray[np.int64]) -> FlowVerdicts:
        """What is said of flows.

        Args:
            rows: int64 (n, KEPT), whole flows.
        """
        verdicts = FlowVerdicts(np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64))
        if not self._claims:
            return verdicts
        client, server = (
            rows[:, [Flow.CLIENT_HIGH, Flow.CLIENT_LOW]],
            rows[:, [Flow.SERVER_HIGH, Flow.SERVER_LOW]],
        )
        known = [np.isin(_numbers(end), self._numbers) for end in (client, server)]
        some = np.flatnonzero(known[0] | known[1])
        present = set(map(tuple, client[known[0]].tolist())) | set(map(tuple, server[known[1]].tolist()))
        for address in sorted(present & self._claims.keys()):
            theirs = some[_is(client[some], address) | _is(server[some], address)]
            for claim in self._claims[address]:
                own = theirs[(rows[theirs, Flow.START] < claim.end) & (rows[theirs, Flow.END] >= claim.start)]
                if claim.client:
                    own = own[_is(client[own], address)]
                elif claim.other is not None:
                    own = own[_is(client[own], claim.other) | _is(server[own], claim.other)]
                verdicts.types[own] |= 1 << claim.kind
                verdicts.score[own] = np.maximum(verdicts.score[own], claim.score)
        return verdicts


def _claims(anomaly: Anomaly) -> Iterable[tuple[_Address, _Claim]]:
    kind, start = TYPES.index(anomaly.type), anomaly.start - RECENT_US
    clients = [one for text in anomaly.clients if (one := halves(text)) is not None]
    about = halves(anomaly.entity.value)
    if anomaly.entity.kind is EntityKind.CLIENT and about is not None:
        yield about, _Claim(kind, True, None, start, anomaly.end, anomaly.score)
    elif anomaly.entity.kind is EntityKind.HOST and about is not None:
        others: list[_Address | None] = [*clients] or [None]
        for other in others:
            yield about, _Claim(kind, False, other, start, anomaly.end, anomaly.score)


def _merged(claims: Iterable[_Claim]) -> list[_Claim]:
    """The same claims, those of the same kind that overlap as one: they are one for each window."""

    def same(claim: _Claim) -> tuple[int, bool, _Address]:
        return claim.kind, claim.client, claim.other or (0, 0)

    merged: list[_Claim] = []
    ordered = sorted(claims, key=lambda claim: (*same(claim), claim.start, claim.end))
    for _, alike in groupby(ordered, key=same):
        first, *rest = alike
        for claim in rest:
            if claim.start > first.end:
                merged.append(first)
                first = claim
                continue
            end, score = max(first.end, claim.end), max(first.score, claim.score)
            first = _Claim(first.kind, first.client, first.other, first.start, end, score)
        merged.append(first)
    return merged


def _is(ends: NDArray[np.int64], address: _Address) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (ends[:, 0] == address[0]) & (ends[:, 1] == address[1])
    return found


def _number(high: int, low: int) -> int:
    """An address as one number: most have their own, and who has not is told apart afterwards."""
    return (high * 0x9E3779B97F4A7C15 + low) % _WORD


def _numbers(ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    words = ends.astype(np.uint64)
    found: NDArray[np.uint64] = words[:, 0] * np.uint64(0x9E3779B97F4A7C15) + words[:, 1]
    return found
