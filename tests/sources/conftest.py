"""What the tests of sources share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vedette.schema.chunk import PADDING, Chunk
from vedette.sources.discover import Input
from vedette.sources.files import Reader, read_chunks
from vedette.sources.long_lines import LINE_BYTES
from vedette.sources.pool import BufferPool


def checked(chunk: Chunk, pool: BufferPool, next_line: int) -> bytes:
    """The chunk's bytes, after holding it to the contract that parsers rely on."""
    assert 0 < chunk.length <= pool.chunk_bytes
    assert len(chunk.buffer) >= 2 * chunk.length + 2 * PADDING
    assert bytes(chunk.buffer[chunk.length : chunk.length + PADDING]) == b"\n" * PADDING
    assert chunk.first_line == next_line
    return bytes(chunk.buffer[: chunk.length])


@pytest.fixture
def make_input(tmp_path: Path) -> Callable[[bytes], Input]:
    def make(data: bytes, name: str = "access.log") -> Input:
        path = tmp_path / name
        path.write_bytes(data)
        return Input(str(path), path, name)

    return make


@pytest.fixture
def read_all(make_input: Callable[[bytes], Input]) -> Callable[..., tuple[list[bytes], Reader]]:
    """Write bytes to a file and read it whole: (each chunk's bytes, the finished reader)."""

    def read(
        data: bytes, *, chunk_bytes: int = 4 << 20, line_bytes: int = LINE_BYTES
    ) -> tuple[list[bytes], Reader]:
        pool = BufferPool(chunk_bytes, limit=1)
        reader = read_chunks(make_input(data), pool=pool, line_bytes=line_bytes)
        chunks: list[bytes] = []
        next_line = 1
        for chunk in reader:
            text = checked(chunk, pool, next_line)
            next_line += text.count(b"\n") + (not text.endswith(b"\n"))
            chunks.append(text)
            pool.release(chunk.buffer)
        assert reader.lines == next_line - 1
        assert reader.bytes == sum(map(len, chunks))
        return chunks, reader

    return read
