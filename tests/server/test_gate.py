"""Who may do what, how often, and from where."""

import base64
from typing import Any

import httpx
import pytest

from tests.server.doubles import House
from vedette.server import keys
from vedette.server.gate import NoKeysError
from vedette.server.keys import make_user

OUTSIDE = {"host": "0.0.0.0"}
DAY_US = 86_400_000_000


def guarded(**settings: Any) -> tuple[House, str]:
    """A house that asks for keys, and a key for everything."""
    house = House(**OUTSIDE, **settings)
    return house, house.key("boss", "admin")


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture(autouse=True)
def _cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_SCRYPT", (1 << 10, 8, 1))


def test_a_service_that_others_can_reach_does_not_open_without_a_key() -> None:
    house = House(**OUTSIDE)
    with pytest.raises(NoKeysError, match="vedette key create"):
        house.app()
    house.key("old", "admin", expires=house.clock() - 1)
    with pytest.raises(NoKeysError):
        house.app()
    house.key("new", "read")
    house.app()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
async def test_on_this_machine_alone_no_key_is_needed(host: str) -> None:
    async with House(host=host).client() as client:
        assert (await client.get("/status")).status_code == 200


async def test_it_can_be_asked_for_everywhere() -> None:
    house = House(authentication="always")
    secret = house.key("k", "read")
    async with house.client() as client:
        assert (await client.get("/status")).status_code == 401
        assert (await client.get("/status", headers=bearer(secret))).status_code == 200


@pytest.mark.parametrize("shown", ["Bearer", "X-API-Key"])
async def test_a_key_is_shown_in_either_header(shown: str) -> None:
    house, secret = guarded()
    headers = bearer(secret) if shown == "Bearer" else {"X-API-Key": secret}
    async with house.client(**headers) as client:
        assert (await client.get("/status")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer vdt_boss_wrong"},
        {"Authorization": "Bearer vdt_nobody_wrong"},
        {"Authorization": "Digest x"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic Ym9zcw=="},
        {"X-API-Key": "\xff\xfe"},
    ],
)
async def test_without_a_valid_key_nothing_is_told(headers: dict[str, str]) -> None:
    house, _ = guarded()
    async with house.client() as client:
        for path in ("/status", "/admin/api/ai/anomalies", "/no/such/path"):
            answer = await client.get(path, headers={k: v.encode("latin-1") for k, v in headers.items()})
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert "Bearer" in answer.headers["www-authenticate"]


async def test_health_and_the_banner_are_for_everybody_but_name_no_files() -> None:
    house, secret = guarded()
    house.view.problems = ("/var/log/secret.log: cannot be read",)
    async with house.client() as client:
        assert (await client.get("/")).status_code == 200
        open_ = (await client.get("/health")).json()
        told = (await client.get("/health", headers=bearer(secret))).json()
    assert open_["status"] == told["status"] == "degraded"
    assert open_["problems"] == []
    assert told["problems"] == ["/var/log/secret.log: cannot be read"]


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("ingest", {"detect"}),
        ("read", {"read"}),
        ("admin", {"detect", "read", "change"}),
    ],
)
async def test_a_key_may_do_what_its_scope_says(scope: str, allowed: set[str]) -> None:
    house, _ = guarded()
    secret = house.key("k", scope)
    async with house.client(**bearer(secret)) as client:
        answers = {
            "detect": await client.post("/detect", json={"log_line": "a b"}),
            "read": await client.get("/admin/api/ai/anomalies"),
            "change": await client.put("/admin/api/ai/config", json={}),
        }
    assert {name for name, answer in answers.items() if answer.status_code == 200} == allowed
    for name, answer in answers.items():
        if name not in allowed:
            assert answer.status_code == 403
            assert "scope" in answer.json()["detail"]


async def test_a_key_ends_when_it_expires() -> None:
    house, _ = guarded()
    secret = house.key("k", "read", expires=house.clock() + DAY_US)
    async with house.client(**bearer(secret)) as client:
        assert (await client.get("/status")).status_code == 200
        house.clock.advance(86_400)
        assert (await client.get("/status")).status_code == 401


async def test_a_key_that_is_revoked_elsewhere_ends_within_seconds() -> None:
    house, _ = guarded()
    secret = house.key("k", "read")
    async with house.client(**bearer(secret)) as client:
        assert (await client.get("/status")).status_code == 200
        house.store.ring.pop("k")
        house.clock.advance(5)
        assert (await client.get("/status")).status_code == 401
        again = house.key("k", "read")
        house.clock.advance(5)
        assert (await client.get("/status")).status_code == 401
        assert (await client.get("/status", headers=bearer(again))).status_code == 200


async def test_a_user_shows_a_password_which_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    house, _ = guarded()
    house.store.put_key(make_user("ann", "correct horse battery", ("read",), house.clock()))
    worked, slow = 0, keys._slow

    def counted(*args: Any) -> bytes:
        nonlocal worked
        worked += 1
        return slow(*args)

    monkeypatch.setattr(keys, "_slow", counted)
    async with house.client(**basic("ann", "correct horse battery")) as client:
        for _ in range(3):
            assert (await client.get("/status")).status_code == 200
        assert worked == 1
        assert (await client.get("/status", headers=basic("ann", "wrong"))).status_code == 401
        # Who asks for a user that does not exist waits as long as for a wrong password.
        assert (await client.get("/status", headers=basic("bob", "wrong"))).status_code == 401
        assert worked == 3
        house.store.put_key(make_user("ann", "another long password", ("read",), house.clock()))
        house.clock.advance(5)
        assert (await client.get("/status")).status_code == 401


