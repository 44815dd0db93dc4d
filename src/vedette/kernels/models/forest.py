"""Walk through isolation trees.

A tree is a heap of `DEPTH` levels: node i has the children 2i+1 (at most the threshold) and 2i+2 (above it). A branch
that ends early goes on to the left through thresholds that nothing exceeds, so that each walk has the same length and
32 rows can take each step together (the processor then waits for none of them).
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Floats, Ints
from vedette.kernels.compile import kernel

DEPTH = 8
INNER = (1 << DEPTH) - 1
LEAVES = 1 << DEPTH
BLOCK = 32

Singles = NDArray[np.float32]
Words = NDArray[np.uint32]


@kernel
def path_lengths(
    rows: Singles,
    feature: Bytes,
    threshold: Singles,
    length: Floats,
    column: Singles,
    place: Words,
    total: Floats,
) -> None:
    """Sum the lengths of rows' paths over all trees.

    Args:
        rows: float32 (n, features).
        feature: uint8 (trees, INNER), column that each node looks at. threshold: float32 (trees, INNER).
        length: float64 (trees, LEAVES), of the path to each leaf.
        column: float32 (features, BLOCK), scratch for a block's features, rows of equal features side by side.
        place: uint32 (BLOCK,), scratch. A number without a sign needs no look whether it counts from the end.
        total: float64 (n,), receives the sums.
    """
    trees = feature.shape[0]
    n = rows.shape[0]
    first = 0
    while first < n:
        block = min(BLOCK, n - first)
        for row in range(block):
            total[first + row] = 0.0
            for at in range(rows.shape[1]):
                column[at, row] = rows[first + row, at]
        for tree in range(trees):
            for row in range(block):
                place[row] = 0
            for _ in range(DEPTH):
                for row in range(block):
                    node = place[row]
                    above = column[feature[tree, node], row] > threshold[tree, node]
                    place[row] = 2 * node + 1 + int(above)
            for row in range(block):
                total[first + row] += length[tree, place[row] - INNER]
        first += block


@kernel
def path_shares(
    row: Singles,
    feature: Bytes,
    threshold: Singles,
    length: Floats,
    cover: Singles,
    on_path: Ints,
    fraction: Floats,
    follows: Ints,
    weight: Floats,
    shares: Floats,
) -> None:
    """Add up each feature's Shapley value in the sum of a row's path lengths.

    In the game of a leaf a coalition of features earns its length times, over the features on its path, 1 or 0 for
    members (the row goes there or not) and for others the share of the training rows that go there; see Lundberg et
    al. 2020, tree-path-dependent. The value of a member i of the m features is then a sum over the sizes of coalitions
    of the others, whose products are the coefficients of a polynomial: exact, without walking over subsets.

    Args:
        row: float32 (features,). feature, threshold, length: As above.
        cover: float32 (trees, INNER), share of a node's training rows that go left.
        on_path, follows: int64 (DEPTH,), scratch. fraction: float64 (DEPTH,), scratch.
        weight: float64 (DEPTH + 1,), scratch.
        shares: float64 (features,), added to.
    """
    for tree in range(feature.shape[0]):
        for leaf in range(LEAVES):
            if length[tree, leaf] < 0.0:
                continue
            count = 0
            node = 0
            reached = True
            for level in range(DEPTH):
                right = (leaf >> (DEPTH - 1 - level)) & 1
                left_share = float(cover[tree, node])
                if left_share >= 1.0:
                    # The branch has ended: all go left.
                    if right == 1:
                        reached = False
                    node = 2 * node + 1 + right
                    continue
                column = int(feature[tree, node])
                part = left_share
                if right == 1:
                    part = 1.0 - left_share
                goes = int(row[column] > threshold[tree, node]) == right
                known = -1
                for index in range(count):
                    if on_path[index] == column:
                        known = index
                if known < 0:
                    known = count
                    on_path[known] = column
                    fraction[known] = 1.0
                    follows[known] = 1
                    count += 1
                fraction[known] *= part
                if not goes:
                    follows[known] = 0
                node = 2 * node + 1 + right
            if not reached:
                continue
            for member in range(count):
                # Coefficients of the product over the others of (fraction + follows x).
                weight[0] = 1.0
                size = 0
                for other in range(count):
                    if other == member:
                        continue
                    weight[size + 1] = weight[size] * follows[other]
                    for index in range(size, 0, -1):
                        weight[index] = weight[index] * fraction[other] + weight[index - 1] * follows[other]
                    weight[0] = weight[0] * fraction[other]
                    size += 1
                # |S|! (m - |S| - 1)! / m! for each size of S.
                chance = 1.0 / count
                earned = 0.0
                for index in range(size + 1):
                    earned += chance * weight[index]
                    chance = chance * (index + 1) / max(1, size - index)
                shares[on_path[member]] += (
                    length[tree, leaf] * (float(follows[member]) - fraction[member]) * earned
                )
