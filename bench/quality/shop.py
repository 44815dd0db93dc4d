"""What a scan says of a shop whose work comes by the clock: traffic without a single attack, day after day.

People come by a rhythm of day and week (more in office hours, of which there are none at weekends), a monitor asks
every ten seconds and a crawler now and then; every hour a job makes some hundred requests within a minute, every
night at two o'clock one client downloads everything, on Tuesdays at ten a newsletter goes out, on Sundays another
client fetches a backup. Nothing is wrong: each incident is a false alarm, the first of each kind perhaps not. The
generator is not that of `vedette simulate`, and draws nothing from it.

Prints the incidents with the day they begin on, and their number by day; `--output FILE` only writes the log, for
`vedette inject` and the like.

Usage: python bench/quality/shop.py [--days 14] [--seed 1] [--rate 1] [--output FILE | --log FILE]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BEGIN = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
"""A Monday."""
DAY, HOUR = 86_400, 3600
PEOPLE = 4000
"""Visitors' addresses."""
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:134.0) Gecko/20100101 Firefox/134.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
SITE = "https://shop.example"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Hit:
    """A request: when it was done (seconds since `BEGIN`), and the rest of its line."""

    time: float
    client: str
    target: str
    status: int
    size: int
    referer: str
    agent: str
    seconds: float
    method: str = "GET"

    def line(self) -> str:
        """In nginx's combined format, with its duration at the end."""
        at = datetime.fromtimestamp(BEGIN + int(self.time), UTC)
        when = f"{at.day:02}/{MONTHS[at.month - 1]}/{at.year}:{at:%H:%M:%S} +0000"
        return (
            f'{self.client} - - [{when}] "{self.method} {self.target} HTTP/1.1" {self.status} {self.size} '
            f'"{self.referer}" "{self.agent}" {self.seconds:.3f}\n'
        )


