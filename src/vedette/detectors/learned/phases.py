"""How far the learning of one service has come."""

from enum import StrEnum

from vedette.schema.spans import DAY_US


class Phase(StrEnum):
    """What the models of a service do; detection by signatures and baselines goes on in each."""

    WARMUP = "warmup"
    """They collect a sample."""
    TRAINING = "training"
    """They are fitted and checked."""
    ENSEMBLE = "ensemble"
    """They judge."""


def warmup_requests(requests: int, elapsed_us: int) -> int:
    """Requests that a warm-up takes, by the traffic so far: 1,000, 10,000 or 50,000.

    Args:
        requests: Seen so far. elapsed_us: Since the first of them.
    """
    a_day = requests * DAY_US / max(elapsed_us, 60_000_000)
    if a_day < 1_000:
        return 1_000
    return 10_000 if a_day <= 100_000 else 50_000
