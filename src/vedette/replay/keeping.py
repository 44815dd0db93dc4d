"""What a scan puts into a store."""

from datetime import datetime
from typing import TYPE_CHECKING

from vedette.schema.findings import Findings
from vedette.schema.records import WindowRecord
from vedette.storage.errors import StoreError
from vedette.storage.store import Store

if TYPE_CHECKING:
    from vedette.engine.engine import Engine


class Keeping:
    """Keeps windows while a scan goes on, and findings at its end.

    A store that fails meanwhile (its disk is full) ends neither the scan nor its report: that is told at the end.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._error: StoreError | None = None

    def windows(self, rows: list[WindowRecord]) -> None:
        """Keep windows that have closed, unless the store has failed before."""
        if self._error is not None:
            return
        try:
            self._store.save_windows(rows)
        except StoreError as error:
            self._error = error

    def findings(self, engine: "Engine", findings: Findings, started: datetime) -> None:
        """Keep what was found, and what is normal.

        Raises:
            StoreError: The store fails, or has failed.
        """
        from vedette.replay.run_record import run_record

        if self._error is not None:
            raise self._error
        self._store.save_baselines(engine.baseline_records())
        self._store.save(findings, run_record(findings, started))
