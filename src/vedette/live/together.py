"""What the engines for requests and for flows state, as incidents in common."""

from collections.abc import Sequence
from typing import Final

import msgspec

from vedette.config import Config
from vedette.engine.build import window_spans
from vedette.engine.telling_apart import grouping
from vedette.incidents.correlating import Correlator, Found
from vedette.schema.anomaly import Anomaly
from vedette.schema.spans import SECOND_US

_NOTHING: Final = -(2**62)


class Reached(msgspec.Struct, frozen=True):
    """How far one of the engines has come.

    Attributes:
        settled: It will state nothing more of windows that end by then, microseconds.
        behind: Whether there is more to be read for it already.
    """

    settled: int
    behind: bool


class Together:
    """Groups what the engines state once none of them is behind the others.

    One that cannot be here in time is not waited for: its windows come long after they are over (flows that are told
    when they end, say), or it has nothing to look at. What it states joins the incidents when it comes.

    Args:
        config: How long is waited.
    """

    def __init__(self, config: Config) -> None:
        self._patience = config.live.correlate_s * SECOND_US
        self._correlator = Correlator(window_spans(config), grouping(config))

    def take(self, stated: Sequence[Anomaly], reached: Sequence[Reached], at: int) -> None:
        """Take in what was stated since the last time, and group what is settled.

        Args:
            stated: By all engines. reached: How far each of them is. at: The clock, microseconds.
        """
        correlator = self._correlator
        correlator.add(stated, at)
        awaited = [one.settled for one in reached if one.behind or at - one.settled <= self._patience]
        settled = min(awaited) if awaited else max((one.settled for one in reached), default=_NOTHING)
        correlator.group(settled, hurried=correlator.waits_since(at - self._patience))

    def hurry(self) -> None:
        """Group everything that waits: nobody will be here to do it later."""
        self._correlator.group(_NOTHING, hurried=-_NOTHING)

    @property
    def found(self) -> bool:
        """Whether there is something to be kept."""
        return self._correlator.found

    def found_now(self) -> Found:
        """What is to be kept; it is the caller's from now on."""
        return self._correlator.take()

    def to_state(self) -> bytes:
        """Everything that is remembered, as bytes."""
        return self._correlator.to_state()

    def from_state(self, content: bytes | None, groupers: Sequence[bytes]) -> None:
        """Take over what `to_state` gave.

        Args:
            content: None if it was written by a version that had none.
            groupers: The states of the engines' own incidents, which are gone on with then.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        if content is None:
            self._correlator.adopt(groupers)
        else:
            self._correlator.from_state(content)
