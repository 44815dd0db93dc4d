"""What a scan tells of five days of a service mesh: the troubles that those know who are called at night.

Phones, browsers and partners talk to a gateway, the services behind it to each other, and Envoy writes a line of JSON
for each request of each of them when it is over. The week has its rhythm, the clocks go forward, releases restart pods,
jobs run on the hour and at night, one service is asked once a minute. The generator has nothing in common with
`vedette simulate` or the other benches.

Usage: python bench/quality/mesh.py [--seed 1] [--titles] [--output FILE] [--untroubled]
"""

import argparse
import math
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from chance import Chance
from told import Trouble, report, scanned

BEGIN = int(datetime(2026, 3, 26, tzinfo=UTC).timestamp())
"""A Thursday; in the night to Sunday the clocks go forward."""
DAYS = 5
END = DAYS * 86400.0
SUMMER = 3 * 86400 + 3600
"""When they do: 1:00 UTC."""
EDGE = "api.parcel.example"
SERVICES = ("parcels", "quotes", "orders", "payments", "accounts", "reports", "invoices")


def at(day: int, hour: int, minute: int = 0) -> int:
    """Minutes since the begin."""
    return ((day - 1) * 24 + hour) * 60 + minute


SLOW, ERRORS, FEWER, MORE = (
    ("latency_spike", "response_time_anomaly"),
    ("error_spike", "status_code_anomaly"),
    ("traffic_drop",),
    ("traffic_spike",),
)
TROUBLES = (
    Trouble("a release restarts every pod", at(1, 14), 4, (), quiet=True),
    Trouble("charging is slow: only POST of orders", at(2, 8), 30, SLOW, (EDGE, "orders", "payments")),
    Trouble("3 % of quotes end after exactly 15 s", at(2, 9, 30), 40, (*ERRORS, *SLOW), (EDGE, "quotes")),
    Trouble("a canary fails: a tenth of parcels", at(2, 11), 25, ERRORS, (EDGE, "parcels")),
    Trouble("quotes fail and everybody tries again", at(2, 13), 20, (*ERRORS, *MORE), (EDGE, "quotes")),
    Trouble("payments fail, so orders, so the gateway", at(2, 15), 25, ERRORS, ("payments", "orders", EDGE)),
    Trouble("no connection free: a third waits 5 s", at(2, 17), 20, SLOW, (EDGE, "accounts")),
    Trouble("a partner's webhooks stop", at(2, 19), 150, FEWER, (EDGE, "orders")),
    Trouble("accounts leak memory all day", at(3, 6), 16 * 60, SLOW, (EDGE, "accounts")),
    Trouble("many come after an advertisement", at(3, 17), 25, MORE, quiet=True),
    Trouble("the night is an hour shorter", at(4, 0), 7 * 60, (), quiet=True),
    Trouble("a crawler comes for the first time", at(4, 9), 120, ("bot_activity", *MORE), quiet=True),
    Trouble("the cache of parcels is empty", at(4, 14), 45, (*SLOW, "status_code_anomaly"), (EDGE, "parcels")),
    Trouble("lists of parcels come back empty", at(4, 17), 60, ("unusual_pattern",), (EDGE, "parcels")),
    Trouble("the nightly invoices are not sent", at(5, 2), 60, FEWER, ("invoices",)),
    Trouble("a route has a new name", at(5, 6), 60, (), quiet=True),
    Trouble("an app's new version is refused", at(5, 8, 30), 30, ERRORS, (EDGE, "accounts", "orders")),
    Trouble("Android trusts our certificate no more", at(5, 10), 40, FEWER, (EDGE,)),
    Trouble("our own limiter refuses a quarter", at(5, 12), 20, (*ERRORS, "rate_limit_abuse"), (EDGE,)),
    Trouble("every third answer of the gateway is 503", at(5, 14), 10, ERRORS, (EDGE,)),
    Trouble("a service asked once a minute fails", at(5, 16), 45, ERRORS, ("reports",)),
)  # fmt: skip
(
    RESTART, CHARGING, TIMEOUTS, CANARY, STORM, CASCADE, POOL, PARTNER, LEAK, ADVERTISED, _NIGHT, CRAWLER, CACHE, EMPTY,
    INVOICES, RENAMED, VERSION, CERTIFICATE, LIMITER, GATEWAY, MINUTELY,
) = TROUBLES  # fmt: skip

