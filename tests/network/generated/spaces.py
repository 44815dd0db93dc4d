"""Two network namespaces with a link between them."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.network.generated.servers import ADDRESSES
from tests.patience import PATIENCE_S

HERE = Path(__file__).parent
CLIENT = "10.98.0.1"
SERVER = ADDRESSES[0]
TOOLS = ("ip", "tc", "dumpcap", "curl", "nmap", "hping3", "slowhttptest", "iperf3")
_DISCARD = 9
_NUMBERS = itertools.count()
_SILENT = subprocess.DEVNULL


@dataclass(frozen=True)
class Shape:
    """How long a link takes one way, seconds, and which share of packets it loses."""

    delay: float
    loss: float = 0.0


@dataclass
class Pair:
    """A client's and a server's namespace.

    Attributes:
        near, far: Their names. device: The server's end of the link, where it is listened at.
    """

    near: str
    far: str
    device: str
    _link: subprocess.Popen[str] | None = None

    def command(self, space: str, words: Sequence[str], seconds: float | None) -> list[str]:
        limited = [] if seconds is None else ["timeout", "-s", "INT", "-k", "5", str(seconds)]
        return [*limited, "ip", "netns", "exec", space, *words]

    def run(self, *words: str, seconds: float | None = None) -> None:
        """Run something at the client's end, for so long at most. What tools say of themselves is no matter."""
        subprocess.run(
            self.command(self.near, words, seconds),
            stdin=_SILENT,
            stdout=_SILENT,
            stderr=_SILENT,
            check=False,
        )

    def sent(self, *, far: bool = False) -> int:
        """Packets that the client's end has sent, or the server's."""
        words = ["cat", "/sys/class/net/link0/statistics/tx_packets"]
        told = subprocess.run(
            self.command(self.far if far else self.near, words, None), capture_output=True, check=True
        )
        return int(told.stdout)

    def sent_again(self) -> int:
        """TCP segments that the server's end has sent again, as its kernel counts them."""
        words = self.command(self.far, ["cat", "/proc/net/snmp"], None)
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        names, values = (line.split() for line in told.splitlines() if line.startswith("Tcp:"))
        return int(dict(zip(names, values, strict=True))["RetransSegs"])

    def mark(self, text: bytes) -> None:
        """Send something to the server's end that nobody else sends, once: links lose packets."""
        program = f"import socket; socket.socket(2, 2).sendto({text!r}, ({SERVER!r}, {_DISCARD}))"
        self.run(sys.executable, "-S", "-c", program, seconds=10)

    def act(self, name: str) -> None:
        """Run one of `clients.py`."""
        self.run(sys.executable, str(HERE / "clients.py"), name, seconds=30)

    def shape(self, shape: Shape) -> None:
        """Change the link; one that was made without a shape has none."""
        if self._link is not None:
            assert self._link.stdin is not None
            self._link.stdin.write(f"{shape.delay} {shape.loss}\n")
            self._link.stdin.flush()
            return
        words = ["delay", f"{1000 * shape.delay:g}ms", "limit", "100000"]
        words += ["loss", f"{100 * shape.loss:g}%"] if shape.loss else []
        for space, device in ((self.near, self.device), (self.far, self.device)):
            _ip("netns", "exec", space, "tc", "qdisc", "replace", "dev", device, "root", "netem", *words)


def missing() -> str:
    """What keeps this machine from making namespaces and traffic; empty if nothing."""
    if os.geteuid():
        return "needs root: only root may make network namespaces"
    tools = [tool for tool in TOOLS if shutil.which(tool) is None]
    if tools:
        return f"needs {', '.join(tools)}: install what .ci/run lists under `packages`"
    name = f"vdt{os.getpid()}"
    # Where the root is no mount of its own, as in a chroot, one can be made and not entered.
    for words in (["netns", "add", name], ["netns", "exec", name, "ip", "link"], ["netns", "del", name]):
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
            return f"network namespaces are not permitted here: {done.stderr.strip()}"
    return ""


