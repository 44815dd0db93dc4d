"""What was found and how much was looked at, in a sentence each, and what has to be known beside it.

Texts are as found: escape them where they are shown.
"""

from collections.abc import Iterator
from datetime import tzinfo

from vedette.explain.numbers import percent, plural
from vedette.report.coverage_counts import (
    MOST_REASONS,
    MOST_SOURCES,
    judged_flows,
    left_out,
    measured,
    sort_remedy,
    traffic_of,
)
from vedette.report.moments import span
from vedette.report.story import worst
from vedette.schema.chunk import SkipReason
from vedette.schema.findings import Coverage, Findings

_FITS = 0.4
"""Share of a sample from which a format is taken by itself."""
_SEVERAL_LATE = 0.01


def _newer(coverage: Coverage) -> str:
    """What there was to learn from, and is too new."""
    if coverage.flows and not coverage.parsed:
        return f"{coverage.too_new:,} packets or flows"
    return plural(coverage.too_new, "request")


def headline(findings: Findings) -> str:
    """What was found, in one sentence."""
    if findings.incidents:
        number, grade = len(findings.incidents), worst(findings.incidents).value
        return f"1 incident, {grade}." if number == 1 else f"{number:,} incidents, the worst {grade}."
    if findings.anomalies:
        return f"Anomalies that belong to no incident: {len(findings.anomalies):,}."
    coverage = findings.coverage
    if not coverage.parsed and (traffic := traffic_of(coverage)):
        if not judged_flows(coverage):
            return f"Nothing was judged: the filter left none of {traffic}."
        if coverage.windows:
            return "Nothing out of the ordinary was found."
        return "No attack was found in the flows. Whether their volume and times are normal is not known."
    if not coverage.parsed:
        return "Nothing could be judged: no request was read."
    if coverage.parsed <= coverage.filtered:
        if judged_flows(coverage):
            return "No attack was found in the flows. Of the requests the filter left none."
        return f"Nothing was judged: the filter left none of {plural(coverage.parsed, 'request')}."
    if coverage.windows:
        return "Nothing out of the ordinary was found."
    return "No attack was found in the requests. Whether errors, latency and volume are normal is not known."


def warnings(coverage: Coverage) -> Iterator[str]:
    """What was to be read and was not, one sentence each: told even to who wants no report."""
    yield from _unread(coverage)
    cut = [source for source in coverage.sources if source.truncated is not None]
    for source in cut[:MOST_SOURCES]:
        yield f"{source.source}: not read to its end: {source.truncated}"
    if len(cut) > MOST_SOURCES:
        yield f"{len(cut) - MOST_SOURCES:,} more sources were not read to their ends"
    yield from _misfits(coverage)
    if _mostly_others(coverage):
        yield f"most lines are no requests: only {coverage.parsed:,} of {coverage.lines:,} could be parsed"
    if coverage.parsed and coverage.parsed <= coverage.filtered:
        yield f"nothing was judged: the filter left none of {plural(coverage.parsed, 'request')}"


def _mostly_others(coverage: Coverage) -> bool:
    """Whether most lines should be requests and are not. What a sensor writes of DNS should be none."""
    return coverage.lines - coverage.skipped.get(SkipReason.OTHER_EVENT, 0) > 2 * coverage.parsed


def remarks(coverage: Coverage) -> Iterator[str]:
    """What has to be known beside the headline: where the findings rest on less than they seem to."""
    if coverage.interrupted:
        yield "Interrupted: this is what was found until then."
    if coverage.too_new:
        yield (
            f"Nothing was learned from --baseline-from: none of its {_newer(coverage)} is older than what is scanned."
        )
    cut = sum(source.truncated is not None for source in coverage.sources)
    if cut:
        yield f"Not everything could be read: see {plural(cut, 'truncated source')} below."
    if coverage.late_flows > _SEVERAL_LATE * coverage.flows:
        yield (
            f"Not everything could be looked at: {coverage.late_flows:,} of {plural(coverage.flows, 'flow')} came "
            f"too late for their windows{sort_remedy(coverage)}."
        )
    yield from _unread(coverage)
    yield from _misfits(coverage)
    if _mostly_others(coverage):
        yield f"Most lines are no requests: only {coverage.parsed:,} of {coverage.lines:,} could be parsed."
    if (
        coverage.parsed > coverage.filtered or judged_flows(coverage)
    ) and coverage.insufficient_data >= coverage.windows:
        seen = coverage.windows + coverage.insufficient_data
        older = "logs help: --baseline-from 'access.log.*'"
        if coverage.flows or not coverage.lines:
            older = "captures or flow logs help: --baseline-from 'yesterday.pcap'"
        yield (
            f"Not enough data: {coverage.insufficient_data:,} of {plural(seen, 'window')} had too little "
            f"history to be judged. Older {older}."
            if seen
            else "Not enough data: no window could be judged."
        )


def scope(coverage: Coverage, zone: tzinfo) -> str:
    """How much was looked at: the time covered, and requests."""
    requests = plural(max(0, coverage.parsed - coverage.filtered), "request")
    if traffic := traffic_of(coverage):
        flows = coverage.flows - coverage.flows_early
        packets = f"{plural(coverage.packets, 'packet')} in " if coverage.packets and flows else ""
        traffic = f"{packets}{plural(flows, 'flow')}"
        if windows := measured(coverage):
            traffic = f"{plural(windows, 'window')}{f', {traffic}' if coverage.flows else ''}"
        requests = f"{traffic}, {requests}" if coverage.parsed else traffic
    if coverage.start is None or coverage.end is None:
        return requests
    return f"{requests}, {span(coverage.start, coverage.end, zone)}"


def _misfits(coverage: Coverage) -> Iterator[str]:
    """Sources whose format was named, and is another by their looks."""
    odd = [source for source in coverage.sources if source.parsed and source.format_share < _FITS]
    for source in odd[:MOST_REASONS]:
        yield (
            f"{source.source}: {percent(source.format_share)} of its sample fits {source.format}; of other lines only "
            "what could be saved was read: check --format or --log-format"
        )
    if len(odd) > MOST_REASONS:
        yield f"{len(odd) - MOST_REASONS:,} more sources hardly fit their format"


def _unread(coverage: Coverage) -> Iterator[str]:
    yield from coverage.unread[:MOST_SOURCES]
    for row in [row for row in coverage.left_out if row.fault][:MOST_REASONS]:
        yield left_out(row)
    if len(coverage.unread) > MOST_SOURCES:
        yield f"{len(coverage.unread) - MOST_SOURCES:,} more inputs could not be read: --json names them all"
