"""Whether anybody notices that a service has more to do than usual."""

from typing import Final

import numpy as np

from vedette.detectors.view import Judged, Metric, WindowView
from vedette.windows.layout import Group

FEW: Final = 0.01
"""Share of answers that may fail (5xx), or be refused for how much is asked (403, 429), where fewer usually do."""
SLOWER: Final = 2.0
"""How many times the expected the slow end of response times may be, where its band is narrower."""

EAGER: Final = 3.0
"""How many times what clients usually ask for those who come besides may ask for, each."""


def is_slight(view: WindowView, slot: int) -> bool:
    """Whether a service has more to do than usual and nobody is the worse for it.

    It answers as it does at other times, and who comes besides is one who was there before, or many who ask for no more
    than others do: twenty who ask for ten times as much are no crowd.
    """
    if not is_served(view, slot):
        return False
    burst = view.bursts.get(view.book[slot].service)
    if burst is not None:
        return burst.known
    requests, clients = view.judged[Metric.REQUESTS], view.judged[Metric.CLIENTS]
    row, found = requests.find(slot), clients.find(slot)
    if row is None or found is None:
        return False
    more, usual = _beyond(requests, row)
    more_clients, usual_clients = _beyond(clients, found)
    return more * usual_clients <= EAGER * usual * more_clients


def _beyond(judged: Judged, row: int) -> tuple[float, float]:
    """How much a row has beyond what was expected, and what was."""
    middle = float(judged.expected_mid[row])
    return float(judged.value[row]) - middle, middle


def is_served(view: WindowView, slot: int) -> bool:
    """Whether a service answers as well and as fast as it does at other times; False where the log does not say.

    Without durations nobody knows whether the others waited.
    """
    requests = view.total(slot, Group.REQUESTS)
    errors, times = view.judged[Metric.ERROR_RATIO], view.judged[Metric.LATENCY]
    of_errors, of_times = errors.find(slot), times.find(slot)
    if not requests or of_errors is None or of_times is None:
        return False
    if not errors.ready[of_errors] or not times.ready[of_times]:
        return False
    refused = view.total(slot, Group.STATUS_403) + view.total(slot, Group.STATUS_429)
    most = max(FEW, float(np.nan_to_num(errors.expected_high[of_errors])))
    slowest = max(SLOWER * float(times.expected_mid[of_times]), float(times.expected_high[of_times]))
    return bool(
        errors.value[of_errors] <= most and refused <= FEW * requests and times.value[of_times] <= slowest
    )
