"""Objects from one process to another: their arrays through memory that both see, the rest through a pipe.

A batch has some forty arrays of a few megabytes together. Those that lie in shared memory already (the lines of a
log, in a shared `BufferPool`) are told by their place; the others are copied there, into a slot that the receiver
gives back when it has done with them.
"""

import mmap
import os
import pickle
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 64
"""Bytes to a multiple of which arrays begin: a cache line."""
_SIZE_BYTES = 8
Span = tuple[int, int, int]
"""Where an array is: number of the memory, offset, bytes."""


class _Packed(msgspec.Struct, frozen=True):
    spans: list[Span]
    body: bytes


class Crossing:
    """A way for objects from the process that made it to one forked from it, or back. One direction only.

    Args:
        slots: Objects that may be under way or looked at.
        slot_bytes: Bytes of arrays that one may bring along in memory; more of them go through the pipe. Memory is
            taken as it is used.
        seen: Other memory that both processes see.
    """

    def __init__(self, slots: int, slot_bytes: int, seen: Sequence[mmap.mmap] = ()) -> None:
        self._slot_bytes = slot_bytes
        self._memory = [*(mmap.mmap(-1, slot_bytes) for _ in range(slots)), *seen]
        self._views = [memoryview(memory) for memory in self._memory]
        places = [_address(np.frombuffer(memory, dtype=np.uint8)) for memory in self._memory]
        self._seen = [
            (place, place + len(self._memory[number]), number)
            for number, place in enumerate(places)
            if number >= slots
        ]

    def pack(self, thing: object, slot: int) -> bytes:
        """What `unpack` makes an equal object of, until the slot is used again."""
        spans: list[Span] = []
        used = 0

        def take(buffer: pickle.PickleBuffer) -> bool:
            """Keep a buffer out of the pickle (false) if it can be told, or put, elsewhere."""
            nonlocal used
            raw = buffer.raw()
            size = raw.nbytes
            if size == 0:
                return True
            address = _address(np.frombuffer(raw, dtype=np.uint8))
            for begin, end, number in self._seen:
                if begin <= address < end:
                    spans.append((number, address - begin, size))
                    return False
            begin = -(-used // _ALIGNMENT) * _ALIGNMENT
            if begin + size > self._slot_bytes:
                return True
            self._views[slot][begin : begin + size] = raw
            spans.append((slot, begin, size))
            used = begin + size
            return False

        body = BytesIO()
        _Pickler(body, take).dump(thing)
        return pickle.dumps(_Packed(spans, body.getvalue()))

    def unpack(self, packed: bytes) -> Any:
        """The object. Its arrays are in the memory itself."""
        # Nobody but the process that this one forked can have written it.
        found = pickle.loads(packed)  # noqa: S301 - as above
        buffers = [self._views[number][begin : begin + size] for number, begin, size in found.spans]
        return pickle.loads(found.body, buffers=buffers)  # noqa: S301 - as above


def write_frame(descriptor: int, content: bytes) -> None:
    """Write some bytes and how many they are.

    Raises:
        BrokenPipeError: Nobody reads them any more.
    """
    rest = memoryview(len(content).to_bytes(_SIZE_BYTES, "little") + content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_frame(descriptor: int) -> bytes | None:
    """What was written by one `write_frame`; None if its writer is gone."""
    size = _read(descriptor, _SIZE_BYTES)
    return None if size is None else _read(descriptor, int.from_bytes(size, "little"))


def _read(descriptor: int, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        more = os.read(descriptor, size - len(found))
        if not more:
            return None
        found += more
    return bytes(found)


class _Pickler(pickle.Pickler):
    """Pickles arrays as buffer, type and shape.

    numpy's own way makes a new object of each type, and kernels know the types of their arguments by identity.
    """

    def __init__(self, file: BytesIO, take: Callable[[pickle.PickleBuffer], bool]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL, buffer_callback=take)

    def reducer_override(self, thing: Any) -> Any:
        """See `pickle.Pickler`."""
        if type(thing) is np.ndarray and thing.dtype.kind in "biuf":
            whole = thing if thing.flags.c_contiguous else np.ascontiguousarray(thing)
            return _array, (pickle.PickleBuffer(whole.data), whole.dtype.str, whole.shape)
        return NotImplemented


def _array(buffer: Any, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    return np.ndarray(shape, np.dtype(kind), buffer)


def _address(array: NDArray[np.uint8]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
