"""How unlike everything seen before a series' values and shapes are, one point at a time.

Each kernel goes through a stretch of a series and leaves its state behind for the next one. Memory is bounded:
values are remembered to a resolution, shapes in a ring.
"""

from math import log2, log10, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Floats
from vedette.kernels.compile import kernel, subkernel

Table = NDArray[np.float64]

USED, CENTRE, SPREAD, MET, RESOLUTION = 0, 1, 2, 3, 4
VALUE_STATE: Final = 5
"""What `nearest_value` keeps beside the values: how many it knows, the running centre and spread of the series,
points met, and the share of the spread below which values are not told apart."""

BLOCK: Final = 4
BLOCKS: Final = 8
"""A shape is the means of eight blocks of four points each, the last 32 points."""
LAG: Final = BLOCK * BLOCKS
RECENT: Final = 2 * LAG
SHAPE_STATE: Final = 2
"""What `nearest_shape` keeps beside the shapes: points met, shapes known."""

PER_OCTAVE: Final = 8
OCTAVES: Final = 80
LOWEST: Final = -40.0
FINE: Final = PER_OCTAVE * OCTAVES
GROUP: Final = 32
RANKS: Final = FINE + FINE // GROUP + 2
"""What `rank_surprise` keeps: how often each eighth of an octave was met, sums of 32 of those, the sum of all and
the weight of the next."""
TOTAL: Final = RANKS - 2
NEXT: Final = RANKS - 1

_EARLY: Final = 20.0
"""Points without which nothing is called unlike the others."""
_LONG: Final = 2000.0
"""Points that centre and spread look back over."""
_TAIL: Final = 0.05
_FEW: Final = 3.0
_OCTAVE_PRIOR: Final = 0.5 * PER_OCTAVE
_PRIOR_WORTH: Final = 10.0
_LOG10_E: Final = 0.4342944819032518


