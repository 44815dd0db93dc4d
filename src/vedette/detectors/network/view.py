"""What network detectors see of a closed window."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import PRIVATE, Own, address, among, many
from vedette.detectors.network.grouping import Rows
from vedette.detectors.network.metrics import Held, NetworkMetric
from vedette.detectors.network.minute import MOST_WEIGHT, Digest, Total, digest
from vedette.detectors.network.recent_windows import Interest, RecentWindow, recent_groups
from vedette.detectors.statement import anomaly_id
from vedette.schema.anomaly import (
    Anomaly,
    AnomalyType,
    Band,
    Contribution,
    Entity,
    EntityKind,
    Formula,
    Severity,
)
from vedette.schema.flows import Flow
from vedette.windows.contacts import FlowWindow

NETWORK = "network"
"""The service that anomalies of flows are about."""


class NetworkView(msgspec.Struct):
    """A window of flows.

    Attributes:
        window: The window.
        recent: Windows of the last minute, oldest first, this one last.
        held: Its numbers against their baselines.
        whole: Whether the window was watched to its end: what is missing in one that was not tells nothing.
        watched: Share of the traffic that is still seen, 0..1: less than 1 where an input has ended before others.
        accused: Addresses (as texts) of which something was stated already.
        peaks: The most that anybody there came to in the last minute, by `Weight`; None where that is not known.
        own: Which addresses are one's own.
        claimed: Hosts (as texts) that another detector has stated something about that explains the rest.
    """

    window: FlowWindow
    recent: tuple[RecentWindow, ...]
    held: Mapping[NetworkMetric, Held]
    whole: bool = True
    accused: set[str] = msgspec.field(default_factory=set)
    claimed: set[str] = msgspec.field(default_factory=set)
    peaks: Sequence[int] | None = None
    looked_at: Digest | None = None
    watched: float = 1.0
    own: Own = PRIVATE

    @property
    def digest(self) -> Digest:
        """The window's contacts, looked at once."""
        if self.looked_at is None:
            self.looked_at = digest(self.window.contacts, self.window.histogram, self.own)
        return self.looked_at

    def total(self, of: Total) -> int:
        """A sum over the window's contacts."""
        return self.digest.totals[of]

    def groups(self, interest: Interest, of: Flow, least: float) -> Iterator[Rows]:
        """See `recent_groups`; most windows have nobody who could come to enough."""
        most = None if interest.weight is None or self.peaks is None else self.peaks[interest.weight]
        if most is not None and most < min(least, MOST_WEIGHT):
            return iter(())
        return recent_groups(self.recent, interest, of, least)

    @property
    def start(self) -> int:
        """Microseconds since the epoch."""
        return self.window.start

    @property
    def end(self) -> int:
        """Microseconds since the epoch, exclusive."""
        return self.window.end

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return (self.window.end - self.window.start) / 1e6

    @property
    def recent_seconds(self) -> float:
        """Length of the recent windows together, with what lies between."""
        return (self.window.end - self.recent[0].start) / 1e6


class NetworkDetector(Protocol):
    """Looks at windows of flows.

    Attributes:
        left_out: What it did not look at, or state, for want of room.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[AnomalyType, ...]]
    left_out: int

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State what is wrong in the window."""
        ...

    def to_state(self) -> bytes:
        """What is remembered, as bytes; see `vedette.schema.state`."""
        ...

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        ...


def client_of(row: Rows) -> str:
    """The client's address of a contact."""
    return address(int(row[Flow.CLIENT_HIGH]), int(row[Flow.CLIENT_LOW]))


def server_of(row: Rows) -> str:
    """The server's address of a contact."""
    return address(int(row[Flow.SERVER_HIGH]), int(row[Flow.SERVER_LOW]))


def outward(rows: Rows, own: Own = PRIVATE) -> NDArray[np.intp]:
    """Which contacts are those of one's own hosts with single hosts elsewhere."""
    client = rows[:, Flow.CLIENT_HIGH], rows[:, Flow.CLIENT_LOW]
    server = rows[:, Flow.SERVER_HIGH], rows[:, Flow.SERVER_LOW]
    return np.flatnonzero(own.internal(*client) & ~own.internal(*server) & ~many(*server))


_FEW = 100
"""Accused addresses whose flows are told from the others'; more are many who do the same."""


def unaccused(view: NetworkView) -> NDArray[np.bool_] | None:
    """Which contacts are of nobody of whom something was stated already, bool (k,); None if that is nobody, or many."""
    if not view.accused or len(view.accused) > _FEW:
        return None
    columns = view.digest.columns
    theirs = among(columns[[Flow.CLIENT_HIGH, Flow.CLIENT_LOW]].T, view.accused)
    theirs |= among(columns[[Flow.SERVER_HIGH, Flow.SERVER_LOW]].T, view.accused)
    return ~theirs


CLIENT = (Flow.CLIENT_HIGH, Flow.CLIENT_LOW)
SERVER = (Flow.SERVER_HIGH, Flow.SERVER_LOW)


def state(
    view: NetworkView,
    *,
    type: AnomalyType,  # noqa: A002 - the field's name, here and in the JSON
    detector: str,
    about: str | None,
    who: EntityKind,
    severity: Severity,
    score: float,
    observed: float,
    threshold: float,
    sample_count: int,
    unit: str,
    formula: Formula,
    details: dict[str, Any],
    counterfactual: str = "",
    expected: Band | None = None,
    contributions: tuple[Contribution, ...] = (),
    clients: tuple[str, ...] = (),
    start: int | None = None,
    evidence_total: int = 0,
) -> Anomaly:
    """Make an anomaly about a window of flows. Its sentence is written later, from its fields alone.

    Args:
        about: Whom it is about, an address; None for the whole network.
        who: What they are: `CLIENT` for who does something, `HOST` for whom it happens to.
        The others are fields of `Anomaly`.
    """
    entity = Entity(EntityKind.SERVICE, NETWORK) if about is None else Entity(who, about)
    return Anomaly(
        id=anomaly_id(
            detector, type, NETWORK, entity.kind, entity.value, details.get("what", ""), view.start
        ),
        type=type,
        severity=severity,
        score=score,
        start=view.start if start is None else min(start, view.start),
        end=view.end,
        service=NETWORK,
        route=None,
        entity=entity,
        detector=detector,
        observed=observed,
        expected=expected or Band(None, None, None),
        threshold=threshold,
        sample_count=sample_count,
        unit=unit,
        formula=formula,
        description="",
        contributions=contributions,
        evidence_total=evidence_total,
        clients=clients if clients or who is not EntityKind.CLIENT or about is None else (about,),
        details=details,
        counterfactual=counterfactual,
    )
