"""Compiles all that is known to be needed."""

import os
import sys
import threading
import time
from pathlib import Path

from vedette.config import Config
from vedette.engine.signatures import signature_scanner
from vedette.kernels.cache import can_keep, kernel_directory
from vedette.kernels.compile import CHECKED, INTERPRETED
from vedette.kernels.foreseen import READS, compile_all, foreseen, processes_for, uncompiled
from vedette.replay.compiling import announced
from vedette.replay.interrupt import graceful_interrupt
from vedette.schema.errors import VedetteError


class NothingKeptError(VedetteError):
    """What is compiled here cannot be kept."""


def run(config: Path | None, *, quiet: bool) -> int:
    """Compile, and tell; the exit status.

    Raises:
        NothingKeptError: There is no place to keep it, or kernels are not to be compiled at all.
        VedetteError: The configuration or a rule is wrong.
    """
    began = time.monotonic()
    settings = Config.load(config, environment=os.environ)
    directory = kernel_directory()
    if INTERPRETED or CHECKED:
        raise NothingKeptError(
            "VEDETTE_KERNELS=interpret or NUMBA_BOUNDSCHECK=1 is set: nothing is compiled: unset it"
        )
    if directory is None or not can_keep(directory):
        raise NothingKeptError(
            f"{directory or 'no home directory'}: nothing can be kept there: it has to be a directory of yours that "
            "nobody else may write to: mend it, or set XDG_CACHE_HOME to one that is"
        )
    with graceful_interrupt() as interrupted:
        missing = uncompiled(READS)
        if missing and not quiet:
            print(announced(missing), file=sys.stderr)
        compile_all(missing, processes_for(missing), interrupted.is_set)
        _stop(interrupted)
        signature_scanner(settings.detectors.signatures)
        _stop(interrupted)
    if left := uncompiled(READS):
        raise NothingKeptError(
            f"{directory}: {len(left)} of {len(foreseen())} kernels could not be compiled or kept: is there room? "
            "They will be compiled when they are needed"
        )
    if not quiet:
        did = f"compiled {len(missing)} kernels" if missing else "nothing to compile"
        print(f"{did}: {len(foreseen())} are kept in {directory} ({time.monotonic() - began:.0f} s)")
    return 0


def _stop(interrupted: threading.Event) -> None:
    if interrupted.is_set():
        raise KeyboardInterrupt
