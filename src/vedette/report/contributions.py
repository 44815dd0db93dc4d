"""What anomalies rest on as a long table: one line for each contribution, for spreadsheets and notebooks."""

import csv
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from vedette.report.moments import iso
from vedette.schema.anomaly import Anomaly

COLUMNS = ("feature", "contribution", "value", "timestamp", "entity", "anomaly_id", "probability")

Line = tuple[str, float, str | float]
"""Feature, contribution, value."""


def contribution_lines(anomaly: Anomaly) -> list[Line]:
    """The contributions that an anomaly holds: shares of the excess, or of what isolates a row."""
    features = anomaly.details.get("features")
    known = features if isinstance(features, dict) else {}
    found: list[Line] = []
    for contribution in anomaly.contributions:
        if contribution.dimension == "feature":
            value = known.get(contribution.value)
            seen = value.get("value", "") if isinstance(value, dict) else ""
            found.append((contribution.value, contribution.share, seen))
        else:
            found.append((contribution.dimension, contribution.share, contribution.value))
    return found


def write_contributions(stream: BinaryIO, rows: Iterable[tuple[Anomaly, Sequence[Line]]]) -> None:
    """Write the table as CSV.

    Texts of hostile origin that a spreadsheet would take for a formula begin with an apostrophe.
    """
    writer = csv.writer(_Encoded(stream), lineterminator="\n")
    writer.writerow(COLUMNS)
    for anomaly, lines in rows:
        entity = f"{anomaly.entity.kind.value} {anomaly.entity.value}"
        for feature, contribution, value in lines:
            writer.writerow(
                [
                    _plain(feature),
                    f"{contribution:.9g}",
                    _plain(value) if isinstance(value, str) else f"{value:.9g}",
                    iso(anomaly.start),
                    _plain(entity),
                    anomaly.id,
                    f"{anomaly.score:.6g}",
                ]
            )


class _Encoded:
    """Text to bytes. Unlike a wrapper of the library's, it closes nothing when a reader has gone away."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(text.encode("utf-8", "backslashreplace"))


def _plain(text: str) -> str:
    """A text that a spreadsheet shows as it is, on one line."""
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text
    )
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown
