"""The requests of captures, kept in a file until the request path reads them."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from vedette.parsers.flows.http_packets import HttpPackets


class HttpSpool:
    """Writes a log line for each request in the packets of captures.

    Attributes:
        written: Lines so far.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._captures: list[HttpPackets] = []
        self.written = 0

    def __enter__(self) -> Self:
        self._stream = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for capture in self._captures:
            self._write(capture.finish())
        self._stream.close()

    def __call__(self) -> Callable[[np.ndarray, np.ndarray], None]:
        """What looks through the decoded packets of one more capture.

        Its arguments are a buffer that holds their bytes, and their rows.
        """
        packets = HttpPackets()
        self._captures.append(packets)
        return lambda buffer, rows: self._write(packets.take(buffer, rows))

    def _write(self, lines: list[bytes]) -> None:
        self._stream.writelines(lines)
        self.written += len(lines)
