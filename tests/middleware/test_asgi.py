"""An ASGI application behind the middleware: it notices nothing, and its requests are recorded."""

import asyncio
from typing import Any

import pytest

from tests.middleware.made import Remembering, call, scope
from vedette.middleware import VedetteASGI


async def hello(of: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hel", "more_body": True})
    await send({"type": "http.response.body", "body": b"lo"})


async def echo(of: Any, receive: Any, send: Any) -> None:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": body})


def behind(app: Any) -> tuple[VedetteASGI, Remembering]:
    sink = Remembering()
    return VedetteASGI(app, sink=sink), sink


def test_a_request_is_recorded_and_the_answer_unchanged() -> None:
    app, sink = behind(hello)
    headers = [
        (b"host", b"shop.example.com"),
        (b"user-agent", b"test/1"),
        (b"referer", b"https://example.com/"),
        (b"x-forwarded-for", b"198.51.100.7"),
        (b"x-forwarded-for", b"10.0.0.3"),
    ]
    of = scope("/a b", raw_path=b"/a%20b", query_string=b"q=1", headers=headers)
    assert call(app, dict(of)) == call(hello, dict(of))
    (made,) = sink.records
    assert (made.method, made.path, made.query, made.status) == ("GET", b"/a%20b", b"q=1", 200)
    assert (made.bytes_in, made.bytes_out, made.protocol) == (0, 5, "HTTP/1.1")
    assert (made.peer, made.forwarded) == ("10.0.0.9", b"198.51.100.7, 10.0.0.3")
    assert (made.user_agent, made.referer) == (b"test/1", b"https://example.com/")
    assert made.host == b"shop.example.com"
    assert 0 <= made.duration < 5


def test_a_body_is_counted_or_taken_from_its_header() -> None:
    app, sink = behind(echo)
    call(app, scope("/", "POST"), [b"abc", b"defg"])
    call(app, scope("/", "POST", headers=[(b"content-length", b"7")]), [b"abc", b"defg"])
    assert [(r.bytes_in, r.bytes_out) for r in sink.records] == [(7, 7), (7, 7)]


def test_the_duration_lasts_until_the_last_byte_and_no_longer() -> None:
    clock: list[str] = []

    async def streaming(of: Any, receive: Any, send: Any) -> None:
        await hello(of, receive, send)
        clock.append("background")
        assert len(sink.records) == 1

    app, sink = behind(streaming)
    call(app, scope())
    assert clock == ["background"]
    assert len(sink.records) == 1


@pytest.mark.parametrize(
    ("before", "status"), [(False, 500), (True, 200)], ids=["before it answers", "while it answers"]
)
def test_an_exception_passes_through_unchanged(before: bool, status: int) -> None:
    error = RuntimeError("of the application")

    async def failing(of: Any, receive: Any, send: Any) -> None:
        if before:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    app, sink = behind(failing)
    with pytest.raises(RuntimeError) as caught:
        call(app, scope())
    assert caught.value is error
    assert [r.status for r in sink.records] == [status]


def test_a_client_that_goes_away_is_recorded_as_such() -> None:
    async def waiting(of: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    app, sink = behind(waiting)
    with pytest.raises(asyncio.CancelledError):
        call(app, scope())
    assert [r.status for r in sink.records] == [499]


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_other_protocols_get_the_servers_own_callables(kind: str) -> None:
    seen: list[Any] = []

    async def other(of: Any, receive: Any, send: Any) -> None:
        seen.extend([of, receive, send])

    app, sink = behind(other)
    of: dict[str, Any] = {"type": kind}

    async def receive() -> Any: ...
    async def send(message: Any) -> None: ...

    asyncio.run(app(of, receive, send))
    assert seen[0] is of
    assert seen[1] is receive
    assert seen[2] is send
    assert sink.records == []


def test_a_sink_that_fails_is_not_noticed() -> None:
    app = VedetteASGI(hello, sink=Remembering(ValueError("of the sink")))
    assert call(app, scope()) == call(hello, scope())


def test_a_server_that_tells_little_is_enough() -> None:
    app, sink = behind(hello)
    call(app, {"type": "http", "path": "/ü", "headers": [], "method": "GET", "client": None})
    (made,) = sink.records
    assert (made.path, made.peer, made.host) == (b"/%C3%BC", None, None)


def test_what_is_kept_of_long_texts_is_bounded() -> None:
    app, sink = behind(hello)
    long = b"x" * 100_000
    headers = [(name, long) for name in (b"user-agent", b"referer", b"host", b"x-forwarded-for")]
    call(app, scope(raw_path=b"/" + long, query_string=long, headers=headers))
    assert sink.records[0].size < 30_000


def starlette() -> Any:
    pytest.importorskip("starlette", reason="needs Starlette: pip install fastapi")
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Mount, Route

    async def user(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["name"])

    return Starlette(
        routes=[
            Route("/users/{name}", user),
            Mount("/api", routes=[Route("/things/{name:int}", user_number)]),
        ]
    )


async def user_number(request: Any) -> Any:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(str(request.path_params["name"]))


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/users/ann", "/users/{name}", 200),
        ("/api/things/7", "/api/things/{name}", 200),
        ("/nothing", None, 404),
    ],
)
def test_starlettes_routes_are_known(path: str, route: str | None, status: int) -> None:
    app, sink = behind(starlette())
    call(app, scope(path))
    assert [(r.path, r.route, r.status) for r in sink.records] == [(path.encode(), route, status)]


def test_fastapi_takes_it_as_its_middleware() -> None:
    fastapi = pytest.importorskip("fastapi", reason="needs FastAPI: pip install fastapi")
    sink = Remembering()
    app = fastapi.FastAPI()
    app.add_middleware(VedetteASGI, sink=sink)

    @app.get("/items/{item_id}")
    async def item(item_id: int) -> dict[str, int]:
        if item_id == 13:
            raise RuntimeError("bad luck")
        return {"item": item_id}

    sent = call(app, scope("/items/7"))
    assert sent[-1]["body"] == b'{"item":7}'
    with pytest.raises(RuntimeError, match="bad luck"):
        call(app, scope("/items/13"))
    call(app, scope("/items/x"))
    assert [(r.route, r.status) for r in sink.records] == [
        ("/items/{item_id}", 200),
        ("/items/{item_id}", 500),
        ("/items/{item_id}", 422),
    ]
