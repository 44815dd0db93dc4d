"""Exceptions that were made over the API, as a store keeps them."""

import json
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from vedette.config.errors import ConfigError
from vedette.config.exceptions import ExceptionRule

DOCUMENT = "exceptions"
_RULES: TypeAdapter[tuple[ExceptionRule, ...]] = TypeAdapter(tuple[ExceptionRule, ...])


def to_document(exceptions: Sequence[ExceptionRule]) -> bytes:
    """Exceptions as JSON."""
    return json.dumps(
        [each.model_dump(mode="json", exclude_defaults=True) for each in exceptions], ensure_ascii=True
    ).encode()


def from_document(content: bytes | None) -> tuple[ExceptionRule, ...]:
    """What `to_document` gave.

    Raises:
        ConfigError: It is damaged.
    """
    if content is None:
        return ()
    try:
        return _RULES.validate_json(content)
    except ValidationError as error:
        problem = (
            f"{DOCUMENT}: what the store keeps is damaged ({error.error_count()} errors): remove it there"
        )
        raise ConfigError((problem,)) from None
