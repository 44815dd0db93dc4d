"""New things that were stated, and are not yet believed to be the site's own."""

from collections.abc import Iterable

import msgspec

from vedette.detectors.parameters.novelty import Kind, Novelty
from vedette.detectors.parameters.suspects import Sender
from vedette.schema.spans import WEEK_US
from vedette.schema.state import check, decode, encode, within

CLIENTS = 5
"""Clients that a new thing must come from before it is the site's own."""
SHARE = 0.9
"""Share of what it is new for (queries of the route, values of the parameter) from which it is a change of the site:
a release reaches everybody, an attack is a part of the traffic."""
WINDOWS = 3
"""Windows in which it must be so: no passing crowd."""
PATIENCE_US = WEEK_US
"""How long anything else is doubted: a week, in which whatever a site does has happened once."""
MOST = 16_384
"""Things doubted at once; for a further one, the one doubted longest is forgotten."""

Thing = tuple[Kind, int, bytes]


_Held = tuple[Kind, int, bytes, int, int, list[Sender]]
"""A doubt as a part of a state."""


class _Doubt(msgspec.Struct):
    first: int
    windows: int = 0
    """Those that show a change of the site."""
    clients: set[Sender] = msgspec.field(default_factory=set)


class Doubts:
    """Keeps stated novelties from being learned until they have stood for a while, from several clients.

    So an attack does not teach, and a page or parameter that a site adds is stated for a while only.
    """

    def __init__(self) -> None:
        self._held: dict[Thing, _Doubt] = {}
        self.forgotten = 0

    def accepts(self, novelty: Novelty, senders: Iterable[Sender], rows: int, trials: int, time: int) -> bool:
        """Whether something stated is believed from now on.

        Args:
            senders: Clients that it came from in this window. rows: Requests with it.
            trials: Requests, queries or values of its slot in this window. time: The window's, microseconds.
        """
        thing = (novelty.kind, novelty.slot, novelty.feature)
        doubt = self._held.get(thing)
        if doubt is None:
            if len(self._held) >= MOST:
                del self._held[next(iter(self._held))]
                self.forgotten += 1
            doubt = self._held[thing] = _Doubt(time)
        here = set(senders)
        doubt.clients.update(sorted(here)[:CLIENTS] if len(doubt.clients) < CLIENTS else ())
        # A path that is answered again and again exists.
        doubt.windows += novelty.kind is Kind.ROUTE or (len(here) >= CLIENTS and rows >= SHARE * trials)
        long = len(doubt.clients) >= CLIENTS and time - doubt.first >= PATIENCE_US
        if doubt.windows >= WINDOWS or long:
            del self._held[thing]
            return True
        return False

    def to_state(self) -> bytes:
        """What is doubted, that for longest first, as bytes."""
        held = [
            (*thing, doubt.first, doubt.windows, sorted(doubt.clients)) for thing, doubt in self._held.items()
        ]
        return encode((self.forgotten, held))

    def from_state(self, content: bytes, slots: int) -> None:
        """Take over what `to_state` gave.

        Args:
            content: From `to_state`. slots: How many slots of profiles are in use.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        self.forgotten, held = decode(content, tuple[int, list[_Held]], "doubts")
        within([slot for _, slot, *_ in held], 0, slots, "doubts")
        check(len(held) <= MOST, "doubts")
        self._held = {
            (kind, slot, feature): _Doubt(first, windows, set(clients))
            for kind, slot, feature, first, windows, clients in held
        }
