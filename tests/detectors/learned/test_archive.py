"""Whatever a model file says of itself, it is refused in one sentence, and takes no more room than it may."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.learned.archive import LARGEST, read_archive, write_archive
from vedette.detectors.learned.card import Card, ModelError

CARD = Card(service="shop", minutes=1.0, start=0, end=60_000_000, rows=3, sessions=2, seed=1, versions={})
WHOLE = write_archive(CARD, {"number": np.arange(12.0).reshape(3, 4)})


def read(content: bytes) -> np.ndarray:
    return read_archive(content, Card, ("number",))[1]["number"]


def npy(header: bytes, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + body


def header(shape: str, descr: str = "'<f8'") -> bytes:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()


def made(change: Callable[[zipfile.ZipFile], None], array: bytes = b"", method: int = 8) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive, zipfile.ZipFile(io.BytesIO(WHOLE)) as known:
        for name in known.namelist():
            archive.writestr(name, array if array and name == "number.npy" else known.read(name))
        change(archive)
    return out.getvalue()


def nothing(_archive: zipfile.ZipFile) -> None:
    """Leave it."""


def bomb(name: str) -> Callable[[zipfile.ZipFile], None]:
    return lambda archive: archive.writestr(name, bytes(LARGEST))


def many(archive: zipfile.ZipFile) -> None:
    for number in range(5_000):
        archive.writestr(f"{number}", b"")


def understated() -> bytes:
    """A part that says it is 100 bytes long, and is a gigabyte."""
    content = bytearray(made(nothing, bytes(LARGEST - 4096)))
    size = (LARGEST - 4096).to_bytes(4, "little")
    assert content.count(size) == 2
    return bytes(content.replace(size, (100).to_bytes(4, "little")))


def locked() -> bytes:
    content = bytearray(WHOLE)
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


HOSTILE = {
    "unpacked, more than may be": made(bomb("other")),
    "longer than it says": understated(),
    "a long list": made(many),
    "a comment": made(lambda archive: setattr(archive, "comment", b"x" * 60)),
    "locked": locked(),
    "packed by LZMA": made(nothing, method=zipfile.ZIP_LZMA),
    "packed by bzip2": made(nothing, method=zipfile.ZIP_BZIP2),
    "a huge array": made(nothing, npy(header("(1000000000000, 8)"))),
    "a larger array than there is": made(nothing, npy(header("(4000000000,)"), bytes(64))),
    "a size beyond 64 bits": made(nothing, npy(header("(4294967296, 4294967296, 4)"), bytes(64))),
    "a negative size": made(nothing, npy(header("(-1, -8)"), bytes(64))),
    "objects": made(nothing, npy(header("(1,)", "'|O'"), bytes(8))),
    "no type": made(nothing, npy(header("(1,)", "'nothing'"), bytes(8))),
    "nested": made(nothing, npy(b"(" * 9_000)),
    "no header": made(nothing, npy(b"{'descr': ")),
    "another version": made(nothing, npy(header("(1,)"), bytes(8), b"\x03\x00")),
    "a shape that is none": made(nothing, npy(header("('a',)"), bytes(8))),
}


def test_what_was_written_is_read() -> None:
    assert read(WHOLE).tolist() == np.arange(12.0).reshape(3, 4).tolist()


def test_an_array_by_columns_is_read_as_it_is() -> None:
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    content = write_archive(CARD, {"number": array})
    assert read(content).tolist() == array.tolist()


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_do_harm_is_refused_and_takes_little_room(name: str) -> None:
    tracemalloc.start()
    with pytest.raises(ModelError) as refused:
        read(HOSTILE[name])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 << 20
    assert "\n" not in str(refused.value)


def test_a_card_nested_too_deep_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("card.json", b'{"service":' + b"[" * 100_000)
    with pytest.raises(ModelError):
        read(out.getvalue())


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_altered_bytes_raise_nothing_else(changes: list[tuple[int, int]]) -> None:
    content = bytearray(WHOLE)
    for place, byte in changes:
        content[place] = byte
    with suppress(ModelError):
        assert read(bytes(content)).size
