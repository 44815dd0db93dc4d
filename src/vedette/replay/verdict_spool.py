"""Rows kept on disk until their windows have been judged, for `--verdicts`."""

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vedette.engine.batch import Batch, RowVerdicts
from vedette.engine.verdicts import EVERYDAY, ROW

_BLOCK = 1 << 16
"""Rows read back at a time."""
_MOST_ROUTES = 1 << 20
"""Distinct folded routes that are told apart; rows of later ones carry no route."""
_OTHER_ROUTE = 0


class VerdictSpool:
    """Appends batches to an unnamed temporary file, and reads them back in order."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="vedette-verdicts-")  # noqa: SIM115 - closed by __exit__
        self._sources: dict[str, int] = {}
        self._routes: dict[bytes, int] = {b"(other)": _OTHER_ROUTE}
        self.routes_overflowed = 0

    @property
    def sources(self) -> list[str]:
        """Names of sources by number."""
        return list(self._sources)

    @property
    def routes(self) -> list[str]:
        """Folded routes by number."""
        return [text.decode("utf-8", "surrogateescape") for text in self._routes]

    def add(self, batch: Batch, verdicts: RowVerdicts) -> None:
        """Keep a batch's rows."""
        requests, clients = batch.requests, batch.requests.client
        if clients is None or requests.route is None:
            raise ValueError("a batch must be enriched before it is spooled")
        rows = np.zeros(len(requests), dtype=ROW)
        rows["line"] = requests.line
        rows["time"] = requests.time
        known = clients.ids >= 0
        rows["high"][known] = clients.high[clients.ids[known]]
        rows["low"][known] = clients.low[clients.ids[known]]
        rows["duration"] = requests.duration
        rows["score"] = verdicts.score
        rows["types"] = verdicts.types
        if verdicts.everyday is not None:
            rows["types"][verdicts.everyday] |= EVERYDAY
        rows["source"] = self._sources.setdefault(requests.source, len(self._sources))
        rows["service"] = batch.service
        numbers = np.array(
            [self._route(text) for text in requests.route.vocabulary] + [_OTHER_ROUTE], dtype=np.uint32
        )
        rows["route"] = numbers[requests.route.ids]
        rows["status"] = requests.status
        rows["suspect"] = verdicts.suspect
        self._file.write(rows.tobytes())

    def blocks(self) -> Iterator[NDArray[np.void]]:
        """Everything that was kept, in order."""
        self._file.seek(0)
        while data := self._file.read(_BLOCK * ROW.itemsize):
            yield np.frombuffer(data, dtype=ROW)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _route(self, text: bytes) -> int:
        known = self._routes.get(text)
        if known is not None:
            return known
        if len(self._routes) >= _MOST_ROUTES:
            self.routes_overflowed += 1
            return _OTHER_ROUTE
        return self._routes.setdefault(text, len(self._routes))
