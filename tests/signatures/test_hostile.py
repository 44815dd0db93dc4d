"""Which hostile rows are kept for the statements of a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.database import compile_rules
from vedette.detectors.signatures.evidence import Locator
from vedette.detectors.signatures.hostile import (
    MOST_IN_ALL,
    MOST_STATED,
    UNNAMED,
    Client,
    HostileRows,
    Proof,
)
from vedette.detectors.signatures.rules import REQUEST_TYPES, Place, Rule
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.schema.anomaly import AnomalyType
from vedette.schema.requests import Clients

XSS, SSRF = (REQUEST_TYPES.index(AnomalyType(name)) for name in ("xss", "ssrf"))
RULES = tuple(
    Rule(
        id=name,
        type=AnomalyType(kind),
        confidence=confidence,
        places=(Place.PATH, Place.REFERER),
        why="",
        reference="",
        attacks=("a",),
        lookalikes=("b",),
        pattern=name,
    )
    for name, kind, confidence in (
        ("weak", "xss", 0.8), ("sure", "xss", 0.9), ("same", "xss", 0.9), ("other", "ssrf", 0.85),
    )
)  # fmt: skip


@cache
def scanner() -> SignatureScanner:
    return SignatureScanner(compile_rules(RULES))


@dataclass(frozen=True)
class Row:
    """One hostile row; its line is its place in the log."""

    target: str
    client: int | None
    time: int = 0
    service: int = 0
    window: int = 0
    referer: str | None = None

    @property
    def key(self) -> Client:
        return UNNAMED if self.client is None else (0, self.client)

    def rule(self, kind: int) -> int | None:
        """The most confident of its rules of a type, the first of equals."""
        text = self.target + (self.referer or "")
        hit = [i for i, rule in enumerate(RULES) if rule.id in text and rule.type is REQUEST_TYPES[kind]]
        return min(hit, key=lambda i: (-RULES[i].confidence, i), default=None)


def kept(rows: Sequence[Row], sizes: Sequence[int] = (), most: int = 3) -> HostileRows:
    """What is kept of rows that come in batches of these sizes; the last takes what is left."""
    found = HostileRows(Locator(RULES), most)
    at = 0
    for size in (*sizes, len(rows)):
        part = rows[at : at + size]
        if part:
            requests = batch(
                {
                    "target": [row.target.encode() for row in part],
                    "referer": [row.referer and row.referer.encode() for row in part],
                }
            )
            requests.line += at
            requests.time[:] = [row.time for row in part]
            known = sorted({row.client for row in part if row.client is not None})
            ids = [-1 if row.client is None else known.index(row.client) for row in part]
            clients = Clients(
                np.array(ids, dtype=np.int32),
                np.zeros(len(known), dtype=np.uint64),
                np.array(known, dtype=np.uint64),
            )
            found.keep(
                requests,
                clients,
                np.array([row.service for row in part], dtype=np.int32),
                np.array([row.window for row in part], dtype=np.int64),
                scanner().judge(requests),
                np.arange(len(part)),
            )
        at += size
    return found


def told(proofs: Sequence[Proof]) -> list[tuple[int, int]]:
    """(line, rule) of rows kept."""
    return [(proof.line.line, proof.rule) for proof in proofs]


def best_of(rows: Sequence[Row], kind: int) -> list[tuple[int, int]]:
    """(line, rule) of the rows that show a type, the most telling first: the definition, row by row."""
    hits = scanner().judge(
        batch(
            {
                "target": [row.target.encode() for row in rows],
                "referer": [row.referer and row.referer.encode() for row in rows],
            }
        )
    )
    found = []
    for at, row in enumerate(rows):
        rule = row.rule(kind)
        if rule is not None:
            rank = sorted(range(len(RULES)), key=lambda i: (-RULES[i].confidence, i)).index(rule)
            found.append((rank, -float(hits.confidence[at]), row.time, at + 1, rule))
    return [(line, rule) for *_, line, rule in sorted(found)]


targets = st.lists(st.sampled_from(["weak", "sure", "same", "other"]), min_size=1, max_size=3).map(
    lambda words: "/" + "-".join(words)
)
rows = st.lists(
    st.builds(
        Row,
        target=targets,
        client=st.one_of(st.none(), st.integers(1, 2 * MOST_STATED)),
        time=st.integers(0, 3),
        service=st.integers(0, 1),
        window=st.integers(7, 8),
        referer=st.sampled_from([None, None, "sure", "weak other"]),
    ),
    max_size=40,
)
floods = st.tuples(
    targets,
    st.sampled_from([0, 5, MOST_STATED - 1, MOST_STATED + 1, 2 * MOST_STATED]),
    st.integers(0, 3),
    st.integers(1, 3),
).map(lambda flood: [Row(flood[0], 1 + at // flood[3], flood[2], 0, 7) for at in range(flood[1] * flood[3])])
logs = st.tuples(rows, floods, rows).map(lambda parts: [row for part in parts for row in part])
"""Rows of some clients in two windows, and among them so many clients in one that they are told together, or not."""


@settings(max_examples=200)
@given(logs, st.lists(st.integers(1, 60), max_size=8), st.integers(1, 3))
def test_however_rows_are_batched_the_most_telling_are_kept(
    log: list[Row], sizes: list[int], most: int
) -> None:
    found = kept(log, sizes, most)
    for window, service, kind in ((w, s, k) for w in (7, 8) for s in (0, 1) for k in (XSS, SSRF)):
        here = [row.window == window and row.service == service for row in log]
        senders = {row.client for row, is_here in zip(log, here, strict=True) if is_here} - {None}
        best = [(line, rule) for line, rule in best_of(log, kind) if here[line - 1]]
        unnamed = [(line, rule) for line, rule in best if log[line - 1].client is None]
        assert told(found.of_client(window, service, UNNAMED, kind)) == unnamed[:most]
        named = [(line, rule) for line, rule in best if log[line - 1].client is not None]
        if len(senders) <= MOST_STATED:
            for client in senders:
                own = [(line, rule) for line, rule in named if log[line - 1].client == client]
                assert told(found.of_client(window, service, (0, client), kind)) == own[:most]
        one_of_each = list({log[line - 1].client: (line, rule) for line, rule in reversed(named)}.values())
        assert told(found.of_all(window, service, kind)) == sorted(one_of_each, key=named.index)[:most]


def test_many_clients_of_many_services_are_too_many_for_the_window() -> None:
    services = MOST_IN_ALL // MOST_STATED + 1
    log = [
        Row("/sure", client, service=s) for s in range(services) for client in range(1, MOST_STATED + 1)
    ] * 2
    found = kept(log, [100] * 4)
    for service in range(services):
        assert sum(len(found.of_client(0, service, (0, c), XSS)) for c in range(1, MOST_STATED + 1)) == 3
        assert len(found.of_all(0, service, XSS)) == 3


def test_what_is_kept_does_not_grow_with_the_flood() -> None:
    few, many = (
        kept(
            [Row("/sure-other", client, time) for time in range(times) for client in range(1000)],
            [MOST_STATED // 2] * 100 * times,
        )
        for times in (1, 3)
    )
    assert told(few.of_all(0, 0, XSS)) == told(many.of_all(0, 0, XSS)) == [(1, 1), (2, 1), (3, 1)]
    for found in (few, many):
        assert [len(found.of_client(0, 0, (0, client), XSS)) for client in range(5)] == [1, 1, 1, 0, 0]


def test_a_client_of_a_flood_is_shown_by_its_best_row_though_it_comes_late() -> None:
    flood = [Row("/weak", client) for client in range(2 * MOST_STATED)]
    found = kept([*flood, Row("/sure", 2)], [len(flood)])
    assert told(found.of_all(0, 0, XSS)) == [(len(flood) + 1, 1), (1, 0), (2, 0)]


def test_a_long_text_is_not_kept_but_what_matched_in_it_is() -> None:
    (proof,) = kept([Row("/" + "x" * 5000 + "sure", 1)]).of_client(0, 0, (0, 1), XSS)
    assert proof.asked is None
    assert proof.match is not None
    assert proof.match.text == b"sure"


def test_a_window_that_was_judged_is_forgotten() -> None:
    found = kept([Row("/sure", 1), Row("/sure", 1, window=1)])
    found.drop(0)
    assert found.of_client(0, 0, (0, 1), XSS) == []
    assert told(found.of_client(1, 0, (0, 1), XSS)) == [(2, 1)]
