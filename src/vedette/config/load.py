"""Gathers settings from file, environment and command line, and says exactly where a wrong one stands."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from pydantic import ValidationError

from vedette.config import classic
from vedette.config.errors import ConfigError, KeyPath
from vedette.config.options import Section
from vedette.config.problems import problem_sentence, section_of

if TYPE_CHECKING:
    from vedette.config.yaml_lines import Document

PLAIN: Mapping[str, tuple[str, ...]] = {
    "WARMUP_LOGS": ("learned", "warmup"),
    "LOG_LEVEL": ("live", "log_level"),
    "MODEL_DIR": ("learned", "models"),
}
"""Variables with names of their own; those with a prefix win over them."""
LOG_LEVELS: Mapping[str, str] = {
    **dict.fromkeys(("trace", "verbose", "all", "10"), "debug"),
    **dict.fromkeys(("notice", "20"), "info"),
    **dict.fromkeys(("warn", "30"), "warning"),
    **dict.fromkeys(("critical", "fatal", "panic", "off", "none", "40", "50"), "error"),
}
"""What LOG_LEVEL says where it was set for other programs too."""
LOKI_URL = "LOKI_URL"
"""Variable with the address of the Lokis that are given without one; without any, of one."""
ALL_JOBS = '{job=~".+"}'
"""What that one is asked for: shippers set the label `job` unless told otherwise."""
PREFIX = "VEDETTE_"
SEPARATOR = "__"

S = TypeVar("S", bound=Section)


class Gathered(msgspec.Struct):
    """Settings not yet validated, and where each came from (`vedette.yaml:14`, `VEDETTE_WINDOWS__SPAN_S`)."""

    values: dict[str, Any]
    origins: dict[KeyPath, str] = msgspec.field(default_factory=dict)

    def given_at(self, path: KeyPath) -> KeyPath:
        """The key whose origin tells where `path` was given: itself, or the nearest around it."""
        while path not in self.origins:
            path = path[:-1]
        return path


def gather(
    tree: type[Section],
    path: Path | None,
    environment: Mapping[str, str],
    overrides: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
) -> Gathered:
    """Put the sources of settings on top of each other, later ones winning key by key.

    Raises:
        ConfigError: The file or a variable cannot be read.
    """
    gathered = Gathered({}, {(): "configuration" if path is None else str(path)})
    if path is not None:
        document = _read(path)
        if not isinstance(document.value, dict | None):
            raise ConfigError((f"{path}:1: must hold `key: value` lines, not a list or a single value",))
        gathered.values = document.value or {}
        gathered.origins |= {key: f"{path}:{line}" for key, line in document.lines.items()}
        _modernise(gathered)
    for name, keys in PLAIN.items():
        if given := environment.get(name):
            given = LOG_LEVELS.get(given.strip().lower(), given) if name == "LOG_LEVEL" else given
            _put(gathered, keys, _scalar(name, given), name)
    if url := environment.get(LOKI_URL):
        _put_loki(gathered, url)
    for name in sorted(environment):
        if name.startswith(PREFIX) and SEPARATOR in name:
            keys = tuple(name.removeprefix(PREFIX).lower().split(SEPARATOR))
            _put(gathered, keys, _scalar(name, environment[name]), name)
    for dotted, value in overrides.items():
        _put(gathered, tuple(dotted.split(".")), value, "command line")
    for dotted, value in (changes or {}).items():
        _put(gathered, tuple(dotted.split(".")), value, "changed over the API")
    gathered.values = _fill_empty_sections(tree, gathered.values)
    return gathered


def validate(tree: type[S], gathered: Gathered) -> S:
    """Check all settings.

    Raises:
        ConfigError: With one line for each wrong key or value.
    """
    # Through JSON, because there strict typing still lets a list be a tuple and text be an enum or a date.
    text = json.dumps(gathered.values, default=str)
    try:
        return tree.model_validate_json(text)
    except ValidationError as error:
        found = [(tuple(e["loc"]), problem_sentence(tree, e)) for e in error.errors(include_url=False)]
    # In the order in which they were given: the file's lines, then the environment, the command line, the API.
    given = list(gathered.origins)
    found.sort(key=lambda problem: given.index(gathered.given_at(problem[0])))
    raise ConfigError(tuple(f"{gathered.origins[gathered.given_at(path)]}: {text}" for path, text in found))


def _from_where(path: Path) -> str:
    """Where a path was looked for, if its name does not say so."""
    return "" if path.is_absolute() else f"; it was looked for from {Path.cwd()}"


def _read(path: Path) -> "Document":
    # Not before there is some to read: it takes ten milliseconds.
    from vedette.config.yaml_lines import MAX_BYTES, YamlError, read_yaml

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ConfigError((f"{path}: more than {MAX_BYTES} bytes; a configuration is shorter",))
        return read_yaml(data.decode("utf-8-sig"))
    except YamlError as error:
        raise ConfigError((f"{path}:{error.line}: {error.problem}",)) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError((f"{path}:{line}: not UTF-8 text; save the file as UTF-8",)) from None
    except FileNotFoundError:
        raise ConfigError((f"{path}: no such file; check the path{_from_where(path)}",)) from None
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read: {error.strerror}",)) from None


def _put(gathered: Gathered, keys: tuple[str, ...], value: Any, origin: str) -> None:
    at = gathered.values
    for key in keys[:-1]:
        inner = at.get(key)
        if inner is None:
            inner = at[key] = {}
        if not isinstance(inner, dict):
            return  # The file has something else here, which validation will point at.
        at = inner
    at[keys[-1]] = value
    gathered.origins = {path: o for path, o in gathered.origins.items() if path[: len(keys)] != keys}
    gathered.origins[keys] = origin


def _put_loki(gathered: Gathered, url: str) -> None:
    """Give an address to the Lokis of the file that have none, or ask one for all jobs if it names none."""
    sources = gathered.values.get("sources")
    given = sources.get("loki") if isinstance(sources, dict) else None
    if not given:
        _put(gathered, ("sources", "loki"), [{"url": url, "query": ALL_JOBS}], LOKI_URL)
    elif isinstance(given, list):
        for number, entry in enumerate(given):
            if isinstance(entry, dict) and entry.get("url") is None:
                entry["url"] = url
                gathered.origins["sources", "loki", number, "url"] = LOKI_URL


def _scalar(name: str, text: str) -> Any:
    from vedette.config.yaml_lines import YamlError, read_scalar

    try:
        return read_scalar(text)
    except YamlError as error:
        raise ConfigError((f"{name}: {error.problem}",)) from None


def _modernise(gathered: Gathered) -> None:
    """Put the classic block's values under today's keys; its lines stay their origins.

    Raises:
        ConfigError: A classic key or value makes no sense, or today's key is given too.
    """
    block = gathered.values.pop(classic.BLOCK, None)
    if block is None:
        return
    at = gathered.origins.get((classic.BLOCK,), "configuration")
    if not isinstance(block, dict):
        raise ConfigError((f"{at}: {classic.BLOCK}: must be a mapping of classic keys",))
    origins = {
        key[1]: where for key, where in gathered.origins.items() if key[0:1] == (classic.BLOCK,) and key[1:]
    }
    gathered.origins = {key: where for key, where in gathered.origins.items() if key[0:1] != (classic.BLOCK,)}
    problems = []
    for name, value in block.items():
        where = origins.get(name, at)
        try:
            changes = classic.modern(name, value)
        except classic.ClassicError as error:
            problems.append(f"{where}: {classic.BLOCK}.{name} = {json.dumps(value, default=str)}: {error}")
            continue
        for keys, today in changes:
            if keys in gathered.origins:
                problems.append(
                    f"{where}: {classic.BLOCK}.{name}: {'.'.join(keys)} says the same at {gathered.origins[keys]}: "
                    "remove one of them"
                )
            else:
                _put(gathered, keys, today, where)
    if problems:
        raise ConfigError(tuple(problems))


def _fill_empty_sections(tree: type[Section], values: dict[str, Any]) -> dict[str, Any]:
    """A section whose keys are all commented out reads as None, and means its defaults."""
    filled = dict(values)
    for name, info in tree.model_fields.items():
        if name in filled and (inner := section_of(info)) is not None:
            if filled[name] is None:
                filled[name] = {}
            elif isinstance(filled[name], dict):
                filled[name] = _fill_empty_sections(inner, filled[name])
    return filled
