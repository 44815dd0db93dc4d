"""A network interface as a source: its packets become flows and requests, which wait in the journal like pushed lines.

One thread reads packets through libpcap (cypcap), which takes them out of a ring that the kernel fills. Packets that
come while the ring is full are lost and counted by the kernel; what it says is told in the source's status.
"""

import logging
import os
import select
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, Final

import numpy as np

from vedette.config.sources import CaptureSection
from vedette.kernels.packets.packet_layout import PACKET_COLUMNS, Packet, Status
from vedette.parsers.flows.captures import FRAMES, CaptureParser
from vedette.parsers.flows.http_packets import FORMAT as HTTP_LINES
from vedette.parsers.flows.http_packets import HttpPackets
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.journal import Journal, JournalError
from vedette.sources.source import Delivery, SourceState, SourceStatus
from vedette.windows.flow_table import FlowTable, Passed, TableSettings
from vedette.windows.passed_lines import FORMAT, to_lines

_LOG = logging.getLogger("vedette.live")

_BATCH: Final = 4_096
"""Packets read before flows are looked at."""
_SPARE: Final = 64
_WITH_HTTP: Final = 2_048
"""Bytes of a packet: those of an Ethernet frame, which most heads of requests fit into."""
_HEADERS: Final = 256
_WAIT_S: Final = 0.1
_RETRY_US: Final = 5_000_000
_GRACE_US: Final = 500_000
"""How long after its end a window waits for packets that the kernel still holds."""
_NAMES: Final = {
    Status.NOT_IP: "packets_not_ip",
    Status.CUT: "packets_cut",
    Status.MALFORMED: "packets_malformed",
    Status.UNKNOWN_LINK: "packets_of_unknown_link_type",
}


