"""The headline, and an honest account of what the findings rest on. Texts are as found: escape them where shown."""

from collections.abc import Iterator
from datetime import tzinfo

from vedette.explain.numbers import count, percent, size
from vedette.report.moments import span
from vedette.report.story import worst
from vedette.schema.findings import Coverage, Findings, SourceCoverage

MOST_SOURCES = 10
_SAMPLE = 160


def plural(number: int, noun: str) -> str:
    """A counted noun: `1 incident`, `2,000 incidents`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def headline(findings: Findings) -> str:
    """What was found, in one sentence."""
    if findings.incidents:
        grade = worst(findings.incidents).value
        one = len(findings.incidents) == 1
        return (
            f"{plural(len(findings.incidents), 'incident')}, {grade}."
            if one
            else (f"{plural(len(findings.incidents), 'incident')}, the worst {grade}.")
        )
    if findings.anomalies:
        return (
            f"{plural(len(findings.anomalies), 'anomaly').replace('anomalys', 'anomalies')}, in no incident."
        )
    coverage = findings.coverage
    judged = coverage.parsed - coverage.filtered
    if not coverage.parsed:
        return "Nothing could be judged: no request was read."
    if judged <= 0:
        return f"Nothing was judged: all {plural(coverage.parsed, 'request')} were filtered out."
    if coverage.windows:
        return "Nothing out of the ordinary was found."
    return "No attack was found in the requests. Whether errors, latency and volume are normal is not known."


def remark(coverage: Coverage) -> str | None:
    """What has to be known beside the headline, or None."""
    if coverage.interrupted:
        return "Interrupted: this is what was found until then."
    if coverage.parsed - coverage.filtered > 0 and not coverage.windows:
        seen = coverage.insufficient_data
        why = (
            f"all {plural(seen, 'window')} have too little history"
            if seen > 1
            else "there is too little history"
        )
        return f"Not enough data: {why} to be judged. Older logs help: --baseline-from 'access.log.*'."
    return None


def scope(coverage: Coverage, zone: tzinfo) -> str:
    """How much was looked at: the time covered, and requests."""
    requests = plural(max(0, coverage.parsed - coverage.filtered), "request")
    if coverage.start is None or coverage.end is None:
        return requests
    return f"{requests}, {span(coverage.start, coverage.end, zone)}"


def account(coverage: Coverage) -> Iterator[tuple[str, str]]:
    """What the findings rest on, as label and sentence; consecutive sentences may share a label."""
    yield "lines", _lines(coverage)
    for reason, number in sorted(coverage.skipped.items(), key=lambda item: -item[1]):
        yield "skipped", _skipped(coverage, reason, number)
    yield "windows", _windows(coverage)
    if coverage.late:
        yield (
            "late",
            (
                f"{plural(coverage.late, 'request')} came too late in the log for their windows; "
                "signatures judged them all the same"
            ),
        )
    for table, folded in sorted(coverage.capped.items()):
        if folded:
            yield "capped", f"{table}: {folded:,} beyond the memory cap, counted together as 'other'"
    yield from (("source", _source(source)) for source in _sources(coverage))
    hidden = len(coverage.sources) - len(_sources(coverage))
    if hidden > 0:
        yield "source", f"{hidden:,} more, none truncated: --json names them all"
    if coverage.seconds > 0:
        speed = coverage.lines / coverage.seconds
        yield "speed", f"{coverage.seconds:.3g} s, {count(speed)} lines/s"


def _lines(coverage: Coverage) -> str:
    share = f" ({percent(coverage.parsed / coverage.lines)})" if coverage.lines else ""
    skipped = sum(coverage.skipped.values())
    text = f"{coverage.lines:,} read, {coverage.parsed:,} parsed{share}, {skipped:,} skipped"
    return f"{text}, {coverage.filtered:,} filtered out" if coverage.filtered else text


def _skipped(coverage: Coverage, reason: str, number: int) -> str:
    text = f"{number:,} {reason.replace('_', ' ')}"
    for kind, source, line, sample in coverage.skipped_samples:
        if kind == reason and sample.strip():
            cut = f"{sample[:_SAMPLE]}…" if len(sample) > _SAMPLE else sample
            return f"{text}, the first {source}:{line}: {cut}"
    return text


def _windows(coverage: Coverage) -> str:
    text = f"{coverage.windows:,} judged"
    if not coverage.insufficient_data:
        return text
    by = ", ".join(
        f"{name} {number:,}"
        for name, number in sorted(coverage.insufficient_by.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"{text}, {coverage.insufficient_data:,} with too little data{f' ({by})' if by else ''}"


def _sources(coverage: Coverage) -> list[SourceCoverage]:
    """The first sources, and every truncated one."""
    return [s for i, s in enumerate(coverage.sources) if i < MOST_SOURCES or s.truncated]


def _source(source: SourceCoverage) -> str:
    text = (
        f"{source.source}: {source.format} (fits {percent(source.format_share)} of its sample), "
        f"{source.parsed:,} of {plural(source.lines, 'line')}, {size(source.bytes)}"
    )
    return f"{text}; truncated: {source.truncated}" if source.truncated else text
