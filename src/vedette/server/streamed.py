"""An answer that is written while the question is still being read."""

from collections.abc import AsyncIterator
from typing import Any


class Streamed:
    """An ASGI response whose pieces come from an iterator.

    The framework's own watches for the caller to go away by reading messages, and would eat the body.

    Args:
        pieces: What is sent. media_type: Its type.
    """

    def __init__(self, pieces: AsyncIterator[bytes], media_type: str) -> None:
        self._pieces = pieces
        self._media_type = media_type

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 -- the iterator reads
        """Send it all."""
        begun = False
        async for piece in self._pieces:
            if not begun:
                # Only now: what is wrong with the first piece can still become a status.
                begun = True
                await send(
                    {
                        "type": "http.response.start",
                        "status": 200,
                        "headers": [(b"content-type", self._media_type.encode())],
                    }
                )
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
