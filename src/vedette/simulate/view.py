"""Rows as columns of text, made once per slice and shared by whatever format writes them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np

from vedette.simulate import people, site
from vedette.simulate.draws import Ints, mix
from vedette.simulate.route import uuid
from vedette.simulate.rows import METHODS, PROTOCOLS, SECOND, TEXT, Rows, ends
from vedette.simulate.world import World

Column = list[bytes]
Escape = Callable[[bytes], bytes]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SITE: Final = f"https://{site.DOMAIN}".encode()


class Texts:
    """The texts of a run, escaped as one format wants them, each once."""

    def __init__(self, world: World, escape: Escape) -> None:
        self.pool = [escape(t) for t in world.texts]
        self.agents = [escape(t) for t in world.agents.texts]
        self.escape = escape


class View:
    """One slice of rows, in the order in which their lines are written.

    Attributes:
        rows: The rows.
        first_line: Number of the first one's line.
    """

    def __init__(
        self, world: World, texts: Texts, rows: Rows, first_line: int, *, distinct_agents: bool
    ) -> None:
        self.rows = rows
        self.first_line = first_line
        self._world = world
        self._texts = texts
        self._distinct_agents = distinct_agents

    def __len__(self) -> int:
        return len(self.rows)

    def numbers(self, field: str) -> list[int]:
        """A numeric column."""
        values: list[int] = self.rows[field].tolist()
        return values

    @cached_property
    def ends(self) -> Ints:
        """When each request ended, microseconds."""
        return ends(self.rows)

    @cached_property
    def clients(self) -> Column:
        """Client addresses."""
        return people.address_texts(self.rows["client"])

    @cached_property
    def ports(self) -> list[int]:
        """The clients' ports."""
        spread = mix(self.rows["start"] ^ self.rows["client"], 61) % np.uint64(28_000)
        ports: list[int] = (32_768 + spread.astype(np.int64)).tolist()
        return ports

    @cached_property
    def request_ids(self) -> Column:
        """A UUID for each request."""
        return uuid(self.rows["start"] * 64 + self.rows["client"] % 64)

    @cached_property
    def methods(self) -> Column:
        """HTTP methods."""
        return [METHODS[i] for i in self.numbers("method")]

    @cached_property
    def protocols(self) -> Column:
        """`HTTP/1.1` and so on."""
        return [PROTOCOLS[i] for i in self.numbers("protocol")]

    @cached_property
    def targets(self) -> Column:
        """Paths and queries."""
        return self._rendered(self.rows["route"], self.rows["arg"], b"")

    @cached_property
    def split_targets(self) -> tuple[Column, Column]:
        """Paths, and queries without the question mark."""
        parts = [t.partition(b"?") for t in self.targets]
        return [p[0] for p in parts], [p[2] for p in parts]

    @cached_property
    def referers(self) -> Column:
        """Where the client came from, or `-`."""
        return self._rendered(self.rows["from_route"], self.rows["from_arg"], _SITE)

    @cached_property
    def agents(self) -> Column:
        """User agents."""
        texts = self._texts.agents
        agents = [texts[i] for i in self.numbers("agent")]
        if self._distinct_agents:
            space = self._texts.escape(b" ")
            agents = [b"%b%bInstall/%d" % (a, space, self.first_line + i) for i, a in enumerate(agents)]
        return agents

    @cached_property
    def service_numbers(self) -> list[int]:
        """Numbers of the services that answered."""
        route = np.where(self.rows["route"] == TEXT, self.rows["via"], self.rows["route"])
        numbers: list[int] = self._world.service_of[self.rows["tenant"], route].tolist()
        return numbers

    @cached_property
    def services(self) -> Column:
        """Host names of the services that answered."""
        names = [name.encode() for name in self._world.services]
        return [names[i] for i in self.service_numbers]

    def per_service(self, template: bytes) -> Column:
        """A text for each row's service, `%b` being its name."""
        made = [template % name.encode() for name in self._world.services]
        return [made[i] for i in self.service_numbers]

    def per_second(self, times: Ints, show: Callable[[datetime], str]) -> Column:
        """A text for each time's second; `show` is called once per second."""
        second = times // SECOND
        low, high = int(second.min()), int(second.max())
        if high - low > 4 * len(second) + 60:
            distinct = np.unique(second)
            texts = {s: show(_EPOCH + timedelta(seconds=s)).encode() for s in distinct.tolist()}
            return [texts[s] for s in second.tolist()]
        table = [show(_EPOCH + timedelta(seconds=s)).encode() for s in range(low, high + 1)]
        return [table[i] for i in (second - low).tolist()]

    def _rendered(
        self, routes: "np.ndarray[tuple[int], np.dtype[np.int16]]", args: Ints, prefix: bytes
    ) -> Column:
        order = np.argsort(routes, kind="stable")
        grouped, counts = np.unique(routes, return_counts=True)
        texts: list[bytes] = []
        at = 0
        pool = self._texts.pool
        for route, count in zip(grouped.tolist(), counts.tolist(), strict=True):
            mine = args[order[at : at + count]]
            at += count
            if route == TEXT:
                texts += [pool[i] for i in mine.tolist()]
            else:
                made: Sequence[bytes] = site.ROUTES[route].targets(mine)
                texts += [prefix + t for t in made] if prefix else made
        out = np.empty(len(routes), dtype=object)
        out[order] = texts
        column: Column = out.tolist()
        return column


def clf_time(moment: datetime) -> str:
    """`02/Mar/2026:08:00:00 +0000`."""
    m = moment
    return f"{m.day:02}/{_MONTHS[m.month - 1]}/{m.year}:{m.hour:02}:{m.minute:02}:{m.second:02} +0000"


def clf_local_time(moment: datetime) -> str:
    """`02/Mar/2026:08:00:00`, as HAProxy writes it."""
    return clf_time(moment)[:-6]


def syslog_time(moment: datetime) -> str:
    """`Mar  2 08:00:00` (RFC 3164)."""
    return f"{_MONTHS[moment.month - 1]} {moment.day:2} {moment:%H:%M:%S}"


def iso_second(moment: datetime) -> str:
    """`2026-03-02T08:00:00`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"
