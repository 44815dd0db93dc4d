"""What network detectors see of a closed window."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import address, internal, many
from vedette.detectors.network.metrics import Held, NetworkMetric
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

Rows = NDArray[np.int64]
NETWORK = "network"
"""The service that anomalies of flows are about."""


@dataclass(slots=True)
class NetworkView:
    """A window of flows.

    Attributes:
        window: The window.
        recent: Windows of the last minute, oldest first, this one last.
        held: Its numbers against their baselines.
        whole: Whether the window was watched to its end: what is missing in one that was not tells nothing.
        accused: Addresses (as texts) of which something was stated already.
        claimed: Hosts (as texts) that another detector has stated something about that explains the rest.
    """

    window: FlowWindow
    recent: tuple[FlowWindow, ...]
    held: Mapping[NetworkMetric, Held]
    whole: bool = True
    accused: set[str] = field(default_factory=set)
    claimed: set[str] = field(default_factory=set)

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


def groups(rows: Rows, *columns: Flow, of: Flow | None = None, least: float = 0) -> Iterator[Rows]:
    """Rows in groups that agree in columns, in order of these.

    Args:
        rows: int64 (k, any). columns: What a group agrees in.
        of, least: Only groups in which column `of` adds up to at least this much.
    """
    if of is not None and least > 1 and len(rows):
        size = _sketch(len(rows))
        place = _mixed(rows, slice(None), columns, size)
        enough = np.bincount(place, weights=rows[:, of], minlength=size) >= least
        rows = rows[enough[place]]
    if not len(rows):
        return
    order = np.lexsort(tuple(rows[:, c] for c in reversed(columns)))
    changes = np.zeros(len(rows) - 1, dtype=bool)
    for column in columns:
        values = rows[order, column]
        changes |= values[1:] != values[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    ends = np.append(starts[1:], len(rows))
    if of is not None:
        wanted = np.add.reduceat(rows[order, of], starts) >= least
        starts, ends = starts[wanted], ends[wanted]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield rows[order[start:end]]


def busy(rows: Rows, least: int, *columns: Flow) -> Iterator[Rows]:
    """The groups of at least so many rows."""
    return (group for group in groups(rows, *columns) if len(group) >= least)


def recent_groups(
    view: "NetworkView",
    wanted: Callable[[Rows], NDArray[np.bool_]],
    columns: Sequence[Flow],
    of: Flow,
    least: float,
) -> Iterator[Rows]:
    """Contacts of the last minute in groups that agree in columns, of those with one in this window.

    Args:
        wanted: Says of a window's contacts which are looked at, bool (k,).
        columns: What a group agrees in.
        of, least: Column that must add up to at least this much in a group.
    """
    chosen = [np.flatnonzero(wanted(window.contacts)) for window in view.recent]
    if not len(chosen[-1]):
        return
    size = _sketch(sum(map(len, chosen)))
    mixed = [_mixed(w.contacts, rows, columns, size) for w, rows in zip(view.recent, chosen, strict=True)]
    sums = np.zeros(size)
    for window, rows, place in zip(view.recent, chosen, mixed, strict=True):
        sums += np.bincount(place, weights=window.contacts[rows, of], minlength=size)
    enough = sums >= least
    if not enough[mixed[-1]].any():
        return
    parts = [
        w.contacts[rows[enough[place]]] for w, rows, place in zip(view.recent, chosen, mixed, strict=True)
    ]
    now = parts[-1]
    present: set[tuple[int, ...]] | None = None
    for own in groups(np.concatenate(parts), *columns, of=of, least=least):
        if present is None:
            present = set(map(tuple, now[:, list(columns)].tolist()))
        if tuple(own[0, list(columns)].tolist()) in present:
            yield own


def _sketch(rows: int) -> int:
    """How many numbers rows are told apart by: several for each, so that few groups share one."""
    return 1 << min(22, max(12, rows.bit_length() + 2))


def _mixed(contacts: Rows, rows: "Rows | slice", columns: Sequence[Flow], size: int) -> Rows:
    """A number below `size`, a power of two, for what each row holds in columns, the same for the same.

    Sums by it are never below those of the groups themselves, so most groups need not be made (the upper bound of
    Cormode and Muthukrishnan's count-min sketch, 2005, with one row). Whoever makes numbers coincide costs time.
    """
    mixed: NDArray[np.uint64] = np.zeros(1, dtype=np.uint64)
    for column in columns:
        mixed = (mixed ^ contacts[rows, column].astype(np.uint64)) * _ODD
        mixed ^= mixed >> np.uint64(29)
    place: Rows = (mixed >> np.uint64(65 - size.bit_length())).astype(np.int64)
    return place


_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


def outward(rows: Rows) -> Rows:
    """Contacts of one's own hosts with single hosts elsewhere."""
    client = rows[:, Flow.CLIENT_HIGH], rows[:, Flow.CLIENT_LOW]
    server = rows[:, Flow.SERVER_HIGH], rows[:, Flow.SERVER_LOW]
    kept: Rows = rows[internal(*client) & ~internal(*server) & ~many(*server)]
    return kept


CLIENT = (Flow.CLIENT_HIGH, Flow.CLIENT_LOW)
SERVER = (Flow.SERVER_HIGH, Flow.SERVER_LOW)


def distinct(rows: Rows, *columns: Flow) -> int:
    """How many different values columns have together."""
    if len(columns) == 1:
        return len(np.unique(rows[:, columns[0]]))
    keys = rows[:, list(columns)]
    keys = keys[np.lexsort(tuple(keys.T))]
    return int((keys[1:] != keys[:-1]).any(axis=1).sum()) + 1 if len(keys) else 0


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


def heaviest(rows: Rows, column: Flow, most: int = 10) -> Rows:
    """The rows with the most, the heaviest first."""
    return rows[np.argsort(-rows[:, column], kind="stable")[:most]]
