"""How often Python looks for objects that only refer to each other.

Its default, after each 700 new containers, looks through a scan's hundreds of thousands of living ones again and
again: a tenth of a scan's time, to find next to nothing. Arrays and batches are freed by counting references.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

BEGINNING = (200_000, 20, 20)
"""New containers between looks at the youngest, and looks between those at the older ones. The imports of a scan make
a hundred thousand, which stay."""
SELDOM = (50_000, 20, 20)
"""The same of work."""


def collect_seldom() -> None:
    """From now on look seldom: imports make objects that stay, and a scan's are freed by counting references."""
    gc.set_threshold(*BEGINNING)


def pass_over_the_present() -> None:
    """From now on never look at what is there already; within `passing_over_the_present`, which ends it."""
    gc.freeze()


@contextmanager
def passing_over_the_present() -> Iterator[None]:
    """Within this context Python never looks at what is there already."""
    gc.freeze()
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
