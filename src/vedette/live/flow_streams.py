"""How each stream of flows is doing, and what somebody should do about one that is not doing well."""

import msgspec

from vedette.parsers.flows.foreign_datagrams import looks_like

LATE_SHARE = 0.05
"""From which share of its flows on it is said that they come too late ..."""
LATE_FLOWS = 100
"""... where there are so many of them at least."""
FOREIGN = 3
"""So many datagrams in a row that are none of a kind that is read are said."""
QUIET_US = 600_000_000
"""Nothing is said of a stream that has been silent for so long."""


class StreamTally(msgspec.Struct):
    """What came of one stream since the process began.

    Attributes:
        lines: Lines of a log, or datagrams. flows: Whole flows that they told; of samples, the samples.
        skipped: What is no flow, by reason. late: Flows that came too late after others, and are in no window.
        foreign: Datagrams in a row, the last ones, that could not be read. head: How the last of them begins.
        unknown: Sets of records that nobody can read yet, since the last flow.
        heard_at: When something came last, by the service's clock, microseconds.
        offset: How far its times are ahead of that clock, at the least delay of late, microseconds; None if not known.
    """

    format: str
    lines: int = 0
    flows: int = 0
    late: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    foreign: int = 0
    head: bytes = b""
    unknown: int = 0
    heard_at: int = 0
    offset: int | None = None


class FlowStream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of flows, as `/health` shows it."""

    name: str
    format: str
    received: int
    """Lines of a log, or datagrams, since the process began."""
    flows: int
    late: int
    """Flows that came too late after others of their stream, and are in no window."""
    skipped: dict[str, int]
    """What is no flow, by reason."""
    clock_s: float | None
    """By how much its newest time is ahead of the clock here, at the least delay of late; None if not known."""


def shown(name: str, tally: StreamTally) -> FlowStream:
    """A stream as it is shown."""
    return FlowStream(
        name=name,
        format=tally.format,
        received=tally.lines,
        flows=tally.flows,
        late=tally.late,
        skipped=tally.skipped,
        clock_s=None if tally.offset is None else round(tally.offset / 1e6, 3),
    )


def exporter_problem(name: str, tally: StreamTally, *, skew: int, lateness: int) -> str | None:
    """What is wrong with an exporter, one sentence with the remedy; None if nothing is.

    Args:
        name: Its stream's. tally: What came of it.
        skew: From which offset its clock is called wrong, microseconds.
        lateness: How late its flows may come, microseconds.
    """
    if tally.foreign >= FOREIGN:
        return (
            f"{name}: its last {tally.foreign} datagrams cannot be read (they look like {looks_like(tally.head)}): "
            "have it send NetFlow v5 or v9, IPFIX or sFlow v5"
        )
    if tally.unknown:
        return (
            f"{name}: no flow of it can be read before it sends its templates, {tally.unknown} sets of records were "
            "not: wait, or have it send them every minute (its template time-out)"
        )
    if tally.offset is not None and abs(tally.offset) > skew:
        ahead = tally.offset > 0
        how = "ahead of the one here" if ahead else "behind the one here, or what it sends comes late by that"
        more = "" if ahead else ", and its time-outs to a minute or less"
        return (
            f"{name}: its clock is {abs(tally.offset) / 1e6:,.0f} s {how}, and its flows stand in other windows than "
            f"those of others: set its clock by NTP{more}"
        )
    if tally.late >= LATE_FLOWS and tally.late >= LATE_SHARE * tally.flows:
        return (
            f"{name}: {tally.late:,} of {tally.flows:,} flows began more than {lateness / 1e6:,.0f} s before others "
            "that came sooner, and count in part or not at all: set its inactive time-out to 15 s and its active one "
            "to 60 s, or raise windows.lateness_s"
        )
    return None
