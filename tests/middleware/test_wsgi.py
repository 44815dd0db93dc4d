"""A WSGI application behind the middleware: it notices nothing, and its requests are recorded."""

import io
from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest

from tests.middleware.made import Remembering, environ, get
from vedette.middleware import VedetteWSGI

OK = [("Content-Type", "text/plain")]


def whole(of: Any, start: Any) -> list[bytes]:
    start("200 OK", OK)
    return [b"hel", b"lo"]


def behind(app: Any) -> tuple[VedetteWSGI, Remembering]:
    sink = Remembering()
    return VedetteWSGI(app, sink=sink), sink


def test_a_request_is_recorded_and_the_answer_unchanged() -> None:
    app, sink = behind(whole)
    of = environ(
        "/a b",
        "POST",
        QUERY_STRING="q=1",
        CONTENT_LENGTH="7",
        HTTP_REFERER="https://example.com/",
        HTTP_X_FORWARDED_FOR="198.51.100.7, 10.0.0.3",
    )
    assert get(app, of) == ("200 OK", b"hello")
    (made,) = sink.records
    assert (made.method, made.path, made.query, made.status) == ("POST", b"/a%20b", b"q=1", 200)
    assert (made.bytes_in, made.bytes_out, made.protocol) == (7, 5, "HTTP/1.1")
    assert (made.peer, made.forwarded) == ("10.0.0.9", b"198.51.100.7, 10.0.0.3")
    assert (made.user_agent, made.referer) == (b"test/1", b"https://example.com/")
    assert made.host == b"shop.example.com"


@pytest.mark.parametrize("name", ["RAW_URI", "REQUEST_URI"])
def test_the_path_as_sent_is_kept_where_the_server_tells_it(name: str) -> None:
    app, sink = behind(whole)
    get(app, environ("/a/b", **{name: "/a%2Fb?x=1"}))
    assert sink.records[0].path == b"/a%2Fb"


def test_bytes_that_are_no_utf8_are_encoded_again() -> None:
    app, sink = behind(whole)
    get(app, environ("/\xff\xc3\xbc"))
    assert sink.records[0].path == b"/%FF%C3%BC"


def test_it_keeps_to_the_protocol() -> None:
    """wsgiref's validator complains of anything that PEP 3333 forbids, on both sides of the middleware."""

    def pieces(of: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", OK)
        yield b"hel"
        yield b"lo"

    app, sink = behind(validator(pieces))
    assert get(validator(app), environ(SCRIPT_NAME="", QUERY_STRING="")) == ("200 OK", b"hello")
    assert [(r.status, r.bytes_out) for r in sink.records] == [(200, 5)]


def test_a_body_that_is_there_as_a_whole_keeps_its_length() -> None:
    app, _ = behind(whole)
    body: Any = app(environ(), lambda *_: None)  # type: ignore[arg-type,return-value]
    assert len(body) == 2
    body.close()


def test_a_stream_is_recorded_at_its_last_byte_and_closed() -> None:
    closed: list[bool] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            assert sink.records == []
            yield b"b"

        def close(self) -> None:
            closed.append(True)

    def streaming(of: Any, start: Any) -> Body:
        start("200 OK", OK)
        return Body()

    app, sink = behind(streaming)
    assert get(app, environ()) == ("200 OK", b"ab")
    assert [r.bytes_out for r in sink.records] == [2]
    assert closed == [True]


def test_a_client_that_goes_away_is_recorded_with_what_it_got() -> None:
    def pieces(of: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", OK)
        yield b"abc"
        yield b"never"

    app, sink = behind(pieces)
    body: Any = app(environ(), lambda *_: None)  # type: ignore[arg-type,return-value]
    assert next(body) == b"abc"
    body.close()
    assert [(r.status, r.bytes_out) for r in sink.records] == [(200, 3)]


def test_what_is_written_the_old_way_is_counted() -> None:
    def old(of: Any, start: Any) -> list[bytes]:
        start("200 OK", OK)(b"hel")
        return [b"lo"]

    app, sink = behind(old)
    assert get(app, environ()) == ("200 OK", b"hello")
    assert sink.records[0].bytes_out == 5


def test_a_file_is_left_to_the_server() -> None:
    made: list[Any] = []

    def sending(of: Any, start: Any) -> Any:
        start("200 OK", OK)
        made.append(of["wsgi.file_wrapper"](io.BytesIO(b"file")))
        return made[0]

    app, sink = behind(sending)
    body = app(environ(**{"wsgi.file_wrapper": FileWrapper}), lambda *_: None)  # type: ignore[arg-type,return-value]
    assert body is made[0]
    assert [(r.status, r.bytes_out) for r in sink.records] == [(200, None)]


@pytest.mark.parametrize("late", [False, True])
def test_an_exception_passes_through_unchanged(late: bool) -> None:
    error = RuntimeError("of the application")

    def failing(of: Any, start: Any) -> Any:
        if late:
            return later()
        raise error

    def later() -> Iterator[bytes]:
        raise error
        yield b""

    app, sink = behind(failing)
    with pytest.raises(RuntimeError) as caught:
        get(app, environ())
    assert caught.value is error
    assert [r.status for r in sink.records] == [500]


def test_a_sink_that_fails_is_not_noticed() -> None:
    app = VedetteWSGI(whole, sink=Remembering(ValueError("of the sink")))
    assert get(app, environ()) == ("200 OK", b"hello")


def test_flasks_rules_are_known() -> None:
    flask = pytest.importorskip("flask", reason="needs Flask: pip install flask")
    sink = Remembering()
    app = flask.Flask("shop")
    app.wsgi_app = VedetteWSGI(app.wsgi_app, sink=sink)

    @app.get("/users/<int:number>")
    def user(number: int) -> str:
        return str(number)

    client = app.test_client()
    assert client.get("/users/7?x=1").data == b"7"
    assert b"Not Found" in client.get("/nothing").data
    assert [(r.path, r.query, r.route, r.status) for r in sink.records] == [
        (b"/users/7", b"x=1", "/users/<int:number>", 200),
        (b"/nothing", b"", None, 404),
    ]
