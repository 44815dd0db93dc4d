"""How a file is known again: by its inode, its first bytes, and those before the place where reading stands.

An inode alone says little: it is reused as soon as a file is gone, and it stays when a file is truncated and
written anew. The bytes say whether what stands there is still what was read.
"""

import os
from hashlib import blake2b

import msgspec

from vedette.sources.tail.content import Content

MARK_BYTES = 256
"""How many bytes are compared at either place: more than the headers that formats begin every file with."""

Identity = tuple[int, int]
"""Device and inode."""


def digest(data: bytes) -> bytes:
    """Eight bytes that stand for `data` in a position."""
    return blake2b(data, digest_size=8).digest()


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where reading of one file stood, as a position keeps it. Paths are bytes: they need not be text."""

    stream: bytes
    """The path under which it is followed."""
    path: bytes
    """Where it was last, links resolved."""
    device: int
    inode: int
    offset: int
    """Bytes handed on."""
    lines: int
    """Lines handed on."""
    size: int
    """When its content was last looked at."""
    modified: int
    """Then, nanoseconds since the epoch."""
    head_bytes: int
    head: bytes
    """Digest of that many first bytes."""
    before_bytes: int
    before: bytes
    """Digest of that many bytes before `offset`."""
    skipping: bool
    """Whether `offset` is inside a line whose rest is dropped."""
    packed: bool
    """Whether it is compressed; `offset` counts decompressed bytes."""
    live: bool
    """Whether it stood at its stream's own path."""
    ended: bool
    """Whether it was read to its end and given up."""

    @property
    def identity(self) -> Identity:
        """Its device and inode."""
        return self.device, self.inode

    @property
    def name(self) -> str:
        """The path of its stream."""
        return os.fsdecode(self.stream)

    def held_by(self, content: Content) -> bool:
        """Whether a file's content is what was read here, at both places."""
        if digest(content.read(0, self.head_bytes)) != self.head:
            return False
        start = self.offset - self.before_bytes
        return digest(content.read(start, self.before_bytes)) == self.before
