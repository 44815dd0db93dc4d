"""Bodies that routes read by themselves, as the OpenAPI document describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema


def reads(description: str, bodies: Mapping[str, Schema]) -> type[Operation]:
    """An operation whose body is one of several media types.

    Args:
        description: What the body is. bodies: Schema by media type.
    """
    body = RequestBody(
        content={kind: OpenAPIMediaType(schema=schema) for kind, schema in bodies.items()},
        description=description,
        required=True,
    )

    @dataclass
    class Reading(Operation):
        request_body: RequestBody | None = field(default_factory=lambda: body)

    return Reading


def text(description: str) -> Schema:
    """A body of text."""
    return Schema(type=OpenAPIType.STRING, description=description)


def octets(description: str) -> Schema:
    """A body of bytes."""
    return Schema(type=OpenAPIType.STRING, content_encoding="binary", description=description)


_TEXT = Schema(type=OpenAPIType.STRING, min_length=1)
ENTRY = Schema(
    any_of=[
        _TEXT,
        Schema(
            type=OpenAPIType.OBJECT,
            properties={
                "log_line": _TEXT,
                "session_id": Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL], max_length=200),
            },
            required=["log_line"],
            additional_properties=False,
        ),
    ]
)
"""One entry of a batch."""


def batch(most: int) -> Schema:
    """The JSON body of a batch."""
    entries = Schema(type=OpenAPIType.ARRAY, items=ENTRY, max_items=most)
    return Schema(
        type=OpenAPIType.OBJECT,
        properties={"logs": entries, "log_lines": entries},
        any_of=[Schema(required=["logs"]), Schema(required=["log_lines"])],
        additional_properties=False,
        description="`log_lines` is another name for `logs`.",
    )
