"""What a scan tells of two bad days of a shop: thirteen troubles, one after the other, in one log.

Other benchmarks put one incident into traffic that is otherwise quiet. Here each comes after those before it, which
must not have made what judges them blind, and people, crawlers, monitors, and robots that look for holes go on all the
while. The generator is neither that of `vedette simulate` nor that of the other shop.

What is told, and how late, is counted as in `told.py`.

Usage: python bench/quality/troubles.py [--seed 1] [--titles] [--output FILE]
"""

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from chance import Chance
from told import Trouble, report, scanned

BEGIN = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp())
"""A Tuesday."""
HOURS = 42
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0",
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ROUTES = {
    "home": (0.06, 24_000), "page": (0.09, 31_000), "category": (0.12, 45_000), "search": (0.18, 38_000),
    "cart": (0.07, 12_000), "order": (0.4, 9_000), "login": (0.15, 4_000), "account": (0.11, 14_000),
    "stock": (0.02, 180), "file": (0.002, 52_000), "image": (0.003, 68_000),
}  # fmt: skip
"""Seconds and bytes that an answer usually takes."""
PAGES = ("home", "page", "category", "search", "cart", "order", "login", "account", "stock")
WORDS = (
    "red+shoes",
    "winter+jacket",
    "usb+c+kabel",
    "o%27neill",
    "50%25+sale",
    "drop+shoulder+tee",
    "kinder",
)
INJECTED = (
    "SLEEP(3)--%20-", "(SELECT%201%20FROM%20users)=1--", "1=1%20UNION%20SELECT%20NULL,NULL--",
    "ASCII(SUBSTR((SELECT%20pw%20FROM%20users),1,1))>64--",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hit:
    """A request: seconds since `BEGIN`, who and what, and how it went."""

    time: float
    client: str
    target: str
    route: str
    agent: str
    seconds: float
    size: int
    status: int = 200
    method: str = "GET"

    def line(self) -> str:
        """In nginx's combined format, with its duration at the end."""
        at = datetime.fromtimestamp(BEGIN + int(self.time), UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        return (
            f'{self.client} - - [{at}] "{self.method} {self.target} HTTP/1.1" {self.status} {self.size} '
            f'"-" "{self.agent}" {self.seconds:.3f}\n'
        )


class Shop(Chance):
    """Makes requests of a seed."""

    networks = (81, 84, 87, 91, 93, 217)

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)

    def hit(self, time: float, client: str, target: str, route: str, agent: str, **more: Any) -> Hit:
        """One request, as long and as large as those of its route."""
        seconds, size = ROUTES[route]
        usual = {
            "seconds": seconds * math.exp(self.draw.gauss(0, 0.5)),
            "size": int(size * math.exp(self.draw.gauss(0, 0.2))),
        }
        return Hit(time, client, target, route, agent, **(usual | more))

    def visit(self, time: float) -> Iterator[Hit]:
        """A person's way through the shop."""
        draw, client, agent = self.draw, self.client(), self.draw.choice(BROWSERS)
        yield self.hit(time, client, "/", "home", agent)
        for name in ("app.css", "app.js", "logo.svg", "font.woff2"):
            yield self.hit(time + draw.random(), client, f"/static/{name}?v=7f3a", "file", agent)
        for _ in range(int(draw.expovariate(0.25))):
            time += 5 + draw.expovariate(0.04)
            yield from self.step(time, client, agent)
        if draw.random() < 0.05:
            yield self.hit(time + 30, client, "/checkout", "order", agent, status=302, method="POST")

    def step(self, time: float, client: str, agent: str) -> Iterator[Hit]:
        """What one click asks for."""
        draw, kind = self.draw, self.draw.random()
        failed = {"status": draw.choice((500, 502, 504))} if draw.random() < 0.0015 else {}
        if kind < 0.4:
            number = min(4000, int(draw.paretovariate(0.6)))
            yield self.hit(time, client, f"/p/{number}", "page", agent, **failed)
            yield self.hit(time + 0.2, client, f"/api/stock?sku={number}", "stock", agent)
            for view in range(3):
                yield self.hit(time + 0.4, client, f"/img/{number}-{view}.webp", "image", agent)
        elif kind < 0.6:
            yield self.hit(
                time,
                client,
                f"/c/{draw.randrange(40)}?page={draw.randrange(1, 9)}",
                "category",
                agent,
                **failed,
            )
        elif kind < 0.75:
            yield self.hit(time, client, f"/search?q={draw.choice(WORDS)}", "search", agent, **failed)
        elif kind < 0.88:
            yield self.hit(
                time, client, "/cart", "cart", agent, method=draw.choice(("GET", "POST")), **failed
            )
        elif kind < 0.94:
            status = draw.choice((302, 302, 302, 302, 200, 401))
            yield self.hit(time, client, "/login", "login", agent, status=status, method="POST")
        else:
            yield self.hit(time, client, "/account", "account", agent, **failed)

    def usual(self) -> Iterator[Hit]:
        """Two days in which nothing happens."""
        draw, end = self.draw, HOURS * 3600.0
        for time in self.moments(0, end, 0.122):
            hour = time / 3600 % 24
            if (
                draw.random()
                < (0.012 + 0.11 * max(0.0, math.sin(math.pi * (hour - 6) / 18)) * (hour >= 6)) / 0.122
            ):
                yield from self.visit(time)
        for minute in range(HOURS * 60):
            yield self.hit(minute * 60 + 0.5, "10.0.0.9", "/health", "stock", "Uptime-Kuma/1.23")
        for time in self.moments(0, end, 1 / 9):
            yield self.hit(
                time, f"66.249.66.{draw.randrange(1, 60)}", f"/p/{draw.randrange(1, 4000)}", "page", CRAWLER
            )
        for time in self.moments(0, end, 1 / 400):
            target = draw.choice(("/.env", "/wp-login.php", "/xmlrpc.php", "/.git/config", "/robots.txt"))
            yield self.hit(time, self.client(), target, "stock", draw.choice(("-", "curl/8.1")), status=404)


TROUBLES = (
    Trouble("one backend of four is gone", 9 * 60 + 10, 12, ("error_spike",)),
    Trouble("a database gets slower, up to eight times", 11 * 60, 40, ("latency_spike", "response_time_anomaly")),
    Trouble("a script is missing after a release", 13 * 60 + 5, 15, ("error_spike", "status_code_anomaly")),
    Trouble("400 addresses guess passwords", 14 * 60 + 30, 50, ("brute_force",)),
    Trouble("twenty neighbours fetch every page", 16 * 60, 40, ("traffic_spike", "bot_activity", "suspicious_client")),
    Trouble("3,000 addresses search for nonsense", 18 * 60, 4, ("ddos_attack",)),
    Trouble("four orders of five fail", 19 * 60, 45, ("error_spike",)),
    Trouble("nobody comes but the monitor", 20 * 60 + 30, 8, ("traffic_drop",)),
    Trouble("one client exports account after account", 21 * 60 + 30, 20, ("data_exfiltration",)),
    Trouble("forty injections in an hour", 22 * 60 + 15, 55, ("sql_injection",)),
    Trouble("one page in eight fails", 33 * 60, 20, ("error_spike",)),
    Trouble("a third of all pages fail", 35 * 60, 70, ("error_spike",)),
    Trouble("four orders of five fail again", 38 * 60, 45, ("error_spike",)),
)  # fmt: skip


def _failing(
    hits: Sequence[Hit], at: Trouble, draw: Random, routes: Sequence[str], share: float, status: int
) -> list[Hit]:
    begin, end = at.span
    return [
        replace(hit, status=status, size=157)
        if begin <= hit.time < end and hit.route in routes and draw.random() < share
        else hit
        for hit in hits
    ]


def troubled(shop: Shop) -> list[Hit]:
    """The two days with everything that goes wrong in them, in order of time."""
    draw, hits = shop.draw, list(shop.usual())
    (
        backend,
        database,
        script,
        guessing,
        pages,
        flood,
        orders,
        nobody,
        export,
        injections,
        few,
        third,
        again,
    ) = TROUBLES
    hits = _failing(hits, backend, draw, PAGES, 0.25, 502)
    begin, end = database.span
    hits = [
        replace(hit, seconds=hit.seconds * (1 + 7 * (hit.time - begin) / (end - begin)))
        if begin <= hit.time < end and hit.route in ("search", "category", "account")
        else hit
        for hit in hits
    ]
    begin, end = script.span
    hits = [
        replace(hit, status=404) if begin <= hit.time < end and "/app.js" in hit.target else hit
        for hit in hits
    ]
    for at, share in ((orders, 0.8), (again, 0.8)):
        hits = _failing(hits, at, draw, ("order",), share, 500)
    hits = _failing(hits, few, draw, ("page", "category", "search"), 1 / 8, 500)
    hits = _failing(hits, third, draw, PAGES, 1 / 3, 502)
    begin, end = nobody.span
    hits = [hit for hit in hits if not begin <= hit.time < end or hit.target == "/health"]
    guessers, flooders = ([shop.client() for _ in range(many)] for many in (400, 3000))
    for time in shop.moments(*guessing.span, 3.0):
        status = 401 if draw.random() < 0.985 else 302
        hits.append(
            shop.hit(
                time, draw.choice(guessers), "/login", "login", BROWSERS[0], status=status, method="POST"
            )
        )
    for number, time in enumerate(shop.moments(*pages.span, 6.0)):
        hits.append(
            shop.hit(time, f"45.83.64.{draw.randrange(1, 21)}", f"/p/{number % 4000}", "page", BROWSERS[1])
        )
    for time in shop.moments(*flood.span, 80.0):
        text = "".join(draw.choice("abcdefghijk0123") for _ in range(10))
        status = draw.choice((200, 200, 503))
        hits.append(
            shop.hit(time, draw.choice(flooders), f"/search?q={text}", "search", BROWSERS[2], status=status)
        )
    for number, time in enumerate(shop.moments(*export.span, 1.0)):
        size = draw.randrange(150_000, 250_000)
        hits.append(
            shop.hit(time, "185.220.101.7", f"/account/export?id={number}", "account", BROWSERS[2], size=size)
        )
    begin, _ = injections.span
    for number in range(40):
        target = f"/search?q=shoes%27%20AND%20{draw.choice(INJECTED)}"
        hits.append(
            shop.hit(begin + number * 80 + draw.random() * 20, "193.32.127.9", target, "search", BROWSERS[0])
        )
    return sorted((hit for hit in hits if hit.time < HOURS * 3600), key=lambda hit: hit.time)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--titles", action="store_true", help="say what each incident is called")
    parser.add_argument("--output", type=Path, help="only write the log")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = arguments.output or folder / "shop.log"
        with log.open("w") as stream:
            stream.writelines(hit.line() for hit in troubled(Shop(arguments.seed)))
        if arguments.output is None:
            report(scanned(log, folder), TROUBLES, BEGIN, arguments.titles)


if __name__ == "__main__":
    main()
