"""What is read of a pipe before it is known how it will be read is not lost, nor read twice."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vedette.sources.beginning import with_beginning
from vedette.sources.discover import Input
from vedette.sources.files import open_raw
from vedette.sources.streams import fill


@contextmanager
def pipe(data: bytes, *, ends: bool = True) -> Iterator[Input]:
    """A pipe that brings these bytes."""
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb", closefd=False) as file:
            file.write(data)
        if ends:
            os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    with FileIO(reading) as held:
        yield Input("pipe", None, "pipe", held=held)
        writer.join()
    if not ends:
        os.close(writing)


def read(source: Input, size: int) -> bytes:
    """All that an input brings, in pieces."""
    stream, _ = open_raw(source, None)
    found = b""
    while got := fill(stream, memoryview(piece := bytearray(size))):
        found += piece[:got]
        assert stream.position == len(found)
    return found


@given(
    st.integers(0, 300_000),
    st.lists(st.one_of(st.integers(1, 10), st.integers(1, 400_000)), max_size=3),
    st.integers(1000, 200_000),
)
def test_all_is_read_once_however_much_was_looked_at(length: int, looks: list[int], size: int) -> None:
    data = (os.urandom(1 << 10) * (length // 1024 + 1))[:length]
    with pipe(data) as source:
        for number, count in enumerate(looks, 1):
            source = with_beginning(source, count, None)
            assert source.begun == data[: max(count, len(source.begun))]
            assert source.whole == (len(data) < max(looks[:number]))
        assert source.stored_bytes == (length if source.whole else None)
        assert read(source, size) == data
        if source.whole:
            assert read(source, size) == data


def test_who_is_told_to_stop_has_what_came_until_then() -> None:
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pipe(b"so far", ends=False) as source:
        source = with_beginning(source, 1000, stopped)
        assert (source.begun, source.whole) == (b"so far", True)


def test_a_file_is_read_when_it_is_read(make_input: Callable[[bytes], Input], tmp_path: Path) -> None:
    source = make_input(b"abc")
    assert with_beginning(source, 2, None) is source
    assert source.stored_bytes == 3
    (tmp_path / "access.log").unlink()
    assert source.stored_bytes is None
