"""How many sessions begin: a session is a test of the budget from its beginning, and is observed when it ends."""

import msgspec

from vedette.schema.state import check


class BegunState(msgspec.Struct, frozen=True, array_like=True):
    """What `Begun` holds."""

    sessions: int = 0
    windows: int = 0
    latest: int = -1


class Begun:
    """Sessions that have begun, over the windows that had any.

    Attributes:
        pace: In a window on average; 0 before the first.
    """

    def __init__(self) -> None:
        self._sessions, self._windows, self._latest = 0, 0, -1

    @property
    def pace(self) -> float:
        """See above."""
        return self._sessions / max(1, self._windows)

    def count(self, window: int, sessions: int) -> None:
        """Count those that begin in a window with requests; services of one window share it."""
        self._sessions += sessions
        self._windows += window != self._latest
        self._latest = window

    def to_state(self) -> BegunState:
        """All of it."""
        return BegunState(self._sessions, self._windows, self._latest)

    def from_state(self, state: BegunState) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        check(state.sessions >= 0 and state.windows >= 0, "sessions that have begun")
        self._sessions, self._windows, self._latest = state.sessions, state.windows, state.latest