@subkernel
def _place(known: Floats, used: int, value: float) -> int:
    """Index of the first known value that is not below `value`."""
    low = 0
    high = used
    while low < high:
        middle = (low + high) // 2
        if known[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@subkernel
def _thin(known: Floats, used: int, apart: float) -> int:
    """Keep only values further than `apart` from the one kept before; returns how many are left."""
    kept = 1
    for i in range(1, used):
        if known[i] - known[kept - 1] > apart:
            known[kept] = known[i]
            kept += 1
    return kept


@kernel
def nearest_value(value: Floats, known: Floats, state: Floats, out: Floats) -> None:
    """Distance of each value to the nearest one met before; 0 for the first few.

    Args:
        value: float64 (n,), finite.
        known: float64 (most,), sorted: values met, to a resolution. Where it is full, the resolution is halved.
        state: float64 (VALUE_STATE,).
        out: float64 (n,), filled.
    """
    most = known.shape[0]
    used = int(state[USED])
    for i in range(value.shape[0]):
        x = value[i]
        if state[MET] == 0.0:
            state[CENTRE] = x
        at = _place(known, used, x)
        gap = -1.0
        if at < used:
            gap = known[at] - x
        if at > 0 and (gap < 0.0 or x - known[at - 1] < gap):
            gap = x - known[at - 1]
        out[i] = gap if state[MET] > _EARLY and gap > 0.0 else 0.0

        # Centre and spread move no further than a burst may move them.
        state[MET] += 1.0
        met = state[MET]
        off = x - state[CENTRE]
        size = off if off > 0.0 else -off
        share = 1.0 / (met if met < _LONG else _LONG)
        if met > 50.0 and size > 4.0 * state[SPREAD]:
            size = 4.0 * state[SPREAD]
            off = size if off > 0.0 else -size
        state[CENTRE] += off * share
        state[SPREAD] += (size - state[SPREAD]) * share

        if gap < 0.0 or gap > state[RESOLUTION] * state[SPREAD]:
            while used >= most:
                state[RESOLUTION] *= 2.0
                before = used
                used = _thin(known, used, state[RESOLUTION] * state[SPREAD])
                if used == before and state[SPREAD] == 0.0:
                    # Nothing to measure by: half of the values stand for all.
                    for k in range(used // 2):
                        known[k] = known[2 * k]
                    used = used // 2
            at = _place(known, used, x)
            for k in range(used, at, -1):
                known[k] = known[k - 1]
            known[at] = x
            used += 1
    state[USED] = used


@kernel
def nearest_shape(value: Floats, shapes: Table, recent: Floats, state: Floats, out: Floats) -> None:
    """Distance (root mean square) of the last 32 points' shape to the nearest one met before.

    Shapes are not compared with those that share points with them.

    Args:
        value: float64 (n,), finite.
        shapes: float64 (most, BLOCKS), a ring of shapes met.
        recent: float64 (RECENT + BLOCK,): a ring of block means that end at each point, then the block's values.
        state: float64 (SHAPE_STATE,).
        out: float64 (n,), filled; 0 until there is something to compare.
    """
    most = shapes.shape[0]
    for i in range(value.shape[0]):
        met = int(state[0])
        recent[RECENT + met % BLOCK] = value[i]
        total = 0.0
        for k in range(BLOCK):
            total += recent[RECENT + k]
        recent[met % RECENT] = total / BLOCK
        out[i] = 0.0
        if met >= LAG:
            stored = int(state[1])
            count = stored if stored < most else most
            best = -1.0
            for s in range(count):
                distance = 0.0
                for j in range(BLOCKS):
                    off = recent[(met - j * BLOCK) % RECENT] - shapes[s, j]
                    distance += off * off
                    if best >= 0.0 and distance > best:
                        break
                if best < 0.0 or distance < best:
                    best = distance
            if count > _EARLY:
                out[i] = sqrt(best / BLOCKS)
        if met >= 2 * LAG - BLOCK:
            row = int(state[1]) % most
            for j in range(BLOCKS):
                shapes[row, j] = recent[(met - LAG - j * BLOCK) % RECENT]
            state[1] += 1.0
        state[0] += 1.0


@subkernel
def _surprise_of(at: float, ranks: Floats) -> float:
    """-log10 of the share of what was met that lies above position `at`, extrapolated where little does."""
    total = ranks[TOTAL]
    if total <= 0.0:
        return 0.0
    one = ranks[NEXT]
    cell = int(at) if at < FINE - 1 else FINE - 1
    part = at - cell
    above = ranks[cell] * (1.0 - part if part < 1.0 else 0.0)
    group = cell // GROUP
    for k in range(cell + 1, (group + 1) * GROUP):
        above += ranks[k]
    for g in range(group + 1, FINE // GROUP):
        above += ranks[FINE + g]
    surprise = -log10((above + one) / (total + 2.0 * one))
    if above > _FEW * one:
        return surprise
    # Few lie above: a Pareto tail beyond the highest twentieth, its index the mean excess in octaves (Hill 1975),
    # drawn towards half an octave while little is known.
    tail = 0.0
    sum_of_cells = 0.0
    edge = FINE - 1
    group = FINE // GROUP - 1
    while group > 0 and ranks[FINE + group] == 0.0:
        group -= 1
        edge -= GROUP
    while edge > 0 and tail + ranks[edge] < _TAIL * total:
        tail += ranks[edge]
        sum_of_cells += ranks[edge] * edge
        edge -= 1
    if tail > 0.0:
        excess = sum_of_cells / tail - edge
        least = 0.1 * PER_OCTAVE
        excess = excess if excess > least else least
        worth = tail / one
        excess = (excess * worth + _OCTAVE_PRIOR * _PRIOR_WORTH) / (worth + _PRIOR_WORTH)
        beyond = -log10((tail + one) / (total + 2.0 * one)) + _LOG10_E * (at - edge - 0.5) / excess
        surprise = beyond if beyond > surprise else surprise
    return surprise


@kernel
def rank_surprise(size: Floats, unit: float, grow: float, ranks: Floats, out: Floats) -> None:
    """How rare it was so far that a size is at least as large: -log10, with a Pareto tail beyond what was met.

    Args:
        size: float64 (n,), >= 0, finite.
        unit: What sizes are measured in, > 0: a thousandth of a billionth of it is told from 0.
        grow: What each weighs relative to the one before, > 1: how quickly the past is forgotten.
        ranks: float64 (RANKS,), a histogram over the logarithm; `ranks[NEXT]` is 1 at first.
        out: float64 (n,), filled; 0 for the first.
    """
    for i in range(size.shape[0]):
        at = (log2(size[i] / unit + 1e-12) - LOWEST) * PER_OCTAVE
        at = at if at > 0.0 else 0.0
        out[i] = _surprise_of(at, ranks)
        cell = int(at) if at < FINE - 1 else FINE - 1
        one = ranks[NEXT]
        ranks[cell] += one
        ranks[FINE + cell // GROUP] += one
        ranks[TOTAL] += one
        ranks[NEXT] = one * grow
        if ranks[NEXT] > 1e200:
            for k in range(RANKS):
                ranks[k] *= 1e-200
