"""Findings of one window beyond those that are stated one by one: counted, so that nothing is lost silently."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import UNSTATED

_Finding = TypeVar("_Finding")


class FewStated:
    """Base of detectors that state so many findings of a window at most.

    Attributes:
        unstated: Findings beyond those.
    """

    unstated: int = 0

    def strongest(self, found: Sequence[Anomaly], most: int) -> list[Anomaly]:
        """The most severe and most certain findings of a window; the others are counted."""
        if len(found) <= most:
            return list(found)
        return self.first(sorted(found, key=lambda one: (-one.severity.rank, -one.score, one.id)), most)

    def first(self, found: Sequence[_Finding], most: int) -> list[_Finding]:
        """The first of findings that stand in order; the others are counted."""
        self.unstated += max(0, len(found) - most)
        return list(found[:most])


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def unstated(detectors: Sequence[_Named]) -> dict[str, int]:
    """How many findings each detector did not state, by its name and `UNSTATED`."""
    return {
        f"{one.name}{UNSTATED}": one.unstated
        for one in detectors
        if isinstance(one, FewStated) and one.unstated
    }
