"""Incidents that add far more requests than the site is used to."""

import numpy as np

from vedette.schema.anomaly import AnomalyType
from vedette.simulate import people, site, words
from vedette.simulate.draws import Draws, Ints
from vedette.simulate.incidents.base import Incident, LoneClient, Scene, as_text
from vedette.simulate.rows import HTTP_1_1, HTTP_2, POST, SECOND, TEXT, Rows
from vedette.simulate.serving import serve
from vedette.simulate.traffic import Block

_CROWD_BASE = 2_500_000
"""Visitor numbers from here on belong to flash crowds."""
_CROWD_MOST = 60_000
_CACHE_BUSTERS = 256
_PULSE_EVERY = 60
_PULSE = 20
"""Seconds."""


class TrafficSpike(Incident):
    """A flash crowd: many people who behave like people, all from one link, to one page first."""

    type = AnomalyType.TRAFFIC_SPIKE
    lasts = 900
    times = 4.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._landing = scene.route_or(("/blog/%b", 0))
        self._rate = self.times * scene.intensity * scene.world.rate
        per_visit = scene.traffic.rows_per_visit
        self._visits = self._rate / per_visit
        self._people = int(np.clip(self._visits * scene.seconds() * 0.8, 5, _CROWD_MOST))
        self._link = scene.world.add_text(words.SOCIAL)
        scene.world.add_load(scene.start, scene.end, self._rate * 0.6)

    def add(self, block: Block, draws: Draws) -> Rows:
        """Visits that come with a rush and ebb away."""
        scene = self.scene
        times = scene.arrivals(block, draws, self._visits)
        part = (times - scene.start) / (scene.end - scene.start)
        rush = np.minimum(part / 0.08, 1.0) * np.exp(-1.2 * np.maximum(part - 0.08, 0.0))
        times = times[draws.uniform(len(times)) < rush]
        visitors = _CROWD_BASE + scene.number * _CROWD_MOST + draws.below(len(times), self._people)
        rows = scene.traffic.visits_of(times, visitors, draws, self._landing)
        rows["from_arg"][rows["from_route"] == TEXT] = self._link
        rows["tenant"] = scene.tenant
        rows["label"] = scene.number
        serve(scene.world, rows, draws)
        return rows


class Ddos(LoneClient):
    """One client sends several times what everyone else sends, half of it past the caches."""

    type = AnomalyType.DDOS_ATTACK
    times = 6.0
    at_least = 30.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._rate = flood_rate(scene, self.times, self.at_least)
        self._route = scene.route_or(("/", 0))
        self._busters = _cache_busters(scene, self._route)
        self._agent = int(scene.world.agents.browsers[scene.number % 7])
        scene.world.add_load(scene.start, scene.end, self._rate)

    def add(self, block: Block, draws: Draws) -> Rows:
        """Requests as fast as they go."""
        rows = self.scene.requests(self.scene.arrivals(block, draws, self._rate), self._route, draws)
        rows["client"] = self.client
        rows["agent"] = self._agent
        _bust_caches(rows, self._busters, draws)
        return rows


class DistributedDdos(Incident):
    """A bot net sends several times what everyone else sends; no member stands out."""

    type = AnomalyType.DDOS_ATTACK
    times = 6.0
    at_least = 40.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._rate = flood_rate(scene, self.times, self.at_least)
        self._members = int(np.clip(self._rate * scene.seconds() / 12, 200, 40_000))
        self._route = scene.route_or(("/search?q=%b", 0))
        self._busters = _cache_busters(scene, self._route)
        scene.world.add_load(scene.start, scene.end, self._rate)

    def add(self, block: Block, draws: Draws) -> Rows:
        """Requests from everywhere."""
        scene = self.scene
        rows = scene.requests(scene.arrivals(block, draws, self._rate), self._route, draws)
        members = draws.below(len(rows), self._members)
        rows["client"] = people.botnet_address(members, scene.number)
        rows["agent"] = scene.world.agents.browser_of(members + 9_000_000)
        rows["protocol"] = np.where(members % 4 == 0, HTTP_2, HTTP_1_1)
        _bust_caches(rows, self._busters, draws)
        return rows


