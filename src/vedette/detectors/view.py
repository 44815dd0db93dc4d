"""What detectors see of a closed window."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.joint import JointJudgement
from vedette.baselines.judgement import Judgement
from vedette.detectors.evidence import EvidenceBook, Topic
from vedette.kernels.baselines.baseline_layout import HIGH, LOW
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Evidence, Formula
from vedette.windows.entities import EntityBook
from vedette.windows.layout import Group
from vedette.windows.summary import ClientRows, Groups

Mask: TypeAlias = NDArray[np.bool_]
"""bool (k,): some of k rows."""


class Metric(StrEnum):
    """A measured number that has baselines. The name says the unit where it is not a count of requests."""

    REQUESTS = "requests"
    ERROR_RATIO = "error_ratio"
    LATENCY = "latency_p95_seconds"
    BYTES_OUT = "bytes_out"
    CLIENTS = "distinct_clients"
    TOP_CLIENT_REQUESTS = "top_client_requests"
    TOP_CLIENT_BYTES = "top_client_bytes"
    LOGIN_FAILURES = "login_failures"
    REFUSED_RATIO = "refused_ratio"


TOGETHER: Final = (
    Metric.REQUESTS,
    Metric.ERROR_RATIO,
    Metric.LATENCY,
    Metric.BYTES_OUT,
    Metric.CLIENTS,
)
"""Metrics of a service that are also looked at together, in this order. The others are about single clients."""


_NO_REQUESTS: Final = np.zeros(0)


class Judged(msgspec.Struct):
    """One metric of the window's entities, held against their baselines (k entities).

    Attributes:
        slot: int32 (k,). value: float64 (k,), what a person would call the metric, in its unit.
        judgement: What the baselines say, row by row.
        rests_on: float64 (k,), requests that each value rests on; empty where it rests on no count.
    """

    slot: NDArray[np.int32]
    value: NDArray[np.float64]
    judgement: Judgement
    rests_on: NDArray[np.float64] = _NO_REQUESTS

    @property
    def surprise_high(self) -> NDArray[np.float64]:
        """-log10 of the probability of a value at least this high, float64 (k,)."""
        return self.judgement.log10_p_high

    @property
    def surprise_low(self) -> NDArray[np.float64]:
        """-log10 of the probability of a value at most this, float64 (k,)."""
        return self.judgement.log10_p_low

    @property
    def expected_mid(self) -> NDArray[np.float64]:
        """What was expected, float64 (k,), in the metric's unit; NaN where nothing is known."""
        return self.judgement.expected_mid

    @property
    def expected_high(self) -> NDArray[np.float64]:
        """Upper edge of the expected band, float64 (k,), in the metric's unit."""
        return self.judgement.expected_high

    @property
    def exposure(self) -> NDArray[np.float64] | None:
        """How many requests each ratio is one of, float64 (k,); None of metrics that are no ratio."""
        return self.judgement.exposure

    @property
    def counted(self) -> bool:
        """Whether the metric is a count."""
        return self.judgement.formula == "count"

    @property
    def sample_count(self) -> NDArray[np.int64]:
        """Windows that the baseline has learned from, int64 (k,)."""
        return self.judgement.sample_count

    @property
    def ready(self) -> NDArray[np.bool_]:
        """Where there is enough history to judge, bool (k,)."""
        return self.judgement.ready

    def without(self, row: int) -> "Judged":
        """The same but for a row, which is no surprise."""
        judgement = self.judgement
        table = judgement.table.copy()
        table[HIGH, row] = table[LOW, row] = 0.0
        calm = Judgement(
            judgement.formula, table, judgement.ready, judgement.value, judgement.exposure, judgement.memories,
            judgement.degrees,
        )  # fmt: skip
        return Judged(self.slot, self.value, calm, self.rests_on)

    def formula(self, row: int, *, high: bool) -> Formula:
        """The arithmetic behind a row's surprise."""
        return self.judgement.formula_of(row, "high" if high else "low")

    def band(self, row: int) -> Band:
        """What was expected."""
        return self.judgement.band_of(row)

    def find(self, slot: int) -> int | None:
        """The row of a slot, or None if it was not judged."""
        rows = np.flatnonzero(self.slot == slot)
        return int(rows[0]) if len(rows) else None


class Burst(msgspec.Struct, frozen=True):
    """More requests than usual that one client makes.

    Attributes:
        client: Its name.
        usual: It has done as much of the same before.
        known: It is no stranger: it was there by the day before, or its address is one of one's own network; and it
            does not do much more than it ever did.
    """

    client: str
    usual: bool
    known: bool


class RouteNumbers(Protocol):
    """Which registry numbers were merged into a slot."""

    def __getitem__(self, slot: int) -> Sequence[int]: ...

    def names(self, numbers: NDArray[np.int64]) -> list[str]:
        """The routes that registry numbers were merged into, int64 (k,)."""
        ...


