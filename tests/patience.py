"""How tests wait for what others do: threads, processes, servers."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 300.0
"""Only for what will never come is waited so long: a machine with twenty times as much to do is no fault."""
_LONGEST_PAUSE_S = 0.1

Found = TypeVar("Found")


def wait_until(holds: Callable[[], Found], otherwise: object = "it took too long") -> Found:
    """Wait until something holds, and give it.

    Args:
        holds: Asked again and again, more and more seldom.
        otherwise: Told when it does not come; or what gives that.
    """
    end, pause_s, pause = time.monotonic() + PATIENCE_S, 0.005, threading.Event()
    while not (found := holds()):
        assert time.monotonic() < end, otherwise() if callable(otherwise) else otherwise
        pause.wait(pause_s)
        pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
    return found
