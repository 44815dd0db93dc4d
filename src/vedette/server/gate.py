"""What every request passes first: who calls, may they, not too often, not too much."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from vedette.live.view import LiveView
from vedette.schema.errors import VedetteError
from vedette.server import media, origin, scopes
from vedette.server.address import ClientWalk, is_local
from vedette.server.intake import NO_LIMIT, Intake, too_long
from vedette.server.keyring import Keyring, KeysUnreadError
from vedette.server.metrics import Traffic
from vedette.server.problem import DEFECT, MEDIA_TYPE, ProblemError
from vedette.server.rooms import CALLER, Caller, Rooms
from vedette.server.throttle import Allowance, Throttle
from vedette.storage.errors import StoreError

Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

WELCOME: Final = 256
WELCOME_BYTES: Final = 300
"""Names and pages that are remembered: so many, of so many bytes."""
SMALL_BODY: Final = 1 << 16
"""Longest body of what is not lines."""
_WANTED: Final = frozenset(
    {
        b"host", b"authorization", b"x-api-key", b"content-length", b"content-type", b"content-encoding",
        b"transfer-encoding", b"origin", b"sec-fetch-site", b"x-forwarded-for",
    }
)  # fmt: skip
_SAFETY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
_OVER_TLS: Final = (b"strict-transport-security", b"max-age=31536000")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="vedette", Basic realm="vedette", charset="UTF-8"'}
_LOG = logging.getLogger(__name__)


class NoKeysError(VedetteError):
    """The service would listen where strangers can reach it, and nobody has a key."""


def asks_for_keys(rooms: Rooms) -> bool:
    """Whether callers have to show a key."""
    settings = rooms.settings
    if settings.authentication != "auto":
        return True
    return settings.unix_socket is None and not is_local(settings.host)


def check_keys(rooms: Rooms) -> None:
    """Refuse to open a service that nobody could use, or, worse, anybody.

    Raises:
        NoKeysError: Keys are asked for, and there are none.
    """
    if not asks_for_keys(rooms):
        return
    now = rooms.clock()
    try:
        known = rooms.store.keys()
    except StoreError as error:
        # Nobody gets in before the store is there; lines are taken from files all the same.
        _LOG.warning("keys cannot be read, and callers are refused until they can: %s", error)
        return
    usable = [k for k in known if not k.revoked and (k.expires is None or now < k.expires)]
    if not usable:
        raise NoKeysError(
            f"server.host = {rooms.settings.host!r}: others can reach this address, so callers need a key, and "
            "there is none: make one with `vedette key create NAME --scope admin` (and the --store or --config that "
            "this service is given), or listen on 127.0.0.1"
        )


class Gate:
    """An ASGI application around another.

    Args:
        app: What answers. rooms: Whose settings hold. keyring: Who shows which key. traffic: Counts answers.
    """

    def __init__(self, app: App, rooms: Rooms, keyring: Keyring, traffic: Traffic) -> None:
        self._app = app
        self._rooms = rooms
        self._traffic = traffic
        self._keyring = keyring
        self._clock = rooms.clock
        self._limits = limits = rooms.settings.limits
        self._asks = asks_for_keys(rooms)
        self._over_socket = rooms.settings.unix_socket is not None
        self._hosts = frozenset(origin.host_name(name) for name in rooms.settings.allowed_hosts)
        self._walk = ClientWalk(rooms.settings.trusted_proxies)
        self._by_address = Throttle(limits.address_per_s)
        self._by_key = Throttle(limits.key_per_s)
        self._failures = Throttle(limits.failures_per_minute / 60, limits.failures_per_minute)
        self._welcome: set[tuple[str, bool, bytes, bytes, bytes]] = set()
        """What names of this service and pages were found in order: hardly anybody sends others than before."""
        self._of_pages = _SAFETY + ((_OVER_TLS,) if rooms.settings.tls.cert_file is not None else ())
        self._headers = (*self._of_pages, _POLICY)

    def show(self, view: LiveView) -> None:
        """From now on this answers for the service."""
        self._rooms.view = view

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        """Take one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def told(message: Any) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._traffic.count(message["status"])
                own = message.get("headers", ())
                # A page says itself what it may load.
                safe = self._headers if all(name != _POLICY[0] for name, _ in own) else self._of_pages
                message["headers"] = [*own, *safe, *extra]
            await send(message)

        extra: list[tuple[bytes, bytes]] = []
        path = scope["path"]
        try:
            intake = await self._admit(scope, receive, extra)
        except ProblemError as error:
            await _refuse(error, path, told)
            return
        try:
            await self._app(_canonical(scope), intake, told)
        except ProblemError as error:
            if started:
                raise
            await _refuse(error, path, told)
        except Exception:
            # The framework answers for its own; what comes here came past it.
            if started:
                raise
            _LOG.exception("%s %s", scope["method"], ascii(path[:200]))
            await _refuse(ProblemError(500, DEFECT), path, told)

    async def _admit(self, scope: Any, receive: Any, extra: list[tuple[bytes, bytes]]) -> Intake:
        """Look at a request's head.

        Raises:
            ProblemError: It goes no further.
        """
        given = {name: value for name, value in scope["headers"] if name in _WANTED}
        path, method = scope["path"], scope["method"]
        shown = (
            given.get(b"authorization", b"").decode("latin-1"),
            given.get(b"x-api-key", b"").decode("latin-1"),
        )
        peer = scope.get("client")
        walked = self._walk.find(
            peer[0] if peer else "", given.get(b"x-forwarded-for", b"").decode("latin-1")
        )
        counted = walked.counted
        now = self._clock()
        self._check_origin(method, given, keyless=not shown[1] and not shown[0].lower().startswith("bearer"))
        if counted and not (self._asks and any(shown)):
            _spend(self._by_address.take(counted, now), extra)
        scope[CALLER] = caller = await self._caller(shown, walked.shown, counted, path, method, now)
        if self._asks and any(shown):
            _spend(self._by_key.take(caller.name, now), extra)
        return self._intake(given, path, method, receive)

    def _check_origin(self, method: str, given: dict[bytes, bytes], *, keyless: bool) -> None:
        asked = (given.get(b"host", b""), given.get(b"origin", b""), given.get(b"sec-fetch-site", b""))
        if (method, keyless, *asked) in self._welcome:
            return
        host, page, site = (value.decode("latin-1") for value in asked)
        if not self._asks and not self._over_socket and origin.stranger(host, self._hosts):
            raise ProblemError(
                421,
                f"Host: {host[:80]}: is not a name of this service; add it to server.allowed_hosts if it should be"
                if host
                else "the header Host is missing: it must name this service",
            )
        if keyless and origin.forged(method, host, page, site):
            raise ProblemError(403, "a page of another site asked for this: such requests are refused")
        if sum(map(len, asked)) <= WELCOME_BYTES:
            if len(self._welcome) >= WELCOME:
                self._welcome.clear()
            self._welcome.add((method, keyless, *asked))

    async def _caller(
        self, shown: tuple[str, str], address: str, counted: str, path: str, method: str, now: int
    ) -> Caller:
        if not self._asks:
            return Caller("local", address, scopes.EVERYTHING)
        needed = scopes.needed(method, scopes.canonical(path))
        if not any(shown):
            if needed is None:
                return Caller("nobody", address, frozenset())
            raise ProblemError(401, "a key is needed: Authorization: Bearer KEY", headers=_CHALLENGE)
        failures = self._failures.look(counted or "local", now)
        if not failures.granted:
            raise _too_many("too many wrong keys or passwords", failures)
        try:
            key = await self._keyring.find(*shown)
        except KeysUnreadError as error:
            raise ProblemError(503, str(error), headers={"Retry-After": "5"}) from None
        if key is None:
            self._failures.take(counted or "local", now)
            _LOG.warning("a wrong key from %s for %s %s", address, method, ascii(path[:200]))
            raise ProblemError(
                401, "the key is not valid: it is wrong, has expired, or was revoked", headers=_CHALLENGE
            )
        granted = frozenset(key.scopes)
        if scopes.ADMIN in granted:
            granted = scopes.EVERYTHING
        if needed is not None and needed not in granted:
            raise ProblemError(403, f"the key {key.name} lacks the scope {needed}")
        return Caller(key.name, address, granted)

    def _intake(self, given: dict[bytes, bytes], path: str, method: str, receive: Any) -> Intake:
        limits = self._limits
        if method in origin.SAFE:
            return Intake(receive, SMALL_BODY, limits.body_s)
        kind = given.get(b"content-type", b"")
        length = given.get(b"content-length", b"")
        has_body = (length not in (b"", b"0")) or b"transfer-encoding" in given
        if has_body and (reason := media.unread(path, kind, given.get(b"content-encoding", b""))) is not None:
            raise ProblemError(415, reason)
        most = self._most(path, kind)
        if most != NO_LIMIT and length.isdigit() and int(length) > most:
            raise ProblemError(413, too_long(most), headers={"Connection": "close"})
        return Intake(receive, most, limits.body_s)

    def _most(self, path: str, kind: bytes) -> int:
        if not path.startswith(("/detect", "/ingest", "/loki/", "/v1/")):
            return SMALL_BODY
        if path == "/detect":
            # Escapes may make six bytes of one.
            return 6 * self._limits.line_bytes + 4096
        streams = path == "/detect/batch" and media.plain(kind) == media.NDJSON
        return NO_LIMIT if streams else self._limits.body_bytes


