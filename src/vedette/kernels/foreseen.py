"""Kernels that work is known to need, compiled by several processes before it asks for them.

A kernel is compiled when it is first called: one after the other, and a first scan needs more than forty. Those of the
usual work, and the types they are called with, stand in `foreseen.json`; one that is missing there is compiled when it
is called, and one that stands there in vain costs a first start its time.
"""

import gc
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.resources import files
from typing import IO, cast

import msgspec

from vedette.kernels.cache import can_keep, kernel_directory
from vedette.kernels.compile import CHECKED, INTERPRETED
from vedette.kernels.function import Kernel
from vedette.kernels.kept import READS, remember_kept

__all__ = ["READS", "Foreseen", "about_seconds", "compile_all", "foreseen", "processes_for", "uncompiled"]

_PACKAGE = "vedette.kernels"
_COLLECTING = (50_000, 20, 20)
"""How often a process that compiles looks for objects that only refer to each other, as `gc.set_threshold` takes it.
Most of what numba makes stays: by default an eighth of the time goes into looking through it again and again."""
_SECONDS = 0.7
"""CPU time that a kernel takes to compile, about: 30 s for those of a log of requests."""
_DONE = b"."
_HEAD_START = 3
"""Kernels from which a process of their own is worth its start: importing numba takes it half a second."""


class Foreseen(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """A kernel, and types that it will be called with.

    Attributes:
        kernel: `folder.module.name`, within this package.
        kinds: The types of its arguments, as machine code is told apart by them.
        reads: What is read where it is needed, of `READS`.
    """

    kernel: str
    kinds: tuple[str, ...]
    reads: tuple[str, ...]

    @property
    def function(self) -> Callable[..., object]:
        """The kernel's source."""
        module, _, name = self.kernel.rpartition(".")
        found: Kernel = getattr(import_module(f"{_PACKAGE}.{module}"), name)
        return found.function


def foreseen() -> list[Foreseen]:
    """All that is foreseen."""
    content = files(_PACKAGE).joinpath("foreseen.json").read_bytes()
    return msgspec.json.decode(content, type=list[Foreseen])


def uncompiled(reads: Collection[str]) -> list[Foreseen]:
    """What reading such things needs and is not kept here; nothing where nothing can be kept, or is compiled at all."""
    if INTERPRETED or CHECKED or not can_keep(kernel_directory()):
        return []
    # Not for interpreted kernels: LLVM takes 40 MB.
    from vedette.kernels.machine_code import is_kept

    missing = [
        each
        for each in foreseen()
        if not set(reads).isdisjoint(each.reads) and not is_kept(each.function, each.kinds)
    ]
    if not missing:
        remember_kept(reads)
    return missing


def processes_for(kernels: Sequence[Foreseen]) -> int:
    """How many processes are worth it: no more than there are processors to run them."""
    return max(
        1,
        min(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            len(kernels) // _HEAD_START,
        ),
    )


def about_seconds(kernels: Sequence[Foreseen]) -> int:
    """How long compiling them takes, about, with as many processes as are worth it."""
    return max(5, round(len(kernels) * _SECONDS / processes_for(kernels) / 5) * 5)


def compile_all(
    kernels: Sequence[Foreseen],
    processes: int,
    stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[int], object] = lambda _: None,
) -> None:
    """Compile kernels, and keep them.

    What goes wrong goes wrong again, and is told, when the kernel is called.

    Args:
        kernels: Which.
        processes: How many at once.
        stopped: Looked at now and then; once it is true, the rest is left.
        tell: Told how many are done, now and then.
    """
    told, telling = os.pipe()
    running: list[subprocess.Popen[bytes]] = []
    try:
        try:
            running += (_start(share, telling) for share in _shares(kernels, processes))
        finally:
            # Its end comes when those that were started have ended.
            os.close(telling)
        news = select.poll()
        news.register(told, select.POLLIN)
        done = 0
        while not stopped():
            if news.poll(_PATIENCE_MS):
                if not (said := os.read(told, len(kernels))):
                    break
                done += len(said)
                tell(done)
    finally:
        os.close(told)
        for process in running:
            process.kill()
            process.wait()


_PATIENCE_MS = 100
"""Between looks at whether to stop."""


def _shares(kernels: Sequence[Foreseen], processes: int) -> Iterator[list[Foreseen]]:
    """Parts of about the same weight, the heaviest kernels first. Those of one module share what they call."""
    from vedette.kernels.machine_code import weight

    by_module: dict[str, list[Foreseen]] = {}
    for each in kernels:
        by_module.setdefault(each.kernel.rpartition(".")[0], []).append(each)
    weighed = sorted(((sum(weight(k.function) for k in m), m) for m in by_module.values()), reverse=True)
    shares: list[tuple[int, list[Foreseen]]] = [(0, []) for _ in range(processes)]
    for heavy, module in weighed:
        lightest = min(range(len(shares)), key=lambda number: shares[number][0])
        carried, share = shares[lightest]
        shares[lightest] = carried + heavy, [*share, *module]
    return (share for _, share in shares if share)


def _start(share: Sequence[Foreseen], telling: int) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(  # noqa: S603 - this Python and this module
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=telling,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "VEDETTE_KERNELS": "compile"},
    )
    # One that has ended already says so by what is missing then.
    with suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as sent:
        sent.write(msgspec.json.encode(share))
    return process


def _main() -> None:
    """Compile what standard input names, and write a byte for each that is done."""
    from vedette.kernels.machine_code import entry

    gc.set_threshold(*_COLLECTING)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for each in msgspec.json.decode(sys.stdin.buffer.read(), type=list[Foreseen]):
        entry(each.function, each.kinds)
        os.write(sys.stdout.fileno(), _DONE)


if __name__ == "__main__":
    _main()
