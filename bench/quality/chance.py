"""What made logs leave to chance: who comes, and when."""

from collections.abc import Iterator
from random import Random
from typing import ClassVar


class Chance:
    """Base of what makes a log.

    Attributes:
        draw: Where chance comes from. networks: First bytes of the addresses that come.
    """

    draw: Random
    networks: ClassVar[tuple[int, ...]]

    def client(self) -> str:
        """Anybody's address."""
        draw = self.draw
        first = draw.choice(self.networks)
        return f"{first}.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(1, 255)}"

    def moments(self, begin: float, end: float, rate: float) -> Iterator[float]:
        """Times at which something comes that comes so often a second."""
        time = begin + self.draw.expovariate(rate)
        while time < end:
            yield time
            time += self.draw.expovariate(rate)
