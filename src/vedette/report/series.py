"""Scored series as CSV rows, and what was found in them as a JSON document."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.series import Scored
from vedette.report.forecast import ErrorBudget, SeriesForecast
from vedette.schema.anomaly import Formula

HEADER = "timestamp,value,score,expected,lower,upper,is_anomaly"
SCORE_DIGITS = 12
"""Decimals of a score: enough to keep the order of scores near 1."""
_NUMBER = "%.10g"


class Peak(msgspec.Struct, frozen=True):
    """The strongest point of an anomaly, with its arithmetic.

    Attributes:
        surprise: -log10 of the tail probability that `formula` states.
        novelty: -log10 of how rare it is, so far, to be so unlike all before.
    """

    timestamp: str
    value: float
    score: float
    expected: float
    lower: float
    upper: float
    surprise: float
    novelty: float
    formula: Formula


class SeriesAnomaly(msgspec.Struct, frozen=True):
    """Points in a row that are anomalous."""

    start: str
    end: str
    points: int
    peak: Peak


class SeriesFindings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was found in one series."""

    source: str
    name: str
    kind: str
    points: int
    judged: int
    insufficient_data: int
    anomalies: list[SeriesAnomaly]
    anomalies_left_out: int
    skipped: dict[str, int]
    samples: dict[str, str]
    forecast: SeriesForecast | None = None
    error_budget: ErrorBudget | None = None


class SeriesDocument(msgspec.Struct, frozen=True):
    """What `vedette metric --json` writes."""

    version: int
    series: list[SeriesFindings]


class ScoreWriter:
    """Writes scored points as CSV, `timestamp,value,score,expected,lower,upper,is_anomaly`.

    Args:
        stream: Where the rows go.
        named: Whether each row begins with its series' name, which several series need.
    """

    def __init__(self, stream: BinaryIO, *, named: bool) -> None:
        self._stream = stream
        self._named = named
        stream.write(f"{'series,' if named else ''}{HEADER}\n".encode())

    def write(self, name: str, times: Sequence[str], value: NDArray[np.float64], scored: Scored) -> None:
        """Write the next points of one series, in their order.

        Args:
            name: Of the series.
            times: The times as they are to be written.
            value: float64 (n,); NaN is left empty.
            scored: The points' scores.
        """
        if not len(times):
            return
        lead = f"{_quoted(name)}," if self._named else ""
        columns = zip(
            times,
            _texts(value),
            scored.score.tolist(),
            *(_texts(edge) for edge in (scored.expected, scored.lower, scored.upper)),
            scored.is_anomaly.astype(np.int8).tolist(),
            strict=True,
        )
        row = f"{lead.replace('%', '%%')}%s,%s,%.{SCORE_DIGITS}g,%s,%s,%s,%d"
        text = "\n".join([row % cells for cells in columns])
        self._stream.write(f"{text}\n".encode())


def write_document(stream: BinaryIO, series: Iterable[SeriesFindings]) -> None:
    """Write what was found as one JSON document."""
    document = SeriesDocument(1, list(series))
    stream.write(msgspec.json.format(msgspec.json.encode(document), indent=2))
    stream.write(b"\n")


def _texts(values: NDArray[np.float64]) -> list[str]:
    """Numbers with ten significant digits; NaN as nothing."""
    texts = [_NUMBER % value for value in values.tolist()]
    for at in np.flatnonzero(np.isnan(values)).tolist():
        texts[at] = ""
    return texts


def _quoted(name: str) -> str:
    """A CSV field; one that a spreadsheet would take for a formula begins with an apostrophe."""
    if name[:1] in ("=", "+", "-", "@"):
        name = f"'{name}"
    return f'"{name.replace(chr(34), chr(34) * 2)}"' if any(c in name for c in ',"\r\n') else name
