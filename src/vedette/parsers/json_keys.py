"""Paths of JSON keys, compiled into the arrays that the JSON tokeniser walks."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.lines.keys import (
    BUCKETS,
    EDGE_CHILD,
    EDGE_COLUMNS,
    EDGE_HIGH,
    EDGE_KEY,
    EDGE_LENGTH,
    EDGE_LOW,
    EDGE_NEXT,
    EDGE_NODE,
    EDGE_SLOT,
    NOWHERE,
    bucket_of,
)

FIRST = None
"""The step of a path that enters an array's first element."""

_STEP = re.compile(r"((?:[^\\.\[\]]|\\.)*)((?:\[0\])*)(\.|$)")

Path = tuple[bytes | None, ...]
_Field = TypeVar("_Field", bound=int)


def key_path(text: str) -> Path:
    r"""Read a path: keys joined by `.`, `[0]` for an array's first element, `\` before a dot in a key.

    Raises:
        ValueError: The text is no such path.

    >>> key_path("request.headers.User-Agent[0]")
    (b'request', b'headers', b'User-Agent', None)
    >>> key_path(r"http\.method")
    (b'http.method',)
    """
    steps: list[bytes | None] = []
    at = 0
    while True:
        match = _STEP.match(text, at)
        if match is None or not match[1]:
            raise ValueError(
                f"JSON key path {text!r} does not read at character {at + 1}: "
                "join keys by '.', and write '[0]' for an array's first element, as in 'headers.Host[0]'"
            )
        steps.append(re.sub(r"\\(.)", r"\1", match[1]).encode())
        steps.extend([FIRST] * (len(match[2]) // 3))
        at = match.end()
        if not match[3]:
            return tuple(steps)


class _Edge(msgspec.Struct):
    node: int
    slot: int = NOWHERE
    child: int = NOWHERE
    edges: "dict[bytes | None, _Edge]" = msgspec.field(default_factory=dict)
    span: tuple[int, int] = (0, 0)


class JsonKeys(msgspec.Struct, frozen=True):
    """The arrays of `vedette.kernels.lines.tokenise_json.tokenise`; see there."""

    buckets: NDArray[np.int16]
    edges: NDArray[np.int32]
    keys: NDArray[np.uint8]
    first_items: NDArray[np.int32]
    resolve: NDArray[np.int32]
    slots: int

    @classmethod
    def of(cls, paths: Mapping[_Field, Sequence[str]]) -> "JsonKeys":
        """Compile the paths of each field, the most trusted first: the first that a line fills is taken.

        Raises:
            ValueError: A path does not read.
        """
        root = _Edge(node=NOWHERE, child=0)
        leaves = {
            field: [_leaf(root, key_path(path)) for path in alternatives]
            for field, alternatives in paths.items()
        }
        ordered: list[tuple[bytes | None, _Edge]] = []
        nodes = _number(root, ordered, [1, 0])
        slots = root.span[1]

        edges = np.full((EDGE_COLUMNS, max(1, len(ordered))), NOWHERE, dtype=np.int32)
        buckets = np.full(BUCKETS, NOWHERE, dtype=np.int16)
        first_items = np.full(nodes, NOWHERE, dtype=np.int32)
        keys = bytearray()
        for i, (key, edge) in enumerate(ordered):
            edges[EDGE_NODE, i] = edge.node
            edges[EDGE_SLOT, i] = edge.slot
            edges[EDGE_CHILD, i] = edge.child
            edges[EDGE_LOW, i], edges[EDGE_HIGH, i] = edge.span
            if key is FIRST:
                first_items[edge.node] = i
                continue
            edges[EDGE_KEY, i] = len(keys)
            edges[EDGE_LENGTH, i] = len(key)
            keys += key
            bucket = bucket_of(edge.node, len(key), key[0], key[-1])
            edges[EDGE_NEXT, i] = buckets[bucket]
            buckets[bucket] = i
        resolve = [(leaf.slot, field) for field, found in leaves.items() for leaf in reversed(found)]
        return cls(
            buckets,
            edges,
            np.frombuffer(bytes(keys), dtype=np.uint8),
            first_items,
            np.array(resolve, dtype=np.int32).reshape(-1, 2).T.copy(),
            slots,
        )


def _leaf(root: _Edge, path: Path) -> _Edge:
    """The edge at the end of a path, made where it is new; its slot is numbered later."""
    edge = root
    for step in path:
        edge = edge.edges.setdefault(step, _Edge(node=0))
    edge.slot = 0
    return edge


def _number(edge: _Edge, ordered: list[tuple[bytes | None, _Edge]], counts: list[int]) -> int:
    """Number nodes and slots depth first, so that slots under an edge stand in a row; how many nodes."""
    low = counts[1]
    if edge.slot >= 0:
        edge.slot = counts[1]
        counts[1] += 1
    if edge.edges and edge.child < 0:
        edge.child = counts[0]
        counts[0] += 1
    for key, below in edge.edges.items():
        below.node = edge.child
        ordered.append((key, below))
        _number(below, ordered, counts)
    edge.span = (low, counts[1])
    return counts[0]
