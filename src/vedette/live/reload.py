"""The configuration of a running service: read again, or changed over the API, as a whole or not at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel

from vedette.config import Config, classic
from vedette.config.errors import ConfigError
from vedette.live.classic_changes import ClassicChanges

DOCUMENT = "configuration"
"""Under which a store keeps what was changed over the API."""
FIXED = ("server", "sources", "store.url", "live.directory", "live.journal_bytes")
"""Keys that hold from the start to the end of a process."""


class Settings:
    """Where the configuration comes from; later ones win: file, environment, command line, changes over the API.

    Args:
        path: The file, if there is one. environment: Variables. overrides: Dotted keys of the command line.
        changes: Dotted keys that were changed over the API before.

    Raises:
        ConfigError: They make no configuration.
    """

    def __init__(
        self,
        path: Path | None,
        environment: Mapping[str, str],
        overrides: Mapping[str, Any],
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        self._path = path
        self._environment = environment
        self._overrides = dict(overrides)
        self.changes = dict(changes or {})
        self.config = self._load(self.changes)

    def kept_at(self, url: str, changes: Mapping[str, Any]) -> "Settings":
        """The same with a store of its own, and with what was changed over the API before.

        Raises:
            ConfigError: They make no configuration.
        """
        return Settings(self._path, self._environment, {**self._overrides, "store.url": url}, changes)

    def again(self) -> Config:
        """The configuration as files and environment have it now; not in force yet.

        Raises:
            ConfigError: They make none, or a key differs that cannot change while the process runs.
        """
        return self._changeable(self._load(self.changes))

    def changed(self, changes: Mapping[str, Any]) -> tuple[Config, dict[str, Any]]:
        """The configuration with further changes, and all changes so far; not in force yet.

        Args:
            changes: Sections with keys, as in the file, or the classic block; a key or section whose value is None goes
                back to what it was without.

        Raises:
            ConfigError: They make no configuration, or a key differs that cannot change while the process runs.
        """
        new = _dotted({name: value for name, value in changes.items() if name != classic.BLOCK})
        names: dict[str, str] = {}
        if classic.BLOCK in changes:
            older = ClassicChanges(self.config, lambda key: self._load(_put(self.changes, {key: None})))
            for key, (name, value) in older.of(changes[classic.BLOCK], new).items():
                new[key], names[key] = value, name
        everything = _put(self.changes, new)
        try:
            return self._changeable(self._load(everything)), everything
        except ConfigError as error:
            raise ConfigError(tuple(_by_its_name(problem, names) for problem in error.problems)) from None

    def accept(self, config: Config, changes: Mapping[str, Any] | None = None) -> None:
        """From now on this is in force."""
        self.config = config
        if changes is not None:
            self.changes = dict(changes)

    def _load(self, changes: Mapping[str, Any]) -> Config:
        return Config.load(
            self._path, environment=self._environment, overrides=self._overrides, changes=changes
        )

    def _changeable(self, config: Config) -> Config:
        problems = tuple(
            f"{key}: holds from the start of the service to its end: change it in the file, and start anew"
            for fixed in FIXED
            for key in _different(fixed, _at(config, fixed), _at(self.config, fixed))
        )
        if problems:
            raise ConfigError(problems)
        return config


def to_document(changes: Mapping[str, Any]) -> bytes:
    """Changes as a store keeps them."""
    return msgspec.json.encode(dict(changes))


def from_document(content: bytes | None) -> dict[str, Any]:
    """What `to_document` gave.

    Raises:
        ConfigError: It is damaged.
    """
    if content is None:
        return {}
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ConfigError(
            (f"the changes kept in the store are damaged ({error}): remove them there",)
        ) from None


def _dotted(changes: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested sections as dotted keys; what is empty is a value."""
    found: dict[str, Any] = {}
    for name, value in changes.items():
        if isinstance(value, Mapping) and value and _is_section(before + name):
            found |= _dotted(value, f"{before}{name}.")
        else:
            found[before + name] = value
    return found


def _put(before: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted changes with later ones; of a section that goes back to what it was, all keys do."""
    gone = tuple(f"{key}." for key, value in new.items() if value is None)
    kept = {key: value for key, value in before.items() if not f"{key}.".startswith(gone)}
    return kept | {key: value for key, value in new.items() if value is not None}


def _by_its_name(problem: str, names: Mapping[str, str]) -> str:
    """A problem of a key of today, with the classic one that was given."""
    name = next((name for key, name in names.items() if f": {key}" in problem), None)
    return problem if name is None else f"{problem} (given as {classic.BLOCK}.{name})"


def _is_section(dotted: str) -> bool:
    """Whether a key stands for a section of the configuration, and not for a value that is a mapping."""
    kind: Any = Config
    for name in dotted.split("."):
        fields = getattr(kind, "model_fields", {})
        if name not in fields:
            return False
        kind = fields[name].annotation
    return hasattr(kind, "model_fields")


def _different(dotted: str, new: Any, old: Any) -> list[str]:
    """The keys, of a section or one alone, whose values differ."""
    if new == old:
        return []
    if not (isinstance(new, BaseModel) and isinstance(old, BaseModel)):
        return [dotted]
    names = type(new).model_fields
    return [
        key
        for name in names
        for key in _different(f"{dotted}.{name}", getattr(new, name), getattr(old, name))
    ]


def _at(config: Config, dotted: str) -> Any:
    value: Any = config
    for name in dotted.split("."):
        value = getattr(value, name, None)
    return value
