"""Grow isolation trees (Liu, Ting, Zhou 2008, algorithms 1 and 2), in the layout of `vedette.kernels.models.forest`."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Floats, Ints
from vedette.kernels.compile import kernel
from vedette.kernels.models.forest import INNER, LEAVES

NODES = INNER + LEAVES
CHANCES = 2 * INNER
"""Random numbers that a tree takes beside one for each of its rows."""

Singles = NDArray[np.float32]


@kernel
def grow_trees(
    rows: Singles,
    levels: int,
    chance: Floats,
    ended: Floats,
    order: Ints,
    begin: Ints,
    end: Ints,
    feature: Bytes,
    threshold: Singles,
    cover: Singles,
    length: Floats,
) -> None:
    """Grow trees, each on rows drawn without replacement, by cuts drawn at random.

    A cut is of a feature that varies among a node's rows, each as likely as the other, and lies anywhere between the
    least and the greatest of its values there.

    Args:
        rows: float32 (n, features), finite. levels: Of cuts that a tree may have, at most `forest.DEPTH`.
        chance: float64 (trees, m + CHANCES), uniform in [0, 1); m is how many rows a tree is grown on, at most n.
        ended: float64 (m + 1,), what a branch that ends at so many rows adds to its path.
        order: int64 (n,), each number below n once; scratch. begin, end: int64 (NODES,), scratch.
        feature: uint8 (trees, INNER), receives the cuts' features, fewer than 256; 0 where there is no cut.
        threshold: float32 (trees, INNER), receives the cuts; what is at most this goes left. Infinite beforehand.
        cover: float32 (trees, INNER), receives the share of a node's rows that goes left. 1 beforehand.
        length: float64 (trees, LEAVES), receives the lengths of paths. -1 beforehand.
    """
    n = rows.shape[0]
    columns = rows.shape[1]
    m = ended.shape[0] - 1
    for tree in range(feature.shape[0]):
        for place in range(m):
            other = place + int(chance[tree, place] * (n - place))
            kept = order[place]
            order[place] = order[other]
            order[other] = kept
        for node in range(NODES):
            begin[node] = -1
        begin[0] = 0
        end[0] = m
        depth = 0
        for node in range(NODES):
            if node == (2 << depth) - 1:
                depth += 1
            first = begin[node]
            if first < 0:
                continue
            past = end[node]
            varied = 0
            if depth < levels and past - first > 1:
                for column in range(columns):
                    value = rows[order[first], column]
                    for place in range(first + 1, past):
                        if rows[order[place], column] != value:
                            varied += 1
                            break
            if varied == 0:
                leaf = node
                while leaf < INNER:
                    leaf = 2 * leaf + 1
                length[tree, leaf - INNER] = depth + ended[past - first]
                continue
            left_out = int(chance[tree, m + 2 * node] * varied)
            chosen = -1
            low = 0.0
            high = 0.0
            for column in range(columns):
                low = rows[order[first], column]
                high = low
                for place in range(first + 1, past):
                    value = rows[order[place], column]
                    low = min(low, value)
                    high = max(high, value)
                if low < high:
                    left_out -= 1
                if left_out < 0:
                    chosen = column
                    break
            # Halves, because the distance of two float32 may be none.
            part = chance[tree, m + 2 * node + 1]
            threshold[tree, node] = low * (1.0 - part) + high * part
            if threshold[tree, node] >= high or threshold[tree, node] < low:
                threshold[tree, node] = low
            cut = threshold[tree, node]
            place = first
            last = past - 1
            while place <= last:
                if rows[order[place], chosen] <= cut:
                    place += 1
                else:
                    kept = order[place]
                    order[place] = order[last]
                    order[last] = kept
                    last -= 1
            feature[tree, node] = chosen
            cover[tree, node] = (place - first) / (past - first)
            begin[2 * node + 1] = first
            end[2 * node + 1] = place
            begin[2 * node + 2] = place
            end[2 * node + 2] = past
