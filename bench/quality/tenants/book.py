"""Lines of the proxy's log, and what is left to chance in them."""

import json
import math
from random import Random

from chance import Chance
from told import Trouble

from tenants.calendar import BEGIN, ahead

BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML) Version/18.6 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
)  # fmt: skip


class Book(Chance):
    """Where lines are written as requests end."""

    networks = (31, 46, 80, 87, 89, 93, 95, 109, 178, 212)

    def __init__(self, seed: int, troubled: bool) -> None:
        self.draw = Random(seed)
        self.troubled = troubled
        self.lines: list[tuple[float, str]] = []

    def during(self, trouble: Trouble, time: float) -> bool:
        """Whether it lasts."""
        begin, end = trouble.span
        return self.troubled and begin <= time < end

    def since(self, trouble: Trouble, time: float) -> bool:
        """Whether it began."""
        return self.troubled and time >= trouble.span[0]

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
        sent: float = 0,
    ) -> float:
        """One request that begins at that time; when it is over."""
        over = time + seconds
        line = (
            f'{{"level":"info","ts":{BEGIN + over:.4f},"logger":"http.log.access.log0","msg":"handled request",'
            f'"request":{{"remote_ip":"{client}","remote_port":"{40000 + len(self.lines) % 20000}",'
            f'"client_ip":"{client}","proto":"HTTP/2.0","method":"{method}","host":"{host}","uri":{json.dumps(target)},'
            f'"headers":{{"User-Agent":["{agent}"]}}}},"bytes_read":{int(sent)},"user_id":"","duration":{seconds:.6f},'
            f'"size":{int(size)},"status":{status},"resp_headers":{{"Server":["Caddy"]}}}}\n'
        )
        self.lines.append((over, line))
        return over

    def browser(self) -> str:
        """What somebody looks at pages with."""
        return self.draw.choices(BROWSERS, (34, 9, 7, 26, 24))[0]

    @staticmethod
    def clock(time: float) -> tuple[int, float]:
        """The day of the week (0 is Monday) and the hour as people see it."""
        local = time + ahead(time)
        return (3 + int(local // 86400)) % 7, local / 3600 % 24

    def awake(self, time: float) -> float:
        """How many are up and about, the most being 1."""
        day, hour = self.clock(time)
        if hour < 6:
            return 0.06
        later = 1.5 if day >= 5 else 0.0
        return 0.06 + 0.94 * max(0.0, math.sin(math.pi * (hour - 6 - later) / (18 - later))) ** 0.7

    def at_work(self, time: float) -> float:
        """How many sit in an office, the most being 1."""
        day, hour = self.clock(time)
        if day >= 5:
            return 0.04
        if 9 <= hour < 12 or 13 <= hour < 17:
            return 1.0
        return 0.5 if 7.5 <= hour < 18.5 else 0.03