class Shop:
    """Draws the shop's requests, a day at a time."""

    def __init__(self, seed: int, rate: float) -> None:
        self._random = np.random.default_rng(seed)
        self._rate = rate
        hosts = self._random.integers(1, 255, (PEOPLE, 2))
        self._people = [f"198.{18 + i % 2}.{a}.{b}" for i, (a, b) in enumerate(hosts.tolist())]

    def day(self, number: int) -> list[Hit]:
        """All requests of a day, in order of time."""
        found = [
            *self._visitors(number),
            *self._regular(number, 10.0, "203.0.113.7", "/health", 15, "Uptime-Kuma/1.23.13", 0.002),
            *self._crawler(number),
            *self._hourly(number),
            *self._download(
                number, 2 * HOUR, "192.0.2.40", "/api/export/orders", 60, 3e6, "export-orders/2.1"
            ),
        ]
        if number % 7 == 6:
            found += self._download(
                number, 4.5 * HOUR, "192.0.2.41", "/backup/chunk", 90, 8e6, "restic/0.17.3"
            )
        return sorted(found, key=lambda hit: hit.time)

    def _sizes(self, middle: float, number: int, spread: float = 0.3) -> NDArray[np.float64]:
        return np.asarray(middle * np.exp(self._random.normal(0.0, spread, number)))

    def _shape(self, number: int) -> NDArray[np.float64]:
        """How many visits begin in each minute of a day."""
        hour = np.arange(1440) / 60.0
        shape = 1.0 - 0.75 * np.cos(2 * np.pi * (hour - 3.0) / 24)
        if number % 7 < 5:
            shape += np.where((hour >= 9) & (hour < 17), 1.0, 0.0)
        if number % 7 == 1:
            since = hour - 10.0
            shape += np.where(since >= 0, 6.0 * np.exp(-np.maximum(since, 0.0) / 0.5), 0.0)
        # Ten requests a visit.
        return np.asarray(shape * self._rate * 60.0 / 10.0 / 1.4)

    def _visitors(self, number: int) -> Iterator[Hit]:
        draw = self._random
        for minute, visits in enumerate(draw.poisson(self._shape(number)).tolist()):
            for _ in range(visits):
                client = self._people[int(draw.integers(PEOPLE))]
                agent = BROWSERS[int(draw.integers(len(BROWSERS)))]
                time = number * DAY + 60.0 * minute + 60.0 * draw.random()
                referer = "-"
                for page in self._walk():
                    status = 200 if draw.random() > 0.004 else 404 if draw.random() < 0.7 else 500
                    cost = 0.03 if page.startswith("/search") else 0.015
                    yield Hit(time, client, page, status, int(self._sizes(18e3, 1)[0]), referer, agent,
                              float(self._sizes(cost, 1, 0.4)[0]))  # fmt: skip
                    referer = SITE + page
                    for _ in range(int(draw.integers(0, 4))):
                        asset = f"/static/{('app.js', 'site.css', 'logo.png', 'font.woff2')[int(draw.integers(4))]}"
                        yield Hit(time + draw.random(), client, asset, 200 if draw.random() < 0.7 else 304,
                                  int(self._sizes(40e3, 1)[0]), referer, agent, 0.001)  # fmt: skip
                    time += float(draw.exponential(25.0)) + 2.0

    def _walk(self) -> Iterator[str]:
        draw = self._random
        yield ("/", "/", "/search?q=lamp", f"/product/{draw.integers(1, 900)}")[int(draw.integers(4))]
        for _ in range(int(draw.geometric(0.3))):
            choice = draw.random()
            if choice < 0.5:
                yield f"/product/{draw.integers(1, 900)}"
            elif choice < 0.7:
                yield f"/category/{draw.integers(1, 25)}?page={draw.integers(1, 6)}"
            elif choice < 0.85:
                yield f"/search?q={('lamp', 'chair', 'blue+table', 'shelf')[int(draw.integers(4))]}"
            elif choice < 0.95:
                yield "/cart"
            else:
                yield "/account/orders"

    def _regular(
        self, number: int, every: float, client: str, target: str, size: int, agent: str, seconds: float
    ) -> Iterator[Hit]:
        for time in np.arange(3.0, DAY, every):
            at = number * DAY + float(time) + 0.2 * self._random.random()
            yield Hit(at, client, target, 200, size, "-", agent, float(self._sizes(seconds, 1)[0]))

    def _crawler(self, number: int) -> Iterator[Hit]:
        agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
        for time in np.cumsum(self._random.exponential(40.0, DAY // 40)):
            if time < DAY:
                target = f"/product/{self._random.integers(1, 900)}"
                yield Hit(number * DAY + float(time), "203.0.113.90", target, 200, int(self._sizes(18e3, 1)[0]), "-",
                          agent, 0.015)  # fmt: skip

    def _hourly(self, number: int) -> Iterator[Hit]:
        for hour in range(24):
            start = number * DAY + hour * HOUR + 2.0 + 3.0 * self._random.random()
            for place in range(int(self._random.integers(140, 180))):
                at = start + 0.33 * place
                yield Hit(at, "192.0.2.30", f"/api/report?part={place}", 200, int(self._sizes(30e3, 1)[0]), "-",
                          "report-job/1.4", float(self._sizes(0.08, 1)[0]))  # fmt: skip

    def _download(
        self, number: int, begin: float, client: str, target: str, parts: int, size: float, agent: str
    ) -> Iterator[Hit]:
        at = number * DAY + begin + 1.0 + 5.0 * self._random.random()
        for place in range(parts + int(self._random.integers(-5, 6))):
            seconds = float(self._sizes(2.5, 1)[0])
            at += seconds + 0.2
            yield Hit(
                at, client, f"{target}?page={place}", 200, int(self._sizes(size, 1)[0]), "-", agent, seconds
            )


def write(path: Path, days: int, seed: int, rate: float) -> int:
    """Write the log of some days; how many lines it has."""
    shop, lines = Shop(seed, rate), 0
    late: list[Hit] = []
    with path.open("w") as log:
        for number in range(days):
            hits = sorted(late + shop.day(number), key=lambda hit: hit.time)
            # A visit of the evening goes on after midnight.
            late = [hit for hit in hits if hit.time >= (number + 1) * DAY]
            log.writelines(hit.line() for hit in hits[: len(hits) - len(late)])
            lines += len(hits) - len(late)
    return lines


def scanned(log: Path, folder: Path) -> list[dict[str, object]]:
    """The incidents that a scan reports.

    Raises:
        SystemExit: It failed; what it said is the message.
    """
    found = folder / "found.json"
    command = (sys.executable, "-m", "vedette", "scan", str(log), "-q", "--json", str(found))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"vedette scan: exit {done.returncode}: {done.stderr}")
    incidents: list[dict[str, object]] = json.loads(found.read_bytes())["incidents"]
    return sorted(incidents, key=lambda incident: str(incident["start"]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1.0, help="people's requests a second")
    parser.add_argument("--output", type=Path, help="only write the log")
    parser.add_argument("--log", type=Path, help="scan this log, written before")
    arguments = parser.parse_args()
    if arguments.output is not None:
        lines = write(arguments.output, arguments.days, arguments.seed, arguments.rate)
        print(f"{arguments.output}: {lines} lines")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = arguments.log or folder / "shop.log"
        if arguments.log is None:
            write(log, arguments.days, arguments.seed, arguments.rate)
        incidents = scanned(log, folder)
    by_day: Counter[int] = Counter()
    for incident in incidents:
        start = datetime.fromisoformat(str(incident["start"]))
        day = int(start.timestamp() - BEGIN) // DAY
        by_day[day] += 1
        print(f"day {day + 1}, {start:%a %H:%M}: {incident['severity']}: {incident['title']}")
    print("\n| " + " | ".join(f"day {day + 1}" for day in range(arguments.days)) + " | all |")
    print("|" + "---|" * (arguments.days + 1))
    print(f"| {' | '.join(str(by_day[day]) for day in range(arguments.days))} | {len(incidents)} |")


if __name__ == "__main__":
    main()
