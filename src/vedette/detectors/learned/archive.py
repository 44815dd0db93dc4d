"""Models as bytes: a zip of plain arrays (NPY), a card (JSON) and other plain content. Nothing in it is code."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import Card, ModelError

LARGEST: Final = 32 << 20
"""Bytes of the largest model that is read."""
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    EOFError,
    OSError,
    NotImplementedError,
)

C = TypeVar("C", bound=Card)


def write_archive(
    card: Card, arrays: Mapping[str, NDArray[Any]], contents: Mapping[str, bytes] | None = None
) -> bytes:
    """A model's parts as one zip; equal parts give equal bytes.

    Args:
        arrays: By name. contents: Other files, by name with its suffix.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("card.json"), msgspec.json.encode(card, order="sorted"))
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)
        for name, plain in (contents or {}).items():
            archive.writestr(zipfile.ZipInfo(name), plain, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read_archive(
    content: bytes, card: type[C], arrays: Sequence[str], contents: Sequence[str] = ()
) -> tuple[C, dict[str, NDArray[Any]], dict[str, bytes]]:
    """What `write_archive` gave: the card, and the parts by name.

    Args:
        content: The bytes. card: Type of the card. arrays, contents: Names of the parts; all must be there.

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
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            told = msgspec.json.decode(_member(archive, "card.json"), type=card)
            found = {name: _array(archive, name) for name in arrays}
            plain = {name: _member(archive, name) for name in contents}
    except _DAMAGED as error:
        raise ModelError(f"no model, or a damaged one: {str(error)[:200]}") from error
    return told, found, plain


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


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    entry = archive.getinfo(name)
    if entry.file_size > LARGEST:
        raise ValueError(f"{name} has {entry.file_size} bytes unpacked: at most {LARGEST} are read")
    return archive.read(entry)


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.load(io.BytesIO(_member(archive, f"{name}.npy")), allow_pickle=False)
    return np.ascontiguousarray(array)
