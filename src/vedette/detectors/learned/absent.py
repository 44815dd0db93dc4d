"""A member whose libraries are not installed."""

from collections.abc import Sequence

from vedette.detectors.learned.card import Model
from vedette.detectors.learned.member import Lesson
from vedette.detectors.learned.training import Refused
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.learned import MemberStatus

NOT_INSTALLED = "not installed"


class Absent:
    """States nothing, learns nothing, and says how to install what is missing.

    Args:
        name: The member. missing: Libraries that are not there. extra: What installs them.
    """

    types: tuple[AnomalyType, ...] = ()
    collects = False

    def __init__(self, name: str, missing: Sequence[str], extra: str) -> None:
        self.name = name
        self._extra = extra
        self._missing = tuple(missing)
        self._kept = b""

    @property
    def reason(self) -> str:
        """What is missing, and what installs it."""
        return (
            f"{self.name}: not installed ({', '.join(self._missing)}): pip install 'vedette[{self._extra}]'"
        )

    def look(self, view: WindowView) -> list[Anomaly]:  # noqa: ARG002 - there is nothing to look by
        """Nothing."""
        return []

    def learn(self, lesson: Lesson) -> None:
        """Nothing."""

    def statuses(self) -> list[MemberStatus]:
        """That it is not installed."""
        return [
            MemberStatus(
                member=self.name, service="", phase=NOT_INSTALLED, requests=0, wanted=0, reason=self.reason
            )
        ]

    def models(self) -> dict[str, Model]:
        """None."""
        return {}

    def train_now(self) -> dict[str, Model | Refused]:
        """Why not, for whichever service."""
        return {"": Refused(self.reason)}

    def capped(self) -> dict[str, int]:
        """Nothing."""
        return {}

    def to_state(self) -> bytes:
        """What the member itself left, should it be installed again."""
        return self._kept

    def from_state(self, content: bytes) -> None:
        """Keep what the member itself left."""
        self._kept = content
