"""Which running service a store is kept by: two that commit their states to one would overwrite each other's."""

import os
import secrets
import socket
from pathlib import Path

import msgspec

from vedette.storage.errors import StoreError, StoreProblem

DOCUMENT = "keeper"
"""Under which a store keeps it."""

_PROC = Path("/proc")
_BEGAN = 19
"""Field of `/proc/PID/stat` behind the program's name: when it began, in ticks since the machine did (proc(5))."""


class Keeper(msgspec.Struct, frozen=True, kw_only=True):
    """A service, and how to find out whether it still runs.

    Attributes:
        token: Nobody else's. host: Its machine's name. pid: Of its process.
        place: Which start of which machine, and which numbering of processes there; empty where that cannot be known.
        began: When the process began, as the kernel counts it, as other processes get its number later; empty likewise.
    """

    token: str
    host: str
    pid: int
    place: str = ""
    began: str = ""

    @property
    def runs_here(self) -> bool:
        """Whether it is known to run, on this machine and in a process that is not this one."""
        return (
            self.pid != os.getpid()
            and bool(self.place and self.began)
            and self.place == _place()
            and self.began == _began(self.pid)
        )

    def to_document(self) -> bytes:
        """As a store keeps it."""
        return msgspec.json.encode(self)


def this_process() -> Keeper:
    """A keeper that runs here."""
    pid = os.getpid()
    return Keeper(
        token=secrets.token_hex(8), host=socket.gethostname(), pid=pid, place=_place(), began=_began(pid)
    )


def from_document(content: bytes | None) -> Keeper | None:
    """What `to_document` gave; None for nothing, and for what cannot be read: whoever it was, it does not run here."""
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=Keeper)
    except msgspec.MsgspecError:
        return None


def refuse_running(store: str, content: bytes | None) -> None:
    """Refuse to take a store over from a service that runs beside this one.

    Args:
        store: What errors call it. content: Of the document.

    Raises:
        StoreError: It runs.
    """
    keeper = from_document(content)
    if keeper is not None and keeper.runs_here:
        raise StoreError(
            store,
            StoreProblem.IN_USE,
            f"another vedette, which is running (process {keeper.pid}), keeps its state there: end it, or give each a "
            "store of its own",
        )


def taken_over(store: str, content: bytes) -> StoreError:
    """What a service is told whose store another one has begun to keep.

    Args:
        store: What errors call it. content: Of the document.
    """
    keeper = from_document(content)
    whose = "" if keeper is None else f" (process {keeper.pid} on {keeper.host})"
    return StoreError(
        store,
        StoreProblem.LOCKED,
        f"another vedette{whose} has taken it over: end one of them, or give each a store of its own",
    )


def _place() -> str:
    try:
        start = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{start} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When a process began; empty if there is none, or it is over and only waits for its parent to ask how it ended."""
    try:
        # The program's name stands in brackets, and may hold some.
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if len(fields) <= _BEGAN or fields[0] in "ZX" else fields[_BEGAN]
