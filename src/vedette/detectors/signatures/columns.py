"""Which columns of a batch are judged, and as which places."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.rules import PLACE_BITS, Place
from vedette.kernels.requests.decode import ADDRESS, MENTIONED
from vedette.schema.requests import Coded, Requests, Vocabulary

WRITING: Final = frozenset({b"PUT", b"MOVE", b"COPY"})
"""Methods that leave a file behind on a server that lets them (RFC 9110, RFC 4918). A path that anybody may ask for may
not be anybody's to write."""
_FEW: Final = 16
"""Methods that are looked at one by one, as a batch of usual requests has them."""
_WORDS: Final = {
    length: np.array([np.frombuffer(word, dtype=np.uint8) for word in sorted(WRITING) if len(word) == length])
    for length in sorted({len(word) for word in WRITING})
}


@dataclass(frozen=True, slots=True)
class Column:
    """A text column that rules look at.

    Attributes:
        name: The column's name in `Requests`.
        places: Place of each row of the scan buffer that a text becomes.
        split: How texts are split into these; see `decode_texts`.
        judged: Whether its texts are addresses, which more than rules judge.
    """

    name: str
    places: tuple[Place, ...]
    split: int = 0
    judged: bool = False
    place_bits: list[int] = field(init=False, compare=False)
    """`places` as bits."""

    def __post_init__(self) -> None:
        """Tell what follows from the places, once."""
        object.__setattr__(self, "place_bits", [PLACE_BITS[place] for place in self.places])

    def of(self, requests: Requests) -> Coded:
        """The column in a batch."""
        if self.name == WRITTEN:
            return _written(requests)
        coded: Coded = getattr(requests, self.name)
        return coded


WRITTEN: Final = "written"
"""Name of the column of `Place.WRITTEN`, which no log holds: it follows from method and target."""


def written(method: bytes | None, target: bytes | None) -> bytes | None:
    """A request's text of that column: its target if its method writes; None if it does not."""
    return target if method in WRITING else None


def _written(requests: Requests) -> Coded:
    """The targets of requests whose methods write."""
    methods, targets = requests.method, requests.target
    writing = _writing(methods.vocabulary)
    if not len(writing):
        return Coded.nothing(len(requests), targets.vocabulary.buffer)
    rows = np.flatnonzero(np.isin(methods.ids, writing) & (targets.ids >= 0))
    which, codes = np.unique(targets.ids[rows], return_inverse=True)
    coded = Coded.nothing(len(requests), targets.vocabulary.buffer)
    coded.ids[rows] = codes
    texts = targets.vocabulary
    return Coded(coded.ids, Vocabulary(texts.buffer, texts.start[which], texts.length[which]))


def _writing(methods: Vocabulary) -> NDArray[np.int64]:
    """Ids of the methods that write. Clients choose methods, so that there may be as many as requests."""
    if len(methods) <= _FEW:
        return np.array([number for number, word in enumerate(methods) if word in WRITING], dtype=np.int64)
    found = [np.empty(0, dtype=np.int64)]
    for length, words in _WORDS.items():
        ids = np.flatnonzero(methods.length == length)
        texts = methods.buffer[methods.start[ids, np.newaxis] + np.arange(length)]
        same = (texts[:, np.newaxis] == words[np.newaxis]).all(axis=2).any(axis=1)
        found.append(ids[same])
    return np.concatenate(found)


COLUMNS = (
    Column("target", (Place.ORIGIN, Place.PATH, Place.QUERY), ADDRESS, judged=True),
    Column(
        "referer", (Place.REFERER_ORIGIN, Place.REFERER_PATH, Place.REFERER_QUERY), MENTIONED, judged=True
    ),
    Column("user_agent", (Place.USER_AGENT,)),
    Column("method", (Place.METHOD,)),
    Column("protocol", (Place.PROTOCOL,)),
    Column(WRITTEN, (Place.ORIGIN, Place.WRITTEN, Place.WRITTEN), ADDRESS),
)
"""The columns that rules look at. The target comes first: flags of the raw text are its flags; then what else more than
rules judge."""
