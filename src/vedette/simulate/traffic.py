"""Ordinary traffic: people, programs, crawlers and probes, block by block."""

from typing import Final

import msgspec
import numpy as np

from vedette.simulate import people, site
from vedette.simulate.draws import Draws, Ints, cumulative
from vedette.simulate.route import Kind
from vedette.simulate.rows import GET, HEAD, HTTP_1_1, HTTP_2, SECOND, Rows, empty_rows
from vedette.simulate.serving import serve
from vedette.simulate.visits import calls, mean_rows, things, visits
from vedette.simulate.world import World

_BROWSING: Final = 0.76
"""Share of requests that people's browsers make; programs and crawlers make the rest, probes come on top."""
_CALLING: Final = 0.19
_CRAWLING: Final = 0.05
_NEWCOMERS: Final = 0.55
"""Share of visits by someone not seen before, unless a number of clients is asked for."""
_PROBE_EVERY: Final = (30, 60)
"""Seconds between two probes of each monitor."""

_HEALTH: Final = site.find("/healthz")
_CRAWLED: Final = np.array(
    [i for i, r in enumerate(site.ROUTES) if r.kind == Kind.PAGE and r.group in ("web", "search")]
    + [site.find("/robots.txt"), site.find("/sitemap.xml"), site.find("/shop/%b.html")]
)
_CRAWL_WEIGHTS: Final = cumulative([float(min(site.ROUTES[i].things, 400)) + 4.0 for i in _CRAWLED.tolist()])


class Block(msgspec.Struct, frozen=True):
    """A stretch of time that is generated in one go; its number seeds its chance."""

    number: int
    start: int
    end: int
    """Microseconds; whole seconds."""


