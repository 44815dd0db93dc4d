"""Who is asked for credentials first and let in then guesses nothing; who is let in nowhere does."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

import pytest

from tests.engine.running import run
from vedette.schema.anomaly import Anomaly, AnomalyType

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTES = 240
TROUBLE = range(200, 220)
"""Minutes."""
Ask = Callable[[float, str, str, int], None]


def _visitors(draw: Random, ask: Ask) -> None:
    for visitor in range(MINUTES * 8):
        second, host = visitor * 7.5 + draw.random() * 6, f"198.51.{visitor % 250}.{draw.randrange(1, 250)}"
        ask(second, host, "GET /", 200)
        ask(second + 1, host, "GET /item", 200)


def _git(draw: Random, ask: Ask) -> None:
    """Eight builders, each of whom fetches seven times a minute from when work begins."""
    for number in range(MINUTES * 56 // 2):
        second, host = MINUTES * 30 + number * 60 / 56, f"172.31.7.{number % 8}"
        fetch = f"/team/{draw.choice(('api', 'web', 'docs'))}.git"
        ask(second, host, f"GET {fetch}/info/refs?service=git-upload-pack", 401)
        ask(second + 0.1, host, f"GET {fetch}/info/refs?service=git-upload-pack", 200)
        ask(second + 0.2, host, f"POST {fetch}/git-upload-pack", 200)


def _ntlm(draw: Random, ask: Ask) -> None:
    for number in range(MINUTES * 10):
        for status in (401, 401, 200):
            ask(MINUTES * 30 + number * 3, "172.31.7.9", "POST /ws/StockService", status)


def _outage(draw: Random, ask: Ask) -> None:
    """The builders' server fails whoever it has let in."""
    for number in range(MINUTES * 20):
        second, host = number * 3.0, f"172.31.7.{number % 2}"
        ask(second, host, "GET /team/api.git/info/refs", 401)
        ask(second + 0.1, host, "GET /team/api.git/info/refs", 503 if second // 60 in TROUBLE else 200)


def _tokens(draw: Random, ask: Ask) -> None:
    """An app whose tokens expire; a push has many open it at once. Now and then somebody is logged out."""
    seconds = [number * 6.0 for number in range(MINUTES * 10)]
    seconds += [TROUBLE.start * 60 + draw.random() * 240 for _ in range(600)]
    for second in seconds:
        host = f"203.0.{draw.randrange(250)}.{draw.randrange(1, 250)}"
        ask(second, host, "GET /me", 401)
        if draw.random() < 0.01:
            ask(second + 0.1, host, "POST /oauth/token", 401)
            continue
        ask(second + 0.1, host, "POST /oauth/token", 200)
        ask(second + 0.2, host, "GET /me", 200)
        ask(second + 0.3, host, "GET /feed", 200)


def _basic(draw: Random, ask: Ask) -> None:
    """Guesses at one protected folder, by somebody who is let in once, and asks for pages meanwhile."""
    for number in range(200):
        second = TROUBLE.start * 60 + number * 2
        ask(second, "203.0.113.9", "GET /", 200)
        ask(second + 0.5, "203.0.113.9", "GET /intern/", 401)


def _keys(draw: Random, ask: Ask) -> None:
    """Guesses at who is let in at last, and has guessed ten times as often."""
    for number in range(200):
        status = 200 if number % 10 == 9 else 401
        ask(TROUBLE.start * 60 + number * 2, "203.0.113.9", "GET /reports/", status)


def _inbox(draw: Random, ask: Ask) -> None:
    """Servers deliver mail; from one minute on none of them is believed to be whom it says."""
    for number in range(MINUTES * 40):
        second, host = number * 1.5 + draw.random(), f"203.0.{int(40 * draw.random() ** 3)}.7"
        refused = second // 60 in TROUBLE or draw.random() < 0.03
        ask(second, host, "POST /inbox", 401 if refused else 202)


def _distributed(draw: Random, ask: Ask) -> None:
    """Stolen passwords are tried from everywhere where people log in, by a name that does not say so."""
    for number in range(MINUTES * 4):
        ask(
            number * 15.0,
            f"198.51.7.{draw.randrange(250)}",
            "POST /hereinspaziert",
            401 if number % 8 == 0 else 303,
        )
    for number in range(TROUBLE.start * 60, TROUBLE.stop * 60):
        ask(number + 0.5, f"203.0.{draw.randrange(250)}.{draw.randrange(250)}", "POST /hereinspaziert", 401)


def _layers(draw: Random, ask: Ask) -> None:
    """Images are pulled all night; at work they are pushed too, and before it is asked which layers are there."""
    for number in range(MINUTES * 12):
        second, host = number * 5.0, f"172.31.9.{draw.randrange(4, 60)}"
        pushes = second > MINUTES * 40 and draw.random() < 0.5
        ask(second, host, "HEAD /v2/shop/web/manifests/latest", 200)
        blob = f"/v2/shop/web/blobs/sha256:{draw.getrandbits(256):064x}"
        ask(second + 1, host, f"{'HEAD' if pushes else 'GET'} {blob}", 404 if pushes else 307)


STORIES = {
    story.__name__[1:]: story
    for story in (_git, _ntlm, _outage, _tokens, _basic, _keys, _inbox, _distributed, _layers)
}


def _log(what: str) -> Iterator[bytes]:
    draw, rows = Random(11), []

    def ask(second: float, host: str, request: str, status: int) -> None:
        moment = (START + timedelta(seconds=second)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        rows.append((second, f'{host} - - [{moment}] "{request} HTTP/1.1" {status} 90 "-" "git/2.47"\n'))

    _visitors(draw, ask)
    STORIES[what](draw, ask)
    rows.sort(key=lambda row: row[0])
    yield "".join(text for _, text in rows).encode()


@cache
def told(what: str) -> list[Anomaly]:
    return list(run(_log(what), "combined").anomalies)


@pytest.mark.parametrize("what", ["git", "ntlm", "outage", "inbox", "tokens"])
def test_a_question_who_it_is_is_no_failed_login(what: str) -> None:
    assert [a for a in told(what) if a.type is AnomalyType.BRUTE_FORCE] == []


@pytest.mark.parametrize("what", ["basic", "keys"])
def test_who_guesses_is_told_though_he_is_let_in_elsewhere_or_at_last(what: str) -> None:
    (client,) = {a.entity.value for a in told(what) if a.type is AnomalyType.BRUTE_FORCE}
    assert client == "203.0.113.9"


def test_guesses_of_many_are_told_where_they_come_on_top() -> None:
    guessing = [a for a in told("distributed") if a.type is AnomalyType.BRUTE_FORCE]
    assert guessing
    assert {a.entity.kind for a in guessing} == {"service"}


def test_a_route_that_lets_nobody_in_any_more_refuses_its_visitors() -> None:
    refused = [a for a in told("inbox") if a.detector == "errors.refused"]
    assert {a.route for a in refused} == {"/inbox"}
    begin = int((START + timedelta(minutes=TROUBLE.start)).timestamp() * 1e6)
    assert begin <= min(a.end for a in refused) <= begin + 3 * 60_000_000
    assert all(max(a.details["statuses"], key=a.details["statuses"].get) == "401" for a in refused)


@pytest.mark.parametrize("what", ["git", "layers", "ntlm"])
def test_what_is_asked_before_something_is_done_is_no_refusal(what: str) -> None:
    assert [a for a in told(what) if a.detector == "errors.refused"] == []
