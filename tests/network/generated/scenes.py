"""What happens between the namespaces, and what has to be stated of it.

What is recorded takes the time that it takes: a sleep here is a time in which traffic goes on.
"""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.network.generated.servers import SLOW_PORT
from tests.network.generated.spaces import HERE, SERVER, Pair, Shape, pair, running
from tests.network.packets import decoded
from tests.patience import PATIENCE_S, wait_until
from vedette.config import Config
from vedette.kernels.packets.packet_layout import Packet
from vedette.replay.flow_scan import FlowScan
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.flows import Flow
from vedette.sources import Input
from vedette.windows.flow_table import FlowTable, TableSettings

NEAR = Shape(0.025)
"""Usual links take so long one way: what a busy machine adds to that is little beside it."""


@dataclass(frozen=True)
class Scene:
    """An event in quiet traffic.

    Attributes:
        types: What is to be stated, each within three windows; nothing for a scene without an event.
        event: Makes it. before: Seconds of quiet traffic in front of it.
        span: Length of a window, seconds. shape: Of the link.
        ends: Whether the quiet traffic ends where the event begins.
        budget: Of false alarms.
        port: Of the server's, where the event's packets go and no others. Then it begins with the first of them: on a
            busy machine seconds pass until a tool that was started does anything.
    """

    name: str
    types: tuple[AnomalyType, ...]
    event: Callable[[Pair], object]
    before: float = 3.0
    span: int = 10
    shape: Shape | None = None
    ends: bool = False
    budget: str = "1/week"
    port: int | None = None


def _far(pair: Pair) -> None:
    """Far away at once: what is under way is there in time, what is sent from now on takes seven times as long."""
    pair.shape(Shape(7 * NEAR.delay))
    time.sleep(5)


def _slow(pair: Pair) -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        pages = [f"http://{SERVER}:{SLOW_PORT}/"] * 40
        pair.run("curl", "-s", "-o", "/dev/null", "--parallel", "--parallel-max", "40", *pages)


def _silence(pair: Pair) -> None:
    """Nothing for a while; who is silent is told when the next packet comes."""
    time.sleep(6)
    pair.run("curl", "-s", "-o", "/dev/null", f"http://{SERVER}/")


def _upload(pair: Pair) -> None:
    pair.run("iperf3", "-c", SERVER, "-t", "4", "-b", "1000M", seconds=20)


class TooSlowError(Exception):
    """The machine cannot do now what is to be found."""


def _sending(
    packets: int, seconds: float, *words: str, far: bool = False, what: str = "flood"
) -> Callable[[Pair], object]:
    """So many packets of one end within a time, so that one window of ten seconds has twice as many as are needed.

    Args:
        far: Whether the server's end sends what is counted.
    """

    def event(pair: Pair) -> None:
        before, end = pair.sent(far=far), time.monotonic() + seconds
        with running(pair, pair.near, *words):
            while (sent := pair.sent(far=far) - before) < packets:
                if time.monotonic() > end:
                    raise TooSlowError(
                        f"this machine sends {sent / seconds:,.0f} packets/s now, which is no {what}"
                    )
                time.sleep(0.1)

    return event


def _tool(*words: str, seconds: float | None = None) -> Callable[[Pair], object]:
    return lambda pair: pair.run(*words, seconds=seconds)


def _client(name: str) -> Callable[[Pair], object]:
    return lambda pair: pair.act(name)


_MARK = b"the end of a scene"
_TAIL = 1 << 20
"""Bytes of a capture's end in which a mark is looked for: packets that were under way may come behind it."""

A = AnomalyType
_LEARNED = 40.0
"""Seconds of quiet traffic from which a baseline of windows of a second is ready: 30, and some more that a busy machine
may lose at their beginning."""
_NMAP = ("nmap", "-n", "-Pn", "--max-retries", "1")

_BUDGET = "1/hour"
"""Of windows of a second there are 600,000 a week: what only one of all tests on them may pass, forty cannot show."""


def _unlike(name: str, types: tuple[A, ...], event: Callable[[Pair], object], **more: object) -> tuple[Scene]:
    """A lane with a scene that is found by what was usual before."""
    return (Scene(name, types, event, before=_LEARNED, span=1, budget=_BUDGET, **more),)  # type: ignore[arg-type]


