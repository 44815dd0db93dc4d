"""One pass over flows that come in: when they were, what they count, and what is remembered of each."""

from vedette.kernels.arrays import Ints
from vedette.kernels.compile import inlined, kernel
from vedette.kernels.packets.flow_columns import (
    AT_DURATION,
    AT_END,
    AT_PROTOCOL,
    AT_START,
    AT_SUCCEEDED,
    FIRST_COUNT,
    LAST_COUNT,
)

FIRST_START, LAST_START, LAST_END, LONGEST = 0, 1, 2, 3
TIMES = 4
"""The least and largest time at which a flow started, the largest at which one ended, and the longest time of one."""


@inlined
def _window(time: int, before: int, span: int) -> int:
    """A time's window, which mostly is that of the time before."""
    if time >= before * span and time - before * span < span:
        return before
    return time // span


@kernel
def survey_flows(
    rows: Ints, span: int, times: Ints, used: Ints, started: Ints, left: Ints, ended: Ints
) -> None:
    """Look at each flow once.

    Args:
        rows: int64 (n, FLOW_COLUMNS), n > 0. span: Length of a window, microseconds.
        times: int64 (TIMES,), receives when the flows were.
        used: int64 (LAST_COUNT + 1,), has some bit set for a column of counts that holds anything but zeros; updated.
        started, left: int64 (n,), receive the window that each flow started in, and that it ended in.
        ended: int64 (n, 4), receives each flow's end, duration and protocol, and whether it succeeded.
    """
    first = rows[0, AT_START]
    last = first
    over = rows[0, AT_END]
    longest = 0
    begin = first // span
    end = over // span
    for row in range(rows.shape[0]):
        start = rows[row, AT_START]
        stop = rows[row, AT_END]
        first = min(first, start)
        last = max(last, start)
        over = max(over, stop)
        longest = max(longest, stop - start)
        begin = _window(start, begin, span)
        end = _window(stop, end, span)
        started[row] = begin
        left[row] = end
        ended[row, 0] = stop
        ended[row, 1] = rows[row, AT_DURATION]
        ended[row, 2] = rows[row, AT_PROTOCOL]
        ended[row, 3] = rows[row, AT_SUCCEEDED]
        for column in range(FIRST_COUNT, LAST_COUNT + 1):
            used[column] |= rows[row, column]
    times[FIRST_START] = first
    times[LAST_START] = last
    times[LAST_END] = over
    times[LONGEST] = longest
