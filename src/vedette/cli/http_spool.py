"""The requests of captures, kept in a file until the request path reads them."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from vedette.parsers.http_streams import HttpStreams

_OTHERS = np.zeros(65_536, dtype=bool)
_OTHERS[[443, 22, 993, 995, 465, 853, 53]] = True
"""Server ports whose payload is not looked at: it is no HTTP, or cannot be read."""


class HttpSpool:
    """Writes a log line for each request in the packets it is called with.

    Attributes:
        written: Lines so far.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._streams = HttpStreams()
        self.written = 0

    def __enter__(self) -> Self:
        self._stream = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(self._streams.finish())
        self._stream.close()

    def __call__(self, buffer: "np.ndarray", rows: "np.ndarray") -> None:
        """Look through decoded packets; `buffer` holds their bytes."""
        wanted = (rows[:, 7] == 6) & (rows[:, 15] > 0) & (rows[:, 16] == 0)
        wanted &= ~(_OTHERS[rows[:, 5]] | _OTHERS[rows[:, 6]])
        for row in rows[wanted].tolist():
            at = row[14]
            self._write(self._streams.take(row, buffer[at : at + row[15]].tobytes()))

    def _write(self, lines: list[bytes]) -> None:
        self._stream.writelines(lines)
        self.written += len(lines)
