"""Listens for syslog messages, or other datagrams, and writes them into the journal, from where they are taken.

One thread serves all sockets. When the journal cannot take more, TCP senders are not read from until it can, so that
they wait; datagrams that come meanwhile are lost, and counted.
"""

import selectors
import socket
import ssl
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from threading import Lock, Thread
from typing import Protocol

import msgspec

from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.names import printable
from vedette.sources.source import Delivery, SourceState, SourceStatus
from vedette.sources.syslog.address import (
    Address,
    Transport,
    dropped_by_kernel,
    listen,
    sender_of,
)
from vedette.sources.syslog.connection import Connection
from vedette.sources.syslog.message import parse

MOST_CONNECTIONS = 1024
MOST_STREAMS = 4096
"""Senders and programs told apart; those beyond share one stream."""
OTHER = "syslog:(other)"
SYNC_S = 0.1
"""Longest time that a message waits to be written to the disk; many share one sync."""
RETRY_S = 1.0
PATIENCE_US = 60_000_000
"""After this time without anything it is said that nothing has come."""
_DATAGRAM_BYTES = 64 << 10
_DATAGRAMS = 512
"""Read from one socket in one turn."""
_PENDING_BYTES = 4 << 20
"""Most bytes received and not written, from when TCP is not read from."""


class Inbox(Protocol):
    """Where lines go; the journal is one. Both raise a VedetteError when they cannot take them."""

    def append(
        self,
        stream: str,
        lines: bytes,
        *,
        service: str | None = None,
        format: str | None = None,  # noqa: A002 -- the word of the whole program
    ) -> None:
        """Add lines."""
        ...

    def sync(self) -> None:
        """Wait until they are safe."""
        ...


class Listen(msgspec.Struct, frozen=True):
    """Where to listen, and what is known of what comes.

    Attributes:
        addresses: Where to listen.
        service: The service of all lines. format: Name of their format.
        senders: Networks that may send; all if empty.
        context: Certificate and key, where an address is one of TLS.
    """

    addresses: tuple[Address, ...]
    service: str | None = None
    format: str | None = None
    senders: tuple[str, ...] = ()
    context: ssl.SSLContext | None = None


def _message(frame: bytes, sender: str) -> tuple[str, bytes] | None:
    """A syslog message's stream and line; None where it says nothing."""
    message = parse(frame)
    if not message.line:
        return None
    return f"syslog:{printable(message.host or sender)}/{printable(message.tag)}", message.line


