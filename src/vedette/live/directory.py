"""Where a service keeps its own files."""

from collections.abc import Mapping
from pathlib import Path

from vedette.schema.errors import VedetteError


class StateDirectoryError(VedetteError):
    """The directory for a service's own files cannot be used."""


def own_store(directory: Path) -> str:
    """The store that a service makes for itself where its configuration names none."""
    return f"sqlite:///{directory / 'vedette.db'}"


def state_directory(configured: str | None, environment: Mapping[str, str]) -> Path:
    """The directory, made if it is missing: configured, or where such things belong (XDG, systemd).

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
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateDirectoryError(
            f"{place}: cannot be made for what the service keeps ({error.strerror}): name another in "
            "live.directory, or give STATE_DIRECTORY"
        ) from None
    return place
