"""Requests in which something may be new, kept until their window closes."""

from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import KeptLine
from vedette.kernels.requests.parameter_text import (
    MOST_PARAMETERS,
    NAME_BYTES,
    SHAPE_BYTES,
    TARGET_BYTES,
    list_parameters,
)
from vedette.schema.requests import Coded
from vedette.schema.state import PackedArray, check, pack, unpack, within

Sender = tuple[int, int]
"""The two halves of a client's key."""
METHODS = 6
"""Kinds of methods that are told apart."""
_CODES = {b"POST": 1, b"PUT": 2, b"PATCH": 3, b"DELETE": 4}
_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
"""Methods that ask for nothing to be changed (RFC 9110, 9.2.1): any route may be asked by them."""
PER_WINDOW = 4_096
"""Distinct requests kept in one window; more are counted."""
TEXT_BYTES = 16 << 20
"""Bytes of targets kept in all open windows; more are counted."""
SENDERS = 64
"""Clients told apart of one request."""


class Parameter(NamedTuple):
    """One parameter of a request, as the kernels read it."""

    name: bytes
    value: bytes
    """As it was logged."""
    classes: int
    length: int
    """Decoded."""
    step: int
    shape: bytes


class Suspect(msgspec.Struct):
    """A distinct request of one window: a service, a target and the kind of method.

    Attributes:
        number: Marks its rows. order, line: The first of them, in order of time.
        senders: Rows by client; those of further clients are in `rows` alone.
    """

    number: int
    service: int
    route: str
    target: bytes
    method: bytes
    code: int
    order: tuple[int, int]
    line: KeptLine
    rows: int = 0
    senders: dict[Sender, int] = msgspec.field(default_factory=dict)

    def add(self, sender: Sender, rows: int) -> None:
        """Count rows of a client."""
        self.rows += rows
        if sender in self.senders or len(self.senders) < SENDERS:
            self.senders[sender] = self.senders.get(sender, 0) + rows

    @property
    def has_query(self) -> bool:
        """Whether anything follows a `?`."""
        return bool(self.target.partition(b"?")[2])


Key = tuple[int, int, bytes]


class ParameterReader:
    """Reads the parameters of single targets with the kernel's own functions."""

    def __init__(self, classes: NDArray[np.uint8]) -> None:
        self._classes = classes
        self._names = np.zeros(MOST_PARAMETERS * (NAME_BYTES + SHAPE_BYTES), dtype=np.uint8)
        self._found = np.zeros(MOST_PARAMETERS * 8, dtype=np.int64)

    def read(self, target: bytes) -> list[Parameter]:
        """The parameters of a target, in order."""
        begin = target.find(b"?") + 1
        if not begin:
            return []
        text = np.frombuffer(target + bytes(64), dtype=np.uint8)
        count = list_parameters(text, begin, len(target), self._classes, self._names, self._found)
        names = self._names.tobytes()
        found = []
        for row in self._found[: count * 8].reshape(count, 8).tolist():
            put, name_end, shape_end, classes, length, step, value, past = row
            found.append(
                Parameter(names[put:name_end], target[value:past], classes, length, step,
                          names[name_end:shape_end])
            )  # fmt: skip
        return found


class OpenWindow(msgspec.Struct):
    """What is held of a window until it closes: suspects, and the trials of requests with nothing new."""

    suspects: dict[Key, Suspect] = msgspec.field(default_factory=dict)
    slots: list[NDArray[np.int32]] = msgspec.field(default_factory=list)
    counts: list[NDArray[np.int64]] = msgspec.field(default_factory=list)

    def count(self, slots: NDArray[np.int32], counts: NDArray[np.int64]) -> None:
        """Add trials of distinct slots."""
        self.slots.append(slots)
        self.counts.append(counts)
        if len(self.slots) >= 64:
            whole, sums = self.trials()
            self.slots, self.counts = [whole], [sums]

    def trials(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Distinct slots and the trials of each."""
        if not self.slots:
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
        if len(self.slots) == 1:
            return self.slots[0], self.counts[0]
        slots, place = np.unique(np.concatenate(self.slots), return_inverse=True)
        counts = np.zeros(len(slots), dtype=np.int64)
        np.add.at(counts, place, np.concatenate(self.counts))
        return slots, counts


class KeptSuspect(msgspec.Struct, frozen=True, array_like=True):
    """A `Suspect` as a part of a state."""

    number: int
    service: int
    route: str
    target: bytes
    method: bytes
    code: int
    order: tuple[int, int]
    line: KeptLine
    rows: int
    senders: list[tuple[Sender, int]]


class PackedWindow(msgspec.Struct, frozen=True, array_like=True):
    """An `OpenWindow` as a part of a state."""

    suspects: list[KeptSuspect]
    slots: PackedArray
    counts: PackedArray

    @classmethod
    def of(cls, window: OpenWindow) -> Self:
        """A window, packed."""
        slots, counts = window.trials()
        kept = [
            KeptSuspect(
                s.number, s.service, s.route, s.target, s.method, s.code, s.order, s.line, s.rows,
                list(s.senders.items()),
            )
            for s in window.suspects.values()
        ]  # fmt: skip
        return cls(kept, pack(slots), pack(counts))

    def window(self, services: int, used: int) -> OpenWindow:
        """The window again.

        Args:
            services: How many services there are. used: How many slots of profiles.

        Raises:
            StateError: Damaged.
        """
        what = "suspects"
        slots = unpack(self.slots, np.int32, (None,), what)
        within(slots, 0, used, what)
        within([kept.service for kept in self.suspects], 0, services, what)
        within([kept.code for kept in self.suspects], 0, METHODS, what)
        check(len(self.suspects) <= PER_WINDOW, what)
        suspects = {
            (kept.service, kept.code, kept.target): Suspect(
                kept.number, kept.service, kept.route, kept.target, kept.method, kept.code, kept.order, kept.line,
                kept.rows, dict(kept.senders),
            )
            for kept in self.suspects
        }  # fmt: skip
        return OpenWindow(suspects, [slots], [unpack(self.counts, np.int64, (len(slots),), what)])


def cut(target: bytes) -> bytes:
    """The part of a target that is looked at."""
    return target[:TARGET_BYTES]


def method_code(method: bytes) -> int:
    """The kind of a method: 0 where it changes nothing, or is not told."""
    name = method.upper()
    return 0 if name in _SAFE else _CODES.get(name, METHODS - 1)


def method_codes(methods: Coded) -> NDArray[np.uint8]:
    """The kind of each row's method, uint8 (n,); see `method_code`."""
    of_method = np.array([*map(method_code, methods.vocabulary), 0], dtype=np.uint8)
    return of_method[methods.ids]
