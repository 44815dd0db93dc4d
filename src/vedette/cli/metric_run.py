"""`vedette metric`: files to series to scores, chunk by chunk."""

import heapq
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import msgspec

from vedette.replay.kernel_mode import choose_kernel_mode
from vedette.report.output import STDOUT, check_apart, check_output, open_output
from vedette.report.shown import shown
from vedette.report.waiting import waiting
from vedette.schema.errors import VedetteError
from vedette.schema.spans import HOUR_US
from vedette.sources import BufferPool, Reader, SourceError, SourceProblem, discover, read_chunks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vedette.baselines.calendar import Calendar
    from vedette.baselines.error_budget import Cells
    from vedette.baselines.forecast import Forecaster
    from vedette.baselines.series import Scored, SeriesBaseline
    from vedette.parsers.series import SeriesRows
    from vedette.parsers.series_layout import SeriesLayout
    from vedette.report.forecast import ErrorBudget, SeriesForecast
    from vedette.report.series import Peak, ScoreWriter, SeriesAnomaly, SeriesFindings

CHUNK_BYTES: Final = 16 << 20
"""Rows of so many bytes are put in order of time; what comes later still is counted as out of order."""
SMALL: Final = 30_000
"""Bytes below which kernels are interpreted: about a thousand points."""
LATELY: Final = HOUR_US
"""Microseconds that the rate at which an error budget is spent is taken of."""
MOST_SERIES: Final = 2000
MOST_ANOMALIES: Final = 1000
"""Strongest anomalies of a series that are told one by one."""


class MetricError(VedetteError):
    """Series that cannot be scored."""


class MetricOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of `vedette metric`, checked.

    `time_unit` and `day_first` are as for `vedette.parsers.series_layout.find_layout`.
    `horizon`: microseconds to look ahead, or None. `budget`: share of events that may be bad, and microseconds over
    which, or None.
    """

    paths: tuple[str, ...]
    kind: str
    csv: str | None
    json: str | None
    time: str | None
    values: tuple[str, ...]
    total: str | None
    time_unit: int | None
    zone: str
    threshold: float
    fail: bool
    horizon: int | None = None
    budget: tuple[float, int] | None = None
    day_first: bool | None = None


def run(options: MetricOptions) -> int:
    """Score, report, and return the exit status.

    Raises:
        VedetteError: An input, a column or an output is wrong.
    """
    for output in (options.csv, options.json):
        if output is not None:
            check_output(output)
    inputs = discover(options.paths).inputs
    check_apart([options.csv, options.json], [source.path for source in inputs])
    choose_kernel_mode(inputs, SMALL, SMALL)
    # Not before the choice: these import kernels.
    from vedette.baselines.calendar import calendar
    from vedette.report.series import write_document
    from vedette.report.series_summary import summary

    try:
        clock = calendar(options.zone)
    except (ValueError, OSError, LookupError):
        raise MetricError(
            f"--zone {shown(options.zone)}: no such zone: must be UTC, an offset like +02:00, or a zone like "
            "Europe/Berlin"
        ) from None
    findings: list[SeriesFindings] = []
    with ExitStack() as outputs:
        stream = outputs.enter_context(open_output(options.csv)) if options.csv is not None else None
        report = outputs.enter_context(open_output(options.json)) if options.json is not None else None
        several = len(inputs) > 1
        writer: ScoreWriter | None = None
        for source in inputs:
            pool = BufferPool(CHUNK_BYTES, 2)
            with waiting(f"{source.name}: nothing has come from it yet"):
                begun = read_chunks(source, pool=pool)
            with begun as reader:
                scoring = _FileScoring(reader, pool, options, clock, several=several)
                if stream is not None and writer is None:
                    writer = scoring.writer(stream)
                findings.extend(scoring.run(writer))
        if report is not None:
            write_document(report, findings)
    out = sys.stderr if STDOUT in (options.csv, options.json) else sys.stdout
    for found in findings:
        for line in summary(found, named=several or len(findings) > 1):
            print(line, file=out)
    return 1 if options.fail and any(found.anomalies for found in findings) else 0


class _Found(msgspec.Struct):
    """What one series has shown so far; only the strongest anomalies are kept."""

    name: str
    baseline: "SeriesBaseline"
    forecaster: "Forecaster | None" = None
    spent: "Cells | None" = None
    points: int = 0
    values: int = 0
    """Points whose value can be read."""
    judged: int = 0
    told: int = 0
    left_out: int = 0
    kept: list[tuple[float, int, "SeriesAnomaly"]] = msgspec.field(default_factory=list)
    open: "SeriesAnomaly | None" = None

    def keep(self) -> None:
        """Close the anomaly that goes on."""
        if self.open is None:
            return
        self.told += 1
        entry = (self.open.peak.score, -self.told, self.open)
        if len(self.kept) < MOST_ANOMALIES:
            heapq.heappush(self.kept, entry)
        else:
            heapq.heappushpop(self.kept, entry)
            self.left_out += 1
        self.open = None


class _FileScoring:
    """The series of one file."""

    def __init__(
        self, reader: Reader, pool: BufferPool, options: MetricOptions, clock: "Calendar", *, several: bool
    ) -> None:
        from vedette.parsers.series_layout import find_layout

        self._source = source = reader.source
        self._options = options
        self._clock = clock
        self._pool = pool
        self._reader = reader
        self._layout: SeriesLayout = find_layout(
            self._reader.sample(),
            time=options.time,
            values=options.values,
            total=options.total,
            time_unit=options.time_unit,
            day_first=options.day_first,
        )
        if len(self._layout.values) > MOST_SERIES:
            raise MetricError(
                f"{source.name}: {len(self._layout.values)} series: must be at most {MOST_SERIES}: choose some "
                "with --value"
            )
        self._several = several
        self._problems: dict[str, int] = {}
        self._samples: dict[str, tuple[int, str]] = {}
        self._last = -1

    def writer(self, stream: "object") -> "ScoreWriter":
        """Where this call's rows go; they bear names where there are several series."""
        from typing import BinaryIO, cast

        from vedette.report.series import ScoreWriter

        return ScoreWriter(cast("BinaryIO", stream), named=self._several or len(self._layout.values) > 1)

    def run(self, writer: "ScoreWriter | None") -> "list[SeriesFindings]":
        from vedette.baselines.series import Kind, SeriesBaseline, SeriesSettings
        from vedette.parsers.series import RowProblem, read_rows

        kind, settings = Kind(self._options.kind), SeriesSettings(threshold=self._options.threshold)
        found = [
            self._begun(name, SeriesBaseline(kind, calendar=self._clock, settings=settings))
            for _, name in self._layout.values
        ]
        unit: list[int] = []
        for chunk in self._reader:
            try:
                rows = read_rows(chunk, self._layout, unit)
            finally:
                self._pool.release(chunk.buffer)
            self._note(rows)
            self._score(rows, found, writer)
        if self._reader.truncated is not None:
            raise SourceError(self._source.name, SourceProblem.DAMAGED, self._reader.truncated)
        if self._reader.cut_lines:
            self._count(RowProblem.TOO_LONG, self._reader.cut_lines)
        self._refuse_if_nothing(found)
        return [self._findings(one) for one in found]

    def _begun(self, name: str, baseline: "SeriesBaseline") -> _Found:
        from vedette.baselines.error_budget import Cells
        from vedette.baselines.forecast import Forecaster

        horizon, budget = self._options.horizon, self._options.budget
        return _Found(
            name,
            baseline,
            None if horizon is None else Forecaster(baseline, horizon),
            None if budget is None else Cells(period=budget[1], lately=LATELY),
        )

    def _score(self, rows: "SeriesRows", found: Sequence[_Found], writer: "ScoreWriter | None") -> None:
        import numpy as np

        from vedette.parsers.series import RowProblem

        order = np.argsort(rows.time_us, kind="stable")
        ordered = rows.time_us[order]
        late = int(np.searchsorted(ordered, self._last, side="left"))
        if late:
            self._count(RowProblem.OUT_OF_ORDER, late)
        if len(ordered):
            self._last = max(self._last, int(ordered[-1]))
        times = [rows.times[at] for at in order.tolist()]
        total = None if rows.total is None else rows.total[order]
        for one, column in zip(found, rows.value, strict=True):
            value = self._allowed(column[order])
            scored = (one.forecaster or one.baseline).follow(ordered, value, total)
            if one.spent is not None and total is not None:
                there = np.isfinite(value) & np.isfinite(total) & (total > 0.0)
                one.spent.add(ordered[there], total[there], value[there] * total[there])
            one.points += len(value)
            one.values += int(np.isfinite(value).sum())
            one.judged += int(scored.ready.sum())
            self._gather(one, times, value, total, scored)
            if writer is not None:
                back = np.argsort(order, kind="stable")
                name = self._name(one)
                writer.write(name, rows.times, value[back], _reordered(scored, back))

    def _allowed(self, value: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Values that the kind cannot have are taken out, and counted."""
        import numpy as np

        from vedette.parsers.series import RowProblem

        if self._options.kind == "gauge":
            return value
        with np.errstate(invalid="ignore"):
            wrong = (value < 0.0) | ((value > 1.0) if self._options.kind == "ratio" else False)
        if wrong.any():
            self._count(RowProblem.IMPOSSIBLE_VALUE, int(wrong.sum()))
            value = np.where(wrong, np.nan, value)
        return value

    def _gather(
        self,
        one: _Found,
        times: Sequence[str],
        value: "NDArray[np.float64]",
        total: "NDArray[np.float64] | None",
        scored: "Scored",
    ) -> None:
        import numpy as np

        from vedette.report.series import SeriesAnomaly

        flagged = scored.is_anomaly
        edges = np.flatnonzero(np.diff(flagged.astype(np.int8), prepend=0, append=0))
        if one.open is not None and (not len(flagged) or flagged[0] == 0):
            one.keep()
        for start, end in edges.reshape(-1, 2).tolist():
            top = start + int(np.argmax(scored.score[start:end]))
            peak = _peak(one.baseline, times, value, total, scored, top)
            if one.open is not None and start == 0:
                before = one.open
                peak = max(before.peak, peak, key=lambda point: point.score)
                one.open = SeriesAnomaly(before.start, times[end - 1], before.points + end, peak)
            else:
                one.open = SeriesAnomaly(times[start], times[end - 1], end - start, peak)
            if end < len(flagged):
                one.keep()

    def _findings(self, one: _Found) -> "SeriesFindings":
        from vedette.report.series import SeriesFindings

        one.keep()
        return SeriesFindings(
            source=self._source.name,
            name=one.name,
            kind=self._options.kind,
            points=one.points,
            judged=one.judged,
            insufficient_data=one.points - one.judged,
            anomalies=[anomaly for _, _, anomaly in sorted(one.kept, key=lambda entry: -entry[1])],
            anomalies_left_out=one.left_out,
            skipped=dict(self._problems),
            samples={name: f"line {line}: {text}" for name, (line, text) in self._samples.items()},
            forecast=self._forecast(one),
            error_budget=self._error_budget(one),
        )

    def _forecast(self, one: _Found) -> "SeriesForecast | None":
        from vedette.report.forecast import told

        if one.forecaster is None:
            return None
        try:
            found = one.forecaster.forecast()
        except ValueError as error:
            raise MetricError(f"{self._source.name}: --forecast: {error}") from None
        return told(found, one.forecaster.horizon)

    def _error_budget(self, one: _Found) -> "ErrorBudget | None":
        from vedette.report.forecast import budget_told

        if one.spent is None or self._options.budget is None:
            return None
        return budget_told(one.spent.burn(self._options.budget[0]))

    def _name(self, one: _Found) -> str:
        if not self._several:
            return one.name
        return f"{self._source.name}:{one.name}" if len(self._layout.values) > 1 else self._source.name

    def _note(self, rows: "SeriesRows") -> None:
        for problem, count in rows.problems.items():
            self._count(problem, count)
        for problem, sample in rows.samples.items():
            self._samples.setdefault(problem.value, sample)

    def _count(self, problem: str, count: int) -> None:
        self._problems[str(problem)] = self._problems.get(str(problem), 0) + count

    def _refuse_if_nothing(self, found: Sequence[_Found]) -> None:
        if any(one.values for one in found):
            return
        if any(one.points for one in found) and "bad_value" in self._samples:
            line, text = self._samples["bad_value"]
            raise MetricError(
                f"{self._source.name}: no value can be read (line {line}: {shown(text, 60)}): must be numbers like "
                "12.5, without marks between thousands; decimal commas are read where semicolons separate the columns"
            )
        if any(one.points for one in found):
            return
        if "bad_time" not in self._samples:
            what = "no row whose value and time can be read" if self._problems else "a header and no row"
            raise MetricError(f"{self._source.name}: holds {what}: give rows of a time and a value")
        line, text = self._samples["bad_time"]
        raise MetricError(
            f"{self._source.name}: no row has a time that can be read (line {line}: {shown(text, 60)}): must be "
            "ISO 8601, dates like 31/12/2026 23:59, or seconds since 1970; say --time-unit ms, us or ns for other "
            "numbers, --time COLUMN for another column"
        )


def _peak(
    baseline: "SeriesBaseline",
    times: Sequence[str],
    value: "NDArray[np.float64]",
    total: "NDArray[np.float64] | None",
    scored: "Scored",
    at: int,
) -> "Peak":
    from vedette.report.series import Peak

    return Peak(
        timestamp=times[at],
        value=float(value[at]),
        score=float(scored.score[at]),
        expected=float(scored.expected[at]),
        lower=float(scored.lower[at]),
        upper=float(scored.upper[at]),
        surprise=float(scored.surprise[at]),
        novelty=float(scored.novelty[at]),
        formula=baseline.formula_of(
            scored, at, float(value[at]), None if total is None else float(total[at])
        ),
    )


def _reordered(scored: "Scored", order: "NDArray[np.intp]") -> "Scored":
    from vedette.baselines.series import Scored

    return Scored(**{name: getattr(scored, name)[order] for name in Scored.__struct_fields__})
