"""Read the measures that expressions name off a closed window."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.evidence import Topic
from vedette.detectors.view import WindowView
from vedette.windows.layout import LATENCY_BINS, Client, Group
from vedette.windows.summary import distinct_count, quantile

Array = NDArray[np.float64]

COLUMNS: dict[str, Group] = {
    "requests": Group.REQUESTS,
    "errors": Group.STATUS_5XX,
    "status_1xx": Group.STATUS_1XX,
    "status_2xx": Group.STATUS_2XX,
    "status_3xx": Group.STATUS_3XX,
    "status_4xx": Group.STATUS_4XX,
    "status_5xx": Group.STATUS_5XX,
    "status_401": Group.STATUS_401,
    "status_403": Group.STATUS_403,
    "status_404": Group.STATUS_404,
    "status_429": Group.STATUS_429,
    "writes": Group.WRITES,
    "timed_requests": Group.TIMED,
    "bytes_out": Group.BYTES_OUT,
    "bytes_in": Group.BYTES_IN,
    "logins": Group.LOGIN_POSTS,
    "login_failures": Group.LOGIN_FAILURES,
    "attacks": Group.ATTACKS,
    "declared_bots": Group.DECLARED_BOTS,
}
"""Measures that are sums of the window."""
CARRIED: dict[str, tuple[Group, Client | None]] = {
    "requests": (Group.REQUESTS, Client.REQUESTS),
    "request_rate": (Group.REQUESTS, Client.REQUESTS),
    "errors": (Group.STATUS_5XX, Client.STATUS_5XX),
    "error_rate": (Group.STATUS_5XX, Client.STATUS_5XX),
    "client_error_rate": (Group.STATUS_4XX, Client.STATUS_4XX),
    "status_4xx": (Group.STATUS_4XX, Client.STATUS_4XX),
    "status_5xx": (Group.STATUS_5XX, Client.STATUS_5XX),
    "status_401": (Group.STATUS_401, Client.STATUS_401),
    "status_403": (Group.STATUS_403, Client.STATUS_403),
    "status_404": (Group.STATUS_404, Client.STATUS_404),
    "status_429": (Group.STATUS_429, Client.STATUS_429),
    "bytes_out": (Group.BYTES_OUT, Client.BYTES_OUT),
    "bytes_out_rate": (Group.BYTES_OUT, Client.BYTES_OUT),
    "bytes_in": (Group.BYTES_IN, None),
    "logins": (Group.LOGIN_POSTS, Client.LOGIN_POSTS),
    "login_failures": (Group.LOGIN_FAILURES, Client.LOGIN_FAILURES),
    "attacks": (Group.ATTACKS, Client.ATTACKS),
    "top_client_requests": (Group.REQUESTS, Client.REQUESTS),
    "top_client_share": (Group.REQUESTS, Client.REQUESTS),
    "top_client_bytes": (Group.BYTES_OUT, Client.BYTES_OUT),
}
"""The sum that tells who carries a measure, of routes and of clients."""
SHOWN: dict[str, Topic] = {
    **dict.fromkeys(("errors", "error_rate", "status_5xx"), Topic.SERVER_ERROR),
    **dict.fromkeys(("latency_p50", "latency_p95", "latency_p99", "latency_mean"), Topic.SLOW),
}
"""Which kept log lines show a measure."""

_QUANTILES = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}


class Measuring:
    """The measures of one window for some services and routes. Each is computed once, when it is asked for.

    Args:
        view: The window.
        slots: int32 (k,): services and routes; without a request in the window, their counts are 0.
    """

    def __init__(self, view: WindowView, slots: NDArray[np.int32]) -> None:
        self._view = view
        self._slots = slots
        keys = view.groups.key
        row = np.minimum(np.searchsorted(keys, slots), max(0, len(keys) - 1))
        self._present = (keys[row] == slots) if len(keys) else np.zeros(len(slots), dtype=bool)
        self._row = row[self._present]
        self._known: dict[str, Array] = {}

    def values(self, names: Iterable[str]) -> dict[str, Array]:
        """Measures by name, float64 (k,); NaN where a window does not have one."""
        for name in names:
            if name not in self._known:
                self._known[name] = self._measure(name)
        return {name: self._known[name] for name in names}

    def total(self, column: Group) -> Array:
        """A sum of the window, 0 where there was no request."""
        found = np.zeros(len(self._slots))
        found[self._present] = self._view.groups.sums[self._row, column]
        return found

    def _measure(self, name: str) -> Array:
        if name in COLUMNS:
            return self.total(COLUMNS[name])
        if name in _QUANTILES:
            return self._latency(_QUANTILES[name])
        return _DERIVED[name](self)

    def answered(self) -> Array:
        """Requests whose status was logged."""
        return self.total(Group.REQUESTS) - self.total(Group.STATUS_UNKNOWN)

    def _latency(self, q: float) -> Array:
        latency = np.zeros((len(self._slots), LATENCY_BINS), dtype=np.int32)
        latency[self._present] = self._view.groups.latency[self._row]
        return quantile(latency, q)

    def latency_mean(self) -> Array:
        """Mean duration, seconds; NaN where none was logged."""
        return _ratio(self.total(Group.DURATION_US) / 1e6, self.total(Group.TIMED))

    def clients(self) -> Array:
        """Distinct clients."""
        found = np.zeros(len(self._slots))
        found[self._present] = np.round(distinct_count(self._view.groups.distinct[self._row]))
        return found

    def top(self, column: Client) -> Array:
        """The largest sum of one client, of services; routes do not know."""
        view = self._view
        found = np.zeros(len(self._slots))
        entries = [view.book[slot] for slot in self._slots.tolist()]
        numbers = {name: number for number, name in enumerate(view.services)}
        for place, entry in enumerate(entries):
            if entry.route is not None:
                found[place] = np.nan
                continue
            number = numbers.get(entry.service, -1)
            first, last = np.searchsorted(view.clients.service, [number, number + 1])
            found[place] = view.clients.sums[first:last, column].max(initial=0)
        return found

    def rate(self, column: Group) -> Array:
        """A sum, per second of the window."""
        return self.total(column) / ((self._view.end - self._view.start) / 1e6)


def _ratio(part: Array, whole: Array) -> Array:
    ratio: Array = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return ratio


_DERIVED: dict[str, Callable[[Measuring], Array]] = {
    "request_rate": lambda m: m.rate(Group.REQUESTS),
    "bytes_out_rate": lambda m: m.rate(Group.BYTES_OUT),
    "error_rate": lambda m: _ratio(m.total(Group.STATUS_5XX), m.answered()),
    "client_error_rate": lambda m: _ratio(m.total(Group.STATUS_4XX), m.answered()),
    "latency_mean": lambda m: m.latency_mean(),
    "clients": lambda m: m.clients(),
    "top_client_requests": lambda m: m.top(Client.REQUESTS),
    "top_client_bytes": lambda m: m.top(Client.BYTES_OUT),
    "top_client_share": lambda m: _ratio(m.top(Client.REQUESTS), m.total(Group.REQUESTS)),
}
