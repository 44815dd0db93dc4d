"""A tail's position: where each file stood, as one document."""

from collections.abc import Sequence

import msgspec

from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.source import POSITION_BYTES
from vedette.sources.tail.mark import Place

_VERSION = 1


class _Position(msgspec.Struct, array_like=True, frozen=True):
    version: int
    places: tuple[Place, ...]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Position)


def encode(places: Sequence[Place]) -> bytes:
    """As bytes, at most `POSITION_BYTES`: what was read to its end goes first, then what is least recent."""
    position = _ENCODER.encode(_Position(_VERSION, tuple(places)))
    if len(position) <= POSITION_BYTES:
        return position
    sizes = {place: len(_ENCODER.encode(place)) for place in places}
    room = POSITION_BYTES - 16
    kept = set()
    for place in sorted(places, key=lambda place: (place.ended, not place.live, -place.modified)):
        room -= sizes[place]
        if room < 0:
            break
        kept.add(place)
    return _ENCODER.encode(_Position(_VERSION, tuple(place for place in places if place in kept)))


def decode(source: str, position: bytes) -> tuple[Place, ...]:
    """The places of a position.

    Raises:
        SourceError: It is none.
    """
    try:
        found = _DECODER.decode(position)
    except msgspec.MsgspecError as error:
        reason = f"its position cannot be read ({error}); forget it to read the files from their beginning"
        raise SourceError(source, SourceProblem.DAMAGED, reason) from None
    if found.version != _VERSION:
        reason = f"its position has version {found.version}, not {_VERSION}; run the release that wrote it"
        raise SourceError(source, SourceProblem.DAMAGED, reason)
    return found.places
