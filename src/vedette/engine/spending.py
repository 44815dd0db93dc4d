"""What each service's budget of false alarms allowed, and what was spent of it."""

from collections.abc import Mapping, Sequence

from vedette.schema.findings import Coverage, Spending
from vedette.schema.spans import WEEK_US


def spending(
    per_week: float | None, services: Sequence[str], incidents: Mapping[str, int], coverage: Coverage
) -> list[Spending]:
    """An account of each service, in order of name.

    Args:
        per_week: The budget; None where nothing is promised.
        services: Names of those that were watched.
        incidents: By service, how many rest on a threshold of the budget. One on several services counts for each.
        coverage: Tells how long was watched.
    """
    if per_week is None or coverage.start is None or coverage.end is None:
        return []
    weeks = (coverage.end - coverage.start) / WEEK_US
    return [
        Spending(name, per_week, weeks, per_week * weeks, incidents.get(name, 0))
        for name in sorted({*services, *incidents})
    ]