async def test_while_the_keys_cannot_be_read_those_known_count_and_strangers_wait() -> None:
    house, secret = guarded()
    async with house.client(**bearer(secret)) as client:
        assert (await client.get("/status")).status_code == 200
        house.store.broken = True
        house.clock.advance(60)
        assert (await client.get("/status")).status_code == 200
    async with house.client(**bearer(secret)) as fresh:
        answer = await fresh.get("/status")
    assert answer.status_code == 503
    assert "disk is full" in answer.json()["detail"]


async def test_who_tries_keys_has_to_wait_and_others_do_not() -> None:
    house, secret = guarded(limits={"failures_per_minute": 3})
    app = house.app()

    def caller(address: str, **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://v.example", headers=headers)

    async with (
        caller("192.0.2.1", **bearer("vdt_boss_wrong")) as bad,
        caller("192.0.2.2", **bearer(secret)) as good,
    ):
        assert [(await bad.get("/status")).status_code for _ in range(3)] == [401, 401, 401]
        answer = await bad.get("/status")
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "20"
        # Even the right key waits: otherwise the wait would tell which one that is.
        assert (await bad.get("/status", headers=bearer(secret))).status_code == 429
        assert (await good.get("/status")).status_code == 200
        house.clock.advance(20)
        assert (await bad.get("/status", headers=bearer(secret))).status_code == 200


async def test_an_address_gets_so_many_requests_and_is_told_how_many_are_left() -> None:
    house = House(limits={"address_per_s": 1})
    async with house.client("192.0.2.1", Host="localhost") as client:
        answers = [await client.get("/health") for _ in range(11)]
        assert [a.status_code for a in answers] == [200] * 10 + [429]
        assert [a.headers["ratelimit-remaining"] for a in answers[:3]] == ["9", "8", "7"]
        assert answers[0].headers["ratelimit-limit"] == "10"
        assert answers[-1].headers["retry-after"] == "1"
        assert answers[-1].headers["content-type"] == "application/problem+json"
        house.clock.advance(1)
        assert (await client.get("/health")).status_code == 200
        house.clock.advance(-3600)
        assert (await client.get("/health")).status_code == 429


async def test_one_ipv6_network_is_one_caller() -> None:
    house = House(limits={"address_per_s": 1})
    app, statuses = house.app(), []
    for number in range(11):
        transport = httpx.ASGITransport(app, client=(f"2001:db8::{number:x}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            statuses.append((await client.get("/health")).status_code)
    assert statuses[-1] == 429


async def test_a_key_has_its_own_limit_wherever_it_comes_from() -> None:
    house, secret = guarded(limits={"key_per_s": 1, "address_per_s": 1000})
    async with house.client(**bearer(secret)) as client:
        statuses = [(await client.get("/status")).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("127.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("127.0.0.1", "203.0.113.1, 192.0.2.9", "192.0.2.9"),
        ("192.0.2.1", "192.0.2.9", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.9, rubbish", "127.0.0.1"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:127.0.0.1", "192.0.2.9:1234", "192.0.2.9"),
    ],
)
async def test_the_address_is_found_past_trusted_proxies_alone(
    peer: str, forwarded: str, expected: str
) -> None:
    house = House()
    async with house.client(peer) as client:
        await client.put(
            "/admin/api/ai/config",
            json={},
            headers={"X-Forwarded-For": forwarded},
        )
    assert house.store.audited[0].address == expected


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8430", 200),
        ("127.0.0.1:8430", 200),
        ("[::1]:8430", 200),
        ("vedette.example", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
async def test_where_no_key_is_asked_for_strange_names_are_refused(host: str, status: int) -> None:
    """A page whose name points to this machine must not read what the service says."""
    house = House(allowed_hosts=["vedette.example"])
    async with house.client() as client:
        answer = await client.get("/status", headers={"Host": host})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:8430"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8430"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_a_page_elsewhere_cannot_have_a_browser_change_things(
    headers: dict[str, str], status: int
) -> None:
    house = House()
    async with house.client() as client:
        answer = await client.put("/admin/api/ai/config", json={}, headers=headers)
        assert (await client.get("/status", headers=headers)).status_code == 200
    assert answer.status_code == status
    assert bool(house.store.audited) == (status == 200)


async def test_with_a_password_a_forged_request_is_refused_and_with_a_key_there_is_none() -> None:
    house, secret = guarded()
    house.store.put_key(make_user("ann", "correct horse battery", ("admin",), house.clock()))
    forged = {"Origin": "http://evil.example"}
    async with house.client() as client:
        for credentials, status in ((basic("ann", "correct horse battery"), 403), (bearer(secret), 200)):
            answer = await client.put("/admin/api/ai/config", json={}, headers=forged | credentials)
            assert answer.status_code == status


async def test_every_answer_has_the_headers_that_keep_browsers_safe() -> None:
    async with House().client() as client:
        for path in ("/", "/nope", "/schema", "/metrics"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in headers


async def test_what_is_changed_is_in_the_audit_log_with_who_did_it() -> None:
    house, secret = guarded()
    async with house.client("192.0.2.8", **bearer(secret)) as client:
        assert (await client.put("/config", json={"alarm": {"budget": "2/day"}})).status_code == 200
        refused = await client.put("/config", json={"nonsense": 1})
    assert refused.status_code == 422
    assert "no such key" in refused.json()["detail"]
    assert house.view.settings["alarm"] == {"budget": "2/day"}
    assert [(a.action, a.who, a.address) for a in house.store.audited] == [
        ("configure", "boss", "192.0.2.8"),
        ("configure refused", "boss", "192.0.2.8"),
    ]
    assert '"2/day"' in house.store.audited[0].detail
