"""User agents: browsers with the version spread of a real week, apps, crawlers, monitors and tools."""

from typing import Final

import numpy as np

from vedette.simulate.draws import Floats, Ints, cumulative, mixed_uniform

_WINDOWS: Final = "Windows NT 10.0; Win64; x64"
_MAC: Final = "Macintosh; Intel Mac OS X 10_15_7"
_LINUX: Final = "X11; Linux x86_64"
_PHONES: Final = (
    "Linux; Android 10; K",
    "Linux; Android 14; Pixel 8",
    "Linux; Android 14; SM-S921B",
    "Linux; Android 13; SM-A546B",
    "Linux; Android 15; Pixel 9 Pro",
    "Linux; Android 12; moto g31",
)
_IOS: Final = ("17_5", "17_6_1", "18_1", "18_3_2", "18_5", "18_6", "26_0", "26_1", "26_2")

APPS: Final = (
    ("ShopApp/5.12.{} (Android 14; Pixel 8) okhttp/4.12.0", 9.0),
    ("ShopApp/5.11.{} (Android 13; SM-A546B) okhttp/4.12.0", 5.0),
    ("ShopApp/5.12.{} CFNetwork/1568.200.51 Darwin/24.1.0", 8.0),
    ("ShopApp/5.10.{} CFNetwork/1494.0.7 Darwin/23.4.0", 3.0),
    ("okhttp/4.{}.0", 1.5),
    ("python-requests/2.31.{}", 1.5),
    ("Go-http-client/2.0", 1.5),
    ("axios/1.7.{}", 1.0),
    ("erp-connector/3.2.{} (+https://erp.example/connector)", 1.0),
)
CRAWLERS: Final = (
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 30.0),
    (
        (
            "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like "
            "Gecko) Chrome/141.0.7390.122 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
        ),
        22.0,
    ),
    (
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; "
            "+http://www.bing.com/bingbot.htm) Chrome/136.0.0.0 Safari/537.36"
        ),
        14.0,
    ),
    (
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)"
        ),
        5.0,
    ),
    ("DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)", 3.0),
    ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", 5.0),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", 9.0),
    ("Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", 6.0),
    (
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        4.0,
    ),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", 2.0),
)
MONITORS: Final = (
    "kube-probe/1.31",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
)


def _browsers() -> list[tuple[str, float]]:
    agents: list[tuple[str, float]] = []
    # A new Chromium every four weeks: most people are on the newest, the rest trail off.
    fade = [0.46, 0.25, 0.09, 0.05, 0.03, 0.025, 0.02, 0.015, 0.012, 0.01, 0.008, 0.006]
    for age, share in enumerate(fade):
        chrome = f"AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{142 - age}.0.0.0"
        agents += [(f"Mozilla/5.0 ({_WINDOWS}) {chrome} Safari/537.36", 20 * share)]
        agents += [(f"Mozilla/5.0 ({_MAC}) {chrome} Safari/537.36", 6 * share)]
        agents += [(f"Mozilla/5.0 ({_LINUX}) {chrome} Safari/537.36", 1.5 * share)]
        agents += [(f"Mozilla/5.0 ({_WINDOWS}) {chrome} Safari/537.36 Edg/{142 - age}.0.0.0", 6 * share)]
        agents += [(f"Mozilla/5.0 ({_WINDOWS}) {chrome} Safari/537.36 OPR/{126 - age}.0.0.0", 1 * share)]
        agents += [
            (f"Mozilla/5.0 ({phone}) {chrome} Mobile Safari/537.36", weight * share)
            for phone, weight in zip(_PHONES, (22, 1.5, 1.5, 1.2, 1, 0.8), strict=True)
        ]
        for system, weight in ((_WINDOWS, 4.0), ("Macintosh; Intel Mac OS X 10.15", 1.2), (_LINUX, 1.4)):
            gecko = f"Mozilla/5.0 ({system}; rv:{145 - age}.0) Gecko/20100101 Firefox/{145 - age}.0"
            agents.append((gecko, weight * share))
        samsung = f"SamsungBrowser/{28 - age // 2}.0 Chrome/{130 - 4 * (age // 2)}.0.0.0 Mobile Safari/537.36"
        agents.append(
            (f"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) {samsung}", share)
        )
    for i, system in enumerate(_IOS):
        version = system.replace("_", ".")
        share = 2.0 ** (i / 2) / 40
        webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
        phone = f"Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) {webkit}"
        tablet = f"Mozilla/5.0 (iPad; CPU OS {system} like Mac OS X) {webkit}"
        instagram = f"Instagram {370 + i}.0.0.24.83 (iPhone15,2; iOS {system}; en_GB; scale=3.00; 1179x2556)"
        agents += [
            (f"{phone} Version/{version} Mobile/15E148 Safari/604.1", 14 * share),
            (f"{tablet} Version/{version} Mobile/15E148 Safari/604.1", 1.5 * share),
            (f"Mozilla/5.0 ({_MAC}) {webkit} Version/{version} Safari/605.1.15", 5 * share),
            (f"{phone} CriOS/{134 + i}.0.6998.99 Mobile/15E148 Safari/604.1", 2 * share),
            (f"{phone} Mobile/22F76 {instagram}", 0.6 * share),
        ]
    old = "Mozilla/5.0 (Windows NT 6.1; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}"
    agents += [
        (old.format(*release) + " Safari/537.36", 0.04)
        for release in ((109, "0.0"), (92, "4515.159"), (88, "4324.190"), (79, "3945.130"), (68, "3440.106"))
    ]
    return agents


class Agents:
    """All user agents of a run, by number.

    Attributes:
        texts: Every user agent; number 0 is `-`.
        browsers: The numbers of the browsers.
    """

    def __init__(self) -> None:
        self.texts: list[bytes] = [b"-"]
        self._number: dict[bytes, int] = {b"-": 0}
        browsers = _browsers()
        self.browsers = self._add([text for text, _ in browsers])
        self.browser_weights = cumulative([weight for _, weight in browsers])
        apps = [(text.format(patch), weight) for text, weight in APPS for patch in range(3)]
        self.apps = self._add([text for text, _ in apps])
        self.app_weights = cumulative([weight for _, weight in apps])
        self.crawlers = self._add([text for text, _ in CRAWLERS])
        self.crawler_weights = cumulative([weight for _, weight in CRAWLERS])
        self.monitors = self._add(list(MONITORS))

    def intern(self, text: bytes) -> int:
        """The number of a user agent, new or known."""
        number = self._number.setdefault(text, len(self.texts))
        if number == len(self.texts):
            self.texts.append(text)
        return number

    def browser_of(self, visitors: Ints) -> Ints:
        """The browser that each visitor uses, always the same one."""
        return _pick(visitors, 21, self.browsers, self.browser_weights)

    def app_of(self, visitors: Ints) -> Ints:
        """The app or library that each API client uses, always the same one."""
        return _pick(visitors, 22, self.apps, self.app_weights)

    def _add(self, texts: list[str]) -> Ints:
        return np.array([self.intern(t.encode()) for t in texts], dtype=np.int64)


def _pick(visitors: Ints, salt: int, numbers: Ints, weights: Floats) -> Ints:
    at = np.searchsorted(weights, mixed_uniform(visitors, salt), side="right")
    return np.asarray(numbers[np.minimum(at, len(numbers) - 1)], dtype=np.int64)
