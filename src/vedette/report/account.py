"""An honest account of what the findings rest on. Texts are as found: escape them where they are shown."""

from collections.abc import Iterator, Sequence

from vedette.explain.numbers import count, percent, plural, size
from vedette.report.coverage_counts import (
    AFTER_UNTIL,
    CAPTURES,
    MOST_REASONS,
    MOST_SOURCES,
    left_out,
    measured,
    sort_remedy,
    traffic_of,
)
from vedette.report.moments import iso
from vedette.report.shown import shown
from vedette.report.skipped import told
from vedette.schema.findings import (
    UNSTATED,
    BudgetLine,
    Coverage,
    EverydayRequests,
    Sampled,
    SourceCoverage,
    WhatIf,
)
from vedette.schema.format_names import COMMON_JSON, TABLE, USUAL_PAIRS

_SAMPLE = 160
_MOST_LEFT_OUT = 6
"""Reasons for which files of directories were not read: one of them may be the log that was meant."""
_OTHER = "{0}: {1:,} beyond the memory cap, counted together as 'other'"
_UNSTATED = "{0}: {1:,} findings beyond the most severe of their windows are not told one by one"
_CAPPED = {
    "cut_lines": "lines: {1:,} longer than limits.line_bytes; they were read as far as that",
    "cut_joined": "lines: {1:,} that came in parts, longer than 256 KiB together; they were read as far as that",
    "cut_bytes": "bytes: {1:,} left out of lines that are too long",
    "client_names": "names: {1:,} of clients forgotten; they are shown by their keys",
    "incident_anomalies": "incidents: {1:,} anomalies belong to incidents that name only their first ten thousand",
    "occurrences": "occurrences: {1:,} kinds of anomaly forgotten, whose like may have been there before",
    "flows_going_on": "long flows: {1:,} beyond those that are spread over their time count where they begin",
    "hole_bytes": "bytes: {1:,} NULs at the start of a log, which stand there after a truncation, left out",
}
"""What is said of a cap by its name in `Coverage.capped`."""
_ORDER = ": put the capture in order (`reordercap`), or cut out what has a wrong date"


_UNTOLD = {
    "flags": ("SYN floods, scans by their SYNs, guessed passwords", "TCP flags (Zeek: conn_state)"),
    "outcome": ("slow scans", "which connections were answered"),
    "segments": ("packet loss", "what was sent again"),
    "times": ("latency", "round trips"),
    "content": ("tunnels", "DNS names and sizes of pings"),
}
"""What is not judged where that is not told of flows, by its name in `Coverage.untold`."""


def _untold(names: Sequence[str]) -> str:
    """What flows cannot be judged by, and why."""
    found = [_UNTOLD[name] for name in names if name in _UNTOLD]
    what, why = (", ".join(column) for column in zip(*found, strict=True))
    return f"{what}: not all of these flows tell {why}"


def account(coverage: Coverage) -> Iterator[tuple[str, str]]:
    """What the findings rest on, as label and sentence; consecutive sentences may share a label."""
    yield from _read(coverage)
    yield from (("late", text) for text in _late_flows(coverage))
    if coverage.untold:
        yield "unjudged", _untold(coverage.untold)
    yield from _lost(coverage)
    if coverage.learned:
        yield "learned", f"what is normal from {_earlier(coverage)}"
    yield "windows", _windows(coverage)
    yield from _set_aside(coverage)
    yield from (("what if", _what_if(row)) for row in coverage.what_if)
    if coverage.late:
        late = plural(coverage.late, "request")
        yield (
            "late",
            f"{late} came too late in the log for their windows; signatures judged them all the same",
        )
    for table, folded in sorted(coverage.capped.items()):
        if folded:
            yield "capped", _capped(table).format(table.removesuffix(UNSTATED), folded)
    yield from (("source", _source(source)) for source in _sources(coverage))
    hidden = len(coverage.sources) - len(_sources(coverage))
    if hidden > 0:
        yield "source", f"{hidden:,} more, none truncated: --json names them all"
    yield from (("zone", text) for text in _assumed(coverage))
    yield from (("unread", text) for text in _beyond(coverage))
    yield from (("speed", text) for text in _speed(coverage))


