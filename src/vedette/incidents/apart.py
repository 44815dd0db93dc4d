"""Of how many attackers of a service somebody wants to be told one by one."""

from fnmatch import fnmatchcase

import msgspec

from vedette.incidents.kinds import TOLD_APART


class Apart(msgspec.Struct, frozen=True):
    """How many incidents of passing attacks are told one by one in `kinds.LATELY_DAYS`; None for all of them.

    Attributes:
        most: Of a service. services: Patterns of some services, and what counts for them; the first that matches.
    """

    most: int | None = TOLD_APART
    services: tuple[tuple[str, int | None], ...] = ()

    def of(self, service: str) -> int | None:
        """How many of one service."""
        return next((most for pattern, most in self.services if fnmatchcase(service, pattern)), self.most)
