"""Shipping to a server: taken, taken in part, refused, dead."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.channels.receiver import Receiver, receiver, status
from tests.middleware.made import EXAMPLES, call, environ, get, record, scope
from tests.middleware.test_asgi import hello
from tests.middleware.test_wsgi import whole
from tests.patience import PATIENCE_S
from tests.ports import silent_port
from vedette.live.view import Pushed
from vedette.middleware import Embedded, Ship, VedetteASGI, VedetteWSGI
from vedette.middleware.record import encode
from vedette.middleware.ship import HttpDelivery
from vedette.middleware.sink import DeliveryError, RefusedError


def delivery(url: str, key: str | None = "k3y", service: str | None = "shop") -> HttpDelivery:
    return HttpDelivery(url, key, service)


def test_records_arrive_as_lines_of_json_with_the_key() -> None:
    with receiver() as hook:
        ship = Ship(hook.url, key="k3y", service="shop")
        for each in EXAMPLES:
            ship.put(each)
        ship.close(PATIENCE_S)
        (got,) = hook.got
    assert got.path == "/ingest?format=vedette-json&stream=shop"
    assert got.headers["authorization"] == "Bearer k3y"
    assert got.headers["content-type"] == "application/x-ndjson"
    assert got.body == encode(EXAMPLES, "shop")
    assert ship.counts().delivered == len(EXAMPLES)


def test_a_server_that_took_only_the_first_is_offered_the_rest() -> None:
    with receiver() as hook:
        hook.answers.append(status(200, b'{"taken": 1, "refused": 3, "retry_after_s": 0}'))
        ship = Ship(hook.url, service="shop", batch_records=len(EXAMPLES), batch_age_s=3600)
        for each in EXAMPLES:
            ship.put(each)
        ship.close(PATIENCE_S)
        bodies = [got.body for got in hook.got]
    assert bodies == [encode(EXAMPLES, "shop"), encode(EXAMPLES[1:], "shop")]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(400), RefusedError),
        (status(413), RefusedError),
        (status(401), DeliveryError),
        (status(503), DeliveryError),
        (lambda handler: handler.wfile.write(b"what?\r\n\r\n"), DeliveryError),
    ],
)
def test_what_cannot_help_is_not_tried_again(
    answer: Callable[..., None], error: type[Exception], hook: Receiver
) -> None:
    hook.answers.append(answer)
    with pytest.raises(error, match=r"127\.0\.0\.1"):
        delivery(hook.url).deliver([record()])


def test_a_server_that_asks_for_a_pause_gets_it(hook: Receiver) -> None:
    hook.answers.append(status(429, Retry_After="17"))
    with pytest.raises(DeliveryError) as caught:
        delivery(hook.url).deliver([record()])
    assert caught.value.wait_s == 17


def test_a_connection_that_broke_is_opened_anew(hook: Receiver) -> None:
    it = delivery(hook.url)
    hook.answers.append(lambda handler: handler.connection.close())
    with pytest.raises(DeliveryError):
        it.deliver([record()])
    assert it.deliver([record()]) == 1
    it.close()


def test_with_the_server_dead_no_request_fails() -> None:
    with silent_port() as port:
        ship = Ship(f"http://127.0.0.1:{port}", most_records=50)
        asgi, wsgi = VedetteASGI(hello, sink=ship), VedetteWSGI(whole, sink=ship)
        for _ in range(100):
            assert call(asgi, scope()) == call(hello, scope())
            assert get(wsgi, environ()) == ("200 OK", b"hello")
        counts = ship.counts()
        assert counts.taken == 200
        assert counts.delivered == 0
        assert counts.dropped == 150
        ship.close(PATIENCE_S)


def test_what_cannot_be_a_server_is_said_when_the_application_starts() -> None:
    with pytest.raises(ValueError, match="must be the address of a Vedette server"):
        VedetteASGI(hello, "vedette:8080")


def test_a_key_that_is_not_where_it_should_be_is_said_when_the_application_starts(tmp_path: Path) -> None:
    empty = tmp_path / "key"
    empty.touch()
    url = "http://127.0.0.1:1"
    with pytest.raises(ValueError, match=r"key_file = '/nonexistent': cannot be read: No such file"):
        Ship(url, key_file="/nonexistent")
    with pytest.raises(ValueError, match="holds no key"):
        Ship(url, key_file=str(empty))
    with pytest.raises(ValueError, match="one of them, not both"):
        Ship(url, key="k", key_file=str(empty))


def test_without_a_server_s_address_both_places_for_it_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VEDETTE_URL", raising=False)
    with pytest.raises(ValueError, match="give url=, or set VEDETTE_URL"):
        Ship()


def test_a_server_that_refuses_the_key_is_told_in_the_log_with_the_remedy(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with receiver() as hook:
        hook.answers.append(status(401))
        ship = Ship(hook.url, key="wrong", batch_age_s=0.01)
        ship.put(EXAMPLES[0])
        assert hook.came.wait(PATIENCE_S)
        ship.close(PATIENCE_S)
    (said,) = (each.message for each in caplog.records)
    assert said.startswith("Vedette does not take records of requests")
    assert "127.0.0.1: HTTP 401: the key is missing or unknown: give key_file=" in said


def test_url_and_key_may_come_from_the_environment_and_the_key_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hook: Receiver
) -> None:
    (tmp_path / "key").write_text("of-file\n")
    monkeypatch.setenv("VEDETTE_URL", hook.url)
    monkeypatch.setenv("VEDETTE_KEY", "of-environment")
    for ship in (Ship(), Ship(key_file=str(tmp_path / "key"))):
        ship.put(record())
        ship.close(PATIENCE_S)
    assert [got.headers["authorization"] for got in hook.got] == ["Bearer of-environment", "Bearer of-file"]


class Live:
    """Takes two lines at a time."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def push(self, stream: str, lines: bytes, *, format: str | None = None) -> Pushed:  # noqa: A002 -- the view's
        assert (stream, format) == ("shop", "vedette-json")
        taken = lines.splitlines(keepends=True)[:2]
        self.lines += taken
        return Pushed(taken=len(taken), refused=lines.count(b"\n") - len(taken))


def test_an_engine_in_the_process_is_fed() -> None:
    live = Live()
    sink = Embedded(live, service="shop", batch_age_s=0.01)
    for number in range(5):
        sink.put(record(status=200 + number))
    sink.close(PATIENCE_S)
    assert [json.loads(line)["http.response.status_code"] for line in live.lines] == [200, 201, 202, 203, 204]