AGENTS = (
    (0.30, "Parcel/5.2.1 (Android 14; okhttp/4.12.0)"),
    (0.15, "Parcel/5.3.0 (Android 15; okhttp/4.12.0)"),
    (0.20, "Parcel/5.2.1 (iPhone; iOS 18.3.1) CFNetwork/3826.400.120 Darwin/24.3.0"),
    (0.10, "Parcel/5.3.0 (iPhone; iOS 18.3.2) CFNetwork/3826.400.120 Darwin/24.3.0"),
    (0.15, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:136.0) Gecko/20100101 Firefox/136.0"),
    (0.10, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML) Version/18.3 Safari/605.1.15"),
)  # fmt: skip
BOT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
BASE = {
    "parcels": 0.018, "quotes": 0.09, "orders": 0.03, "payments": 0.28, "accounts": 0.025, "reports": 0.7,
    "invoices": 0.4,
}  # fmt: skip
"""Seconds that a service's own part of an answer usually takes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request went."""

    status: int
    seconds: float
    size: int
    flags: str = "-"


class Mesh(Chance):
    """Makes lines of a seed."""

    networks = (77, 79, 88, 94, 178, 188)

    def __init__(self, seed: int, troubled: bool) -> None:
        self.draw = Random(seed)
        self.troubled = troubled
        self.lines: list[tuple[float, str]] = []
        self.pods = {
            name: [f"10.4.{n}.{self.draw.randrange(2, 250)}" for _ in range(3)]
            for n, name in enumerate(SERVICES)
        }

    def during(self, trouble: Trouble, time: float) -> float | None:
        """How much of it is over, 0 to 1; None before and after."""
        begin, end = trouble.span
        return (time - begin) / (end - begin) if self.troubled and begin <= time < end else None

    def chance(self, share: float) -> bool:
        """Whether what happens that often happens now."""
        return self.draw.random() < share

    def write(
        self,
        time: float,
        service: str,
        peer: str,
        forwarded: str,
        agent: str,
        method: str,
        path: str,
        answer: Answer,
    ) -> None:
        """One request's line, which comes when it is over."""
        seconds = int(time)
        start = datetime.fromtimestamp(BEGIN + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        taken = int(min(answer.seconds, 15.0) * 1000)
        asked = 412 if method == "POST" else 0
        line = (
            f'{{"start_time":"{start}.{int(time % 1 * 1000):03d}Z","method":"{method}","path":"{path}",'
            f'"protocol":"HTTP/1.1","response_code":{answer.status},"response_flags":"{answer.flags}",'
            f'"bytes_received":{asked},"bytes_sent":{answer.size},"duration":{taken},"upstream_service_time":"{taken}",'
            f'"x_forwarded_for":{forwarded},"user_agent":"{agent}","authority":"{service}",'
            f'"downstream_remote_address":"{peer}:{30000 + seconds % 20000}"}}\n'
        )
        self.lines.append((time + taken / 1000, line))

    def call(self, time: float, service: str, method: str, path: str, caller: str) -> Answer:
        """What one service is asked by another, with what it asks in turn."""
        own = self.answer(time, service, method, path)
        peer = self.draw.choice(self.pods[caller]) if caller in self.pods else "10.4.9.4"
        self.write(time, service, peer, "null", f"{caller}/1.0 Go-http-client/1.1", method, path, own)
        return own

    def answer(self, time: float, service: str, method: str, path: str) -> Answer:
        """How a service does."""
        draw = self.draw
        seconds = BASE[service] * math.exp(draw.gauss(0, 0.45))
        size = int(
            {"parcels": 1400, "quotes": 2600, "accounts": 700}.get(service, 420)
            * math.exp(draw.gauss(0, 0.15))
        )
        status = 201 if method == "POST" else 200
        if service == "parcels":
            if "?" in path:
                size = int(9000 * math.exp(draw.gauss(0, 0.5)))
                seconds *= 3
                if self.during(EMPTY, time) is not None and self.chance(0.8):
                    return Answer(200, seconds * 0.6, 31)
            elif self.during(CACHE, time) is not None:
                seconds *= 5
            elif method == "GET" and self.chance(0.45):
                return Answer(304, seconds * 0.3, 0)
            if self.during(CANARY, time) is not None and self.chance(0.1):
                return Answer(500, 0.004, 61)
            if method == "GET" and "?" not in path and self.chance(0.01):
                return Answer(404, seconds * 0.5, 44)
        elif service == "quotes":
            if self.during(TIMEOUTS, time) is not None and self.chance(0.03):
                return Answer(504, 15.0, 24, "UT")
            if (over := self.during(STORM, time)) is not None and self.chance(0.5 if over < 0.8 else 0.25):
                return Answer(503, 0.002, 19, "UO")
        elif service == "payments":
            if (over := self.during(CHARGING, time)) is not None:
                seconds *= 6 if over > 0.1 else 3
            if self.during(CASCADE, time) is not None and self.chance(0.6):
                return Answer(503, 2.0 + draw.random(), 80, "URX")
        elif service == "accounts":
            if self.during(POOL, time) is not None and self.chance(0.35):
                seconds += 5.0
            if (over := self.during(LEAK, time)) is not None:
                seconds *= 1 + 5 * over
        elif service == "orders" and path == "/v1/orders":
            charged = self.call(time + seconds / 2, "payments", "POST", "/v1/charges", "orders")
            seconds += charged.seconds
            if charged.status >= 500:
                return Answer(500, seconds, 75)
            seconds += self.call(time + seconds, "parcels", "POST", "/v1/parcels", "orders").seconds
        elif service == "reports" and self.during(MINUTELY, time) is not None:
            return Answer(500, 0.05, 20)
        restarting = (over := self.during(RESTART, time)) is not None and over % 0.33 < 0.03
        if self.chance(0.3 if restarting else 0.0008):
            return Answer(503, 0.01, 91, "UF") if self.chance(0.5) else Answer(500, seconds, 75)
        return Answer(status, seconds, size)

    def edge(
        self, time: float, client: str, agent: str, method: str, path: str, inner: str, tries: int = 2
    ) -> float:
        """What a client asks of the gateway, and what its app does when that fails.

        Args:
            inner: `service path` of what the gateway asks for it, nothing for what it answers itself.
            tries: How often the app tries again.

        Returns:
            When the last answer had come.
        """
        forwarded = f'"{client}"'
        if self.during(CERTIFICATE, time) is not None and "Android" in agent:
            return time
        answer = self.refused(time, agent, method, path)
        if answer is None:
            service, _, target = inner.partition(" ")
            asked = self.call(time + 0.002, service, method, target, "gateway")
            answer = Answer(asked.status, asked.seconds + 0.003, asked.size, asked.flags)
        self.write(time, EDGE, "10.4.200.1", forwarded, agent, method, path, answer)
        time += answer.seconds
        if answer.status in (429, 500, 503, 504) and tries and "Parcel" in agent and self.chance(0.9):
            storm = self.during(STORM, time) is not None
            wait = (0.2 if storm else 1.5) * (0.5 + self.draw.random())
            left = tries - (not storm or self.chance(0.4))
            return self.edge(time + wait, client, agent, method, path, inner, left)
        return time

    def refused(self, time: float, agent: str, method: str, path: str) -> Answer | None:
        """What the gateway answers without asking anybody."""
        if self.during(GATEWAY, time) is not None and self.chance(1 / 3):
            return Answer(503, 0.001, 95, "UH")
        if self.during(LIMITER, time) is not None and self.chance(0.25):
            return Answer(429, 0.001, 18, "RL")
        if self.during(VERSION, time) is not None and "5.3.0" in agent and method == "POST":
            return Answer(400, 0.006, 133)
        if path == "/v2/session" and self.chance(0.05):
            return Answer(401, 0.03, 52)
        return Answer(400, 0.006, 133) if method == "POST" and self.chance(0.004) else None

    def number(self) -> str:
        """Some parcel's, account's or order's."""
        return f"{self.draw.randrange(10**9, 10**10)}"

    def session(self, time: float) -> None:
        """What somebody does with the app, or the site."""
        draw, client = self.draw, self.client()
        agent = draw.choices([name for _, name in AGENTS], [share for share, _ in AGENTS])[0]
        mine = self.number()

        def ask(method: str, path: str, inner: str) -> None:
            nonlocal time
            time = self.edge(time, client, agent, method, path, inner) + draw.expovariate(0.2)

        if self.chance(0.25):
            ask("POST", "/v2/session", "accounts /v1/session")
        if self.chance(0.6):
            ask("GET", "/v2/account", f"accounts /v1/accounts/{mine}")
        ask("GET", "/v2/parcels?state=open", f"parcels /v1/parcels?owner={mine}")
        for _ in range(int(draw.expovariate(0.4))):
            parcel = self.number()
            ask("GET", f"/v2/parcels/{parcel}", f"parcels /v1/parcels/{parcel}")
        if self.chance(0.3):
            new = self.troubled and time >= RENAMED.span[0]
            for _ in range(draw.randrange(1, 4)):
                begin, end = draw.randrange(10000, 99999), draw.randrange(10000, 99999)
                query = f"from={begin}&to={end}&g={draw.randrange(100, 20000)}"
                ask("GET", f"/v{3 if new else 2}/quotes?{query}", f"quotes /v1/quotes?{query}")
            if self.chance(0.5):
                ask("POST", "/v2/orders", "orders /v1/orders")
                ask("GET", f"/v2/orders/{self.number()}", f"orders /v1/orders/{self.number()}")

    def crowd(self, time: float) -> float:
        """How many come at a time of the week, the most being 1."""
        local = time / 3600 + (2 if time >= SUMMER else 1)
        day, hour = int(local // 24), local % 24
        awake = max(0.0, math.sin(math.pi * (hour - 6) / 18)) if hour >= 6 else 0.0
        weekend = 0.6 if day in (2, 3) else 1.0
        return (0.06 + 0.94 * awake**0.8) * weekend * (4 if self.during(ADVERTISED, time) is not None else 1)

    def week(self) -> None:
        """Everything, in no order."""
        draw = self.draw
        for time in self.moments(0, END, 0.3 * 4):
            if self.chance(self.crowd(time) / 4):
                self.session(time)
        for pods, service in enumerate(SERVICES):
            for tick in range(int(END // 30)):
                answer = Answer(200, 0.001, 2)
                self.write(
                    tick * 30 + pods * 3.1,
                    service,
                    "10.4.0.1",
                    "null",
                    "kube-probe/1.31",
                    "GET",
                    "/healthz",
                    answer,
                )
        for name, rate in (("northpost", 1 / 6), ("quickbox", 1 / 15)):
            for time in self.moments(0, END, rate):
                busy = 0.3 + 0.7 * min(1.0, self.crowd(time))
                if self.chance(busy) and not (name == "northpost" and self.during(PARTNER, time) is not None):
                    partner = {"northpost": "193.8.12.20", "quickbox": "193.41.5.9"}[name]
                    self.edge(
                        time, partner, f"{name}-hooks/3", "POST", f"/v2/hooks/{name}", "orders /v1/events", 0
                    )
        for hour in range(DAYS * 24):
            for page in range(60):
                time = hour * 3600 + 4 + page * 0.8 + draw.random()
                self.edge(
                    time,
                    "193.77.3.3",
                    "warehouse-sync/2.1",
                    "GET",
                    f"/v2/exports?page={page}",
                    f"parcels /v1/exports?page={page}",
                )
        for minute in range(int(END // 60)):
            self.call(minute * 60 + 17 + draw.random(), "reports", "GET", "/v1/summary", "grafana")
        for day in range(DAYS):
            if self.during(INVOICES, day * 86400 + 7200) is None:
                for number in range(240):
                    self.call(day * 86400 + 7200 + number * 1.2, "invoices", "POST", "/v1/invoices", "cron")
        for time in self.moments(0, END, 1 / 700):
            path = draw.choice(
                ("/.env", "/wp-login.php", "/actuator/health", "/.git/config", "/", "/favicon.ico")
            )
            self.write(
                time, EDGE, "10.4.200.1", f'"{self.client()}"', "-", "GET", path, Answer(404, 0.001, 0, "NR")
            )
        if self.troubled:
            for time in self.moments(*CRAWLER.span, 2.0):
                client, parcel = f"40.77.167.{draw.randrange(1, 40)}", self.number()
                self.edge(time, client, BOT, "GET", f"/v2/parcels/{parcel}", f"parcels /v1/parcels/{parcel}")

    def store(self, path: Path) -> None:
        """Write the log in the order in which requests end."""
        self.week()
        self.lines.sort()
        with path.open("w") as stream:
            stream.writelines(line for time, line in self.lines if time < END)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--titles", action="store_true", help="say what each incident is called")
    parser.add_argument("--output", type=Path, help="only write the log")
    parser.add_argument("--untroubled", action="store_true", help="leave out what goes wrong")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = arguments.output or folder / "mesh.log"
        Mesh(arguments.seed, not arguments.untroubled).store(log)
        if arguments.output is None:
            report(scanned(log, folder), () if arguments.untroubled else TROUBLES, BEGIN, arguments.titles)


if __name__ == "__main__":
    main()
