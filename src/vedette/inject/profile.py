"""What a log holds, as far as incidents need to know to fit into it. Filled batch by batch, bounded."""

import re

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.enrich.enrich import Enriched
from vedette.enrich.user_agent import AgentKind
from vedette.schema.requests import Requests

WINDOW = 60_000_000
"""Microseconds: a minute."""
_MOST_SERVICES = 64
_MOST_ROUTES = 2_000
_TEMPLATES = 240
"""Lines kept of each service to make others from."""
_PER_BATCH = 6
"""Once there are so many, a few of each batch take the place of others: they come from all over the log."""
_WORST = 2
_ASSET = re.compile(rb"\.(?:css|js|map|png|jpe?g|gif|svg|webp|ico|woff2?|ttf|mp4|webm)$", re.IGNORECASE)
_LOGIN_WORDS = (b"login", b"signin", b"sign-in", b"session", b"auth", b"token", b"wp-login.php")


class ServiceProfile(msgspec.Struct):
    """One service of the log.

    Attributes:
        minutes: Requests in each minute, by minutes since the epoch. routes: Requests by folded route.
        lines: (source, whole line without its end) of ordinary requests. logins: Targets that take logins.
        bytes_out: Of all answers. timed: Requests with a duration. told: With a status.
        targets: Some distinct targets. rank: How good `lines` are to make others from, 0 is best; see `_models`.
    """

    minutes: dict[int, int] = msgspec.field(default_factory=dict)
    routes: dict[str, int] = msgspec.field(default_factory=dict)
    lines: list[tuple[str, bytes]] = msgspec.field(default_factory=list)
    logins: dict[bytes, int] = msgspec.field(default_factory=dict)
    targets: dict[bytes, None] = msgspec.field(default_factory=dict)
    requests: int = 0
    bytes_out: int = 0
    timed: int = 0
    told: int = 0
    rank: int = _WORST

    @property
    def rate(self) -> float:
        """Requests a minute, the mean over the minutes that had any."""
        return self.requests / max(1, len(self.minutes))

    @property
    def page_requests(self) -> int:
        """Requests for anything but static files."""
        return sum(n for route, n in self.routes.items() if not _ASSET.search(route.encode()))

    @property
    def page_routes(self) -> int:
        """Routes that are no static files."""
        return sum(not _ASSET.search(route.encode()) for route in self.routes)

    @property
    def pages(self) -> list[bytes]:
        """Targets that are no static files; the root where none is known."""
        return [t for t in self.targets if not _ASSET.search(t.partition(b"?")[0])] or [b"/"]

    def busiest_page(self, least: float) -> str | None:
        """The route that is asked for most and is no static file.

        Args:
            least: Requests a minute below which it is None: too few to tell a failure by.
        """
        pages = {route: n for route, n in self.routes.items() if not _ASSET.search(route.encode())}
        busiest = max(pages, key=lambda route: (pages[route], route), default=None)
        if busiest is None or pages[busiest] < least * len(self.minutes):
            return None
        return busiest


class Profile:
    """All services of a log. The same log and seed give the same profile."""

    def __init__(self, random: np.random.Generator) -> None:
        self.services: dict[str, ServiceProfile] = {}
        self.start: int | None = None
        self.end: int | None = None
        self._random = random

    def add(
        self,
        lines: list[bytes],
        first_line: int,
        enriched: Enriched,
    ) -> None:
        """Take a batch in.

        Args:
            lines: The whole lines that it was read from, without their ends. first_line: Number of the first of them.
        """
        requests, service, names = enriched.requests, enriched.service, enriched.services
        if not len(requests) or requests.route is None:
            return
        first, last = int(requests.time.min()), int(requests.time.max())
        self.start = first if self.start is None else min(self.start, first)
        self.end = last if self.end is None else max(self.end, last)
        for number in np.unique(service).tolist():
            if names[number] not in self.services and len(self.services) >= _MOST_SERVICES:
                continue
            profile = self.services.setdefault(names[number], ServiceProfile())
            rows = np.flatnonzero(service == number)
            self._count(profile, requests, rows)
            self._keep(profile, enriched, rows, lines, first_line)

    @staticmethod
    def _count(profile: ServiceProfile, requests: Requests, rows: NDArray[np.intp]) -> None:
        profile.requests += len(rows)
        profile.told += int(np.count_nonzero(requests.status[rows]))
        profile.timed += int(np.count_nonzero(np.isfinite(requests.duration[rows])))
        profile.bytes_out += int(np.maximum(requests.bytes_out[rows], 0).sum())
        minutes, counts = np.unique(requests.time[rows] // WINDOW, return_counts=True)
        for minute, count in zip(minutes.tolist(), counts.tolist(), strict=True):
            profile.minutes[minute] = profile.minutes.get(minute, 0) + count
        assert requests.route is not None  # noqa: S101 -- `add` looked
        ids, counts = np.unique(requests.route.ids[rows], return_counts=True)
        for text, count in zip(ids.tolist(), counts.tolist(), strict=True):
            if text >= 0:
                route = requests.route.vocabulary[text].decode("utf-8", "backslashreplace")
                if route in profile.routes or len(profile.routes) < _MOST_ROUTES:
                    profile.routes[route] = profile.routes.get(route, 0) + count

    def _keep(
        self,
        profile: ServiceProfile,
        enriched: Enriched,
        rows: NDArray[np.intp],
        lines: list[bytes],
        first_line: int,
    ) -> None:
        requests = enriched.requests
        status = requests.status[rows]
        posts = [row for row in rows[: 64 * _PER_BATCH].tolist() if requests.method[row] == b"POST"]
        for row in posts:
            target = requests.target[row] or b""
            path = target.partition(b"?")[0]
            if any(word in path.lower() for word in _LOGIN_WORDS) and len(profile.logins) < 64:
                profile.logins[path] = profile.logins.get(path, 0) + 1
        plain = rows[(status >= 200) & (status < 300) | (status == 0)]
        rank, plain = _models(enriched, plain)
        if rank > profile.rank:
            return
        if rank < profile.rank:
            profile.rank = rank
            profile.lines.clear()
            profile.targets.clear()
        chosen = self._random.choice(
            plain, size=min(max(_PER_BATCH, _TEMPLATES - len(profile.lines)), len(plain)), replace=False
        )
        for row in sorted(chosen.tolist()):
            kept = (requests.source, lines[int(requests.line[row]) - first_line])
            if len(profile.lines) < _TEMPLATES:
                profile.lines.append(kept)
            else:
                profile.lines[int(self._random.integers(_TEMPLATES))] = kept
            asked = requests.target[row]
            if asked and len(profile.targets) < _TEMPLATES:
                profile.targets[asked] = None


def _models(enriched: Enriched, rows: NDArray[np.intp]) -> tuple[int, NDArray[np.intp]]:
    """The rows that are best to make others from, and how good that is: 0 is best.

    Pages that somebody fetches who does not say that he is a bot, as who floods or scrapes does not; else whatever
    such a client asks for; else anything.
    """
    requests = enriched.requests
    # The last of each is for rows without: their id is -1.
    bot = np.append(enriched.agent_kind == AgentKind.DECLARED_BOT, False)[requests.user_agent.ids[rows]]
    fetches = np.array([method == b"GET" for method in requests.method.vocabulary] + [True])
    people = rows[~bot]
    pages = people[fetches[requests.method.ids[people]]]
    for rank, best in enumerate((pages, people)):
        if len(best):
            return rank, best
    return _WORST, rows
