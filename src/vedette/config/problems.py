"""Turns what pydantic finds wrong into a sentence with key, value, rule and remedy."""

import difflib
import json
from collections.abc import Iterator
from typing import get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from vedette.config.errors import KeyPath
from vedette.config.options import Section
from vedette.config.secret import without_password


def section_of(info: FieldInfo) -> type[Section] | None:
    """The section that a field holds, None for a plain key."""
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def dotted(path: KeyPath) -> str:
    """A path as messages print it: `input.services[0].name`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def problem_sentence(tree: type[Section], error: ErrorDetails) -> str:
    """Say which key is wrong, its value, the rule, and the remedy."""
    path = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        known = list(_known(tree, path[:-1]))
        like = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.6)
        remedy = f"did you mean '{like[0]}'?" if like else f"known keys here: {', '.join(known)}"
        if not like and (others := list(_elsewhere(tree, str(path[-1])))):
            remedy = f"it stands in another place: {' or '.join(others[:_MOST_PLACES])}"
        return f"{_shown(dotted(path))}: no such key; {remedy}"
    if error["type"] == "missing":
        return f"{dotted(path)}: must be given"
    rule = _rule(error)
    if error["type"] in _LIMITS and (why := _why(tree, path)) is not None:
        rule += f" ({why})"
    if _secret(tree, path):
        return f"{_shown(dotted(path))}: {rule}"
    given = error["input"]
    if isinstance(given, str):
        given = without_password(given)
    return f"{_shown(dotted(path))} = {_shown(json.dumps(given, default=str))}: {rule}"


_MOST_PLACES = 3
"""Places of a key that stands elsewhere that are named."""
_LIMITS = {
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "too_short": "must have at least {min_length}",
    "too_long": "must have at most {max_length}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
}
_RULES = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text; put it in quotes",
    "tuple_type": "must be a list, like [a, b]",
    "dict_type": "must be a mapping of keys to values",
    "mapping_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "datetime_type": "must be a time, like 2024-12-25T08:30Z",
    "datetime_parsing": "must be a time, like 2024-12-25T08:30Z",
    "datetime_from_date_parsing": "must be a time, like 2024-12-25T08:30Z",
    "date_type": "must be a day, like 2024-12-25",
    "date_parsing": "must be a day, like 2024-12-25",
    "date_from_datetime_parsing": "must be a day, like 2024-12-25",
    "date_from_datetime_inexact": "must be a day, like 2024-12-25",
}


def _rule(error: ErrorDetails) -> str:
    kind = error["type"]
    context = error.get("ctx", {})
    if kind in _LIMITS:
        return _LIMITS[kind].format(**context)
    if kind == "enum":
        return f"must be one of {context['expected']}"
    if kind == "value_error":
        return str(context["error"])
    return _RULES.get(kind, error["msg"])


def _elsewhere(tree: type[Section], name: str, path: KeyPath = ()) -> Iterator[str]:
    """Where in the tree a key of that name stands."""
    for key, info in tree.model_fields.items():
        section = section_of(info)
        if key == name:
            yield dotted((*path, key))
        elif section is not None:
            yield from _elsewhere(section, name, (*path, key))


def _known(tree: type[Section], path: KeyPath) -> Iterator[str]:
    at = _section_at(tree, path)
    if at is not None:
        yield from at.model_fields


def _why(tree: type[Section], path: KeyPath) -> str | None:
    at = _section_at(tree, path[:-1])
    info = at.model_fields.get(str(path[-1])) if at is not None else None
    extra = info.json_schema_extra if info is not None else None
    return str(extra["why"]) if isinstance(extra, dict) and "why" in extra else None


def _section_at(tree: type[Section], path: KeyPath) -> type[Section] | None:
    at: type[Section] | None = tree
    for key in path:
        if at is None:
            return None
        if isinstance(key, str):
            info = at.model_fields.get(key)
            at = section_in(info) if info is not None else None
    return at


def _secret(tree: type[Section], path: KeyPath) -> bool:
    """Whether what stands at a path is a secret or holds one, and so is not repeated."""
    at = _section_at(tree, path)
    if at is not None:
        return _holds_secret(at)
    above = _section_at(tree, path[:-1])
    info = above.model_fields.get(str(path[-1])) if above is not None and path else None
    return info is not None and of_secret(info)


def _holds_secret(kind: type[Section]) -> bool:
    return any(
        of_secret(info) or ((inner := section_in(info)) is not None and _holds_secret(inner))
        for info in kind.model_fields.values()
    )


def of_secret(info: FieldInfo) -> bool:
    """Whether a key's value is a secret."""
    return SecretStr in (info.annotation, *get_args(info.annotation)) or any(
        SecretStr in get_args(part) for part in get_args(info.annotation)
    )


def section_in(info: FieldInfo) -> type[Section] | None:
    """The section that a field holds, directly or as the items of a list."""
    direct = section_of(info)
    if direct is not None:
        return direct
    for argument in get_args(info.annotation):
        if isinstance(argument, type) and issubclass(argument, Section):
            return argument
    return None


def _shown(text: str) -> str:
    """Text from the file, cut and without control characters, fit for a terminal."""
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return clean if len(clean) <= 80 else f"{clean[:77]}..."
