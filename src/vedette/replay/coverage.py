"""What a scan says of its own reading: how much was read, what was not and why, and of when it was."""

from collections.abc import Sequence
from datetime import UTC

from vedette.enrich.service import OTHER_SERVICE
from vedette.explain.numbers import plural
from vedette.replay.courses import ended_early
from vedette.replay.left_out import left_out
from vedette.replay.options import ScanOptions
from vedette.replay.reading import Tally
from vedette.report.moments import span
from vedette.report.shown import shown
from vedette.report.story import some
from vedette.schema.errors import VedetteError
from vedette.schema.findings import Coverage
from vedette.sources import Discovery

_SHOWN = 120
"""Characters of a line that an error shows."""


class NothingToReadError(VedetteError):
    """No input holds a single request."""


class UnknownServiceError(VedetteError):
    """A service was asked for that no input speaks of."""


def cover(
    coverage: Coverage, options: ScanOptions, found: Discovery, present: Tally, past: Tally | None
) -> None:
    """Add what was read to what engines know of their coverage.

    Args:
        coverage: Added to. options: What was asked for. found: What was to be scanned.
        present: What was read of it. past: What was read to learn from, if anything was.
    """
    coverage.lines = present.lines
    coverage.parsed = present.parsed
    coverage.filtered = present.filtered
    if past is not None:
        coverage.learned = past.parsed - past.filtered
        if options.baseline_from and not coverage.learned:
            coverage.too_new = past.filtered
    coverage.skipped = {reason.value: count for reason, count in sorted(present.skips.counts.items())}
    coverage.skipped_samples = [
        (reason, source, line, text.decode("utf-8", "backslashreplace"))
        for reason, source, line, text in present.skip_samples
    ]
    coverage.sources = present.sources
    tallies = [present] if past is None else [present, past]
    coverage.unread = [str(error) for each in tallies for error in each.left_out]
    coverage.unread += _outside(options, found, present)
    coverage.ended_early = list(ended_early(present.courses, options.until))
    coverage.left_out = left_out(found.skipped, (passed for each in tallies for passed in each.passed_over))
    for name in ("cut_lines", "cut_joined", "cut_bytes", "hole_bytes"):
        if count := getattr(present, name):
            coverage.capped[name] = count


def check_services(wanted: Sequence[str], known: Sequence[str]) -> None:
    """See that each service that was asked for has been asked something.

    Raises:
        UnknownServiceError: One has not.
    """
    missing = sorted(set(wanted).difference(known))
    if missing:
        named = sorted(set(known) - {OTHER_SERVICE})
        raise UnknownServiceError(
            f"--service {missing[0]}: no request is to a service of that name: "
            f"there {'is' if len(named) == 1 else 'are'} {some(named, named=10)}"
        )


def check_read(coverage: Coverage, found: Discovery, tally: Tally) -> None:
    """See that there was a request.

    Raises:
        NothingToReadError: There was none; it says what there was instead.
    """
    if not coverage.parsed:
        raise NothingToReadError(_nothing(coverage, found, tally))


def _outside(options: ScanOptions, found: Discovery, tally: Tally) -> list[str]:
    """Of when the requests are, if none is of the time that was asked for."""
    asked = [n for n, at in (("--since", options.since), ("--until", options.until)) if at is not None]
    if not asked or not tally.parsed or tally.parsed > tally.filtered:
        return []
    if tally.first is None or tally.last is None:
        return []
    names = some([source.name for source in found.inputs], named=3)
    when = span(tally.first, tally.last, UTC)
    return [f"{names}: no request of the time that {' and '.join(asked)} asked for: they are of {when}"]


def _nothing(coverage: Coverage, found: Discovery, tally: Tally) -> str:
    if tally.left_out and not tally.lines:
        return str(tally.left_out[0])
    if tally.passed_over and not tally.lines:
        files, error = len(tally.passed_over), tally.passed_over[0][1]
        return f"no access log among {plural(files, 'file')} that could be one; the first, {error}"
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in coverage.skipped.items())
    names = ", ".join(s.name for s in found.inputs[:3])
    first = next((s for s in coverage.skipped_samples if s[3].strip()), None)
    line = "" if first is None else f", the first {first[1]}:{first[2]}: {shown(first[3], _SHOWN)}"
    return (
        f"{names}: none of {plural(tally.lines, 'line')} is a request ({reasons}{line}): "
        "check that it is an access log, or describe its format with --log-format"
    )