def _canonical(scope: Any) -> Any:
    """A request as the routes know it: with the admin API's prefix, and GET for HEAD."""
    path = scope["path"]
    canonical = scopes.canonical(path)
    if canonical is not path:
        scope = {**scope, "path": canonical, "raw_path": canonical.encode()}
    if scope["method"] == "HEAD" and not canonical.endswith("/events"):
        # The server leaves out the body of what it knows to be a HEAD.
        scope = {**scope, "method": "GET"}
    return scope


def _spend(allowance: Allowance, extra: list[tuple[bytes, bytes]]) -> None:
    extra += [
        (b"ratelimit-limit", b"%d" % allowance.limit),
        (b"ratelimit-remaining", b"%d" % allowance.remaining),
        (b"ratelimit-reset", b"%d" % _seconds(allowance.wait_s)),
    ]
    if not allowance.granted:
        raise _too_many("too many requests", allowance)


def _too_many(what: str, allowance: Allowance) -> ProblemError:
    wait = max(1, _seconds(allowance.wait_s))
    return ProblemError(429, f"{what}: come back in {wait} s", headers={"Retry-After": str(wait)})


def _seconds(wait_s: float) -> int:
    return int(-(-wait_s // 1))


async def _refuse(error: ProblemError, path: str, send: Send) -> None:
    body = error.body(path)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        *((name.lower().encode(), value.encode("utf-8")) for name, value in error.headers.items()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
