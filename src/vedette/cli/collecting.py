"""How often Python looks for objects that only refer to each other.

Its default, after each 700 new containers, looks through a scan's hundreds of thousands of living ones again and
again: a tenth of a scan's time, to find next to nothing. Arrays and batches are freed by counting references.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = (50_000, 20, 20)
"""New containers between looks at the youngest, and looks between those at the older ones."""


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Within this context Python looks seldom, and never at what is there already."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
