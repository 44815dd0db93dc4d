"""Files that a configuration names: of secrets and certificates."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

_NAMES = ("certificate", "certificate_key", "client_ca")


def unreadable(section: BaseModel, place: str = "") -> Iterator[str]:
    """A sentence on each file that a section or one below it names and that cannot be read on this machine."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        here = f"{place}.{name}" if place else name
        if isinstance(value, str) and (name.endswith("_file") or name in _NAMES):
            yield from _why(here, value)
        else:
            yield from _below(value, here)


def _below(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from unreadable(value, place)
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            yield from _below(each, f"{place}[{number}]")


def _why(place: str, path: str) -> Iterator[str]:
    try:
        with Path(path).open("rb"):
            return
    except OSError as error:
        yield f"{place} = {path}: cannot be read on this machine: {error.strerror}"