AGAINST_BASELINES = (
    _unlike("nothing", (), lambda _: time.sleep(6), shape=NEAR),
    _unlike("netem delay", (A.HIGH_LATENCY,), _far, shape=NEAR),
    _unlike("answers after 0.4 s", (A.HIGH_LATENCY,), _slow, port=SLOW_PORT),
    _unlike("iperf3 upload", (A.TRAFFIC_SPIKE,), _upload, port=5201),
    _unlike("UDP", (A.PROTOCOL_ANOMALY,), _client("datagrams"), port=4433),
    _unlike("silence", (A.TRAFFIC_DROP,), _silence, ends=True),
)
BY_RULE = (
    (Scene("nothing by rule", (), lambda _: time.sleep(25)),),
    (
        Scene("nmap -sS", (A.PORT_SCAN,), _tool(*_NMAP, "-sS", "-p1-1000", SERVER, seconds=20)),
        Scene("nmap -sT", (A.PORT_SCAN,), _tool(*_NMAP, "-sT", "-p1-1000", SERVER, seconds=20)),
        Scene("nmap -sX", (A.PORT_SCAN,), _tool(*_NMAP, "-sX", "-F", SERVER, seconds=20)),
        Scene("nmap -sU", (A.PORT_SCAN,), _tool(*_NMAP, "-sU", "-F", SERVER, seconds=8)),
    ),
    (
        Scene("hping3 -S", (A.SYN_FLOOD,),
              _sending(5_000, 25, "hping3", "-q", "-S", "-p", "80", "-i", "u500", "--rand-source", SERVER)),
        Scene("hping3 --udp", (A.DDOS_ATTACK,),
              _sending(150_000, 15, "hping3", "-q", "--udp", "-p", "9", "--flood", SERVER)),
        Scene("hping3 --icmp", (A.DDOS_ATTACK,),
              _sending(40_000, 15, "hping3", "-q", "--icmp", "--flood", "--spoof", "10.98.0.77", SERVER)),
    ),
    (
        Scene("slowhttptest -H", (A.LONG_LIVED_CONNECTION,),
              _tool("slowhttptest", "-H", "-c", "100", "-r", "50", "-i", "5", "-l", "16", "-u", f"http://{SERVER}/",
                    seconds=25)),
    ),
    (
        Scene("guessed passwords", (A.BRUTE_FORCE,), _client("passwords")),
        Scene("connections", (A.DDOS_ATTACK,), _client("connections")),
        Scene("reflection", (A.AMPLIFICATION,), _client("reflection")),
    ),
    (
        Scene("DNS tunnel", (A.TUNNEL,), _client("dns_tunnel")),
        Scene("ICMP tunnel", (A.TUNNEL,), _client("icmp_tunnel")),
        Scene("netem loss 8%", (A.PACKET_LOSS,),
              _sending(6_000, 15, sys.executable, str(HERE / "clients.py"), "downloads", far=True, what="download"),
              shape=Shape(0.002, 0.08)),
    ),
)  # fmt: skip
"""Found by rules, which need no past."""


