"""Solve the small quadratic programme of a one-class support vector machine (Schölkopf et al. 2001)."""

from vedette.kernels.arrays import Floats
from vedette.kernels.compile import kernel


@kernel
def solve_one_class(
    alike: Floats, most: Floats, total: float, tolerance: float, steps: int, weight: Floats, slope: Floats
) -> int:
    """Find weights within 0 and `most`, `total` in sum, for which half the quadratic form of `alike` is least.

    Sequential minimal optimisation (Platt 1998; the pair that violates most, Keerthi et al. 2001): of two weights as
    much is moved from the one where the slope is greatest to the one where it is least as lowers the form most.

    Args:
        alike: float64 (m, m), positive semidefinite. most: float64 (m,), at least `total` in sum.
        tolerance: Difference of slopes from which two weights are as good as each other. steps: At most so many.
        weight: float64 (m,), receives the weights. slope: float64 (m,), receives `alike @ weight`.

    Returns:
        Steps taken; `steps` if that was not enough.
    """
    m = weight.shape[0]
    left = total
    for place in range(m):
        weight[place] = min(most[place], left)
        left -= weight[place]
    for place in range(m):
        slope[place] = 0.0
        for other in range(m):
            slope[place] += alike[place, other] * weight[other]
    for step in range(steps):
        up = -1
        down = -1
        for place in range(m):
            if weight[place] < most[place] and (up < 0 or slope[place] < slope[up]):
                up = place
            if weight[place] > 0.0 and (down < 0 or slope[place] > slope[down]):
                down = place
        if up < 0 or down < 0 or slope[down] - slope[up] <= tolerance:
            return step
        bend = max(alike[up, up] + alike[down, down] - 2.0 * alike[up, down], 1e-12)
        moved = min((slope[down] - slope[up]) / bend, most[up] - weight[up], weight[down])
        weight[up] += moved
        weight[down] -= moved
        # What is left of a difference must not be moved again and again.
        if most[up] - weight[up] < 1e-15 * most[up]:
            weight[up] = most[up]
        if weight[down] < 1e-15 * most[down]:
            weight[down] = 0.0
        for place in range(m):
            slope[place] += moved * (alike[place, up] - alike[place, down])
    return steps