class Traffic:
    """The site's ordinary traffic."""

    def __init__(self, world: World, clients: int | None) -> None:
        self._world = world
        self.rows_per_visit = mean_rows(visits)
        self._visits_per_request = _BROWSING / self.rows_per_visit
        self._calls_per_request = _CALLING / mean_rows(calls)
        rhythm = world.rhythm
        sessions = (self._visits_per_request + self._calls_per_request) * rhythm.total()
        newcomers = sessions * _NEWCOMERS
        if clients is not None:
            # Those who come during the warm-up are not seen, and come on top.
            newcomers = clients / (1.0 - rhythm.share_before(rhythm.begin))
        self._clients = max(1, round(newcomers))
        self._tenant_weights = cumulative([1.0 / (i + 1) for i in range(world.tenants)])

    def block(self, block: Block) -> Rows:
        """All ordinary requests of the sessions that start within a block, answered, in no order."""
        draws = Draws(self._world.seed, 2, block.number)
        sessions = self._sessions(block, draws)
        rows = np.concatenate((sessions, self._crawlers(block, draws), self._probes(block, draws)))
        serve(self._world, rows, draws)
        return rows

    def visits_of(self, starts: Ints, visitors: Ints, draws: Draws, landing: int | None = None) -> Rows:
        """Visits by given visitors, not yet answered."""
        rows, visit = visits(draws, starts, landing)
        rows["client"] = people.visitor_address(visitors)[visit]
        rows["agent"] = self._world.agents.browser_of(visitors)[visit]
        rows["tenant"] = self._tenants(draws, len(starts))[visit]
        return rows

    def _sessions(self, block: Block, draws: Draws) -> Rows:
        world, second, until = self._world, block.start // SECOND, block.end // SECOND
        browsing = world.rhythm.arrivals(draws, second, until, self._visits_per_request)
        calling = world.rhythm.arrivals(draws, second, until, self._calls_per_request)
        fresh_from = int(self._clients * world.rhythm.share_before(second))
        fresh_to = int(self._clients * world.rhythm.share_before(min(until, world.rhythm.end)))
        visitors, is_new = self._visitors(draws, len(browsing) + len(calling), fresh_from, fresh_to)
        split = len(browsing)

        seen = self.visits_of(browsing, visitors[:split], draws)
        called, call_of = calls(draws, calling)
        callers = visitors[split:]
        called["client"] = people.visitor_address(callers)[call_of]
        called["agent"] = world.agents.app_of(callers)[call_of]
        called["tenant"] = self._tenants(draws, len(calling))[call_of]
        rows = np.concatenate((seen, called))
        # Someone new has nothing cached; `visitor` is found again by address, which is all a log knows.
        newcomers = np.sort(people.visitor_address(visitors[is_new]))
        rows["returning"] = ~_among(rows["client"], newcomers)
        self._more_newcomers(rows, draws, fresh_from + int(is_new.sum()), fresh_to)
        return rows

    def _visitors(
        self, draws: Draws, n: int, fresh_from: int, fresh_to: int
    ) -> tuple[Ints, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
        """Deal the block's newcomers to its sessions; the other sessions are by people who came before."""
        fresh = min(n, fresh_to - fresh_from)
        visitors = people.returning_visitors(draws, n, max(1, fresh_from + fresh))
        chosen = np.argsort(draws.raw(n), kind="stable")[:fresh]
        visitors[chosen] = fresh_from + np.arange(fresh)
        is_new = np.zeros(n, dtype=np.bool_)
        is_new[chosen] = True
        return visitors, is_new

    def _more_newcomers(self, rows: Rows, draws: Draws, fresh_from: int, fresh_to: int) -> None:
        """Give single requests to newcomers when more clients are asked for than there are sessions."""
        count = min(fresh_to - fresh_from, len(rows))
        if count <= 0:
            return
        visitors = fresh_from + np.arange(count, dtype=np.int64)
        chosen = np.argsort(draws.raw(len(rows)), kind="stable")[:count]
        rows["client"][chosen] = people.visitor_address(visitors)
        rows["agent"][chosen] = self._world.agents.browser_of(visitors)
        rows["returning"][chosen] = False

    def _crawlers(self, block: Block, draws: Draws) -> Rows:
        world = self._world
        times = world.rhythm.arrivals(draws, block.start // SECOND, block.end // SECOND, _CRAWLING)
        n = len(times)
        rows = empty_rows(n)
        rows["start"] = times
        rows["route"] = _CRAWLED[draws.choose(n, _CRAWL_WEIGHTS)]
        rows["arg"] = things(draws, rows["route"])
        crawler = draws.choose(n, world.agents.crawler_weights)
        rows["agent"] = world.agents.crawlers[crawler]
        rows["client"] = people.crawler_address(crawler, draws.below(n, 4))
        rows["method"] = GET
        rows["protocol"] = np.where(crawler < 3, HTTP_2, HTTP_1_1)
        rows["tenant"] = self._tenants(draws, n)
        return rows

    def _probes(self, block: Block, draws: Draws) -> Rows:
        parts = []
        for monitor, every in enumerate(_PROBE_EVERY):
            step = every * SECOND
            phase = (7 + 11 * monitor) * SECOND
            first = -(-(block.start - phase) // step) * step + phase
            due = np.arange(first, block.end, step, dtype=np.int64)
            rows = empty_rows(len(due) * self._world.tenants)
            rows["start"] = np.repeat(due, self._world.tenants) + draws.below(len(rows), 40_000)
            rows["tenant"] = np.tile(np.arange(self._world.tenants), len(due))
            rows["client"] = people.monitor_address(monitor)
            rows["agent"] = self._world.agents.monitors[monitor]
            rows["route"] = _HEALTH
            rows["method"] = GET if monitor == 0 else HEAD
            rows["returning"] = True
            parts.append(rows)
        return np.concatenate(parts)

    def _tenants(self, draws: Draws, n: int) -> Ints:
        return draws.choose(n, self._tenant_weights)


def _among(values: Ints, sorted_set: Ints) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    if len(sorted_set) == 0:
        return np.zeros(len(values), dtype=np.bool_)
    at = np.minimum(np.searchsorted(sorted_set, values), len(sorted_set) - 1)
    return np.asarray(sorted_set[at] == values)
