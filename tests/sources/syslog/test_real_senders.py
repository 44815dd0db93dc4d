"""Programs that send syslog: nginx, and `logger` of util-linux."""

import shutil
import subprocess
import threading
import time
import urllib.request

import pytest
from tests.patience import PATIENCE_S, wait_until
from tests.ports import port_for_a_server

from vedette.sources.journal import Journal, JournalError
from vedette.sources.syslog import Listen, Syslog, parse_address

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
LOGGER = shutil.which("logger")


def clock():
    return time.time_ns() // 1000


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "journal", clock)
    made.open(None)
    yield made
    made.close()


@pytest.fixture
def listen(journal):
    opened = []

    def listen(address):
        listener = Syslog("syslog", Listen((parse_address(address),)), journal, JournalError, clock)
        listener.open(None)
        opened.append(listener)
        return listener.addresses[0][1]

    yield listen
    for listener in opened:
        listener.close()


def wait_for(journal, count):
    found = []

    def came():
        for delivery in journal.take(1 << 20):
            found.extend((delivery.stream, line) for line in delivery.lines.splitlines())
        return len(found) >= count

    wait_until(came, lambda: f"{len(found)} of {count} lines came")
    return found


@pytest.mark.skipif(LOGGER is None, reason="needs logger: apt-get install bsdutils")
@pytest.mark.parametrize(
    ("transport", "options"),
    [
        ("udp", ["--udp", "--rfc3164"]),
        ("udp", ["--udp", "--rfc5424"]),
        ("tcp", ["--tcp", "--rfc3164"]),
        ("tcp", ["--tcp", "--rfc5424", "--octet-count"]),
        ("tcp", ["--tcp", "--rfc5424", "--sd-id", "a@1", "--sd-param", 'x="a\\]\\"b"']),
    ],
)
def test_logger(journal, listen, transport, options):
    port = listen(f"{transport}://127.0.0.1:0")
    subprocess.run(
        [str(LOGGER), "--server", "127.0.0.1", "--port", str(port), "--tag", "shop", *options],
        input=b"".join(b'192.0.2.1 - - "GET /%d HTTP/1.1" 200\n' % n for n in range(20)),
        check=True,
    )
    found = wait_for(journal, 20)
    assert [line for _, line in found] == [b'192.0.2.1 - - "GET /%d HTTP/1.1" 200' % n for n in range(20)]
    assert {stream.rpartition("/")[2] for stream, _ in found} == {"shop"}


RULES = """
daemon off; pid {here}/pid; error_log {here}/error.log;
events {{}}
http {{
  client_body_temp_path {here}; proxy_temp_path {here}; fastcgi_temp_path {here}; uwsgi_temp_path {here};
  scgi_temp_path {here};
  access_log syslog:server=127.0.0.1:{syslog},tag=shop combined;
  server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}
}}
"""


@pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx")
def test_nginx(journal, listen, tmp_path):
    syslog = listen("udp://127.0.0.1:0")
    port = port_for_a_server()
    (tmp_path / "nginx.conf").write_text(RULES.format(here=tmp_path, syslog=syslog, port=port))
    process = subprocess.Popen(
        [str(NGINX), "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=subprocess.DEVNULL
    )
    try:
        end, waiting = time.monotonic() + PATIENCE_S, threading.Event()
        asked = 0
        while asked < 20:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/page/{asked}", timeout=PATIENCE_S):
                    asked += 1
            except OSError:
                assert time.monotonic() < end, "nginx does not answer"
                waiting.wait(0.02)
        found = wait_for(journal, 20)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
    assert [line.split()[6] for _, line in found] == [b"/page/%d" % number for number in range(20)]
    assert all(line.startswith(b"127.0.0.1 - - [") for _, line in found)
    assert {stream.rpartition("/")[2] for stream, _ in found} == {"shop"}