class WindowView(msgspec.Struct):
    """One closed window, all services together.

    Attributes:
        number: The window's number; start, end: microseconds, `end` exclusive.
        book: Names of slots.
        groups: Summaries of services and routes, keyed and sorted by slot. own: bool, which of them are services.
        judged: Each metric held against its baselines.
        clients: Every client of the window that the log names, by service.
        unnamed: Sums, by service, of requests whose log records no client.
        noteworthy: The clients that single-client detectors look at.
        recent: The same clients in the same order, summed over the recent past.
        services: Names of service numbers.
        route_numbers: Registry numbers that were merged into each slot.
        route_bit: uint8, by registry number: the route's bit in clients' bitmaps of routes.
        recent_minutes: Over how many minutes `recent` is summed.
        client_name: Prints a client's key.
        claimed: Services whose traffic this window a detector has explained already. dropped: Those that a detector has
            said get less of it than usual. crowds: Those to which unusually many come, most of whom they knew before.
        bursts: Of services that one client asks for much more than is usual, that client.
        foreseen: Services that get many more requests than usual, as they did before by the clock, and answer as ever.
        joint: The metrics of `TOGETHER` held against what they usually are together; None where nobody did.
        shared: By id of an anomaly, slots of the routes that it tells of together with their service.
        weight: For how many requests each that was looked at stands. `groups` and `clients` are estimates of all then,
            `noteworthy` and `recent` what was seen; ratios and durations are judged by those seen.
        seen: Share of the window that the log tells of: less than 1 where it begins in it, or has ended in it.
        unwatched: Services of whose requests in the window some may be missing.
    """

    number: int
    start: int
    end: int
    book: EntityBook
    groups: Groups
    own: Mask
    judged: dict[Metric, Judged]
    clients: ClientRows
    unnamed: ClientRows
    noteworthy: ClientRows
    recent: ClientRows
    services: list[str]
    route_numbers: RouteNumbers
    route_bit: NDArray[np.uint8]
    recent_minutes: int
    client_name: Callable[[int, int], str]
    evidence: EvidenceBook
    claimed: set[str] = msgspec.field(default_factory=set)
    dropped: set[str] = msgspec.field(default_factory=set)
    crowds: set[str] = msgspec.field(default_factory=set)
    bursts: dict[str, Burst] = msgspec.field(default_factory=dict)
    foreseen: set[str] = msgspec.field(default_factory=set)
    shared: dict[str, tuple[int, ...]] = msgspec.field(default_factory=dict)
    weight: int = 1
    seen: float = 1.0
    unwatched: frozenset[str] = frozenset()
    joint: JointJudgement | None = None

    @property
    def minutes(self) -> float:
        """Length of the window."""
        return (self.end - self.start) / 60e6

    @property
    def silent(self) -> bool:
        """Whether there was not a single request."""
        return not len(self.groups.key)

    def partial(self, slots: NDArray[np.int32]) -> Mask:
        """Of which slots only a part of the window was seen, bool (k,)."""
        if self.seen < 1.0 or not self.unwatched:
            return np.full(len(slots), self.seen < 1.0)
        return np.array([self.book[slot].service in self.unwatched for slot in slots.tolist()], dtype=bool)

    def owners(self, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        """The service's slot of each slot, int32 (k,); a service's own for itself."""
        return self.book.owners[slots]

    def group(self, slot: int) -> int | None:
        """Row of a slot in `groups`, or None where it had no requests."""
        row = int(np.searchsorted(self.groups.key, slot))
        return row if row < len(self.groups.key) and self.groups.key[row] == slot else None

    def total(self, slot: int, column: Group) -> int:
        """A sum of a slot in this window, 0 where it had no requests."""
        row = self.group(slot)
        return 0 if row is None else int(self.groups.sums[row, column])

    def routes_of(self, service: str) -> list[tuple[int, str]]:
        """(row in `groups`, route) of a service's routes in this window."""
        found = []
        for row, slot in enumerate(self.groups.key.tolist()):
            entry = self.book[slot]
            if entry.service == service and entry.route is not None:
                found.append((row, entry.route))
        return found

    def service_number(self, service: str) -> int:
        """The number that clients' rows carry for a service."""
        return self.services.index(service)

    def clients_of(self, service: str) -> ClientRows:
        """The window's clients of one service."""
        number = self.service_number(service)
        first, last = np.searchsorted(self.clients.service, [number, number + 1])
        return self.clients.select(slice(int(first), int(last)))

    def route_bits(self, slot: int) -> int:
        """Bits of a slot's routes in clients' bitmaps; routes may share one."""
        bits = 0
        for number in self.route_numbers[slot]:
            bits |= 1 << int(self.route_bit[number])
        return bits

    def client_proof(self, topic: Topic, client: tuple[int, int, int]) -> tuple[Evidence, ...]:
        """Log lines kept for a client: (service, high, low)."""
        return self.evidence.of_client(topic, self.number, *client)

    def route_proof(self, topic: Topic, slot: int) -> tuple[Evidence, ...]:
        """Log lines kept for a slot: of each route number merged into it, or of all routes of a service."""
        return self.evidence.of_routes(topic, self.number, self.route_numbers[slot])


class WindowDetector(Protocol):
    """Looks at each closed window, in order of time, and states anomalies."""

    @property
    def name(self) -> str:
        """As anomalies name their detector."""
        ...

    @property
    def types(self) -> tuple[AnomalyType, ...]:
        """What it may state."""
        ...

    def look(self, view: WindowView) -> list[Anomaly]:
        """State what is wrong in a window."""
        ...

    def to_state(self) -> bytes:
        """What is remembered of windows before; see `vedette.schema.state`."""
        ...

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        ...