@dataclass(frozen=True)
class Recorded:
    """A scene that was played.

    Attributes:
        capture: What was seen at the server's end. begin: When the event began, seconds since 1970.
        left_out: Why the event could not be made. sent_again: TCP segments that the server's kernel sent again.
    """

    scene: Scene
    capture: Path
    begin: float
    left_out: str = ""
    sent_again: int = 0

    def stated(self, *, until: float | None = None, span: int | None = None) -> list[Anomaly]:
        """What a scan of the capture says about its flows.

        Args:
            until: Only of what came before then, seconds since 1970. span: Other windows than the scene's.
        """
        settings = {"network": {"span_s": span or self.scene.span}, "alarm": {"budget": self.scene.budget}}
        config = Config.load(overrides=settings)
        scan = FlowScan(
            [Input(self.scene.name, self.capture, self.scene.name)],
            config,
            threading.Event(),
            until=None if until is None else round(until * 1e6),
        )
        return scan.run().anomalies

    def verdict(self) -> str:
        """What is wrong with what was stated; empty if nothing is."""
        if self.left_out:
            return ""
        found = self.stated()
        early = []
        if self.scene.before > self.scene.span:
            early = [a.type.value for a in self.stated(until=self.begin)]
        wrong = [f"stated before the event: {', '.join(early)}"] if early else []
        if not self.scene.types and found:
            wrong.append(f"not silent: {', '.join(a.description for a in found)}")
        for wanted in self.scene.types:
            ends = [a.end / 1e6 for a in found if a.type is wanted]
            others = sorted({a.type.value for a in found})
            if not ends:
                wrong.append(f"no {wanted.value}, only {others}")
            elif (window := self.window(min(ends))) > 3:
                wrong.append(f"{wanted.value} not before window {window}")
        if (
            A.PACKET_LOSS in self.scene.types
            and abs(self.counted_again() - self.sent_again) > self.sent_again / 10
        ):
            wrong.append(
                f"{self.counted_again()} segments sent again, {self.sent_again} as the kernel counts them"
            )
        return "; ".join(wrong)

    def counted_again(self) -> int:
        """Segments of the server's that were sent again, as flows count them."""
        rows, _ = decoded(self.capture.read_bytes())
        table = FlowTable(TableSettings(flows=1 << 12))
        parts = [*table.add(rows), *table.finish()]
        return sum(int(part.ended.table[:, Flow.RETRANSMITTED_IN].sum()) for part in parts)

    def window(self, end: float) -> int:
        """Which window since the event's beginning ends at a time; that in which it begins is the first."""
        return int(end // self.scene.span - self.begin // self.scene.span)


def play(scene: Scene, folder: Path) -> Recorded:
    """Play a scene in namespaces of its own, and record it."""
    capture = folder / f"{''.join(c if c.isalnum() else '-' for c in scene.name)}.pcapng"
    capture.unlink(missing_ok=True)
    with ExitStack() as stack:
        made = stack.enter_context(pair(scene.shape))
        stack.enter_context(running(made, made.far, sys.executable, str(HERE / "servers.py"), ready=True))
        stack.enter_context(running(made, made.far, "iperf3", "-s"))
        dump = stack.enter_context(
            running(
                made,
                made.far,
                "dumpcap",
                "-q",
                "-i",
                made.device,
                "-s",
                "192",
                "-B",
                "64",
                "-w",
                str(capture),
            )
        )
        wait_until(lambda: capture.exists() and capture.stat().st_size > 0, "dumpcap does not begin to write")
        quiet = stack.enter_context(ExitStack())
        quiet.enter_context(running(made, made.near, sys.executable, str(HERE / "clients.py"), "quiet"))
        time.sleep(scene.before)
        if scene.ends:
            quiet.close()
        begin = time.time()
        left_out = ""
        try:
            scene.event(made)
        except TooSlowError as error:
            left_out = f"{scene.name}: {error}"
        quiet.close()
        # What was sent last is on its way, and dumpcap writes every so often: a mark behind it tells that it is there.
        wait_until(lambda: _marked(made, capture), "dumpcap does not write what it sees")
        sent_again = made.sent_again()
        dump.send_signal(2)
        dump.wait(PATIENCE_S)
    if scene.port is not None:
        begin = _first(capture, scene.port)
    return Recorded(scene, capture, begin, left_out, sent_again)


def _marked(pair: Pair, capture: Path) -> bool:
    """Send a mark, and tell whether it, or one that was sent before, is recorded."""
    pair.mark(_MARK)
    with capture.open("rb") as content:
        content.seek(max(0, capture.stat().st_size - _TAIL))
        return _MARK in content.read()


def _first(capture: Path, port: int) -> float:
    """When the first packet to a port was seen."""
    rows, _ = decoded(capture.read_bytes())
    return float(rows[rows[:, Packet.TARGET_PORT] == port, Packet.TIME].min()) / 1e6


def play_side_by_side(lanes: Sequence[Sequence[Scene]], folder: Path) -> list[Recorded]:
    """Play scenes: those of a lane one after the other, lanes at the same time."""
    with ThreadPoolExecutor(len(lanes)) as pool:
        played = pool.map(lambda lane: [play(scene, folder) for scene in lane], lanes)
        return [one for lane in played for one in lane]
