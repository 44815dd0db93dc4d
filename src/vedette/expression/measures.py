"""What an expression can ask of a window: the names, their units and meanings."""

from typing import Final

import msgspec

from vedette.expression.quantities import (
    BYTES,
    BYTES_PER_SECOND,
    COUNT,
    PER_SECOND,
    SECONDS,
    SHARE,
    Kind,
    Quantity,
)


class Measure(msgspec.Struct, frozen=True):
    """A number that every window of a service has.

    Attributes:
        name: As expressions write it. quantity: What it measures.
        unit: As an anomaly's `unit` names it.
        meaning: One line for the reference.
        of_routes: Whether a route's windows have it too.
    """

    name: str
    quantity: Quantity
    unit: str
    meaning: str
    of_routes: bool = True

    @property
    def summed(self) -> bool:
        """Whether it grows with every request, as counts, sizes and rates do, and is 0 without one."""
        return self.unit != "seconds" and self.quantity.kind is not Kind.SHARE


_STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "401", "403", "404", "429")

MEASURES: Final[dict[str, Measure]] = {
    measure.name: measure
    for measure in (
        Measure("requests", COUNT, "requests", "requests"),
        Measure("request_rate", PER_SECOND, "per_second", "requests a second, over the window"),
        Measure("errors", COUNT, "errors", "answers 5xx"),
        Measure("error_rate", SHARE, "ratio", "answers 5xx among all answers; unknown without one"),
        Measure("client_error_rate", SHARE, "ratio", "answers 4xx among all answers; unknown without one"),
        *(
            Measure(f"status_{status}", COUNT, "requests", f"requests answered {status}")
            for status in _STATUSES
        ),
        Measure("writes", COUNT, "requests", "requests with a method other than GET, HEAD and OPTIONS"),
        Measure("latency_p50", SECONDS, "seconds", "median duration; unknown where none is logged"),
        Measure("latency_p95", SECONDS, "seconds", "95th percentile of durations"),
        Measure("latency_p99", SECONDS, "seconds", "99th percentile of durations"),
        Measure("latency_mean", SECONDS, "seconds", "mean duration"),
        Measure("timed_requests", COUNT, "requests", "requests with a logged duration"),
        Measure("bytes_out", BYTES, "bytes", "bytes of all answers"),
        Measure("bytes_in", BYTES, "bytes", "bytes of all requests, where logged"),
        Measure("bytes_out_rate", BYTES_PER_SECOND, "bytes_per_second", "bytes of answers a second"),
        Measure("clients", COUNT, "clients", "distinct clients, estimated where there are many"),
        Measure("top_client_requests", COUNT, "requests", "requests of the busiest client", of_routes=False),
        Measure(
            "top_client_share", SHARE, "ratio", "the busiest client's share of the requests", of_routes=False
        ),
        Measure("top_client_bytes", BYTES, "bytes", "bytes to the client that took most", of_routes=False),
        Measure("logins", COUNT, "requests", "requests sent to a login"),
        Measure("login_failures", COUNT, "failed_logins", "logins that failed, as far as the status tells"),
        Measure("attacks", COUNT, "hostile_requests", "requests that signatures call hostile beyond doubt"),
        Measure("declared_bots", COUNT, "requests", "requests of clients that say they are bots"),
    )
}
"""By name, in the order of the reference."""
