"""Whether kernels are compiled or interpreted, decided before the first of them is imported."""

import os
import sys
from collections.abc import Callable, Sequence

from vedette.kernels.cache import kernel_directory
from vedette.kernels.kept import READS, are_kept
from vedette.report.waiting import waiting
from vedette.sources import Input
from vedette.sources.beginning import with_beginning
from vedette.sources.decoders import MAGIC_BYTES, compression_of, decoded_beginning
from vedette.sources.rotation import COMPRESSED_SUFFIXES

SMALL = 1_500_000
"""Bytes of lines below which interpreting is quicker than compiling what is not kept, where some is."""
SMALL_AT_FIRST = 16_000_000
"""The same where nothing was compiled before: 9 s of a flow log, and compiling takes two to three times as long on two
cores. Nor is more of a pipe held in memory to learn whether it is small."""
REQUESTS_AT_FIRST = 64_000_000
"""The same of requests: 10 to 12 s."""
_EXPANSION = 12
"""A compressed log is taken to hold at most about this many times its size."""
_MODE = "VEDETTE_KERNELS"
_LOOK = 4 << 10
"""Bytes of lines that tell what they may be."""
_LOOK_STORED = 256 << 10
"""Bytes as stored that hold so many of any compression: bzip2 gives nothing before a block of 900,000 is whole."""


def begun(inputs: Sequence[Input], stopped: Callable[[], bool]) -> list[Input]:
    """Inputs, with what pipes bring first: as much as it takes to tell whether they are small.

    Args:
        inputs: What will be read.
        stopped: Looked at while a pipe has nothing to read; once it is true, what has come is all.
    """
    if _is_chosen():
        return list(inputs)
    enough = (SMALL if _compiled_before() else SMALL_AT_FIRST) + 1
    first = []
    for source in inputs:
        with waiting(f"{source.name}: it has not brought enough yet, nor ended"):
            first.append(with_beginning(source, enough, stopped))
    return first


def choose_kernel_mode(
    inputs: Sequence[Input],
    small: int = SMALL,
    small_at_first: int | None = None,
    *,
    foreseen: bool = False,
) -> bool:
    """Interpret kernels for small inputs; compile them otherwise. An explicit choice in the environment stays.

    What is of unknown size is compiled for: a pipe that goes on.

    Args:
        inputs: What will be read.
        small: Bytes up to which interpreting is quicker.
        small_at_first: The same where nothing was compiled before; None for what these inputs call for.
        foreseen: The kernels of this work are foreseen; where all of them are kept, small inputs are read by them.

    Returns:
        Whether compiled kernels would have been quicker, had there been any.
    """
    if _is_chosen():
        return False
    size = 0
    for source in inputs:
        stored = source.stored_bytes
        if stored is None:
            return False
        size += stored * (_EXPANSION if _is_compressed(source) else 1)
    reads = [_reads(source) for source in inputs]
    if small_at_first is None:
        small_at_first = SMALL_AT_FIRST if READS in reads else REQUESTS_AT_FIRST
    if size > (small if _compiled_before() else small_at_first):
        return False
    if foreseen and inputs and all(map(are_kept, reads)):
        return False
    os.environ[_MODE] = "interpret"
    return size > small


def _reads(source: Input) -> Sequence[str]:
    """What an input may be, of `vedette.kernels.foreseen.READS`. What is no plain log of requests may be anything."""
    stored = source.begun[:_LOOK_STORED]
    if source.path is not None:
        try:
            with source.path.open("rb") as file:
                stored = file.read(_LOOK_STORED)
        except OSError:
            return READS
    head = decoded_beginning(stored, _LOOK)
    if b" HTTP/" not in head and (b'"HTTP/' not in head or b'"event_type"' in head):
        return READS
    return ("json",) if b"{" in head.partition(b"\n")[0] else ("text",)


def _is_chosen() -> bool:
    return _MODE in os.environ or "vedette.kernels.compile" in sys.modules


def _is_compressed(source: Input) -> bool:
    if source.path is None:
        return compression_of(source.begun[:MAGIC_BYTES]) is not None
    return source.path.suffix in COMPRESSED_SUFFIXES


def _compiled_before() -> bool:
    directory = kernel_directory()
    return directory is not None and next(directory.glob("*.bin"), None) is not None
