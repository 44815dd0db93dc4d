"""Where messages begin and end in a TCP stream (RFC 6587): by a count before each, or by newlines."""

import re

FRAME_BYTES = 64 << 10
"""Longest frame, as long as UDP allows: what one sender can make us hold."""

_COUNT = re.compile(rb"([1-9][0-9]{0,8}) ")
_DIGITS = re.compile(rb"[0-9]{1,9}\Z")


class Frames:
    """Cuts a stream into frames.

    Attributes:
        cut_frames: Frames longer than `FRAME_BYTES`, of which only as much was given.
        cut_bytes: Bytes dropped from them.
    """

    def __init__(self) -> None:
        self.cut_frames = 0
        self.cut_bytes = 0
        self._held = bytearray()
        self._skip = 0
        self._skip_line = False

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are whole now."""
        self._held += data
        frames: list[bytes] = []
        at = 0
        while at < len(self._held):
            if self._skip or self._skip_line:
                at = self._skipped(at)
                continue
            counted = _COUNT.match(self._held, at)
            end = self._counted(counted, frames) if counted is not None else self._by_newline(at, frames)
            if end < 0:
                break
            at = end
        del self._held[:at]
        return frames

    def end(self) -> list[bytes]:
        """What was left unfinished when the sender hung up."""
        rest = bytes(self._held)
        self._held.clear()
        return [rest] if rest and not self._skip_line and _DIGITS.match(rest) is None else []

    def _counted(self, found: re.Match[bytes], frames: list[bytes]) -> int:
        size, start = int(found[1]), found.end()
        kept = min(size, FRAME_BYTES)
        if len(self._held) - start < kept:
            return -1
        frames.append(bytes(self._held[start : start + kept]))
        if size > kept:
            self.cut_frames += 1
            self.cut_bytes += size - kept
            self._skip = size - kept
        return start + kept

    def _by_newline(self, at: int, frames: list[bytes]) -> int:
        end = self._held.find(b"\n", at, at + FRAME_BYTES + 1)
        if end < 0:
            if len(self._held) - at <= FRAME_BYTES:
                return -1
            frames.append(bytes(self._held[at : at + FRAME_BYTES]))
            self.cut_frames += 1
            self._skip_line = True
            return at + FRAME_BYTES
        if end > at:
            frames.append(bytes(self._held[at:end]))
        return end + 1

    def _skipped(self, at: int) -> int:
        if self._skip_line:
            end = self._held.find(b"\n", at)
            self._skip_line = end < 0
            end = len(self._held) if end < 0 else end
            self.cut_bytes += end - at
            return end if self._skip_line else end + 1
        passed = min(self._skip, len(self._held) - at)
        self._skip -= passed
        return at + passed