class Capture:
    """Implements `Source`; as one it only says how it is doing, its flows come from the journal.

    Args:
        section: What to listen at. table: How flows live. journal: Where flows go.
        clock: Microseconds since the epoch.

    Raises:
        SourceError: The library that reads packets is not installed.
    """

    def __init__(
        self, section: CaptureSection, table: TableSettings, journal: Journal, clock: Callable[[], int]
    ) -> None:
        try:
            import cypcap
        except ImportError:
            reason = "listening at an interface needs a library: pip install 'vedette[capture]'"
            raise SourceError(section.interface, SourceProblem.UNREADABLE, reason) from None
        self._pcap: Any = cypcap
        self.name = f"capture:{section.interface}"
        self._section = section
        self._table = FlowTable(table)
        self._http = HttpPackets() if section.http else None
        self._journal = journal
        self._clock = clock
        self._lock = Lock()
        self._reason = ""
        self._skipped: dict[str, int] = {}
        self._lost: dict[str, int] = {}
        self._closed = False
        self._thread: Thread | None = None
        self._memory = -1
        self._rows = np.zeros((FRAMES, PACKET_COLUMNS), dtype=np.int64)
        self.packets = 0

    def open(self, position: bytes | None) -> None:
        """See `Source`; begins to listen."""
        if position is not None:
            raise SourceError(self.name, SourceProblem.DAMAGED, "what passes on a network has no position")
        self._thread = Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def take(self, room: int) -> Sequence[Delivery]:  # noqa: ARG002 - the protocol's
        """See `Source`: nothing, its flows come from the journal."""
        return ()

    def pending(self) -> Sequence[str]:
        """See `Source`."""
        return ()

    def committed(self, position: bytes) -> None:
        """See `Source`."""

    def status(self) -> SourceStatus:
        """See `Source`."""
        with self._lock:
            dropped = {name: count for name, count in (self._skipped | self._lost).items() if count}
            reason = self._reason
        state = SourceState.FAILED if reason else SourceState.READING
        # Its flows wait in the journal, which counts them.
        return SourceStatus(self.name, state, reason, 0, dropped)

    def close(self) -> None:
        """See `Source`; the flows that go on are told before."""
        self._closed = True
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        self._memory = os.memfd_create(self.name)
        retry_at = 0
        try:
            while not self._closed:
                if self._clock() < retry_at:
                    select.select([], [], [], _WAIT_S)
                    continue
                try:
                    self._listen()
                except (self._pcap.Error, self._pcap.Warning) as error:
                    self._fail(_remedy(self._section.interface, error, self._pcap.ErrorCode))
                retry_at = self._clock() + _RETRY_US
            self._write(self._table.finish())
            if self._http is not None:
                self._tell(self._http.finish())
        finally:
            os.close(self._memory)

    def _listen(self) -> None:
        """Read packets until told to end. Raises cypcap's errors."""
        section = self._section
        with self._pcap.create(section.interface) as pcap:
            pcap.set_pre_config(
                snaplen=section.snaplen or (_WITH_HTTP if section.http else _HEADERS),
                promisc=section.promiscuous,
                timeout=_WAIT_S,
                buffer_size=section.buffer_mb << 20,
            )
            pcap.activate()
            if section.filter:
                pcap.setfilter(section.filter)
            # libpcap waits with Python's lock held, and without an end where nothing comes.
            pcap.setnonblock(True)
            waiting = select.poll()
            waiting.register(pcap.get_selectable_fd(), select.POLLIN)
            self._fail("")
            before = dict(self._lost)
            while not self._closed:
                waiting.poll(1000 * _WAIT_S)
                self._take(pcap)
                told = pcap.stats()
                lost = {"packets_kernel": told.drop, "packets_interface": told.ifdrop}
                with self._lock:
                    self._lost = {name: before.get(name, 0) + count for name, count in lost.items()}
                passed = self._clock() - _GRACE_US
                self._write(self._table.pass_time(passed))
                if self._http is not None:
                    self._tell(self._http.pass_time(passed))

    def _take(self, pcap: Any) -> None:
        """Take what is there, up to a batch at a time."""
        more = True
        while more and not self._closed:
            count = 0
            # libpcap writes the packets down as a capture, so that nothing is done for each of them here.
            with pcap.dump_open(f"/proc/self/fd/{self._memory}") as out:
                dump = out.dump
                for header, packet in pcap:
                    if header is None:
                        break
                    dump(header, packet)
                    count += 1
                    if count == _BATCH:
                        break
            more = count == _BATCH
            if count:
                self.packets += count
                self._write(self._flows())

    def _flows(self) -> Iterable[Passed]:
        size = os.fstat(self._memory).st_size
        content = os.pread(self._memory, size, 0)
        buffer = np.frombuffer(content + bytes(_SPARE), dtype=np.uint8)
        parser = CaptureParser(self.name, content[:24])
        frames = parser.parse(buffer, size)
        rows = frames.decode(buffer, self._rows)
        bad = np.bincount(rows[:, Packet.STATUS], minlength=len(Status))
        if bad[1:].any():
            with self._lock:
                for status, name in _NAMES.items():
                    self._skipped[name] = self._skipped.get(name, 0) + int(bad[status])
        if self._http is not None:
            self._tell(self._http.take(buffer, rows))
        return self._table.add(rows)

    def _tell(self, requests: Sequence[bytes]) -> None:
        """Keep the lines of requests; what the journal cannot take is lost, and counted."""
        if not requests:
            return
        try:
            self._journal.append(f"{self.name} (HTTP)", b"".join(requests), format=HTTP_LINES)
            self._journal.sync()
        except JournalError as error:
            with self._lock:
                self._skipped["requests_not_kept"] = self._skipped.get("requests_not_kept", 0) + len(requests)
            self._fail(str(error))

    def _write(self, handed: Iterable[Passed]) -> None:
        """Keep what the flow table handed out; what the journal cannot take is lost, and counted."""
        wrote = False
        for passed in handed:
            for line in to_lines(passed):
                try:
                    self._journal.append(self.name, line, format=FORMAT)
                    wrote = True
                except JournalError as error:
                    with self._lock:
                        self._skipped["flows_not_kept"] = self._skipped.get("flows_not_kept", 0) + len(
                            passed.parts
                        )
                    self._fail(str(error))
        if wrote:
            with suppress(JournalError):
                self._journal.sync()

    def _fail(self, reason: str) -> None:
        with self._lock:
            new, self._reason = reason != self._reason, reason
        if new and reason:
            _LOG.error("%s", reason)


def _remedy(interface: str, error: Any, codes: Any) -> str:
    code = getattr(error, "code", None)
    if code == codes.NO_SUCH_DEVICE:
        return f"interface {interface!r}: there is none of that name; `ip link` shows those that there are"
    if code in (codes.PERM_DENIED, codes.PROMISC_PERM_DENIED):
        return f"interface {interface!r}: may not be listened at; give the service CAP_NET_RAW, or run it as root"
    if code == codes.IFACE_NOT_UP:
        return f"interface {interface!r}: is down; bring it up with `ip link set {interface} up`"
    words = error.args[-1] if error.args else error
    return f"interface {interface!r}: cannot be listened at: {words}"
