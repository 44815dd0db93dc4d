"""Whether kernels are compiled or interpreted, decided before the first of them is imported."""

import os
import sys
from collections.abc import Sequence

from vedette.sources import Input

SMALL = 1_500_000
"""Bytes of lines below which interpreting is quicker than loading the compiler."""
_EXPANSION = 12
"""A compressed log is taken to hold at most about this many times its size."""
_MODE = "VEDETTE_KERNELS"


def choose_kernel_mode(inputs: Sequence[Input], small: int = SMALL) -> None:
    """Interpret kernels for small inputs; compile them otherwise. An explicit choice in the environment stays.

    Standard input is of unknown size and is compiled for.

    Args:
        inputs: What will be read.
        small: Bytes up to which interpreting is quicker.
    """
    if _MODE in os.environ or "vedette.kernels.compile" in sys.modules:
        return
    size = 0
    for source in inputs:
        if source.path is None:
            return
        try:
            stored = source.path.stat().st_size
        except OSError:
            return
        size += stored * (_EXPANSION if source.path.suffix in (".gz", ".bz2", ".xz", ".zst") else 1)
    if size <= small:
        os.environ[_MODE] = "interpret"
