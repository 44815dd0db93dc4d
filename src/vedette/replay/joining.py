"""The findings of several engines as one document."""

from collections.abc import Sequence

from vedette.incidents.correlating import Spans
from vedette.incidents.grouping import GroupingSettings
from vedette.incidents.regrouping import regroup
from vedette.schema.findings import Coverage, Findings


def joined(findings: Sequence[Findings], *, spans: Spans, grouping: GroupingSettings) -> Findings:
    """The findings of several engines as one document, in which who does something in several is one incident.

    Args:
        findings: The first one's coverage becomes that of all.
        spans: Lengths of their windows. grouping: How anomalies become incidents.
    """
    if len(findings) == 1:
        return findings[0]
    coverage = findings[0].coverage
    for other in findings[1:]:
        _join(coverage, other.coverage)
    anomalies = [a for f in findings for a in f.anomalies]
    if sum(bool(f.anomalies) for f in findings) > 1 and not coverage.capped.get("anomalies"):
        return Findings(
            *regroup(anomalies, spans=spans, until=coverage.end or 0, grouping=grouping), coverage
        )
    # Incidents know of anomalies beyond the cap, which nobody has any more to group them anew.
    return Findings(
        sorted(anomalies, key=lambda a: (a.start, a.id)),
        sorted((i for f in findings for i in f.incidents), key=lambda i: (-i.severity.rank, i.start, i.id)),
        coverage,
    )


def _join(coverage: Coverage, other: Coverage) -> None:
    starts = [c.start for c in (coverage, other) if c.start is not None]
    ends = [c.end for c in (coverage, other) if c.end is not None]
    coverage.start, coverage.end = min(starts, default=None), max(ends, default=None)
    for name in (
        "packets",
        "flows",
        "flows_early",
        "learned",
        "late_flows",
        "flows_in_part",
        "packets_dated_back",
        "windows",
        "insufficient_data",
        "seconds",
    ):
        setattr(coverage, name, getattr(coverage, name) + getattr(other, name))
    for name in ("packets_skipped", "insufficient_by", "capped"):
        mine = getattr(coverage, name)
        for key, count in getattr(other, name).items():
            mine[key] = mine.get(key, 0) + count
    coverage.sources += other.sources
    coverage.members += other.members
    coverage.budget += other.budget
    coverage.spending += other.spending
    coverage.interrupted |= other.interrupted
    coverage.unread += other.unread
    coverage.ended_early += other.ended_early
