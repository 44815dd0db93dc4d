"""What a headline and an account both tell of a coverage."""

from vedette.explain.numbers import plural
from vedette.schema.findings import Coverage, LeftOut

MOST_SOURCES = 10
"""So many sources are told of one by one."""
MOST_REASONS = 3
"""Why files were left out: so many reasons are told."""
CAPTURES = ("pcap", "pcapng")
"""Formats whose lines are packets."""
_LONGEST_S = 86_400
"""The most that --lateness takes."""
WINDOWS = "flow-windows"
"""The format of windows that an earlier scan wrote."""
AFTER_UNTIL = "packet_after_until", "flow_after_until"
"""Reasons for which packets and flows are left out because they come after `--until`."""


def measured(coverage: Coverage) -> int:
    """Windows that were read as an earlier scan wrote them."""
    return sum(source.parsed for source in coverage.sources if source.format == WINDOWS)


def traffic_of(coverage: Coverage) -> str:
    """What was read that is no request; empty if nothing was."""
    later = [coverage.packets_skipped.get(reason, 0) for reason in AFTER_UNTIL]
    counts = [
        (measured(coverage), "window"),
        (later[0] if not coverage.flows else 0, "packet"),
        (coverage.flows + later[1], "flow"),
    ]
    return " and ".join(plural(number, noun) for number, noun in counts if number)


def sort_remedy(coverage: Coverage) -> str:
    """What to do about late flows."""
    more = ", or allow for more with --lateness" if coverage.waited_s < _LONGEST_S else ""
    return f": sort the log by the time when they began{more}"


def judged_flows(coverage: Coverage) -> int:
    """Flows, and windows of an earlier scan, that were looked at."""
    return max(0, coverage.flows - coverage.flows_early) + measured(coverage)


def left_out(row: LeftOut) -> str:
    """Files that were not read for one reason: the first of them, how many more, and why."""
    more = f" and {plural(row.files - 1, 'more file')}" if row.files > 1 else ""
    return f"{row.first}{more}: {row.reason}"
