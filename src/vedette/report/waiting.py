"""Saying on a terminal what is waited for."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from vedette.report.shown import shown

PATIENCE_S: Final = 1.5
"""Seconds of silence after which somebody who looks on is told."""


@contextmanager
def waiting(what: str, *, stream: TextIO | None = None, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Tell a terminal, once, what is waited for, if it does not come soon. Elsewhere nothing is said.

    Args:
        what: Like "access.pipe: nobody writes to it yet". stream: Standard error if not given.
        patience_s: Seconds until it is told.
    """
    terminal = sys.stderr if stream is None else stream
    if terminal is None or not terminal.isatty():
        yield
        return
    teller = threading.Timer(
        patience_s,
        lambda: print(f"vedette: {shown(what)}: waiting for it; Ctrl-C ends that", file=terminal, flush=True),
    )
    teller.daemon = True
    teller.start()
    try:
        yield
    finally:
        teller.cancel()
