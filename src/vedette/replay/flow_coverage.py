"""What a scan of flows says of its own reading: what was read, what was not and why."""

from vedette.parsers.flows.captures import PacketProblem
from vedette.parsers.flows.flow_json import EVE
from vedette.parsers.flows.flow_problems import FlowProblem
from vedette.replay.flow_reading import FlowTally
from vedette.report.skipped import told
from vedette.schema.findings import Coverage

_TIMES = "like 1499344762.5, 2017-07-06 12:39:22, 2017-07-06T12:39:22+02:00, or 06/07/2017 12:39:22 PM, the day first"


def cover(coverage: Coverage, tally: FlowTally) -> None:
    """Put into `coverage` what a scan counted."""
    coverage.filtered = tally.filtered
    coverage.packets = tally.packets
    coverage.flows = tally.flows
    coverage.flows_early = tally.early
    coverage.packets_skipped = dict(sorted(tally.skipped.items()))
    coverage.packets_dated_back = tally.dated_back
    coverage.sources = tally.sources
    coverage.unread = [str(error) for error in tally.left_out]
    coverage.unread += hollow(tally)
    for name, count in (("flows_evicted", tally.evicted), ("fragments_without_first", tally.orphans)):
        if count:
            coverage.capped[name] = count


def hollow(tally: FlowTally) -> list[str]:
    """Of each input that holds nothing, a sentence."""
    hollow = [source for source in tally.sources if not source.parsed and source.truncated is None]
    return [f"{source.source}: holds no packet or flow" for source in hollow]


def nothing(coverage: Coverage) -> str:
    """Why there was nothing to find anything in, and what to do about it."""
    if not coverage.sources and coverage.unread:
        return coverage.unread[0]
    names = ", ".join(source.source for source in coverage.sources[:3])
    if coverage.packets:
        reasons = ", ".join(told(reason, number) for reason, number in coverage.packets_skipped.items())
        return f"{names}: none of {coverage.packets:,} packets is of a flow ({reasons}): give a capture of IP traffic"
    cut = next((source.truncated for source in coverage.sources if source.truncated), None)
    if cut is not None:
        return f"{names}: nothing could be read: {cut}; give an undamaged copy"
    said = coverage.packets_skipped.get
    if bad := said(FlowProblem.BAD_FLOW, 0):
        return (
            f"{names}: none of {bad:,} lines is a flow: one has a time ({_TIMES}), both addresses and a protocol; "
            "give the log as its program wrote it"
        )
    if bad := said(PacketProblem.BAD_RECORD, 0):
        return (
            f"{names}: none of {bad:,} packets is of an interface that it describes: give an undamaged copy"
        )
    if empty := said(FlowProblem.NO_DATA, 0):
        return (
            f"{names}: holds no flow: {told(FlowProblem.NO_DATA, empty)}, as NODATA and SKIPDATA say; "
            "give a log of a time or an interface with traffic"
        )
    if any(source.format == EVE and source.lines for source in coverage.sources):
        return f"{names}: holds events and no flow: have Suricata write `flow` among the types of its eve-log"
    return f"{names}: is empty: it holds a header and no packet or flow; give one with traffic in it"
