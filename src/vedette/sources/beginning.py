"""What a pipe brings first, read before it is known how it will be read."""

from collections.abc import Callable

from msgspec.structs import replace

from vedette.sources.discover import Input
from vedette.sources.errors import SourceError
from vedette.sources.files import open_raw


def with_beginning(source: Input, count: int, stopped: Callable[[], bool] | None) -> Input:
    """An input that can be read only once, with so many of its bytes; any other one as it is.

    It waits for them, or for the end. What cannot be opened stays as it is: who reads it tells.

    Args:
        source: What will be read.
        count: Bytes as stored.
        stopped: Looked at while there is nothing to read; once it is true, what has come is all.
    """
    if source.path is not None or source.whole or len(source.begun) >= count:
        return source
    try:
        stream, _ = open_raw(source, stopped)
    except SourceError:
        return source
    begun = stream.peek(count)
    return replace(source, begun=begun, whole=len(begun) < count)
