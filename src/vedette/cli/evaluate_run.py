"""A scan, its verdicts on every line, and what both are worth beside the labels."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from msgspec.structs import asdict
from rich.table import Table
from rich.text import Text

from vedette.detectors.network.view import NETWORK
from vedette.detectors.signatures.opinions import calibrated
from vedette.evaluate.labels import Labels, LineSpans, clipped, read_labels
from vedette.evaluate.lines import LineScore, LineTally
from vedette.evaluate.reliability import Reliability
from vedette.evaluate.spans import SpanScore, false_alarms, score_spans
from vedette.explain.numbers import percent, plural
from vedette.replay.options import ScanOptions
from vedette.replay.survey import Survey, configured, survey
from vedette.report.console import Console
from vedette.report.glyphs import Glyphs
from vedette.report.moments import iso
from vedette.report.output import check_apart, check_output, open_output
from vedette.report.story import some
from vedette.schema.errors import VedetteError
from vedette.schema.incident import Incident
from vedette.schema.spans import DAY_US

if TYPE_CHECKING:
    from vedette.replay.verdict_spool import VerdictSpool

_LARGEST = 4 << 30
_SHOWN = 5


class EvaluateError(VedetteError):
    """Labels that do not fit the log."""


class Evaluation(msgspec.Struct, frozen=True):
    """Everything that is printed.

    Attributes:
        labelled: Labelled lines that are there.
        reliability: Of scores as they are. share_known: Had they known the share of labelled lines.
        strangers: What labels are about and the log does not have, a sentence each.
    """

    spans: list[SpanScore]
    lines: list[LineScore]
    false: list[Incident]
    service_days: float
    average_precision: float | None
    labelled: int
    found: int
    benign: int
    flagged: int
    reliability: Reliability | None
    share_known: Reliability | None
    strangers: list[str] = []


def evaluate_log(options: ScanOptions, path: Path, json: str | None) -> None:
    """Evaluate and print.

    Raises:
        VedetteError: An input, option or label is wrong.
    """
    if json is not None:
        check_output(json)
    check_apart([json], [path, options.config, *options.paths])
    labels = _labels(path)
    config = configured(options)
    done = survey(options, config, spooled=True)
    if done.spool is None:
        raise AssertionError("a spooled survey keeps its rows")
    with done.spool as spool:
        evaluation = _evaluate(labels, done, spool)
    if json is not None:
        with open_output(json) as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(_document(evaluation))) + b"\n")
    if json != "-":
        _print(evaluation, Console())


def _labels(path: Path) -> Labels:
    if str(path) == "-":
        return read_labels(sys.stdin.buffer, "standard input")
    try:
        if path.stat().st_size > _LARGEST:
            raise EvaluateError(
                f"{path}: more than {_LARGEST >> 30} GB of labels: label spans of time instead"
            )
        with path.open("rb") as stream:
            return read_labels(stream, str(path))
    except OSError as error:
        raise EvaluateError(f"{path}: cannot be read: {error.strerror}: give the file of labels") from None


def _evaluate(labels: Labels, done: Survey, spool: "VerdictSpool") -> Evaluation:
    from vedette.engine.verdicts import Marker
    from vedette.replay.scanning import TYPE_NAMES

    engine, findings = done.engine, done.findings
    sources = spool.sources
    only = len(sources) == 1
    if None in labels.lines and not only:
        raise EvaluateError(
            f"labels name lines but no source, and there are {len(sources)} inputs: add `source` to the labels, or "
            "evaluate one log at a time"
        )
    bit = {kind: number for number, kind in enumerate(TYPE_NAMES)}
    tally = LineTally(labels.names, [-1 if kind is None else bit[kind] for kind in labels.types])
    marker = Marker.of(engine, findings.anomalies, spool.routes, TYPE_NAMES)
    line_spans = LineSpans(labels)
    for rows in spool.blocks():
        verdicts = marker.judge(rows)
        marks = np.full(len(rows), -1, dtype=np.int16)
        for number in np.unique(rows["source"]).tolist():
            mine = np.flatnonzero(rows["source"] == number)
            marks[mine] = labels.of(sources[number], rows["line"][mine], only=only)
        tally.add(marks, verdicts.anomalous, verdicts.score, verdicts.types)
        told = np.flatnonzero(marks >= 0)
        names = [engine.services[number] for number in rows["service"][told].tolist()]
        line_spans.add(marks[told], rows["time"][told], names)
    coverage = findings.coverage
    start, end = coverage.start or 0, (coverage.end or 0) + 1
    spans = list(clipped(labels.spans or line_spans.spans(), start, end))
    if not spans:
        raise EvaluateError(
            f"no label is about this log, which goes from {iso(start)} to {iso(end)}: check lines, times and sources"
        )
    known = [engine.book[slot].service for slot in engine.book.services]
    return Evaluation(
        score_spans(spans, findings.anomalies),
        tally.scores(),
        false_alarms(spans, findings.incidents),
        len(known) * (end - start) / DAY_US,
        tally.average_precision(),
        tally.wrong,
        tally.found,
        tally.benign,
        tally.flagged,
        tally.reliability(),
        tally.reliability_with(calibrated().prior),
        [*_strangers(labels, known, sources)],
    )


def _strangers(labels: Labels, services: Sequence[str], sources: Sequence[str]) -> Iterator[str]:
    """Sentences about labels that nothing in the log can answer."""
    spans = Counter(span.service for span in labels.spans if span.service not in (None, NETWORK, *services))
    lines = {name: len(known) for name, (known, _) in labels.lines.items() if name not in (None, *sources)}
    for kind, counts, noun, known in (
        ("service", spans, "label", services),
        ("source", lines, "labelled line", sources),
    ):
        for name, count in sorted(counts.items(), key=str):
            yield (
                f"{plural(count, noun)} of {kind} {name}, of which the log has no request: it has {some(known)}"
            )


def _document(evaluation: Evaluation) -> dict[str, Any]:
    per_day = len(evaluation.false) / evaluation.service_days if evaluation.service_days else None
    flagged = evaluation.found + evaluation.flagged
    return {
        "spans": [
            {
                "name": row.name,
                "spans": row.spans,
                "found": row.found,
                "noticed": row.noticed,
                "tpr": row.found / row.spans,
                "median_delay_s": row.delay_s,
            }
            for row in evaluation.spans
        ],
        "lines": [
            {**asdict(row), "tpr": row.found / row.lines, "typed_tpr": row.typed / row.lines}
            for row in evaluation.lines
        ],
        "false_alarms": {
            "incidents": len(evaluation.false),
            "service_days": evaluation.service_days,
            "per_service_day": per_day,
            "each": [
                {"id": i.id, "title": i.title, "start": iso(i.start), "end": iso(i.end)}
                for i in evaluation.false
            ],
        },
        "all_lines": {
            "labelled": evaluation.labelled,
            "found": evaluation.found,
            "benign": evaluation.benign,
            "flagged": evaluation.flagged,
            "recall": evaluation.found / evaluation.labelled if evaluation.labelled else None,
            "precision": evaluation.found / flagged if flagged else None,
            "false_positive_rate": evaluation.flagged / evaluation.benign if evaluation.benign else None,
            "auc_pr": evaluation.average_precision,
        },
        "strangers": evaluation.strangers,
        "reliability": _reliability(evaluation.reliability, evaluation.share_known),
    }


def _reliability(found: Reliability | None, known: Reliability | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "expected_calibration_error": found.error,
        "by_chance": found.chance,
        "share_assumed": calibrated().prior,
        "error_with_share_known": None if known is None else known.error,
        "largest_gap": found.worst,
        "lines": found.rows,
        "table": [asdict(span) for span in found.spans],
    }


def _reliability_table(found: Reliability) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("score", no_wrap=True)
    for name in ("lines", "said", "labelled"):
        table.add_column(name, justify="right", no_wrap=True)
    for span in found.spans:
        table.add_row(
            f"{span.low:.1f} to {span.high:.1f}", f"{span.rows:,}", percent(span.said), percent(span.was)
        )
    return table


def _print(evaluation: Evaluation, console: Console) -> None:
    glyphs = Glyphs.of(console.encoding)
    lines = {row.name: row for row in evaluation.lines}
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("type", no_wrap=True)
    for name in ("spans", "found", "noticed", "delay", "lines", "flagged", "as type"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in sorted({*lines, *(row.name for row in evaluation.spans)}):
        span = next((row for row in evaluation.spans if row.name == name), None)
        line = lines.get(name)
        table.add_row(
            glyphs.text(name),
            *(
                ("", "", "", "")
                if span is None
                else (
                    str(span.spans),
                    f"{span.found / span.spans:.0%}",
                    f"{span.noticed / span.spans:.0%}",
                    "" if span.delay_s is None else f"{span.delay_s / 60:.1f} min",
                )
            ),
            *(
                ("", "", "")
                if line is None
                else (f"{line.lines:,}", percent(line.found / line.lines), percent(line.typed / line.lines))
            ),
        )
    console.print(table)
    console.print()
    for text in evaluation.strangers[:_SHOWN]:
        console.print(Text(glyphs.text(f"{text}.")), soft_wrap=True)
    if len(evaluation.strangers) > _SHOWN:
        console.print(Text(f"And {len(evaluation.strangers) - _SHOWN:,} more: --json FILE names all."))
    days = evaluation.service_days
    rate = f", {len(evaluation.false) / days:.2g} for each service and day" if days else ""
    told = [
        f"{plural(len(evaluation.false), 'incident')} about nothing labelled in {days:.3g} service-days{rate}."
    ]
    told += [f"  {incident.title}" for incident in evaluation.false[:_SHOWN]]
    if len(evaluation.false) > _SHOWN:
        told.append(f"  and {len(evaluation.false) - _SHOWN:,} more: --json FILE names all")
    if evaluation.average_precision is not None:
        chance = evaluation.labelled / (evaluation.labelled + evaluation.benign)
        told.append(
            f"Over lines: area under the precision-recall curve {evaluation.average_precision:.3f} (chance "
            f"{chance:.3f}); {percent(evaluation.found / evaluation.labelled)} of {evaluation.labelled:,} labelled "
            f"lines flagged, and {evaluation.flagged:,} of {evaluation.benign:,} others."
        )
    for text in told:
        console.print(Text(glyphs.text(text)), soft_wrap=True)
    if evaluation.reliability is not None:
        console.print()
        console.print(_reliability_table(evaluation.reliability))
        for text in _calibration(evaluation):
            console.print(Text(glyphs.text(text)), soft_wrap=True)


def _calibration(evaluation: Evaluation) -> list[str]:
    """The calibration error in words."""
    found, known = evaluation.reliability, evaluation.share_known
    if found is None:
        return []
    told = [
        f"Scores beside labels: expected calibration error {found.error:.3f} (by chance alone {found.chance:.3f})."
    ]
    if known is not None:
        share = percent(evaluation.labelled / (evaluation.labelled + evaluation.benign))
        told.append(
            f"Scores assume that one line in {1.0 / calibrated().prior:.0f} is wrong; had they known that {share} are "
            f"labelled: {known.error:.3f}."
        )
    return told
