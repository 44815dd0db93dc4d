"""Text to numbers: whole numbers that saturate, decimals, and Go's durations.

Each kernel turns one column's spans into values. Where a line has no such field (or `-`), the value is "not
recorded"; where the text is no number, the value is "not recorded" too and the row is flagged `unreadable`.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel, subkernel

LARGEST = (1 << 63) - 1
PLUS = ord("+")
MINUS = ord("-")
POINT = ord(".")
LOWER_E = ord("e")
LOWER_H = ord("h")
LOWER_M = ord("m")
LOWER_N = ord("n")
LOWER_S = ord("s")
LOWER_U = ord("u")
DIGITS = 18
"""Decimal digits that always fit an int64."""
LONGEST_DURATION = 1e10
"""Seconds (three centuries); what is above is no duration."""

POWERS_OF_TEN = tuple(10**i for i in range(DIGITS + 1))
# All powers of ten that a float64 holds exactly: a product or quotient with one of them is rounded once.
EXACT_POWERS = tuple(float(10**i) for i in range(23))


@subkernel
def scan_decimal(buffer: Bytes, start: int, end: int) -> tuple[int, int, int]:
    """Read `[+-]digits[.digits][e[+-]digits]` at `start`.

    Returns:
        The first 18 significant digits as a whole number (negative after `-`), the power of ten to multiply
        it by, and where reading stopped: `start` itself if no number stands there.
    """
    at = start
    negative = False
    if at < end and (buffer[at] == PLUS or buffer[at] == MINUS):
        negative = buffer[at] == MINUS
        at += 1
    mantissa = 0
    power = 0
    kept = 0
    digits = 0
    fraction = 0
    while at < end:
        digit = buffer[at] - 48
        if digit < 0 or digit > 9:
            if buffer[at] == POINT and fraction == 0:
                fraction = 1
                at += 1
                continue
            break
        digits += 1
        if kept < DIGITS:
            mantissa = mantissa * 10 + digit
            power -= fraction
            if mantissa > 0:
                kept += 1
        else:
            power += 1 - fraction
        at += 1
    if digits == 0:
        return 0, 0, start
    if at + 1 < end and (buffer[at] | 32) == LOWER_E:
        mark = at + 1
        sign = 1
        if buffer[mark] == PLUS or buffer[mark] == MINUS:
            sign = 1 if buffer[mark] == PLUS else -1
            mark += 1
        exponent = 0
        digits_at = mark
        while mark < end:
            digit = buffer[mark] - 48
            if digit < 0 or digit > 9:
                break
            if exponent < 1_000_000:
                exponent = exponent * 10 + digit
            mark += 1
        if mark > digits_at:
            power += sign * exponent
            at = mark
    return (-mantissa if negative else mantissa), power, at


@subkernel
def scale_to_int(mantissa: int, power: int) -> int:
    """`mantissa * 10 ** power` of a number that is not negative, without its fraction; saturates."""
    if mantissa == 0 or power < -DIGITS:
        return 0
    if power < 0:
        return mantissa // int(POWERS_OF_TEN[-power])
    if power > DIGITS or mantissa > LARGEST // POWERS_OF_TEN[power]:
        return LARGEST
    return mantissa * int(POWERS_OF_TEN[power])


@subkernel
def scale_to_float(mantissa: int, power: int) -> float:
    """`mantissa * 10 ** power`; rounded once where `mantissa < 2 ** 53` and `-22 <= power <= 22`."""
    value = float(mantissa)
    if power > 330:
        power = 330
    while power > 0:
        step = min(power, 22)
        value *= EXACT_POWERS[step]
        power -= step
    if power < -360:
        return 0.0
    while power < 0:
        step = min(-power, 22)
        value /= EXACT_POWERS[step]
        power += step
    return value


@kernel
def whole_numbers(
    buffer: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    largest: int,
    missing: int,
    unreadable: int,
    out: NDArray[np.int64],
    flags: NDArray[np.uint16],
) -> None:
    """Whole numbers 0..`largest` (saturating) to `out`; `missing` where there is none.

    A negative number means "none" (HAProxy's -1). Rows whose text is no number get the flag `unreadable`. A
    fraction is cut off.
    """
    for row in range(start.shape[0]):
        at = start[row]
        out[row] = missing
        if at < 0:
            continue
        end = at + length[row]
        if length[row] <= DIGITS:
            value = 0
            i = at
            while i < end:
                digit = buffer[i] - 48
                if digit < 0 or digit > 9:
                    break
                value = value * 10 + digit
                i += 1
            if i == end and end > at:
                out[row] = min(value, largest)
                continue
        if length[row] == 1 and buffer[at] == MINUS:
            continue
        mantissa, power, stop = scan_decimal(buffer, at, end)
        if stop == at or stop != end:
            flags[row] |= unreadable
        elif mantissa >= 0:
            value = scale_to_int(mantissa, power)
            out[row] = min(value, largest)


@kernel
def durations(
    buffer: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    unit: int,
    unreadable: int,
    out: NDArray[np.float64],
    flags: NDArray[np.uint16],
) -> None:
    """Decimal durations, in units of 10 ** `unit` seconds, to seconds in `out`; NaN where there is none.

    A negative number means "none". Rows whose text is no number get the flag `unreadable`.
    """
    for row in range(start.shape[0]):
        at = start[row]
        out[row] = np.nan
        if at < 0:
            continue
        end = at + length[row]
        if length[row] == 1 and buffer[at] == MINUS:
            continue
        mantissa, power, stop = scan_decimal(buffer, at, end)
        value = scale_to_float(mantissa, power + unit)
        if stop == at or stop != end or value > LONGEST_DURATION:
            flags[row] |= unreadable
        elif mantissa >= 0:
            out[row] = value


@subkernel
def _go_unit(buffer: Bytes, at: int, end: int) -> tuple[float, int]:
    """The unit at `at` in seconds, and where it ends; (0, at) if there is none."""
    left = end - at
    first = buffer[at] if left > 0 else 0
    second = buffer[at + 1] if left > 1 else 0
    if first == LOWER_H:
        return 3600.0, at + 1
    if second == LOWER_S:
        if first == LOWER_M:
            return 1e-3, at + 2
        if first == LOWER_U:
            return 1e-6, at + 2
        if first == LOWER_N:
            return 1e-9, at + 2
    if first == LOWER_M:
        return 60.0, at + 1
    if first == LOWER_S:
        return 1.0, at + 1
    # µs, with the micro sign (C2 B5) or the Greek letter (CE BC)
    if left > 2 and buffer[at + 2] == LOWER_S:
        if (first == 0xC2 and second == 0xB5) or (first == 0xCE and second == 0xBC):
            return 1e-6, at + 3
    return 0.0, at


@kernel
def go_durations(
    buffer: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    unreadable: int,
    out: NDArray[np.float64],
    flags: NDArray[np.uint16],
) -> None:
    """Go's `time.Duration` texts (`1m2.5s`, `350µs`) to seconds in `out`; NaN where there is none.

    A negative duration means "none". Rows whose text is no duration get the flag `unreadable`.
    """
    for row in range(start.shape[0]):
        at = start[row]
        out[row] = np.nan
        if at < 0:
            continue
        end = at + length[row]
        if length[row] == 1 and buffer[at] == MINUS:
            continue
        negative = at < end and buffer[at] == MINUS
        if negative:
            at += 1
        total = 0.0
        readable = end > at
        while at < end and readable:
            mantissa, power, stop = scan_decimal(buffer, at, end)
            unit, after = _go_unit(buffer, stop, end)
            if stop == at or buffer[at] == PLUS or buffer[at] == MINUS:
                readable = False
            elif after == stop:
                # Go writes zero as `0s`, older versions as `0`.
                readable = mantissa == 0 and stop == end
                at = end
            else:
                total += scale_to_float(mantissa, power) * unit
                at = after
        if not readable or total > LONGEST_DURATION:
            flags[row] |= unreadable
        elif not negative:
            out[row] = total