def shapes() -> str:
    """Why links can neither delay nor lose packets here; empty if they can."""
    return "" if _netem() or Path("/dev/net/tun").exists() else "neither netem in the kernel nor /dev/net/tun"


@contextmanager
def pair(shape: Shape | None = None) -> Iterator[Pair]:
    """Two namespaces, until the end of the context.

    Args:
        shape: Of the link: by netem, or carried by `link.py` where the kernel has none. None for a plain link.
    """
    mark = f"v{os.getpid()}-{next(_NUMBERS)}"
    made = Pair(f"{mark}a", f"{mark}b", "link0")
    with ExitStack() as stack:
        for space in (made.near, made.far):
            _ip("netns", "add", space)
            stack.callback(_ip, "netns", "del", space)
        if shape is None or _netem():
            _ip(
                "link", "add", "link0", "netns", made.near, "type", "veth", "peer", "link0", "netns", made.far
            )
        else:
            made._link = stack.enter_context(_carried(made, mark))
        for space, own, others in (
            (made.near, (CLIENT,), "203.0.113.0/24"),
            (made.far, ADDRESSES, "10.98.0.0/24"),
        ):
            for address in own:
                _ip("-n", space, "address", "add", f"{address}/32", "dev", "link0")
            _ip("-n", space, "link", "set", "link0", "up")
            _ip("-n", space, "link", "set", "lo", "up")
            _ip("-n", space, "route", "add", others, "dev", "link0")
        if shape is not None:
            made.shape(shape)
        yield made


@contextmanager
def running(
    pair: Pair, space: str, *words: str, ready: bool = False, says: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """Something that goes on until the end of the context.

    Args:
        ready: Whether it says `ready` when it is. says: What an error line holds when it is.
    """
    child = subprocess.Popen(
        pair.command(space, words, None),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if ready else _SILENT,
        stderr=subprocess.PIPE if says else _SILENT,
        text=True,
    )
    assert child.stdin is not None
    # Nobody reads what it says later, and it must not wait for that.
    later = [threading.Thread(target=told.read, daemon=True) for told in (child.stdout, child.stderr) if told]
    try:
        if child.stdout is not None:
            assert child.stdout.readline() == "ready\n", words
        if child.stderr is not None:
            heard: list[str] = []
            while not re.search(says, "".join(heard[-1:])):
                heard.append(child.stderr.readline())
                assert heard[-1], (words, heard)
        for one in later:
            one.start()
        yield child
    finally:
        child.stdin.close()
        child.terminate()
        child.wait(PATIENCE_S)
        for one in later:
            if one.ident is not None:
                one.join(PATIENCE_S)
        for told in (child.stdout, child.stderr):
            if told is not None:
                told.close()


@contextmanager
def _carried(pair: Pair, mark: str) -> Iterator[subprocess.Popen[str]]:
    near, far = f"{mark}n", f"{mark}f"
    # What waits for the processor delays packets: the link comes first.
    words = ["nice", "-n", "-10", sys.executable, str(HERE / "link.py"), near, far]
    link = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert link.stdin is not None
    assert link.stdout is not None
    try:
        assert link.stdout.readline() == "ready\n"
        for device, space in ((near, pair.near), (far, pair.far)):
            _ip("link", "set", device, "netns", space, "name", "link0")
        yield link
    finally:
        link.stdin.close()
        link.wait(PATIENCE_S)
        link.stdout.close()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, stdout=_SILENT)


def _netem() -> bool:
    """Whether the kernel can delay and lose packets."""
    name = f"vdn{os.getpid()}-{next(_NUMBERS)}"
    _ip("netns", "add", name)
    try:
        return not subprocess.run(
            ["ip", "netns", "exec", name, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"],
            stdout=_SILENT,
            stderr=_SILENT,
            check=False,
        ).returncode
    finally:
        _ip("netns", "del", name)
