"""Where bytes come from: files, directories, standard input. Knows the nouns only."""

from vedette.sources.bytes import ByteReader
from vedette.sources.discover import Discovery, Input, Skipped, discover
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.files import Reader, read_chunks
from vedette.sources.pool import BufferPool, PoolClosedError

__all__ = [
    "BufferPool",
    "ByteReader",
    "Discovery",
    "Input",
    "PoolClosedError",
    "Reader",
    "Skipped",
    "SourceError",
    "SourceProblem",
    "discover",
    "read_chunks",
]
