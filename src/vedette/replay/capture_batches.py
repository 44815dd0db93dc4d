"""A capture's frames, a cache's worth at a time."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flows.captures import CaptureParser, Frames
from vedette.sources import ByteReader

_BUFFER: Final = 2 << 20
_PIECE: Final = 1 << 19
"""Bytes of captures read at once: their packets stay in near caches until they are in their flows."""
_SPARE: Final = 64


class CaptureBatches:
    """Reads a capture once.

    Args:
        reader: Its bytes. parser: What finds frames in them.
        stopped: Once it says so, nothing more is read.

    Attributes:
        left: Bytes at the end that are no whole record.
    """

    def __init__(self, reader: ByteReader, parser: CaptureParser, stopped: Callable[[], bool]) -> None:
        self._reader = reader
        self._parser = parser
        self._stopped = stopped
        self.left = 0

    def __iter__(self) -> Iterator[tuple[NDArray[np.uint8], Frames]]:
        """A buffer, and the frames in it; both are good until the next are asked for."""
        memory = bytearray(_BUFFER + _SPARE)
        view, buffer = memoryview(memory), np.frombuffer(memory, dtype=np.uint8)
        parser = self._parser
        have = 0
        while not self._stopped():
            got = self._reader.readinto(view[have : min(_BUFFER, have + _PIECE)])
            have += got
            at, more = 0, True
            while more:
                frames = parser.parse(buffer[at:], have - at)
                yield buffer[at:], frames
                at += frames.consumed
                more = frames.more
            view[: have - at] = bytes(view[at:have])
            have -= at
            self.left = have
            if not got or parser.damage is not None:
                return
