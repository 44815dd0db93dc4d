"""Where a service keeps its own files."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from vedette.schema.errors import VedetteError


class StateDirectoryError(VedetteError):
    """The directory for a service's own files cannot be used."""


def own_store(directory: Path) -> str:
    """The store that a service makes for itself where its configuration names none."""
    return f"sqlite:///{directory / 'vedette.db'}"


def state_directory(configured: str | None, environment: Mapping[str, str], store: str | None = None) -> Path:
    """The directory, made if it is missing: configured, or where such things belong (XDG, systemd).

    Args:
        configured: `live.directory`. environment: Of the process.
        store: `store.url`, where it is configured. What is in a journal is on its way into one store: services with
            others have a directory each below the common one, and take nothing of each other's.

    Raises:
        StateDirectoryError: It cannot be made.
    """
    if configured is not None:
        place = Path(configured)
    elif given := environment.get("STATE_DIRECTORY"):
        # systemd gives several with colons between them.
        place = Path(given.partition(":")[0])
    elif given := environment.get("XDG_STATE_HOME"):
        place = Path(given) / "vedette"
    else:
        place = Path(environment.get("HOME", "/var/lib")) / ".local" / "state" / "vedette"
    if configured is None and store is not None:
        place = place / "stores" / _name(store)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateDirectoryError(
            f"{place}: cannot be made for what the service keeps ({error.strerror}): name another in "
            "live.directory, or give STATE_DIRECTORY"
        ) from None
    return place


def _name(store: str) -> str:
    """A name for what belongs to a store: its kind, and a digest of where it is, without who asks and how."""
    kind = store.partition(":")[0].partition("+")[0]
    if kind == "sqlite":
        where = str(Path(store.partition(":///")[2].partition("?")[0]).resolve())
    else:
        parts = urlsplit(store)
        where = f"{parts.netloc.rpartition('@')[2].lower()}{parts.path}"
    return f"{kind}-{hashlib.sha256(where.encode()).hexdigest()[:12]}"
