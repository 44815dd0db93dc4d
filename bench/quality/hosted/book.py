"""Lines of the proxy's log, and what is left to chance in them."""

import json
import math
from datetime import UTC, datetime
from random import Random

from chance import Chance
from told import Trouble

from hosted.calendar import AHEAD, BEGIN

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML) Version/26.0 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
)  # fmt: skip


class Book(Chance):
    """Where lines are written as requests end."""

    networks = (37, 62, 78, 84, 91, 176, 188, 217)

    def __init__(self, seed: int, troubled: bool) -> None:
        self.draw = Random(seed)
        self.troubled = troubled
        self.lines: list[tuple[float, str]] = []
        self._seconds: dict[int, str] = {}

    def during(self, trouble: Trouble, time: float) -> bool:
        """Whether it lasts."""
        begin, end = trouble.span
        return self.troubled and begin <= time < end

    def chance(self, share: float) -> bool:
        """Whether what happens that often happens now."""
        return self.draw.random() < share

    def around(self, middle: float, spread: float = 0.4) -> float:
        """A number about the middle, in octaves rather than in units."""
        return middle * math.exp(self.draw.gauss(0, spread))

    def hit(
        self,
        time: float,
        host: str,
        client: str,
        agent: str,
        method: str,
        target: str,
        status: int = 200,
        size: float = 500,
        seconds: float = 0.02,
        referer: str = "",
    ) -> float:
        """One request that begins at that time; when it is over."""
        over = time + seconds
        whole = int(over)
        text = self._seconds.get(whole)
        if text is None:
            text = datetime.fromtimestamp(BEGIN + whole, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
            self._seconds = {whole: text}
        line = (
            f'{{"time_iso8601":"{text}","remote_addr":"{client}","host":"{host}","request_method":"{method}",'
            f'"request_uri":{json.dumps(target)},"server_protocol":"HTTP/1.1","status":{status},'
            f'"body_bytes_sent":{int(size)},"request_time":{seconds:.3f},"http_referer":"{referer}",'
            f'"http_user_agent":"{agent}"}}\n'
        )
        self.lines.append((over, line))
        return over

    def browser(self) -> str:
        """What somebody looks at pages with."""
        return self.draw.choices(BROWSERS, (30, 10, 12, 25, 23))[0]

    @staticmethod
    def clock(time: float) -> tuple[int, float]:
        """The day of the week (0 is Monday) and the hour as people see it."""
        local = time + AHEAD
        return (2 + int(local // 86400)) % 7, local / 3600 % 24

    def awake(self, time: float) -> float:
        """How many are up and about, the most being 1."""
        _, hour = self.clock(time)
        return 0.05 + 0.95 * max(0.0, math.sin(math.pi * (hour - 6) / 18)) ** 0.8 if hour >= 6 else 0.05

    def at_work(self, time: float) -> float:
        """How many sit in an office, the most being 1."""
        day, hour = self.clock(time)
        if day >= 5:
            return 0.02
        return 1.0 if 8.5 <= hour < 12 or 13 <= hour < 17.5 else 0.4 if 7.5 <= hour < 19 else 0.02
