"""The same requests through nginx with ModSecurity and the OWASP Core Rule Set, on loopback.

Debian: `apt install nginx-light libnginx-mod-http-modsecurity modsecurity-crs`. The rules run as they come (paranoia
level 1, threshold 5): a request that they turn away gets 403. Nothing is logged and nothing written but in a
temporary directory. At some hundred requests a second, a sample of each class has to do.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from samples import Label, Sample

MODULE = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
SETUP = Path("/etc/modsecurity/crs/crs-setup.conf")
RULES = Path("/usr/share/modsecurity-crs/rules")
AGENT = b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

_NGINX = """
load_module {module};
daemon off; worker_processes 1; pid {home}/pid; error_log /dev/null;
events {{ worker_connections 64; }}
http {{
  access_log off; types {{ text/html html; }} large_client_header_buffers 8 256k; keepalive_requests 1000000;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{
    listen 127.0.0.1:{port}; merge_slashes off; error_page 404 405 =200 /ok.html;
    modsecurity on; modsecurity_rules_file {home}/rules.conf;
    location / {{ root {home}; try_files /ok.html =200; }}
  }}
}}
"""
_RULES = """
SecRuleEngine On
SecRequestBodyAccess On
SecAuditEngine Off
SecTmpDir {home}
SecDataDir {home}
Include {setup}
Include {rules}/*.conf
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of requests.

    Attributes:
        samples: The requests that were answered by the rules, not refused by nginx itself.
        blocked: Whether each was turned away.
        refused: How many nginx itself refused (400 and the like), before any rule.
        cpu: CPU seconds of the server for all.
    """

    samples: list[Sample]
    blocked: list[bool]
    refused: int
    cpu: float


def missing() -> str | None:
    """What is not installed, None if all is."""
    if shutil.which("nginx") is None:
        return "nginx is not installed"
    for needed in (MODULE, SETUP, RULES):
        if not needed.exists():
            return f"{needed} is not there"
    return None


def sampled(samples: Sequence[Sample], most: int) -> list[Sample]:
    """At most so many requests of each class, chosen by their hash."""
    classes: dict[tuple[str, str, Label], list[Sample]] = defaultdict(list)
    for sample in samples:
        classes[sample.group, sample.kind, sample.label].append(sample)
    return [
        sample
        for members in classes.values()
        for sample in sorted(members, key=lambda s: hashlib.sha256(s.value).digest())[:most]
    ]


def judge(samples: Sequence[Sample]) -> Judged:
    """Send requests one after another over one connection."""
    kept: list[Sample] = []
    blocked: list[bool] = []
    refused = 0
    with _server() as (port, worker):
        begun = _cpu(worker)
        connection = _Connection(port)
        for sample in samples:
            status = connection.status(_request(sample.columns))
            if status in (200, 403):
                kept.append(sample)
                blocked.append(status == 403)
            else:
                refused += 1
        cpu = _cpu(worker) - begun
    return Judged(kept, blocked, refused, cpu)


@contextmanager
def _server() -> Iterator[tuple[int, int]]:
    with tempfile.TemporaryDirectory(prefix="vedette-crs-") as home:
        Path(home).chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        Path(home, "ok.html").write_text("ok")
        Path(home, "rules.conf").write_text(_RULES.format(home=home, setup=SETUP, rules=RULES))
        Path(home, "nginx.conf").write_text(_NGINX.format(home=home, port=port, module=MODULE))
        Path(home, "ok.html").chmod(0o644)
        with subprocess.Popen(["nginx", "-p", home, "-c", f"{home}/nginx.conf"]) as process:
            try:
                yield port, _worker(process, port)
            finally:
                process.terminate()


def _worker(process: subprocess.Popen[bytes], port: int) -> int:
    """The process that does the work, once it answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("nginx with ModSecurity does not start") from error
            time.sleep(0.1)
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _request(columns: dict[str, bytes]) -> bytes:
    method = columns.get("method", b"GET")
    if not method.isalpha():
        method = b"GET"
    # What no client can put on the line is escaped; the rest is sent as it was logged.
    target = quote(columns.get("target", b"/"), safe="!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").encode()
    if not target.startswith(b"/"):
        target = b"/" + target
    lines = [
        method + b" " + target.replace(b"#", b"%23") + b" HTTP/1.1",
        b"Host: www.example.org",
        b"Accept: */*",
    ]
    lines.append(b"User-Agent: " + _header(columns.get("user_agent", AGENT)))
    if "referer" in columns:
        lines.append(b"Referer: " + _header(columns["referer"]))
    if method not in (b"GET", b"HEAD", b"OPTIONS"):
        lines.append(b"Content-Length: 0")
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _header(text: bytes) -> bytes:
    return bytes(byte if 32 <= byte != 127 else 32 for byte in text).strip() or b"-"


class _Connection:
    """One connection that is opened again when the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def status(self, request: bytes) -> int:
        """Send a request, read the whole answer, return its status; 0 if there is none."""
        for _ in range(2):
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), 30)
            try:
                self._socket.sendall(request)
                answer = self._read(request.startswith(b"HEAD "))
            except OSError:
                answer = b""
            if not answer:
                self._socket.close()
                self._socket = None
                continue
            head = answer.partition(b"\r\n\r\n")[0].lower()
            if b"connection: close" in head or not head.startswith(b"http/1.1 "):
                self._socket.close()
                self._socket = None
            return int(head[9:12])
        return 0

    def _read(self, bare: bool) -> bytes:
        assert self._socket is not None
        answer = b""
        while b"\r\n\r\n" not in answer:
            block = self._socket.recv(65536)
            if not block:
                return b""
            answer += block
        head, _, body = answer.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while not bare and len(body) < length:
            block = self._socket.recv(65536)
            if not block:
                break
            body += block
        return head + b"\r\n\r\n"