class Syslog:
    """A listener; as a source it only says how it is doing, its lines come from the journal.

    Args:
        name: Its name among the sources. settings: What to listen to. inbox: Where lines go.
        refused: What `inbox` raises when it cannot take lines.
        read: Makes of a frame and its sender a stream and a line; of syslog unless told otherwise.
        other: The stream that senders share of whom there is no room for streams of their own; None to refuse them.
    """

    def __init__(
        self,
        name: str,
        settings: Listen,
        inbox: Inbox,
        refused: type[Exception],
        clock: Callable[[], int],
        *,
        read: Callable[[bytes, str], tuple[str, bytes] | None] = _message,
        other: str | None = OTHER,
    ) -> None:
        self._understand = read
        self._other = other
        self.name = name
        self._settings = settings
        self._inbox = inbox
        self._refused = refused
        self._clock = clock
        self._networks = tuple(ip_network(network) for network in settings.senders)
        self._allowed: dict[str, bool] = {}
        self._lock = Lock()
        self._dropped: dict[str, int] = {}
        self._failing: dict[Address, str] = {}
        self._full = ""
        self._heard = False
        self._opened_at = 0
        self._streams: set[str] = set()
        self._pending: dict[str, list[bytes]] = {}
        self._pending_bytes = 0
        self._unsynced: list[tuple[str, list[bytes]]] = []
        self._synced_at = self._retry_at = 0
        self._sockets: dict[Address, socket.socket] = {}
        self._connections: dict[socket.socket, Connection] = {}
        self._closed = False
        self._selector = selectors.DefaultSelector()
        self._waking: tuple[socket.socket, socket.socket] | None = None
        self._thread: Thread | None = None

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens now; the ports are real ones, also where 0 was asked for."""
        return [opened.getsockname()[:2] for opened in self._sockets.values()]

    def open(self, position: bytes | None) -> None:
        """See `Source`; begins to listen, if it does not already."""
        if position is not None:
            raise SourceError(
                self.name, SourceProblem.DAMAGED, "what was sent over a network has no position"
            )
        if self._thread is not None:
            return
        self._opened_at = self._clock()
        self._waking = socket.socketpair()
        self._selector.register(self._waking[1], selectors.EVENT_READ)
        self._listen()
        self._thread = Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def take(self, room: int) -> Sequence[Delivery]:  # noqa: ARG002 -- the protocol's
        """See `Source`: nothing, its lines come from the journal."""
        return ()

    def pending(self) -> Sequence[str]:
        """See `Source`."""
        return ()

    def committed(self, position: bytes) -> None:
        """See `Source`."""

    def status(self) -> SourceStatus:
        """See `Source`."""
        with self._lock:
            dropped = dict(self._dropped)
            reason = next(iter(self._failing.values()), "") or self._full
        if lost := sum(
            dropped_by_kernel(s) for a, s in self._sockets.copy().items() if a.transport is Transport.UDP
        ):
            dropped["datagrams_kernel"] = lost
        state = SourceState.FAILED if reason else SourceState.READING
        if not (reason or self._heard or dropped):
            state = SourceState.WAITING
            if self._clock() - self._opened_at >= PATIENCE_US:
                reason = self._nothing_came()
        # What the journal has is the journal's to count.
        return SourceStatus(self.name, state, reason, self._pending_bytes, dropped)

    def _nothing_came(self) -> str:
        where = " and ".join(map(str, self._settings.addresses))
        return f"nothing has come to {where} yet; see that it is sent there, and that no firewall drops it"

    def close(self) -> None:
        """See `Source`."""
        self._closed = True
        waking = self._waking or ()
        if waking and self._thread is not None:
            waking[0].send(b"x")
            self._thread.join()
        for connection in self._connections.values():
            connection.close()
        for each in (*self._sockets.values(), *waking):
            each.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._closed:
            self._turn()
        self._write(last=True)
        self._count("lines_not_written", sum(map(len, self._pending.values())))

    def _turn(self) -> None:
        hurry = self._unsynced or self._pending_bytes
        for key, _ in self._selector.select(SYNC_S if hurry else RETRY_S):
            if isinstance(key.data, Connection):
                self._read(key.data)
            elif isinstance(key.data, Address) and key.data.transport is Transport.UDP:
                self._receive(key.data)
            elif isinstance(key.data, Address):
                self._accept(key.data)
        if self._failing and self._clock() >= self._retry_at:
            self._listen()
        self._write()

    def _listen(self) -> None:
        self._retry_at = self._clock() + int(RETRY_S * 1e6)
        for address in self._settings.addresses:
            if address in self._sockets:
                continue
            try:
                opened = listen(address)
            except OSError as error:
                with self._lock:
                    self._failing[address] = (
                        f"cannot listen at {address}: {error.strerror}; free the port, or choose another"
                    )
                continue
            self._sockets[address] = opened
            self._selector.register(opened, selectors.EVENT_READ, address)
            with self._lock:
                self._failing.pop(address, None)

    def _accept(self, address: Address) -> None:
        try:
            accepted, where = self._sockets[address].accept()
        except OSError:
            return
        sender = sender_of(where)
        if not self._may_send(sender) or len(self._connections) >= MOST_CONNECTIONS:
            self._count("connections_refused")
            accepted.close()
            return
        context = self._settings.context if address.transport is Transport.TLS else None
        try:
            connection = Connection(accepted, sender, context)
        except (OSError, ValueError):
            accepted.close()
            return
        self._connections[connection.socket] = connection
        if not self._full:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _read(self, connection: Connection) -> None:
        frames, ended = connection.read()
        for frame in frames:
            self._take_in(frame, connection.sender)
        if ended:
            self._count("lines_cut", connection.frames.cut_frames)
            self._count("bytes_cut", connection.frames.cut_bytes)
            self._selector.unregister(connection.socket)
            del self._connections[connection.socket]
            connection.close()

    def _receive(self, address: Address) -> None:
        opened = self._sockets[address]
        for _ in range(_DATAGRAMS):
            try:
                datagram, where = opened.recvfrom(_DATAGRAM_BYTES)
            except OSError:
                return
            sender = sender_of(where)
            if not self._may_send(sender):
                self._count("datagrams_refused")
            elif self._full or self._pending_bytes > _PENDING_BYTES:
                self._count("datagrams_journal_full")
            else:
                self._take_in(datagram, sender)

    def _take_in(self, frame: bytes, sender: str) -> None:
        self._heard = True
        read = self._understand(frame, sender)
        if read is None:
            return
        stream, line = read
        if stream not in self._streams:
            if len(self._streams) < MOST_STREAMS:
                self._streams.add(stream)
            elif self._other is None:
                self._count("datagrams_of_too_many_senders")
                return
            else:
                stream = self._other
        self._pending.setdefault(stream, []).append(line)
        self._pending_bytes += len(line) + 1

    def _write(self, *, last: bool = False) -> None:
        """Hand on what is pending, and sync it if the last sync was long enough ago."""
        now = self._clock()
        if self._full and now < self._retry_at and not last:
            return
        try:
            self._append()
            if self._unsynced and (last or now - self._synced_at >= SYNC_S * 1e6):
                self._sync()
                self._synced_at = now
        except self._refused as error:
            self._retry_at = now + int(RETRY_S * 1e6)
            self._pause(str(error))
            return
        if self._full:
            self._go_on()

    def _append(self) -> None:
        for stream in list(self._pending):
            lines = b"\n".join(self._pending[stream]) + b"\n"
            self._inbox.append(stream, lines, service=self._settings.service, format=self._settings.format)
            self._unsynced.append((stream, self._pending.pop(stream)))
            self._pending_bytes -= len(lines)

    def _sync(self) -> None:
        try:
            self._inbox.sync()
        except self._refused:
            # None of it was kept: it is appended again, before what came since.
            for stream, lines in reversed(self._unsynced):
                self._pending[stream] = lines + self._pending.get(stream, [])
                self._pending_bytes += sum(map(len, lines)) + len(lines)
            self._unsynced.clear()
            raise
        self._unsynced.clear()

    def _pause(self, reason: str) -> None:
        """Let TCP senders wait."""
        if not self._full:
            for connection in self._connections.values():
                self._selector.unregister(connection.socket)
        with self._lock:
            self._full = f"senders are made to wait: {reason}"

    def _go_on(self) -> None:
        with self._lock:
            self._full = ""
        for connection in self._connections.values():
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def _may_send(self, sender: str) -> bool:
        if not self._networks:
            return True
        allowed = self._allowed.get(sender)
        if allowed is None:
            if len(self._allowed) >= MOST_STREAMS:
                self._allowed.clear()
            address = ip_address(sender.partition("%")[0])
            allowed = any(address in network for network in self._networks)
            self._allowed[sender] = allowed
        return allowed

    def _count(self, reason: str, count: int = 1) -> None:
        if count:
            with self._lock:
                self._dropped[reason] = self._dropped.get(reason, 0) + count
