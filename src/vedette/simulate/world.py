"""Everything that is fixed before the first request: time, site, people, agents, texts."""

from datetime import datetime

import msgspec
import numpy as np

from vedette.simulate import site, words
from vedette.simulate.agents import Agents
from vedette.simulate.draws import Floats
from vedette.simulate.rhythm import WARM_UP, Rhythm
from vedette.simulate.rows import SECOND


class World(msgspec.Struct):
    """What the generators of one run share.

    Attributes:
        seed: Every stream of chance starts from it.
        rate: Mean requests per second, incidents apart.
        rhythm: The expected rate by the second.
        agents: All user agents by number.
        texts: Targets and referers that no route makes, by number; the first are `words.OUTSIDE`.
        services: Names of the services, and `service_of[tenant, route]`, their numbers.
        load: float64, one per second from `rhythm.first`: expected rate, floods included, over the mean rate.
    """

    seed: int
    rate: float
    rhythm: Rhythm
    services: list[str]
    agents: Agents = msgspec.field(default_factory=Agents)
    texts: list[bytes] = msgspec.field(default_factory=lambda: [text for text, _ in words.OUTSIDE])
    load: Floats = msgspec.field(default_factory=lambda: np.zeros(0))
    service_of: "np.ndarray[tuple[int, int], np.dtype[np.int64]]" = msgspec.field(
        default_factory=lambda: np.zeros((1, 1), dtype=np.int64)
    )

    @classmethod
    def build(cls, *, seed: int, start: datetime, seconds: int, rate: float, services: int) -> "World":
        """Lay out a world without incidents."""
        rhythm = Rhythm(seed, start, seconds, rate)
        world = cls(seed, rate, rhythm, site.service_names(services))
        world.service_of = np.array(site.service_table(services), dtype=np.int64)
        world.load = rhythm.rate / rate
        return world

    @property
    def tenants(self) -> int:
        """Independent copies of the site."""
        return len(self.service_of)

    def add_text(self, text: bytes) -> int:
        """Put a target or referer into the pool; returns its number."""
        self.texts.append(text)
        return len(self.texts) - 1

    def add_load(self, start: int, end: int, rate: float) -> None:
        """Count a flood of `rate` requests per second from `start` to `end` (microseconds) as load."""
        first = max(0, start // SECOND - self.rhythm.first)
        self.load[first : max(first, end // SECOND - self.rhythm.first)] += rate / self.rate

    @property
    def start(self) -> int:
        """When the log begins, microseconds."""
        return (self.rhythm.first + WARM_UP) * SECOND

    @property
    def end(self) -> int:
        """When the log ends, microseconds."""
        return self.rhythm.end * SECOND
