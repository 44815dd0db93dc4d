"""Whether kernels are compiled or interpreted, decided before the first of them is imported."""

import os
import sys
from collections.abc import Sequence

from vedette.kernels.cache import kernel_directory
from vedette.sources import Input

SMALL = 1_500_000
"""Bytes of lines below which interpreting is quicker than looking for what was compiled."""
SMALL_AT_FIRST = 16_000_000
"""The same where nothing was compiled before: 4 s, and compiling takes four times as long on two cores."""
_EXPANSION = 12
"""A compressed log is taken to hold at most about this many times its size."""
_MODE = "VEDETTE_KERNELS"


def choose_kernel_mode(
    inputs: Sequence[Input], small: int = SMALL, small_at_first: int = SMALL_AT_FIRST
) -> bool:
    """Interpret kernels for small inputs; compile them otherwise. An explicit choice in the environment stays.

    Standard input is of unknown size and is compiled for.

    Args:
        inputs: What will be read.
        small: Bytes up to which interpreting is quicker.
        small_at_first: The same where nothing was compiled before.

    Returns:
        Whether compiled kernels would have been quicker, had there been any.
    """
    if _MODE in os.environ or "vedette.kernels.compile" in sys.modules:
        return False
    size = 0
    for source in inputs:
        if source.path is None:
            return False
        try:
            stored = source.path.stat().st_size
        except OSError:
            return False
        size += stored * (_EXPANSION if source.path.suffix in (".gz", ".bz2", ".xz", ".zst") else 1)
    if size > (small if _compiled_before() else small_at_first):
        return False
    os.environ[_MODE] = "interpret"
    return size > small


def _compiled_before() -> bool:
    directory = kernel_directory()
    return directory is not None and next(directory.glob("*.bin"), None) is not None
