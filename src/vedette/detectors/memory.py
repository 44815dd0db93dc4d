"""What detectors remember from window to window, as bytes."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from vedette.schema.state import check, decode, encode


class Memory(Protocol):
    """Something that is remembered: see `vedette.schema.state`."""

    def to_state(self) -> bytes:
        """All of it, as bytes."""
        ...

    def from_state(self, content: bytes, /) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        ...


class Memoryless:
    """Base of detectors that judge each window by itself."""

    def to_state(self) -> bytes:
        """Nothing."""
        return b""

    def from_state(self, content: bytes) -> None:
        """Take over nothing. Raises `StateError` for anything else."""
        check(not content, "memory of a detector that has none")


class Remembering:
    """Base of detectors that remember; says which parts of them do.

    Attributes:
        added: How many of these parts, the last ones, are not in states of earlier versions.
    """

    added: ClassVar[int] = 0

    def memories(self) -> Sequence[Memory]:
        """Those parts, always in the same order."""
        raise NotImplementedError

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode([memory.to_state() for memory in self.memories()])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        parts, memories = decode(content, list[bytes], "memory of a detector"), self.memories()
        check(len(memories) - self.added <= len(parts) <= len(memories), "memory of a detector")
        for memory, part in zip(memories, parts, strict=False):
            memory.from_state(part)
