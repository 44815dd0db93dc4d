"""Posting to servers that answer, refuse, redirect, hang and drip."""

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.channels.receiver import Receiver, dripping, receiver, status
from tests.patience import PATIENCE_S
from tests.ports import silent_port
from vedette.channels.channel import Failed, Sent
from vedette.channels.post import ANSWER_BYTES, LONGEST_PAUSE_S, PostError, deliver, post


def to(url: str, timeout_s: float = PATIENCE_S) -> Sent | Failed:
    return deliver(url, b'{"a": 1}', {"X-Team": "shop"}, timeout_s=timeout_s, reference="r1")


def test_what_is_taken_is_sent(hook: Receiver) -> None:
    assert to(f"{hook.url}/in?key=1") == Sent("r1")
    (got,) = hook.got
    assert (got.path, got.body) == ("/in?key=1", b'{"a": 1}')
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-team"] == "shop"
    assert got.headers["user-agent"].startswith("vedette/")


@pytest.mark.parametrize(("code", "refused"), [(400, True), (404, False), (422, True), (500, False)])
def test_other_answers_are_failures_with_what_was_said(hook: Receiver, code: int, refused: bool) -> None:
    hook.answers.append(status(code, b"no such\nhook \x1b[31m"))
    assert to(hook.url) == Failed(f"HTTP {code}: no such hook [31m", refused=refused)


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("999999", LONGEST_PAUSE_S),
        ("Fri, 01 May 2020 10:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
    ],
)
def test_retry_after_is_read_and_bounded(hook: Receiver, text: str, pause: float | None) -> None:
    hook.answers.append(status(429, Retry_After=text))
    assert to(hook.url) == Failed("HTTP 429", pause)


def test_a_redirect_to_the_same_server_is_followed_and_posts_again(hook: Receiver) -> None:
    hook.answers.append(status(308, Location="/there"))
    assert to(f"{hook.url}/here") == Sent("r1")
    assert [(g.path, g.body) for g in hook.got] == [("/here", b'{"a": 1}'), ("/there", b'{"a": 1}')]


def test_a_redirect_elsewhere_is_not_followed(hook: Receiver) -> None:
    with receiver() as other:
        hook.answers.append(status(307, Location=f"{other.url}/inside"))
        assert to(hook.url) == Failed(
            "127.0.0.1: redirects elsewhere, which is not followed: give that address"
        )
        assert other.got == []


def test_a_redirect_that_would_make_it_a_get_is_a_failure(hook: Receiver) -> None:
    hook.answers.append(status(302, Location="/there"))
    assert to(hook.url) == Failed(
        "HTTP 302: redirects elsewhere, and a message is dropped on such a way: give the address that it leads to"
    )
    assert len(hook.got) == 1


def test_redirects_in_a_circle_end(hook: Receiver) -> None:
    hook.answers += [status(307, Location="/a")] * 10
    assert to(hook.url) == Failed("127.0.0.1: redirects in a circle")
    assert len(hook.got) == 4


def test_nobody_there_is_a_failure_in_words() -> None:
    with silent_port() as port:
        assert to(f"http://127.0.0.1:{port}/secret") == Failed("127.0.0.1: connection refused")


def test_one_that_hangs_is_left_after_the_timeout(hook: Receiver) -> None:
    hook.gate.clear()
    assert to(hook.url, 0.3) == Failed("127.0.0.1: no whole answer within 0.3 s")


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_one_that_drips_is_left_after_the_timeout(greeting: bytes) -> None:
    """A socket's own time-out would start anew with every byte."""
    with dripping(greeting, b"x") as port:
        assert to(f"http://127.0.0.1:{port}", 0.4) == Failed("127.0.0.1: no whole answer within 0.4 s")


def test_of_a_long_answer_only_the_beginning_is_read(hook: Receiver) -> None:
    hook.answers.append(status(200, b"x" * (ANSWER_BYTES * 4)))
    assert len(post(hook.url, b"{}", {}, timeout_s=PATIENCE_S).body) == ANSWER_BYTES


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"220 mail.example ESMTP\r\n", "what answers there is no HTTP server: check host and port"),
        (b"", "it closed the connection without an answer"),
    ],
)
def test_what_is_no_http_is_a_failure(said: bytes, told: str) -> None:
    def babble(connection: socket.socket) -> None:
        # All of it: who closes with something unread resets the connection.
        request = b""
        while not request.endswith(b"\r\n\r\n{}") and (part := connection.recv(1 << 16)):
            request += part
        connection.sendall(said)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: babble(server.accept()[0]), daemon=True)
        thread.start()
        with pytest.raises(PostError, match=told):
            post(f"http://127.0.0.1:{server.getsockname()[1]}", b"{}", {}, timeout_s=PATIENCE_S)
        thread.join(PATIENCE_S)


def test_a_certificate_must_be_trusted(
    server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver(server_tls) as secure:
        refused = to(secure.url)
        assert isinstance(refused, Failed)
        assert refused.reason.startswith("127.0.0.1: its certificate is not trusted: ")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert to(secure.url) == Sent("r1")
        assert len(secure.got) == 1


def test_one_that_hangs_is_left_in_tls_too(
    server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with receiver(server_tls) as secure:
        secure.gate.clear()
        assert to(secure.url, 0.5) == Failed("127.0.0.1: no whole answer within 0.5 s")


def test_the_environments_proxy_is_gone_through(hook: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hook.url.replace("http://", "http://ann:secret@"))
    monkeypatch.delenv("no_proxy", raising=False)
    assert to("http://hooks.example.com/in") == Sent("r1")
    (got,) = hook.got
    assert got.path == "http://hooks.example.com/in"
    assert got.headers["proxy-authorization"] == "Basic YW5uOnNlY3JldA=="
    assert got.headers["host"] == "hooks.example.com"


def test_a_handler_is_not_confused_by_a_body_that_looks_like_a_request(hook: Receiver) -> None:
    def split(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")

    hook.answers.append(split)
    assert to(hook.url) == Failed("HTTP 500: HTTP")


def test_https_to_a_port_without_it_says_so(hook: Receiver) -> None:
    result = deliver(hook.url.replace("http://", "https://"), b"{}", {}, timeout_s=PATIENCE_S)
    assert isinstance(result, Failed)
    assert "does not speak TLS on this port" in result.reason
