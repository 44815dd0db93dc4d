"""The findings document's shape, made from the nouns so that it cannot fall behind them.

A noun's wire type has its fields, except that times are ISO 8601 text and that every number may be null: JSON
has no NaN and no infinity. Fields that the type does not know are refused.
"""

import math
from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Coverage
from vedette.schema.incident import Incident

SCHEMA = "vedette/findings/1"
"""What a document says it is. The number grows when a reader of the old shape would misread the new one."""

TIME = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
        description="ISO 8601, UTC, microseconds.",
        extra_json_schema={"format": "date-time"},
    ),
]
TIMES = frozenset({"start", "end"})
"""Fields that are times, wherever they stand."""


class SkippedSample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that is no request, as a sample of its kind."""

    reason: str
    source: str
    line: int
    text: str


@cache
def _wire(noun: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The wire type of a struct."""
    hints = get_type_hints(noun, include_extras=True)
    return msgspec.defstruct(
        noun.__name__,
        [(name, _wire_field(name, hints[name])) for name in noun.__struct_fields__],
        namespace={"__doc__": (noun.__doc__ or "").partition("\n")[0]},
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _wire_field(name: str, hint: Any) -> Any:
    if name == "skipped_samples":
        return list[SkippedSample]
    if name in TIMES:
        return TIME | None if NoneType in get_args(hint) else TIME
    return _wire_hint(hint)


def _wire_hint(hint: Any) -> Any:
    if hint is float:
        return float | None
    if _is_noun(hint):
        return _wire(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(_wire_hint(part) for part in parts)]  # noqa: UP007 # built from a tuple
    if origin in (tuple, list, dict):
        return origin[tuple(part if part is ... else _wire_hint(part) for part in parts)]
    return hint


def _is_noun(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


ANOMALY = _wire(Anomaly)
INCIDENT = _wire(Incident)
COVERAGE = _wire(Coverage)
DOCUMENT = msgspec.defstruct(
    "Findings",
    [
        ("schema", Annotated[str, msgspec.Meta(pattern=f"^{SCHEMA}$")]),
        ("anomalies", list[ANOMALY]),  # type: ignore[valid-type] # a type made at run time
        ("incidents", list[INCIDENT]),  # type: ignore[valid-type] # as above
        ("coverage", COVERAGE),
    ],
    namespace={"__doc__": "What a run found and what it covered."},
    forbid_unknown_fields=True,
)


def restorer(hint: Any) -> Callable[[Any], Any]:
    """What turns a wire value, as builtins, into one that fits a noun's type: null for a number becomes NaN.

    Args:
        hint: The noun's type of the value.
    """
    if hint is float:
        return _number
    origin, parts = get_origin(hint), get_args(hint)
    if _is_noun(hint):
        fields = {
            name: restore
            for name, inner in get_type_hints(hint).items()
            if (restore := restorer(inner)) is not _same
        }
        return lambda value: {**value, **{name: restore(value[name]) for name, restore in fields.items()}}
    each = restorer(parts[-1 if origin is dict else 0]) if origin in (tuple, list, dict) else _same
    if each is _same:
        return _same
    if origin is dict:
        return lambda value: {key: each(item) for key, item in value.items()}
    return lambda value: [each(item) for item in value]


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _same(value: Any) -> Any:
    return value
