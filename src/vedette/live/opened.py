"""What a service has on disk, opened: before anything is read or judged."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vedette.live.directory import own_store, state_directory
from vedette.live.reload import DOCUMENT, Settings, from_document
from vedette.storage import open_live_store
from vedette.storage.keeper import this_process
from vedette.storage.live import LiveStore


def now() -> int:
    """The clock: microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


class Kept(msgspec.Struct, frozen=True):
    """What a service has on disk: its settings, changes over the API included, its store, and its own directory."""

    settings: Settings
    store: LiveStore
    directory: Path


@contextmanager
def opened(settings: Settings, environment: Mapping[str, str]) -> Iterator[Kept]:
    """Open the store that a configuration names, or one in the service's own directory.

    Raises:
        VedetteError: It cannot be used.
    """
    directory = state_directory(settings.config.live.directory, environment, settings.config.store.url)
    url = settings.config.store.url or own_store(directory)
    kept = settings.config.store
    spool = Path(kept.spool) if kept.spool else directory / "spool"
    with open_live_store(url, spool=spool, spool_bytes=kept.spool_bytes) as store:
        store.begin(this_process())
        changes = from_document(store.document(DOCUMENT))
        yield Kept(settings.kept_at(url, changes), store, directory)
