"""What a tail lost or dropped."""


class Losses:
    """What was lost or dropped so far, by reason."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add(self, reason: str, count: int) -> None:
        """Count `count` more, if any."""
        if count:
            self.counts[reason] = self.counts.get(reason, 0) + count
