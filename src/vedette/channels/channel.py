"""What a channel is to the rest of the room."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

from vedette.channels.message import Item, Message


class ChannelRule(msgspec.Struct, frozen=True):
    """How a channel is told.

    Attributes:
        name: Its name in the configuration.
        digests: Whether one message may name several incidents; otherwise each notice is sent by itself, at once.
        resolves: Whether it keeps an alert open until told otherwise, so that closing passes quiet hours.
        per_hour: Most messages an hour; None for no limit.
    """

    name: str
    digests: bool
    resolves: bool
    per_hour: int | None


class Sent(msgspec.Struct, frozen=True):
    """The channel has it.

    Attributes:
        reference: What the channel calls it, empty if nothing of its own.
        remark: What was not as it should be all the same.
    """

    reference: str = ""
    remark: str = ""


class Failed(msgspec.Struct, frozen=True):
    """The channel has it not, or may not have it.

    Attributes:
        reason: Why, in words, without secrets.
        retry_after_s: The least pause that the channel asks for, seconds.
        refused: Whether it refused this very message, so that trying again cannot help.
    """

    reason: str
    retry_after_s: float | None = None
    refused: bool = False


Result = Sent | Failed


class Channel(Protocol):
    """Tells one place. Used by one thread at a time; what goes wrong is a `Failed`, not an exception."""

    @property
    def rule(self) -> ChannelRule:
        """How it is told."""
        ...

    def send(self, message: Message) -> Result:
        """Tell it; returns within the channel's time-out."""
        ...


@runtime_checkable
class Refreshing(Protocol):
    """A channel that forgets what is open unless it is told again."""

    @property
    def refresh_s(self) -> int:
        """How often, seconds."""
        ...

    def refresh(self, items: Sequence[Item], at: int) -> Result:
        """Say again that these are open. `at`: microseconds since the epoch, UTC."""
        ...
