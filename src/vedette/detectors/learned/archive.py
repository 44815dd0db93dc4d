"""Models as bytes: a zip of plain arrays (NPY) and a card (JSON). Nothing in it is code."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from math import prod
from tokenize import TokenError
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import Card, ModelError

LARGEST: Final = 32 << 20
"""Bytes of the largest model that is read, packed and, all of its parts together, unpacked."""
_MOST_DIRECTORY: Final = 1 << 14
"""Bytes of a zip's list of its parts: each takes a hundred, and is ten times as large once it is read."""
_END: Final = struct.Struct("<4s4xHHLLH")
_END_64: Final = b"PK\x06\x07"
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    EOFError,
    OSError,
    OverflowError,
    # A part that asks for a password, and whatever is nested too deep.
    RuntimeError,
    # What parses the header of an array.
    SyntaxError,
    TokenError,
    TypeError,
)

C = TypeVar("C", bound=Card)


def write_archive(card: Card, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A card and arrays by name as one zip; equal parts give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("card.json"), msgspec.json.encode(card, order="sorted"))
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read_archive(
    content: bytes, card: type[C], arrays: Sequence[str] | Callable[[C], Sequence[str]]
) -> tuple[C, dict[str, NDArray[Any]]]:
    """What `write_archive` gave: the card, and the arrays by name.

    Args:
        content: The bytes. card: Type of the card. arrays: Their names, by the card or always; all must be there.

    Raises:
        ModelError: It is no such thing, or is damaged.
    """
    if content[:1] == b"\x80" or content[:2] == b"(d":
        raise ModelError(
            "a pickle, which can run code when it is read: only models written by Vedette are taken"
        )
    if len(content) > LARGEST:
        raise ModelError(f"{len(content)} bytes: at most {LARGEST} are read")
    try:
        _check_directory(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > LARGEST:
                raise ValueError(f"{unpacked} bytes unpacked: at most {LARGEST} are read")
            told = msgspec.json.decode(_member(archive, "card.json"), type=card)
            told.refuse()
            names = arrays(told) if callable(arrays) else arrays
            found = {name: _array(archive, name) for name in names}
    except _DAMAGED as error:
        raise ModelError(f"no model, or a damaged one: {str(error)[:200]}") from error
    return told, found


def check_arrays(
    arrays: Mapping[str, NDArray[Any]], wanted: Mapping[str, tuple[Any, tuple[int, ...]]]
) -> None:
    """Refuse arrays of another type or shape than wanted.

    Raises:
        ModelError: One is.
    """
    for name, (dtype, shape) in wanted.items():
        array = arrays[name]
        if array.dtype != dtype or array.shape != shape:
            raise ModelError(
                f"array {name} is {array.dtype} of shape {array.shape}: must be {np.dtype(dtype)} {shape}"
            )


def _check_directory(content: bytes) -> None:
    """Refuse what does not end as `write_archive` ends it, or lists too much: all of a list is read at once."""
    if len(content) < _END.size:
        raise ValueError("it is too short")
    signature, _, _, listed, _, comment = _END.unpack(content[-_END.size :])
    if signature != b"PK\x05\x06" or comment or content[-_END.size - 20 :].startswith(_END_64):
        raise ValueError("its end is not that of a zip without comment")
    if listed > _MOST_DIRECTORY:
        raise ValueError(f"the list of its parts has {listed} bytes: at most {_MOST_DIRECTORY} are read")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise ValueError(f"it has no {name}: must have one") from None
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is packed by method {entry.compress_type}: must be stored or deflated")
    with archive.open(entry) as stream:
        # With an end, and one byte more, so that its checksum is looked at: without, all that is packed is unpacked
        # before its size is held against what was said of it.
        return stream.read(entry.file_size + 1)


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    content = _member(archive, f"{name}.npy")
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"array {name} is of version {version[0]}.{version[1]}: must be 1.0")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(stream)
    # Held against what there is before there is room for it.
    wanted, held = prod(shape) * dtype.itemsize, len(content) - stream.tell()
    if dtype.hasobject or wanted != held or any(size < 0 for size in shape):
        raise ValueError(f"array {name} is {dtype} of shape {shape}, in {held} bytes")
    flat = np.frombuffer(content, dtype=dtype, offset=stream.tell())
    return np.array(flat.reshape(shape, order="F" if by_column else "C"), order="C")
