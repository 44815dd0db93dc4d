"""One JSON object per request, for programs that want to know about lines."""

from collections.abc import Sequence
from typing import BinaryIO

import msgspec
import numpy as np

from vedette.engine.verdicts import EVERYDAY, Verdicts

_MOST_TAILS = 1 << 16
"""Distinct ends of lines that are kept rendered."""
SCORE_DIGITS = 4


class VerdictWriter:
    """Writes verdicts as JSON lines: `{"line": 12, "is_anomaly": true, "score": 0.93, "types": ["xss"]}`.

    Args:
        stream: Where the lines go.
        include_clean: Whether requests that nothing is said against are written too.
        type_names: Names of type bits, lowest first.
        with_source: Whether to add `source`, which several inputs need.
    """

    def __init__(
        self, stream: BinaryIO, *, include_clean: bool, type_names: Sequence[str], with_source: bool
    ) -> None:
        self._stream = stream
        self._include_clean = include_clean
        self._type_names = [str(name) for name in type_names]
        self._with_source = with_source
        self._tails: dict[tuple[bool, float, int, bool, int], str] = {}

    def write(self, source_names: Sequence[str], verdicts: Verdicts) -> None:
        """Write a block of verdicts, in its order.

        Args:
            source_names: Names by the rows' source number. A number must mean the same source in every block.
            verdicts: The block.
        """
        rows, anomalous, score, types = verdicts.rows, verdicts.anomalous, verdicts.score, verdicts.types
        if not self._include_clean:
            told = np.flatnonzero(anomalous)
            rows, anomalous, score, types = rows[told], anomalous[told], score[told], types[told]
        if not len(rows):
            return
        # Few distinct verdicts make up a block, so that all of a line but its number is rendered once.
        source = rows["source"].tolist() if self._with_source else [0] * len(rows)
        everyday = (rows["types"] & EVERYDAY) != 0
        keys = zip(
            anomalous.tolist(),
            score.round(SCORE_DIGITS).tolist(),
            types.tolist(),
            everyday.tolist(),
            source,
            strict=True,
        )
        tails = self._tails
        if len(tails) > _MOST_TAILS:
            tails.clear()
        parts: list[str] = []
        for line, key in zip(rows["line"].tolist(), keys, strict=True):
            tail = tails.get(key)
            if tail is None:
                tail = tails[key] = self._tail(*key, source_names)
            parts.append(f'{{"line": {line}{tail}')
        self._stream.write("".join(parts).encode())

    def _tail(
        self, anomalous: bool, score: float, types: int, everyday: bool, source: int, names: Sequence[str]
    ) -> str:
        kinds = ", ".join(f'"{name}"' for bit, name in enumerate(self._type_names) if types >> bit & 1)
        place = f', "source": {_text(names[source])}' if self._with_source else ""
        verdict = "true" if anomalous else "false"
        usual = ', "everyday": true' if everyday else ""
        return f'{place}, "is_anomaly": {verdict}, "score": {score}, "types": [{kinds}]{usual}}}\n'


def _text(name: str) -> str:
    return msgspec.json.encode(name.encode("utf-8", "backslashreplace").decode()).decode()
