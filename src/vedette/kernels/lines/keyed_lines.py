"""Lines whose fields are found by keys: where reading stands, what is passed over, which value a field takes."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined, subkernel
from vedette.kernels.lines.keys import NOWHERE

BLANK, NOT_AN_OBJECT, BAD_JSON, NO_REQUEST = range(4)
"""Why a line is passed over; row of `skips`."""
SKIP_REASONS = 4
SAMPLES = 3
"""Lines remembered of each reason."""

AT, LINE, ROWS, FREE = range(4)
"""Where `tokenise` stands: elements of `state`."""
MINUS = ord("-")
_ZERO = ord("0")


@subkernel
def note_skip(skips: NDArray[np.int64], reason: int, line: int, start: int, end: int) -> None:
    """Count a line that is passed over; remember the first few of each reason."""
    seen = skips[reason, 0]
    if seen < SAMPLES:
        skips[reason, 1 + 3 * seen] = line
        skips[reason, 2 + 3 * seen] = start
        skips[reason, 3 + 3 * seen] = end - start
    skips[reason, 0] = seen + 1


@inlined
def fill_fields(
    buffer: Bytes,
    row: int,
    resolve: NDArray[np.int32],
    is_request: NDArray[np.uint8],
    slot_start: NDArray[np.int64],
    slot_length: NDArray[np.int32],
    start: NDArray[np.int64],
    lengths: NDArray[np.int32],
) -> int:
    """Put the values that were found in a line into its fields; see `vedette.kernels.lines.tokenise_json.tokenise`.

    Returns:
        `NOWHERE` for a line that tells of a request, else `NO_REQUEST`.
    """
    reason = NO_REQUEST
    for field in range(start.shape[0]):
        start[field, row] = NOWHERE
    for i in range(resolve.shape[1]):
        slot = resolve[0, i]
        value = slot_start[slot]
        size = slot_length[slot]
        if value < 0 or size == 0 or (size == 1 and buffer[value] == MINUS):
            continue
        field = resolve[1, i]
        start[field, row] = value
        lengths[field, row] = size
        if is_request[field] == 1 and not (size == 1 and buffer[value] == _ZERO):
            reason = NOWHERE
    return reason
