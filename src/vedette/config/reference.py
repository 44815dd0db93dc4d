"""The configuration's reference page, made from the tree itself."""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from vedette.config import classic
from vedette.config.load import ALL_JOBS, PREFIX, SEPARATOR
from vedette.config.options import Section
from vedette.config.problems import section_in, section_of
from vedette.config.tree import Config

_HEAD = f"""# Configuration

<!-- Made from the code by `vedette.config.reference`; do not edit. -->

`vedette scan --config FILE` reads a YAML file; `vedette config check FILE` only judges it. Every key may be
left out. An environment variable wins over the file: `{PREFIX}WINDOWS{SEPARATOR}SPAN_S=30` sets
`windows.span_s`. An option on the command line wins over both. A key that does not exist, or stands twice, is
an error.

Variables with names of their own are understood too; one with the prefix wins over them: `WARMUP_LOGS` is
`learned.warmup`, `LOG_LEVEL` is `live.log_level`, `MODEL_DIR` is `learned.models`, and `LOKI_URL` is the `url` of each
of `sources.loki` that has none. Where no Loki is configured, `LOKI_URL` makes one that is asked for `{ALL_JOBS}`.
"""


def config_reference() -> str:
    """Markdown with every section and key: default, unit, limits, meaning."""
    return "\n".join([_HEAD, *_section(Config, ""), *_classic()])


def _classic() -> Iterator[str]:
    """The classic block, by the table that its module begins with."""
    _, _, table = (classic.__doc__ or "").partition("\n\n")
    yield "## The classic block\n"
    yield f"A block `{classic.BLOCK}:` as older installations have it is taken as well, in the file and over the API. A"
    yield "key of today must not say the same beside it.\n"
    yield table


def _section(kind: type[Section], path: str) -> Iterator[str]:
    if path:
        yield f"## `{path}`\n"
        yield f"{kind.__doc__}\n"
    keys = {name: info for name, info in kind.model_fields.items() if section_of(info) is None}
    if keys:
        yield "| key | default | unit | limits | meaning |"
        yield "|---|---|---|---|---|"
        for name, info in keys.items():
            yield from _row(name, info)
        yield ""
    for name, info in kind.model_fields.items():
        if (inner := section_of(info)) is not None:
            yield from _section(inner, f"{path}.{name}" if path else name)


def _row(name: str, info: FieldInfo) -> Iterator[str]:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    default = "(required)" if info.default is PydanticUndefined else f"`{_default(info.default)}`"
    limits = _limits(info)
    if "why" in extra:
        limits += f" ({extra['why']})"
    yield f"| `{name}` | {default} | {extra.get('unit', '')} | {limits} | {info.description} |"
    item = section_in(info)
    if item is not None:
        for inner, inner_info in item.model_fields.items():
            yield from _row(f"{name}[].{inner}", inner_info)


def _default(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_default(each) for each in value)}]"
    return str(value)


def _limits(info: FieldInfo) -> str:
    if isinstance(info.annotation, type) and issubclass(info.annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in info.annotation)
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = [
        f"{word} {getattr(limit, name)}"
        for limit in info.metadata
        for name, word in words.items()
        if getattr(limit, name, None) is not None
    ]
    return ", ".join(found)
