"""Which clients of a window are noteworthy, and what they did in windows before."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Ints, Ints32
from vedette.kernels.compile import kernel

Keys = NDArray[np.uint64]


@kernel
def weigh_clients(sums: Ints, busy: int, weight: Ints) -> int:
    """Weigh what each client of a window did that is out of the ordinary.

    Args:
        sums: int64 (k, Client).
        busy: Requests from which a client is noteworthy for its volume alone.
        weight: int64 (k,), receives 0 for clients that did nothing of note.

    Returns:
        How many did.
    """
    count = 0
    for row in range(sums.shape[0]):
        heavy = (
            10 * sums[row, 11] + 3 * (sums[row, 9] + sums[row, 10]) + sums[row, 3] + sums[row, 6]
            + sums[row, 0] // busy
        )  # fmt: skip
        weight[row] = heavy
        if heavy > 0:
            count += 1
    return count


@kernel
def add_past(
    service: Ints32, high: Keys, low: Keys, sums: Ints,
    past_service: Ints32, past_high: Keys, past_low: Keys, past_sums: Ints, first_bitmap: int,
) -> None:  # fmt: skip
    """Add what clients did in a window before.

    Args:
        service, high, low: int32, uint64, uint64 (k,), the clients, sorted by these.
        sums: int64 (k, Client), added to.
        past_service, past_high, past_low, past_sums: The clients of the window before, sorted likewise.
        first_bitmap: Columns from here on unite, those before add up.
    """
    row = 0
    for past in range(past_service.shape[0]):
        while row < service.shape[0] and (
            service[row] < past_service[past]
            or (
                service[row] == past_service[past]
                and (
                    high[row] < past_high[past]
                    or (high[row] == past_high[past] and low[row] < past_low[past])
                )
            )
        ):
            row += 1
        if row == service.shape[0]:
            return
        if service[row] == past_service[past] and high[row] == past_high[past] and low[row] == past_low[past]:
            for column in range(first_bitmap):
                sums[row, column] += past_sums[past, column]
            for column in range(first_bitmap, sums.shape[1]):
                sums[row, column] |= past_sums[past, column]
