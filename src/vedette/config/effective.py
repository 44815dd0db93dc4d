"""The configuration that holds, as YAML that reads back as the same, each given value with its origin."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vedette.config.errors import KeyPath
from vedette.config.load import Gathered, gather, validate
from vedette.config.options import Section
from vedette.config.problems import section_of
from vedette.config.tree import Config

_COLUMN = 50


def effective(path: Path | None, environment: Mapping[str, str], *, remarks: bool = True) -> str:
    """Every key with its value; a remark tells where it was given, if it was and remarks are wanted.

    Raises:
        ConfigError: The file cannot be read, or a key or value is wrong.
    """
    gathered = gather(Config, path, environment, {})
    config = validate(Config, gathered)
    return (
        "\n".join(_section(config, config.model_dump(mode="json"), (), gathered if remarks else None)) + "\n"
    )


def _section(
    section: Section, values: Mapping[str, Any], at: KeyPath, gathered: Gathered | None
) -> Iterator[str]:
    indent = "  " * len(at)
    for name, info in type(section).model_fields.items():
        here = (*at, name)
        if section_of(info) is not None:
            yield f"{indent}{name}:"
            yield from _section(getattr(section, name), values[name], here, gathered)
            continue
        # JSON is YAML, and needs no second writer that knows which plain words would be read as numbers.
        line = f"{indent}{name}: {json.dumps(values[name], ensure_ascii=False)}"
        origin = None if gathered is None else _origin(here, gathered)
        yield f"{line:{_COLUMN}}  # {origin}" if origin else line


def _origin(key: KeyPath, gathered: Gathered) -> str | None:
    """Where a value was given, None for a default."""
    if not any(given[: len(key)] == key for given in gathered.origins):
        return None
    return gathered.origins[gathered.given_at(key)]
