"""A bank's memory as bytes: plain arrays with their shapes, checked on the way back in."""

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.state import PackedArray
from vedette.schema.state import pack as packed_array

VERSION: Final = 1
_TYPES: Final = frozenset({"float64", "float32", "int64", "int32"})
_LARGEST: Final = 1 << 32


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored: whose state it is, and its numbers and arrays by name."""

    version: int
    kind: str
    numbers: dict[str, float]
    arrays: dict[str, PackedArray]


def pack(kind: str, numbers: dict[str, float], arrays: dict[str, NDArray[np.generic]]) -> bytes:
    """MessagePack bytes of a state."""
    packed = {name: packed_array(array) for name, array in arrays.items()}
    return msgspec.msgpack.encode(Snapshot(version=VERSION, kind=kind, numbers=numbers, arrays=packed))


def unpack(content: bytes, kind: str) -> tuple[dict[str, float], dict[str, NDArray[np.generic]]]:
    """The numbers and arrays of a state packed as `kind`.

    Raises:
        ValueError: Damaged, of another kind or version, or an array's shape and bytes disagree.
    """
    try:
        snapshot = msgspec.msgpack.decode(content, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise ValueError(f"baseline state is damaged: {error}") from error
    if snapshot.version != VERSION:
        raise ValueError(
            f"baseline state has version {snapshot.version}: this program reads version {VERSION}"
        )
    if snapshot.kind != kind:
        raise ValueError(f"baseline state is of {snapshot.kind!r}: must be of {kind!r}")
    return snapshot.numbers, {name: _array(name, packed) for name, packed in snapshot.arrays.items()}


def _array(name: str, packed: PackedArray) -> NDArray[np.generic]:
    if packed.dtype not in _TYPES:
        raise ValueError(
            f"baseline state: array {name!r} has type {packed.dtype!r}, which is not one of ours"
        )
    dtype = np.dtype(packed.dtype).newbyteorder("<")
    if any(not 0 <= n < _LARGEST for n in packed.shape):
        raise ValueError(f"baseline state: array {name!r} has shape {packed.shape}")
    if math.prod(packed.shape) * dtype.itemsize != len(packed.content):
        raise ValueError(
            f"baseline state: array {name!r} of shape {packed.shape} has {len(packed.content)} bytes"
        )
    array = np.frombuffer(packed.content, dtype=dtype).reshape(packed.shape)
    return array.astype(packed.dtype)  # a copy of our own, writable, in native order
