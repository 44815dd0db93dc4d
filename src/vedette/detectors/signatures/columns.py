"""Which columns of a batch are judged, and as which places."""

from dataclasses import dataclass, field

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
    split: bool = field(init=False, compare=False)
    """Whether texts are split at their first `?`."""
    place_bits: list[int] = field(init=False, compare=False)
    """`places` as bits."""

    def __post_init__(self) -> None:
        """Tell what follows from the places, once."""
        object.__setattr__(self, "split", len(self.places) == 2)
        object.__setattr__(self, "place_bits", [PLACE_BITS[place] for place in self.places])

    def of(self, requests: Requests) -> Coded:
        """The column in a batch."""
        coded: Coded = getattr(requests, self.name)
        return coded


COLUMNS = (
    Column("target", (Place.PATH, Place.QUERY)),
    Column("referer", (Place.REFERER, Place.REFERER)),
    Column("user_agent", (Place.USER_AGENT,)),
    Column("method", (Place.METHOD,)),
    Column("protocol", (Place.PROTOCOL,)),
)
"""The judged columns. The target comes first: flags of the raw text are its flags."""
