"""Bodies as they arrive: not longer and not slower than allowed."""

import asyncio
from typing import Any, Final

from vedette.server.problem import ProblemError

NO_LIMIT: Final = 0


class Intake:
    """Wraps `receive` of one request.

    Args:
        receive: The server's. most: Bytes of the longest body, `NO_LIMIT` for a stream.
        wait_s: How long a whole body may take, or each piece of a stream.
    """

    def __init__(self, receive: Any, most: int, wait_s: float) -> None:
        self._receive = receive
        self._most = most
        self._wait_s = wait_s
        self._size = 0
        self._ended = False
        self._until: float | None = None
        self.refused: ProblemError | None = None
        """Why the body was refused, if it was."""

    async def __call__(self) -> Any:
        """The next message."""
        if self._ended:
            return await self._receive()
        if _is_here(self._receive):
            message = await self._receive()
        else:
            message = await self._next()
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._most != NO_LIMIT and self._size > self._most:
                raise self._refuse(413, too_long(self._most))
        else:
            self._ended = True
        return message

    async def _next(self) -> Any:
        """The next message, if it comes in time."""
        if self._until is None or self._most == NO_LIMIT:
            self._until = asyncio.get_running_loop().time() + self._wait_s
        try:
            async with asyncio.timeout_at(self._until):
                return await self._receive()
        except TimeoutError:
            raise self._refuse(408, f"the body took longer than {self._wait_s:g} s to arrive") from None

    def _refuse(self, status: int, detail: str) -> ProblemError:
        self.refused = ProblemError(status, detail, headers={"Connection": "close"})
        return self.refused


def _is_here(receive: Any) -> bool:
    """Whether the rest of the body has arrived, as far as uvicorn's own `receive` tells: then nothing is waited for."""
    return getattr(getattr(receive, "__self__", None), "more_body", True) is False


def too_long(most: int) -> str:
    """What a caller with too long a body is told."""
    return f"the body is longer than {most} bytes: send less at a time"
