"""Kernels compiled before the work that needs them begins, where none are kept yet."""

import threading
from collections.abc import Iterable, Sequence

from vedette.kernels.compile import INTERPRETED
from vedette.kernels.foreseen import Foreseen, about_seconds, compile_all, processes_for, uncompiled
from vedette.replay.flow_inputs import first_bytes
from vedette.report.progress import Progress
from vedette.sources import Input

_LOOK = 4 << 10


def compile_first(
    requests: Iterable[Input], traffic: Iterable[Input], interrupted: threading.Event, *, shown: bool
) -> None:
    """Compile what reading such inputs needs, if it was not compiled here before.

    Args:
        requests: Logs of requests.
        traffic: Captures and flow logs.
        interrupted: Once it is set, the rest is left.
        shown: Say so.
    """
    if INTERPRETED:
        # Nor need it be known what there is to read.
        return
    reads = {"json" if _is_json(first_bytes(each, _LOOK)) else "text" for each in requests}
    reads |= {_traffic(each) for each in traffic}
    missing = uncompiled(reads)
    if not missing:
        return
    with Progress("compiling", None, enabled=shown) as progress:
        progress.note(announced(missing))
        compile_all(missing, processes_for(missing), interrupted.is_set)


def announced(kernels: Sequence[Foreseen]) -> str:
    """What is said before kernels are compiled."""
    return f"compiling {len(kernels)} kernels, once for this machine: about {about_seconds(kernels)} s"


def advise_preparing(*, shown: bool) -> None:
    """Say what would have made this scan quicker."""
    with Progress("", None, enabled=shown) as progress:
        progress.note(
            "scans of logs of this size are three times as quick after `vedette prepare`, once, half a minute"
        )


def _traffic(source: Input) -> str:
    from vedette.parsers.flows.captures import is_capture

    head = first_bytes(source, _LOOK)
    if is_capture(head):
        return "capture"
    return "json_flows" if _is_json(head) else "flows"


def _is_json(head: bytes) -> bool:
    return b"{" in head.partition(b"\n")[0]
