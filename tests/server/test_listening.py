"""The service on a real socket."""

import json
import socket
import ssl
import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE_S
from tests.server.doubles import House
from tests.server.listeners import client, listening, raw
from vedette.config.server import Server
from vedette.server import protocol
from vedette.server.listening import ListenError, Listening, Place


def test_it_answers_on_a_free_port_and_ends_when_told() -> None:
    with listening(House()) as found:
        assert found.address.startswith("http://127.0.0.1:")
        with client(found) as http:
            answer = http.get("/health")
            assert answer.json()["status"] == "ok"
            assert "server" not in answer.headers
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert http.head("/health").content == b""
            assert http.post("/detect", json={"log_line": "an attack"}).json()["is_anomaly"]


def test_a_taken_port_is_named_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"server\.port = {port}: cannot listen: another program"):
            Listening(None, Server(port=port))


def test_an_ipv6_address_may_stand_in_brackets() -> None:
    assert Server.model_validate({"host": "[::1]"}).host == "::1"


def test_a_name_without_an_address_is_named() -> None:
    with pytest.raises(
        ListenError, match=r"^server\.host = 'a\.invalid', server\.port = 0: no address of that name: [A-Z]"
    ):
        Place(Server.model_validate({"host": "a.invalid", "port": 0}))


def test_an_address_that_is_not_this_machines_is_named() -> None:
    with pytest.raises(ListenError, match="no such address"):
        Listening(None, Server(host="192.0.2.1", port=0))


def test_a_unix_socket_is_for_owner_and_group_and_goes_with_the_service(tmp_path: Path) -> None:
    path = tmp_path / "v.sock"
    with listening(House(), unix_socket=str(path)) as found:
        assert found.address == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(path)), base_url="http://any.example"
        ) as http:
            assert http.get("/status").status_code == 200
        with pytest.raises(ListenError, match="cannot listen"):
            Listening(None, Server(unix_socket=str(path)))
    assert not path.exists()


def test_the_socket_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "v.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    Listening(None, Server(unix_socket=str(path))).close()
    assert not path.exists()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("mine")
    with pytest.raises(ListenError, match="cannot listen"):
        Listening(None, Server(unix_socket=str(path)))
    assert path.read_text() == "mine"


def test_it_speaks_tls(tmp_path: Path) -> None:
    cert, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    with listening(House(), tls={"cert_file": str(cert), "key_file": str(key)}) as found:
        assert found.address.startswith("https://")
        with client(found, verify=ssl.create_default_context(cafile=str(cert))) as http:
            answer = http.get("/health")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_certificate_that_is_none_is_named_before_anything_listens(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("nonsense")
    (tmp_path / "k.pem").write_text("nonsense")
    tls = {"cert_file": str(tmp_path / "c.pem"), "key_file": str(tmp_path / "k.pem")}
    with pytest.raises(ListenError, match=r"server\.tls: .*c\.pem"):
        Listening(None, Server.model_validate_json(json.dumps({"port": 0, "tls": tls})))


def test_a_certificate_that_is_missing_is_named_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("nonsense")
    tls = {"cert_file": str(tmp_path / "c.pem"), "key_file": str(tmp_path / "k.pem")}
    with pytest.raises(ListenError, match=r"server\.tls\.key_file = .*k\.pem: cannot be read \(No such file"):
        Listening(None, Server.model_validate_json(json.dumps({"port": 0, "tls": tls})))


def test_what_is_no_http_is_answered_with_a_problem_and_the_connection_closed() -> None:
    with listening(House()) as found:
        head, _, body = raw(found, b"\x16\x03\x01 TLS to a plain port\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["status"] == 400


def test_a_head_without_an_end_is_refused() -> None:
    with listening(House()) as found:
        # One byte too many: what is sent after the refusal would have the connection reset, and the answer lost.
        begun = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
        answer = raw(found, begun + b"x" * (protocol.HEAD_BYTES - len(begun) + 1))
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_head_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_S", 0.2)
    with listening(House()) as found:
        assert raw(found, b"GET / HTTP/1.1\r\nHost: loc").startswith(b"HTTP/1.1 408 ")
        assert raw(found).startswith(b"HTTP/1.1 408 ")


def test_more_connections_than_are_taken_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "CONNECTIONS", 1)
    with listening(House()) as found, client(found) as http:
        assert http.get("/health").status_code == 200
        answer = raw(found)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"application/problem+json" in answer


def test_a_body_that_takes_too_long_is_refused_and_the_service_goes_on() -> None:
    house = House(limits={"body_s": 0.2})
    head = b"POST /detect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    with listening(house) as found:
        answer = raw(found, head)
        with client(found) as http:
            assert http.get("/health").status_code == 200
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer


@pytest.mark.parametrize("told", [b"Content-Length: 70000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_a_body_that_is_too_long_is_refused_told_or_not(told: bytes) -> None:
    house = House(limits={"body_bytes": 65_536})
    head = b"POST /detect/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + told
    body = (
        b"".join(b"%x\r\n%s\r\n" % (10_000, b" " * 10_000) for _ in range(7)) if b"chunked" in told else b""
    )
    with listening(house) as found:
        answer = raw(found, head, body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert house.view.judged == 0


def test_a_stream_is_answered_while_it_comes() -> None:
    """The answer to the first lines is there before the last are sent."""
    with listening(House()) as found:
        url = httpx.URL(found.address)
        with socket.create_connection((url.host, url.port or 0), timeout=PATIENCE_S) as connection:
            connection.sendall(
                b"POST /detect/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            )
            line = b'"an attack"\n'
            answer = b""
            for _ in range(3):
                connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
                seen = answer.count(b'"is_anomaly":true')
                while answer.count(b'"is_anomaly":true') == seen:
                    answer += connection.recv(65_536)
            assert b'"summary"' not in answer
            connection.sendall(b"0\r\n\r\n")
            while piece := connection.recv(65_536):
                answer += piece
    assert b'"summary":{"total":3,"anomalies":3' in answer


def test_two_callers_do_not_wait_for_each_other() -> None:
    """A caller who sends nothing more holds up nobody."""
    with listening(House()) as found:
        url = httpx.URL(found.address)
        with socket.create_connection((url.host, url.port or 0)) as slow:
            slow.sendall(
                b"POST /detect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 9\r\n\r\n{"
            )
            with client(found) as http:
                for _ in range(20):
                    assert http.post("/detect", json={"log_line": "a b"}).status_code == 200


def test_a_place_is_taken_before_anybody_is_let_in() -> None:
    place = Place(Server(port=0))
    port = int(place.address.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with listening(House(), place) as found:
        assert found.address == place.address
        with client(found) as http:
            assert http.get("/status").status_code == 200
