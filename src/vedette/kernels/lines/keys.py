"""Keys to find in lines, as plain arrays; `vedette.parsers.json_keys` makes them.

They are a tree whose nodes are objects and whose edges are keys. An edge leads to a slot (the value is wanted), to a
node (values inside are wanted), or both. Slots under an edge are numbered in a row, so that a repeated key can forget
what the earlier one said.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined
from vedette.kernels.text.words import equal_across

NOWHERE = -1
"""No edge, no node, no slot."""
BUCKETS = 256
EDGE_COLUMNS = 8
EDGE_NEXT, EDGE_NODE, EDGE_KEY, EDGE_LENGTH, EDGE_SLOT, EDGE_CHILD, EDGE_LOW, EDGE_HIGH = range(EDGE_COLUMNS)
"""Rows of the edge table: next edge of the same bucket, node it leaves, its key's span in the key bytes, slot
and node it leads to, and the range of all slots under it."""


@inlined
def bucket_of(node: int, length: int, first: int, last: int) -> int:
    """Bucket of a key: cheap, and as good as any for a table that the format's author wrote."""
    bucket: int = (node * 29 + length * 37 + first * 5 + last) & (BUCKETS - 1)
    return bucket


@inlined
def find_edge(
    buffer: Bytes,
    start: int,
    length: int,
    node: int,
    buckets: NDArray[np.int16],
    edges: NDArray[np.int32],
    keys: Bytes,
) -> int:
    """The edge that leaves `node` by the key in the buffer, or `NOWHERE`."""
    if node < 0 or length == 0:
        return NOWHERE
    edge = int(buckets[bucket_of(node, length, buffer[start], buffer[start + length - 1])])
    while edge >= 0:
        if edges[EDGE_NODE, edge] == node and edges[EDGE_LENGTH, edge] == length:
            if equal_across(buffer, start, keys, edges[EDGE_KEY, edge], length):
                return edge
        edge = int(edges[EDGE_NEXT, edge])
    return NOWHERE
