"""State as bytes: typed MessagePack, arrays with their type and shape, all of it checked on the way back in.

A class that remembers something has a pair `to_state() -> bytes` and `from_state(bytes)`. What one gives the other
takes, in this process or a later one; anything else is refused with `StateError`. After a refusal the object may be
half filled: it is to be thrown away.
"""

import math
from collections.abc import Collection
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import DTypeLike, NDArray

_PLAIN: Final = b"\0"
_WITH_ODD_TEXT: Final = b"\1"
_ODD_TEXT: Final = 1
"""MessagePack's type number of a text that is not valid Unicode: log bytes that were no UTF-8."""

T = TypeVar("T")


class StateError(ValueError):
    """Bytes that are no state, or not one that fits."""


class PackedArray(msgspec.Struct, frozen=True, array_like=True):
    """One array, C order, little endian."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes


def pack(array: NDArray[Any]) -> PackedArray:
    """An array of any shape as bytes, with its type and shape; little-endian on every machine."""
    little = array.dtype.newbyteorder("<")
    return PackedArray(array.dtype.name, array.shape, np.ascontiguousarray(array, little).tobytes())


def unpack(packed: PackedArray, dtype: DTypeLike, shape: tuple[int | None, ...], what: str) -> NDArray[Any]:
    """The array, a copy of one's own in native order.

    Args:
        packed: From `pack`. dtype: As it must be. shape: The same; None where any length will do.
        what: Named in errors.

    Raises:
        StateError: It is another.
    """
    wanted = np.dtype(dtype)
    fits = len(packed.shape) == len(shape) and all(
        have >= 0 and have == (have if want is None else want)
        for have, want in zip(packed.shape, shape, strict=True)
    )
    if packed.dtype != wanted.name or not fits:
        told = ", ".join("any" if n is None else str(n) for n in shape)
        raise StateError(
            f"{what} is an array of {packed.dtype[:20]!r} of shape {packed.shape[:8]}: "
            f"must be {wanted.name} of shape ({told})"
        )
    if math.prod(packed.shape) * wanted.itemsize != len(packed.content):
        raise StateError(f"{what} of shape {packed.shape} has {len(packed.content)} bytes")
    array = np.frombuffer(packed.content, dtype=wanted.newbyteorder("<")).reshape(packed.shape)
    return array.astype(wanted)


def encode(state: Any) -> bytes:
    """A state of structs, lists, numbers, texts, bytes and packed arrays; odd text only as a value, never a key."""
    try:
        return _PLAIN + msgspec.msgpack.encode(state)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(state, builtin_types=(bytes,))
        return _WITH_ODD_TEXT + msgspec.msgpack.encode(_marked(plain))


def decode(content: bytes, type: type[T], what: str) -> T:  # noqa: A002 - as in msgspec
    """What `encode` took.

    Raises:
        StateError: It took something else, or the bytes are damaged.
    """
    try:
        if content[:1] == _PLAIN:
            return msgspec.msgpack.decode(memoryview(content)[1:], type=type)
        if content[:1] == _WITH_ODD_TEXT:
            plain = msgspec.msgpack.decode(memoryview(content)[1:], ext_hook=_odd_text)
            return msgspec.convert(plain, type, builtin_types=(bytes,))
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError) as error:
        raise StateError(f"{what} is damaged: {str(error)[:200]}") from error
    raise StateError(f"{what} is damaged: it begins with {content[:1]!r}")


def check(good: bool, what: str) -> None:
    """Refuse a state in which something does not hold.

    Raises:
        StateError: It does not.
    """
    if not good:
        raise StateError(f"{what} is damaged")


def within(numbers: Collection[int] | NDArray[Any], least: int, past: int, what: str) -> None:
    """Refuse numbers outside least..past-1.

    Raises:
        StateError: One is.
    """
    if len(numbers):
        low, high = (
            (numbers.min(), numbers.max())
            if isinstance(numbers, np.ndarray)
            else (min(numbers), max(numbers))
        )
        if not least <= low <= high < past:
            raise StateError(f"{what} runs from {low} to {high}: must be within {least}..{past - 1}")


def _marked(value: Any) -> Any:
    """The same with odd texts marked as such."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return msgspec.msgpack.Ext(_ODD_TEXT, value.encode("utf-8", "surrogatepass"))
        return value
    if isinstance(value, dict):
        return {key: _marked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(inner) for inner in value]
    return value


def _odd_text(code: int, text: memoryview) -> str:
    if code != _ODD_TEXT:
        raise StateError(f"extension {code} is none of ours")
    return bytes(text).decode("utf-8", "surrogatepass")