def _read(coverage: Coverage) -> Iterator[tuple[str, str]]:
    """Lines and packets, and those packets that told nothing."""
    if coverage.lines or not traffic_of(coverage):
        yield "lines", _lines(coverage)
    if coverage.packets:
        good = sum(source.parsed for source in coverage.sources if source.format in CAPTURES)
        good -= coverage.packets_skipped.get(AFTER_UNTIL[0], 0)
        yield "packets", f"{coverage.packets:,} read, {good:,} in {plural(coverage.flows, 'flow')}"
    for reason, number in _most_first(coverage.packets_skipped):
        yield "skipped", told(reason, number)


def _late_flows(coverage: Coverage) -> Iterator[str]:
    """What of packets and flows came too late to count where it belongs."""
    if coverage.late_flows:
        late = plural(coverage.late_flows, "flow")
        yield f"{late} came too late for their windows{sort_remedy(coverage)}"
    if coverage.flows_in_part:
        long = plural(coverage.flows_in_part, "long flow")
        yield f"{long} told of at the end only: windows that were over by then have nothing of them"
    if coverage.packets_dated_back:
        behind = plural(coverage.packets_dated_back, "packet")
        yield f"{behind} stood behind others of more than a second later, and counted when those did{_ORDER}"


def _lost(coverage: Coverage) -> Iterator[tuple[str, str]]:
    """Inputs that end early, and lines that were not read."""
    yield from (("ended", text) for text in coverage.ended_early[:MOST_SOURCES])
    if len(coverage.ended_early) > MOST_SOURCES:
        yield "ended", f"{len(coverage.ended_early) - MOST_SOURCES:,} more inputs end before others"
    for reason, number in _most_first(coverage.skipped):
        yield "skipped", _skipped(coverage, reason, number)
    yield from (("left out", text) for text in _left_out(coverage))


def _set_aside(coverage: Coverage) -> Iterator[tuple[str, str]]:
    """What thresholds, samples, exceptions and the site's own everyday keep from being told."""
    yield from (("budget", text) for text in _budget(coverage))
    yield from (("sampled", _sampled(row)) for row in coverage.sampled[:MOST_SOURCES])
    if len(coverage.sampled) > MOST_SOURCES:
        yield "sampled", f"{len(coverage.sampled) - MOST_SOURCES:,} more times: --json names them all"
    yield from (("silenced", text) for text in _silenced(coverage))
    yield from (("everyday", text) for text in _everyday(coverage))


def _speed(coverage: Coverage) -> Iterator[str]:
    """How much was read a second, of the first kind that was read at all."""
    of_kinds = {
        "lines": coverage.lines,
        "packets": coverage.packets,
        "flows": coverage.flows,
        "windows": measured(coverage),
    }
    for kind, read in of_kinds.items():
        if coverage.seconds > 0 and read:
            yield f"{coverage.seconds:.3g} s, {count(read / coverage.seconds)} {kind}/s"
            return


def _most_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])


def _capped(table: str) -> str:
    """What is said of a cap."""
    return _UNSTATED if table.endswith(UNSTATED) else _CAPPED.get(table, _OTHER)


def _earlier(coverage: Coverage) -> str:
    if traffic_of(coverage) and coverage.lines:
        return f"{coverage.learned:,} earlier requests and flows"
    return plural(coverage.learned, "earlier flow" if traffic_of(coverage) else "earlier request")


def _lines(coverage: Coverage) -> str:
    share = f" ({_part(coverage.parsed, coverage.lines)})" if coverage.lines else ""
    skipped = sum(coverage.skipped.values())
    text = f"{coverage.lines:,} read, {coverage.parsed:,} parsed{share}, {skipped:,} skipped"
    return f"{text}, {coverage.filtered:,} filtered out" if coverage.filtered else text


def _part(part: int, whole: int) -> str:
    """A part in percent, rounded down: what is not all must not look like it."""
    return "all" if part == whole else f"{part * 1000 // whole / 10} %"


