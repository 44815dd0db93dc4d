"""Which columns of a batch are judged, and as which places."""

from dataclasses import dataclass

from vedette.detectors.signatures.rules import PLACE_BITS, Place
from vedette.schema.requests import Coded, Requests


@dataclass(frozen=True, slots=True)
class Column:
    """A text column that rules look at.

    Attributes:
        name: The column's name in `Requests`.
        places: Place of each row of the scan buffer that a text becomes: two (up to its first `?` and after
            it)
            or one.
    """

    name: str
    places: tuple[Place, ...]

    def of(self, requests: Requests) -> Coded:
        """The column in a batch."""
        coded: Coded = getattr(requests, self.name)
        return coded

    @property
    def split(self) -> bool:
        """Whether texts are split at their first `?`."""
        return len(self.places) == 2

    @property
    def place_bits(self) -> list[int]:
        """`places` as bits."""
        return [PLACE_BITS[place] for place in self.places]


COLUMNS = (
    Column("target", (Place.PATH, Place.QUERY)),
    Column("referer", (Place.REFERER, Place.REFERER)),
    Column("user_agent", (Place.USER_AGENT,)),
    Column("method", (Place.METHOD,)),
    Column("protocol", (Place.PROTOCOL,)),
)
"""The judged columns. The target comes first: flags of the raw text are its flags."""
