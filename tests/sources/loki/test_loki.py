"""Polling over HTTP: what is sent, what refusals do, and that a restart reads everything once."""

import json

import pytest

from tests.patience import wait_until
from tests.sources.loki.server import Server, Store, basic
from vedette.sources.errors import SourceError
from vedette.sources.loki import Loki, LokiQuery
from vedette.sources.loki import Server as Address
from vedette.sources.source import SourceState

NOW = 1_772_442_600 * 10**9
LABELS = {"job": "nginx", "app": "shop"}


@pytest.fixture
def site():
    opened = []

    class Site:
        store = Store()
        # The test's own: how long a test waits must not be how old its lines are.
        now = NOW + 10**9

        def serve(self, **settings):
            self.server = Server(self.store, **settings)
            opened.append(self.server)
            return self.server

        def poll(self, position=None, address=None, **settings):
            settings = {"query": '{job="nginx"}', "poll_s": 0.02, "delay_s": 0.0, "back_s": 0.2} | settings
            source = Loki(
                "loki", address or Address(self.server.url), LokiQuery(**settings), lambda: self.now // 1000
            )
            source.open(position)
            opened.append(source)
            return source

    yield Site()
    for each in reversed(opened):
        each.close()


def read(source, count):
    found, position = [], None

    def enough():
        nonlocal position
        for delivery in source.take(1 << 20):
            found.extend(delivery.lines.splitlines())
            position = delivery.position or position
        return len(found) >= count

    wait_until(enough)
    return found, position


def test_lines_come_in_order_with_stream_and_service(site):
    for number in range(50):
        site.store.add(NOW + number, LABELS, f"line {number}\n")
    site.store.add(NOW, {"job": "other"}, "not asked for")
    site.serve()
    source = site.poll(limit=7)
    first = wait_until(lambda: source.take(1))[0]
    assert (first.stream, first.service) == ('{app="shop", job="nginx"}', "shop")
    found, _ = read(source, 43)
    assert [*first.lines.splitlines(), *found] == [b"line %d" % number for number in range(50)]
    asked = [asked for _, asked in site.server.asked]
    assert all(int(ask["limit"]) == 7 for ask in asked)


def test_a_restart_goes_on_behind_its_position_and_finds_what_came_late(site):
    for number in range(30):
        site.store.add(NOW + number, LABELS, f"line {number}")
    site.serve()
    source = site.poll(limit=4, back_s=3600.0)
    _, position = read(source, 30)
    source.close()
    site.store.add(NOW + 5, LABELS, "late")
    site.now += 10**9
    site.store.add(site.now - 1, LABELS, "new")
    again = site.poll(position, limit=4, back_s=0.05)
    more, _ = read(again, 2)
    assert sorted(more) == [b"late", b"new"]
    assert again.status().reason == ""


def test_late_lines_are_found_by_looking_back(site):
    site.store.add(NOW, LABELS, "on time")
    site.serve()
    source = site.poll(back_s=0.5)
    read(source, 1)
    site.store.add(site.now - 300_000_000, LABELS, "late")
    site.now += 10**9
    assert read(source, 1)[0] == [b"late"]


def test_tenant_and_login_are_sent(site):
    site.store.add(NOW, LABELS, "one")
    site.serve(authorization=basic("u", "p"), tenant="shop|edge")
    source = site.poll(address=Address(site.server.url + "/", tenant="shop|edge", username="u", password="p"))
    assert read(source, 1)[0] == [b"one"]


def test_a_token_is_sent(site):
    site.store.add(NOW, LABELS, "one")
    site.serve(authorization="Bearer t")
    assert read(site.poll(address=Address(site.server.url, token="t")), 1)[0] == [b"one"]


def test_a_wrong_login_is_said_with_its_remedy_and_no_secret(site):
    site.serve(authorization="Bearer t")
    source = site.poll(address=Address(site.server.url, token="secret-token"))
    wait_until(lambda: source.status().state is SourceState.FAILED)
    assert source.status().reason == "HTTP 401: unauthorized; give `username` and `password`, or `token`"


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (429, {"Retry-After": "0"}, b"too many requests"),
        (500, {"Retry-After": "0"}, b""),
        (200, {}, b"nonsense"),
    ],
)
def test_refusals_are_retried_and_nothing_is_lost(site, status, headers, body):
    site.store.add(NOW, LABELS, "one")
    site.serve().fail = [(status, headers, body)] * 2
    source = site.poll()
    assert read(source, 1)[0] == [b"one"]
    wait_until(lambda: source.status().state is not SourceState.FAILED)


def test_numbers_instead_of_lines_are_refused(site):
    body = json.dumps({"data": {"resultType": "matrix", "result": []}}).encode()
    site.serve().fail = [(200, {}, body)]
    source = site.poll()
    wait_until(lambda: source.status().state is SourceState.FAILED)
    assert source.status().reason == "the query gives matrix, not lines; leave out functions like rate()"


def test_nobody_there_is_said(site):
    source = site.poll(address=Address("http://127.0.0.1:9"))
    wait_until(lambda: source.status().state is SourceState.FAILED)
    assert source.status().reason == "127.0.0.1:9: Connection refused; see that Loki runs there"


def test_a_limit_that_loki_refuses_is_lowered_and_a_crowded_nanosecond_split(site):
    site.store.highest = 10
    for pod in range(4):
        for number in range(6):
            site.store.add(NOW, {**LABELS, "pod": str(pod)}, f"{pod} {number}")
    site.serve()
    source = site.poll(limit=100)
    found, _ = read(source, 24)
    assert sorted(found) == sorted(b"%d %d" % (pod, number) for pod in range(4) for number in range(6))
    assert source.status().dropped == {}


def test_no_more_is_fetched_than_is_taken(site, monkeypatch):
    monkeypatch.setattr("vedette.sources.loki.loki.AHEAD_BYTES", 1000)
    for number in range(1000):
        site.store.add(NOW + number, LABELS, "x" * 100)
    site.serve()
    source = site.poll(limit=5)
    wait_until(lambda: (source.status().behind or 0) >= 1000)
    assert source.pending() == ('{app="shop", job="nginx"}',)
    assert source.status().behind <= 1000 + 5 * 101


def test_a_position_that_is_none_is_refused(site):
    site.serve()
    with pytest.raises(SourceError, match="position cannot be read"):
        site.poll(b"nonsense")
