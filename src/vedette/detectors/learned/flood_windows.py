"""Labelled windows from a table: what a model of floods is fitted to."""

import csv
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.flood_features import Pasts, Slices, matrix
from vedette.schema.errors import VedetteError

COLUMNS: Final = {
    "timestamp": "start of the window, ISO 8601",
    "service": "whose it is (or pod_shortname, pod)",
    "total_requests": "requests",
    "unique_ips": "distinct clients",
    "max_requests_per_ip": "requests of the busiest client",
    "error_rate": "percent of the requests that failed",
    "avg_response_time": "mean response time, milliseconds",
    "label": "1 in an attack, 0 in normal traffic",
}
"""Columns of a table of windows, and what each holds; `avg_requests_per_ip` follows from two of them."""
_SERVICE: Final = ("service", "pod_shortname", "pod")
_MOST_ROWS: Final = 1_000_000
SESSION_GAP_S: Final = 300
"""Seconds without a window after which another recording begins."""


class WindowsError(VedetteError):
    """A table of windows that no model can be fitted to."""


class LabelledWindows(msgspec.Struct, frozen=True):
    """n windows, in order of time.

    Attributes:
        time: int64 (n,), seconds since the epoch. service: int64 (n,), numbers of names.
        positive: bool (n,), in an attack. session: int64 (n,), number of the recording.
    """

    time: NDArray[np.int64]
    service: NDArray[np.int64]
    names: tuple[str, ...]
    slices: Slices
    positive: NDArray[np.bool_]
    session: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time)

    def features(self, doubted: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Features of each window, held against what came before it; float32 (n, features).

        Args:
            doubted: bool (n,), windows from which little is to be learned: attacks, as far as they are known.
        """
        pasts, made = Pasts(), []
        for rows in self.moments():
            part, number = self.slices.at(rows), self.service[rows]
            made.append(matrix(pasts.compare(number, part)))
            pasts.learn(number, part, doubted[rows])
        return np.concatenate(made)

    def moments(self) -> Iterator[NDArray[np.intp]]:
        """Rows of each time, in order."""
        _, starts = np.unique(self.time, return_index=True)
        return iter(np.split(np.arange(len(self)), starts[1:]))


def read_windows(lines: Iterable[str], name: str) -> LabelledWindows:
    """Read a table in CSV, its first line the names of the columns; others than `COLUMNS` are passed over.

    Args:
        lines: Of the file. name: Of the file, for errors.

    Raises:
        WindowsError: A column is missing, a value cannot be read, or two windows are of one service and time.
    """
    reader = csv.DictReader(lines)
    columns = reader.fieldnames or ()
    whose = next((column for column in _SERVICE if column in columns), None)
    missing = [c for c in COLUMNS if c not in columns and not (c == "service" and whose)]
    if missing:
        raise WindowsError(
            f"{name}: no column {missing[0]}, {COLUMNS[missing[0]]}: a table of windows has the columns "
            f"{', '.join(COLUMNS)}"
        )
    rows: list[tuple[int, str, float, float, float, float, float, bool]] = []
    for place, row in enumerate(reader, 2):
        if len(rows) >= _MOST_ROWS:
            raise WindowsError(f"{name}: more than {_MOST_ROWS:,} windows: give fewer")
        rows.append(_row(row, str(whose), f"{name}:{place}"))
    rows.sort(key=lambda row: row[:2])
    for one, next_ in pairwise(rows):
        if one[:2] == next_[:2]:
            when = datetime.fromtimestamp(one[0], UTC)
            raise WindowsError(
                f"{name}: two windows of {one[1]} at {when:%Y-%m-%d %H:%M:%S} UTC: one is enough"
            )
    names = tuple(sorted({row[1] for row in rows}))
    numbers = {service: number for number, service in enumerate(names)}
    numeric = np.array([row[2:7] for row in rows], dtype=np.float64).reshape(-1, 5)
    requests, clients, busiest, errors, millis = numeric.T
    time = np.array([row[0] for row in rows], dtype=np.int64)
    return LabelledWindows(
        time=time,
        service=np.array([numbers[row[1]] for row in rows], dtype=np.int64),
        names=names,
        slices=Slices(requests, clients, busiest, requests * errors / 100.0, millis / 1_000.0),
        positive=np.array([row[7] for row in rows], dtype=np.bool_),
        session=np.cumsum(np.diff(time, prepend=time[:1]) > SESSION_GAP_S),
    )


def _row(
    row: dict[str, str], whose: str, where: str
) -> tuple[int, str, float, float, float, float, float, bool]:
    label = (row["label"] or "").strip()
    if label not in ("0", "1"):
        raise WindowsError(f"{where}: label = {label[:40]!r}: must be 0 or 1")
    text = (row["timestamp"] or "").strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WindowsError(
            f"{where}: timestamp = {text[:40]!r}: must be a time like 2026-03-02T08:00:20Z"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    numbers = [
        _number(row[column], column, where)
        for column in ("total_requests", "unique_ips", "max_requests_per_ip", "error_rate")
    ]
    if numbers[3] > 100.0:
        raise WindowsError(f"{where}: error_rate = {numbers[3]:g}: must be a percentage, 0 to 100")
    time = (row["avg_response_time"] or "").strip()
    millis = _number(time, "avg_response_time", where) if time else math.nan
    return (
        int(moment.timestamp()),
        row[whose] or "",
        numbers[0],
        numbers[1],
        numbers[2],
        numbers[3],
        millis,
        label == "1",
    )


def _number(text: str | None, column: str, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not (0.0 <= value <= 1e15):
        raise WindowsError(
            f"{where}: {column} = {(text or '')[:40]!r}: must be a number that is not negative"
        )
    return value
