"""How a configuration key is declared."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict


class Section(BaseModel):
    """A mapping of keys; unknown ones are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        validate_default=False,
        hide_input_in_errors=True,
        # A validator of the whole tree takes longer to build than a small log to scan; most runs set nothing.
        defer_build=True,
    )


def option(default: Any, meaning: str, *, unit: str = "", why: str = "", **limits: Any) -> Any:
    """Declare a key.

    Args:
        default: Its value when it is not given.
        meaning: One sentence for the reference and the JSON schema.
        unit: Of the value, empty where it has none.
        why: Reason of its limits, told to who breaks them.
        **limits: As pydantic's `Field` takes them: `ge`, `gt`, `le`, `lt`, `min_length`, `max_length`.
    """
    extra: JsonDict = {name: text for name, text in (("unit", unit), ("why", why)) if text}
    return Field(default, description=meaning, json_schema_extra=extra or None, **limits)


def section(kind: type[Section]) -> Any:
    """Declare a section whose keys all have defaults; its meaning is the docstring of `kind`."""
    return Field(default_factory=kind.model_construct)
