"""The most that was seen of something until a while ago: the beginning of what goes on is not yet what is usual."""

import numpy as np
from numpy.typing import NDArray


def most_until(numbers: NDArray[np.int64], columns: tuple[int, int, int, int], now: int, span: int) -> int:
    """The most that was seen until a span or two ago; arguments as `note_most` takes them."""
    most, older, fresh, since = columns
    age = now - int(numbers[since])
    known = [most, *([older] if age >= span else []), *([fresh] if age >= 2 * span else [])]
    return int(numbers[known].max())


def note_most(
    numbers: NDArray[np.int64], columns: tuple[int, int, int, int], now: int, span: int, seen: int
) -> None:
    """Note what is seen now; what is older than a span or two becomes part of the most.

    Args:
        numbers: int64 (k,), what is remembered of one thing; updated.
        columns: Where among them stand the most, that of the span before this, that of this span, and when this span
            began (microseconds).
        now: Microseconds. span: Likewise. seen: How much now.
    """
    most, older, fresh, since = columns
    age = now - int(numbers[since])
    if age >= span:
        numbers[most] = max(numbers[most], numbers[older], numbers[fresh] if age >= 2 * span else 0)
        numbers[[older, fresh, since]] = numbers[fresh], 0, now
    numbers[fresh] = max(numbers[fresh], seen)
