"""Syslog over real sockets, into a real journal."""

import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.patience import PATIENCE_S, wait_until

from vedette.sources.journal import Journal, JournalError
from vedette.sources.source import SourceState
from vedette.sources.syslog import Listen, Syslog, parse_address
from vedette.sources.syslog.listener import OTHER, PATIENCE_US


def clock():
    return time.time_ns() // 1000


class Site:
    """A journal with listeners."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "journal", clock)
        self.journal.open(None)
        self.listeners: list[Syslog] = []
        self.lines: list[tuple[str, bytes]] = []

    def listen(self, *addresses, inbox=None, **settings):
        listener = Syslog(
            "syslog",
            Listen(tuple(map(parse_address, addresses)), **settings),
            inbox or self.journal,
            JournalError,
            clock,
        )
        listener.open(None)
        self.listeners.append(listener)
        return listener

    def wait_for(self, count):
        """What came, once there are `count` lines of it."""
        self.until(lambda: len(self.taken()) >= count)
        return self.lines

    def taken(self):
        for delivery in self.journal.take(1 << 20):
            self.lines += [(delivery.stream, line) for line in delivery.lines.splitlines()]
        return self.lines

    @staticmethod
    def until(happens):
        wait_until(happens, "nothing came")

    def close(self):
        for listener in self.listeners:
            listener.close()
        self.journal.close()


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    yield made
    made.close()


def datagrams(where, *messages):
    family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        for message in messages:
            sender.sendto(message, where)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_datagrams_become_lines_of_their_sender_and_program(site, host):
    listener = site.listen(f"udp://{host}:0")
    (where,) = listener.addresses
    datagrams(where, b"<190>May  1 00:00:00 web-1 nginx: one", b"<190>May  1 00:00:00 nginx: two", b"three")
    sender = host.strip("[]")
    assert sorted(site.wait_for(3), key=lambda found: found[1]) == [
        ("syslog:web-1/nginx", b"one"), (f"syslog:{sender}/", b"three"), (f"syslog:{sender}/nginx", b"two"),
    ]  # fmt: skip
    assert listener.status().dropped == {}


def test_one_socket_takes_senders_of_both_families(site):
    listener = site.listen("udp://[::]:0")
    ((_, port),) = listener.addresses
    datagrams(("127.0.0.1", port), b"<13>May  1 00:00:00 t: four")
    datagrams(("::1", port), b"<13>May  1 00:00:00 t: six")
    assert sorted(site.wait_for(2)) == [("syslog:127.0.0.1/t", b"four"), ("syslog:::1/t", b"six")]


def test_many_tcp_senders_lose_nothing(site):
    listener = site.listen("tcp://127.0.0.1:0", service="shop")
    (where,) = listener.addresses

    def send(number):
        with socket.create_connection(where) as sender:
            for each in range(300):
                message = b"<13>1 - host-%d app - - - line %d" % (number, each)
                sender.sendall(b"%d %s" % (len(message), message) if number % 2 else message + b"\n")

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = site.wait_for(2400)
    for number in range(8):
        own = [line for stream, line in found if stream == f"syslog:host-{number}/app"]
        assert own == [b"line %d" % each for each in range(300)]


class Stubborn:
    """An inbox that refuses while told to."""

    def __init__(self, journal):
        self.journal = journal
        self.full = True
        self.failing_syncs = 0

    def append(self, stream, lines, **known):
        if self.full:
            raise JournalError("full: 1 bytes wait", full=True)
        self.journal.append(stream, lines, **known)

    def sync(self):
        if self.failing_syncs:
            self.failing_syncs -= 1
            raise JournalError("cannot be written: Input/output error", full=False)
        self.journal.sync()


def test_tcp_senders_wait_while_the_journal_is_full_and_datagrams_are_counted(site):
    inbox = Stubborn(site.journal)
    listener = site.listen("tcp://127.0.0.1:0", "udp://127.0.0.1:0", inbox=inbox)
    tcp, udp = listener.addresses
    count = 200_000
    sent = []

    def send():
        with socket.create_connection(tcp) as sender:
            for each in range(0, count, 1000):
                sender.sendall(
                    b"".join(b"<13>1 - h app - - - line %07d\n" % n for n in range(each, each + 1000))
                )
                sent.append(each)

    thread = threading.Thread(target=send)
    thread.start()
    site.until(lambda: listener.status().state is SourceState.FAILED)
    assert "senders are made to wait: journal: full" in listener.status().reason
    datagrams(udp, b"<13>lost")
    site.until(lambda: listener.status().dropped)
    assert listener.status().dropped == {"datagrams_journal_full": 1}
    assert len(sent) < count // 1000
    inbox.full = False
    found = [line for _, line in site.wait_for(count)]
    thread.join()
    assert found == [b"line %07d" % each for each in range(count)]
    assert listener.status().state is SourceState.READING


def test_what_a_failed_sync_took_back_is_written_again(site, monkeypatch):
    real = Stubborn(site.journal)
    kept = []

    class Forgetful(Stubborn):
        def append(self, stream, lines, **known):
            kept.append((stream, lines, known))

        def sync(self):
            if self.failing_syncs:
                self.failing_syncs -= 1
                kept.clear()
                raise JournalError("cannot be written: Input/output error", full=False)
            for stream, lines, known in kept:
                real.journal.append(stream, lines, **known)
            kept.clear()
            real.journal.sync()

    inbox = Forgetful(site.journal)
    inbox.failing_syncs = 1
    listener = site.listen("tcp://127.0.0.1:0", inbox=inbox)
    with socket.create_connection(listener.addresses[0]) as sender:
        sender.sendall(b"<13>1 - h app - - - one\n<13>1 - h app - - - two\n")
    assert [line for _, line in site.wait_for(2)] == [b"one", b"two"]


def test_senders_from_elsewhere_are_refused_and_counted(site):
    listener = site.listen("udp://127.0.0.1:0", "tcp://127.0.0.1:0", senders=("10.0.0.0/8",))
    udp, tcp = listener.addresses
    datagrams(udp, b"<13>x")
    with socket.create_connection(tcp) as sender:
        sender.settimeout(PATIENCE_S)
        assert sender.recv(1) == b""
    site.until(lambda: listener.status().dropped == {"datagrams_refused": 1, "connections_refused": 1})


def test_streams_are_bounded(site, monkeypatch):
    monkeypatch.setattr("vedette.sources.syslog.listener.MOST_STREAMS", 2)
    listener = site.listen("udp://127.0.0.1:0")
    for number in range(4):
        datagrams(listener.addresses[0], b"<13>May  1 00:00:00 host-%d t: x" % number)
    assert {stream for stream, _ in site.wait_for(4)} == {"syslog:host-0/t", "syslog:host-1/t", OTHER}


def test_a_port_to_which_nothing_comes_says_so_after_a_minute(site):
    now = [1_000_000]
    address = parse_address("udp://127.0.0.1:0")
    listener = Syslog("syslog", Listen((address,)), site.journal, JournalError, lambda: now[0])
    listener.open(None)
    site.listeners.append(listener)
    assert (listener.status().state, listener.status().reason) == (SourceState.WAITING, "")
    now[0] += PATIENCE_US
    assert listener.status().reason == (
        "nothing has come to udp://127.0.0.1:0 yet; see that it is sent there, and that no firewall drops it"
    )
    datagrams(listener.addresses[0], b"<13>x")
    site.wait_for(1)
    assert (listener.status().state, listener.status().reason) == (SourceState.READING, "")


def test_a_port_in_use_is_named_and_taken_when_it_is_free(site):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    listener = site.listen(f"tcp://127.0.0.1:{port}")
    assert listener.status().reason == (
        f"cannot listen at tcp://127.0.0.1:{port}: Address already in use; free the port, or choose another"
    )
    taken.close()
    site.until(lambda: listener.status().state is not SourceState.FAILED)
    with socket.create_connection(("127.0.0.1", port)) as sender:
        sender.sendall(b"<13>x\n")
    site.wait_for(1)


def test_tls(site, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=False, capture_output=True,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("needs openssl (apt install openssl) to make a certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = site.listen("tls://127.0.0.1:0", context=context)
    client = ssl.create_default_context(cafile=certificate)
    lines = [b"<13>1 - h app - - - %d %s" % (number, b"x" * 500) for number in range(1000)]
    with (
        socket.create_connection(listener.addresses[0]) as plain,
        client.wrap_socket(plain, server_hostname="localhost") as sender,
    ):
        sender.sendall(b"\n".join(lines) + b"\n")
        found = [line for _, line in site.wait_for(len(lines))]
    assert found == [line.partition(b"- - - ")[2] for line in lines]
    with socket.create_connection(listener.addresses[0]) as plain:
        plain.sendall(b"<13>no tls\n")
        plain.settimeout(PATIENCE_S)
        with suppress(ConnectionResetError):
            while plain.recv(100):
                pass
    assert len(site.taken()) == len(lines)


@pytest.mark.parametrize(
    "text", ["", "udp://", "http://x:1", "udp://x", "udp://x:99999", "tcp://x:1/path", "tcp://u@x:1"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="must be like udp://"):
        parse_address(text)


def test_a_listener_is_behind_by_what_the_journal_has_not_got(site):
    """What the journal holds it counts itself; a listener that only listens asks for no turn at once."""
    listener = site.listen("udp://127.0.0.1:0")
    datagrams(listener.addresses[0], b"<13>Jan  1 00:00:00 host app: a line")
    site.wait_for(1)
    site.until(lambda: listener.status().behind == 0)
    assert listener.status().state is SourceState.READING