def _skipped(coverage: Coverage, reason: str, number: int) -> str:
    text = f"{number:,} {reason.replace('_', ' ')}"
    for kind, source, line, sample in coverage.skipped_samples:
        if kind == reason and sample.strip():
            return f"{text}, the first {source}:{line}: {shown(sample, _SAMPLE)}"
    return text


def _left_out(coverage: Coverage) -> Iterator[str]:
    """Files of directories, by why they were not read."""
    for row in coverage.left_out[:_MOST_LEFT_OUT]:
        yield left_out(row)
    if rest := coverage.left_out[_MOST_LEFT_OUT:]:
        yield f"{plural(sum(row.files for row in rest), 'more file')}: --json says why"


def _windows(coverage: Coverage) -> str:
    text = f"{coverage.windows:,} judged"
    if not coverage.insufficient_data:
        return text
    by = ", ".join(
        f"{name} {number:,}"
        for name, number in sorted(coverage.insufficient_by.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"{text}, {coverage.insufficient_data:,} with too little data{f' ({by})' if by else ''}"


_NAMED = 3


def _budget(coverage: Coverage) -> Iterator[str]:
    """The promise, what was spent of it, and the thresholds that it implies."""
    rows = coverage.spending
    if not rows:
        return
    spent = sorted((row for row in rows if row.spent), key=lambda row: (-row.spent, row.service))
    allowed = rows[0].allowed
    total = sum(row.spent for row in rows)
    some = ", ".join(f"{row.service} {row.spent:,}" for row in spent[:_NAMED])
    more = f" and {len(spent) - _NAMED:,} more services" if len(spent) > _NAMED else ""
    yield (
        f"{_few(rows[0].per_week)} false alarm{'' if rows[0].per_week == 1 else 's'} a week accepted for each service, "
        f"{_few(allowed)} over this log; "
        f"{plural(total, 'incident')} by its thresholds, true ones among them{f' ({some}{more})' if spent else ''}"
    )
    lines = sorted((line for line in coverage.budget if line.tests), key=lambda line: line.threshold_z)
    if lines:
        first, last = lines[0], lines[-1]
        text = f"alarms start at {first.threshold_z:.1f} standard deviations ({first.detector})"
        if last is not first:
            text += f" to {last.threshold_z:.1f} ({last.detector})"
        raised = [_raised(line, several=len(coverage.spending) > 1) for line in lines if line.corrected]
        if raised:
            text += f"; raised for {', '.join(raised)}, whose surprises come more often than promised"
        yield text


def _raised(line: BudgetLine, *, several: bool) -> str:
    """A detector whose threshold is raised, and for which services, the highest first."""
    if not several or not line.raised:
        return line.detector
    names = sorted(line.raised, key=lambda name: (-line.raised[name], name))
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{line.detector} ({' '.join(names[:_NAMED])}{more})"


def _few(number: float) -> str:
    """A number of alarms, in figures that people read: 0.012, 3.5, 370."""
    if 0 < number < 1e-4:
        return "under 0.0001"
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _sampled(row: Sampled) -> str:
    return (
        f"1/{round(1 / row.share)} of the requests from {iso(row.start)} to {iso(row.end)}: "
        f"{plural(row.left_out, 'request')} not looked at"
    )


def _silenced(coverage: Coverage) -> Iterator[str]:
    """What exceptions left out, and which of them have expired."""
    used = [row for row in coverage.silenced if row.requests or row.anomalies]
    for row in used[:MOST_SOURCES]:
        counts = [(row.requests, "request"), (row.anomalies, "anomaly")]
        what = " and ".join(_some(number, noun) for number, noun in counts if number)
        yield f"{what} by exception {row.exception} ({row.about}), until {row.expires}"
    if len(used) > MOST_SOURCES:
        yield f"{len(used) - MOST_SOURCES:,} more exceptions left something out: --json names them all"
    if ruleless := [row.exception for row in coverage.silenced if row.ruleless]:
        yield f"without effect, since their rules do not exist: {_first(ruleless)}"
    if expired := [row.exception for row in coverage.silenced if row.expired]:
        yield f"expired within this log or before: {_first(expired)}"


def _first(names: list[str]) -> str:
    """As many names as there is room for, and how many more there are."""
    more = len(names) - MOST_SOURCES
    return ", ".join(names[:MOST_SOURCES]) + (
        f" and {more:,} more (--json names them all)" if more > 0 else ""
    )


def _everyday(coverage: Coverage) -> Iterator[str]:
    """What looked like attacks, and is what the site is asked every day, by route."""
    routes: dict[tuple[str, str], list[EverydayRequests]] = {}
    for row in coverage.everyday:
        routes.setdefault((row.service, row.route), []).append(row)
    for rows in list(routes.values())[:MOST_SOURCES]:
        most = rows[0]
        more = f" and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
        rules = ", ".join(row.rule for row in rows[:_NAMED])
        yield (
            f"{plural(most.requests, 'request')} to {most.route} of {most.service} since {most.since} matched "
            f"{rules}{more}, and would be attacks had the like of it not been asked on {plural(most.days, 'day')} of "
            f"the 14 before by {most.clients:,} clients or more ({most.share:.0%} of the route's requests)"
        )
    if len(routes) > MOST_SOURCES:
        yield f"{len(routes) - MOST_SOURCES:,} more routes: --json names them all"


def _some(number: int, noun: str) -> str:
    return f"{number:,} anomalies" if noun == "anomaly" and number != 1 else plural(number, noun)


def _what_if(row: WhatIf) -> str:
    graded = ", ".join(f"{number:,} {grade}" for grade, number in row.by_severity.items())
    return (
        f"{row.setting}: {plural(row.incidents, 'incident')}{f' ({graded})' if graded else ''}, "
        f"of which {row.spent:,} by a threshold"
    )


def _sources(coverage: Coverage) -> list[SourceCoverage]:
    """The first sources, and every truncated one."""
    return [s for i, s in enumerate(coverage.sources) if i < MOST_SOURCES or s.truncated]


def _assumed(coverage: Coverage) -> Iterator[str]:
    """Logs whose times may be those of another zone."""
    names = [source.source for source in coverage.sources if source.assumed_utc and source.parsed]
    if names:
        more = f" and {plural(len(names) - 1, 'more source')}" if len(names) > 1 else ""
        yield (
            f"times in {names[0]}{more} say no zone and are taken for UTC: if they are another zone's, name it with "
            "--log-timezone (Europe/Berlin, +02:00)"
        )


def _beyond(coverage: Coverage) -> Iterator[str]:
    """What lines hold that nobody has named. One sentence a format: rotated logs all hold the same."""
    first: dict[str, tuple[str, str]] = {}
    for source in coverage.sources:
        if source.beyond is not None:
            first.setdefault(source.format, (source.source, source.beyond))
    for form, (name, text) in list(first.items())[:MOST_REASONS]:
        if form in COMMON_JSON:
            yield (
                f"keys that {form} has no names for, such as {text} in {name}: if a status, a client or a duration is "
                "among them, say which keys hold what: --field time=KEY --field target=KEY --field duration_ms=KEY ..."
            )
            continue
        if form == TABLE:
            yield (
                f"columns whose names say nothing known, such as {text} in {name}: if a status, a client or a duration "
                "is among them, call it so in the first line: status, client_ip, duration_ms or duration_s"
            )
            continue
        if form in USUAL_PAIRS:
            yield (
                f"keys that {form} has no names for, such as {text} in {name}: if a duration is among them, log it "
                "with its unit (duration=12ms) or under a name that says it (duration_ms=12)"
            )
            continue
        yield (
            f"fields at the end of lines that {form} has no names for, such as {text} in {name}: if a duration or a "
            "host is among them, describe the lines with --log-format '...'"
        )


def _source(source: SourceCoverage) -> str:
    if source.format in CAPTURES:
        text = f"{source.source}: {source.format}, {plural(source.lines, 'packet')}, {size(source.bytes)}"
        return f"{text}; truncated: {source.truncated}" if source.truncated else text
    text = (
        f"{source.source}: {source.format} (fits {percent(source.format_share)} of its sample), "
        f"{source.parsed:,} of {plural(source.lines, 'line')}, {size(source.bytes)}"
    )
    return f"{text}; truncated: {source.truncated}" if source.truncated else text
