"""What each service's budget of false alarms allowed, and what was spent of it."""

from collections.abc import Sequence

from vedette.schema.findings import Coverage, Spending
from vedette.schema.incident import Incident

_WEEK_US = 7 * 24 * 3600 * 1_000_000


def spending(
    per_week: float | None, services: Sequence[str], incidents: Sequence[Incident], coverage: Coverage
) -> list[Spending]:
    """An account of each service, in order of name.

    Args:
        per_week: The budget; None where nothing is promised.
        services: Names of those that were watched.
        incidents: Those that rest on a threshold of the budget. One on several services counts for each.
        coverage: Tells how long was watched.
    """
    if per_week is None or coverage.start is None or coverage.end is None:
        return []
    weeks = (coverage.end - coverage.start) / _WEEK_US
    spent = dict.fromkeys(sorted(services), 0)
    for incident in incidents:
        for service in incident.services:
            spent[service] = spent.get(service, 0) + 1
    return [Spending(name, per_week, weeks, per_week * weeks, number) for name, number in spent.items()]