class PulsedDdos(DistributedDdos):
    """The same in pulses: twenty seconds of flood in every minute, which a minute's mean hides."""

    times = 8.0

    def add(self, block: Block, draws: Draws) -> Rows:
        """Requests from everywhere, now and then."""
        rows = super().add(block, draws)
        kept: Rows = rows[(rows["start"] - self.scene.start) // SECOND % _PULSE_EVERY < _PULSE]
        return kept


class SlowDdos(Incident):
    """A bot net asks for what is dear to answer: hardly more requests than usual, and the site is at its limit."""

    type = AnomalyType.DDOS_ATTACK
    lasts = 600
    times = 1.5
    at_least = 10.0
    dear = 8.0
    """Ordinary requests that are as much work as one of these."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._rate = flood_rate(scene, self.times, self.at_least)
        self._members = int(np.clip(self._rate * scene.seconds() / 12, 100, 20_000))
        self._route = scene.route_or(("/search?q=%b", 0))
        scene.world.add_load(scene.start, scene.end, self._rate * self.dear)

    def add(self, block: Block, draws: Draws) -> Rows:
        """Searches from everywhere, each for something else."""
        scene = self.scene
        rows = scene.requests(scene.arrivals(block, draws, self._rate), self._route, draws)
        members = draws.below(len(rows), self._members)
        rows["client"] = people.botnet_address(members, scene.number)
        rows["agent"] = scene.world.agents.browser_of(members + 9_000_000)
        rows["protocol"] = np.where(members % 4 == 0, HTTP_2, HTTP_1_1)
        return rows


class RateLimitAbuse(LoneClient):
    """An API client that ignores its limit of one request a second: 429 after 429."""

    type = AnomalyType.RATE_LIMIT_ABUSE
    lasts = 600
    per_second = 8.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._route = scene.route_or(("/api/v1/search?q=%b", 0), ("/api/v1/products/%b", 0), ("/login", POST))
        self._agent = scene.world.agents.intern(b"python-requests/2.32.3")

    def add(self, block: Block, draws: Draws) -> Rows:
        """Eight requests a second, of which the first is answered."""
        times = self.scene.arrivals(block, draws, self.per_second * self.scene.intensity)
        rows = self.scene.requests(times, self._route, draws)
        rows["client"] = self.client
        rows["agent"] = self._agent
        second = times // SECOND
        rank = np.arange(len(times)) - np.searchsorted(second, second)
        refused = rank >= 1
        rows["status"][refused] = 429
        rows["size"][refused] = 96
        rows["duration"][refused] = 800 + draws.below(int(refused.sum()), 900)
        return rows


def flood_rate(scene: Scene, times: float, at_least: float) -> float:
    """Requests per second of a flood: a multiple of the site's rate, and no trickle on a quiet site."""
    return max(times * scene.world.rate, at_least) * scene.intensity


def _cache_busters(scene: Scene, route: int) -> Ints:
    draws = Draws(scene.world.seed, 5, scene.number)
    args = draws.below(_CACHE_BUSTERS, 1 << 40)
    targets = site.ROUTES[route].targets(args)
    values = draws.below(_CACHE_BUSTERS, 1 << 30).tolist()
    texts = [t + (b"&" if b"?" in t else b"?") + b"_=%d" % v for t, v in zip(targets, values, strict=True)]
    return np.array([scene.world.add_text(t) for t in texts], dtype=np.int64)


def _bust_caches(rows: Rows, busters: Ints, draws: Draws) -> None:
    chosen = draws.uniform(len(rows)) < 0.5
    as_text(rows, chosen, busters[draws.below(int(chosen.sum()), len(busters))])
