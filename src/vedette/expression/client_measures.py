"""What an expression can ask of one client's window: the names, their units and meanings."""

from typing import Final

from vedette.expression.measures import Measure
from vedette.expression.quantities import BYTES, COUNT, SECONDS

CLIENT_MEASURES: Final[dict[str, Measure]] = {
    measure.name: measure
    for measure in (
        Measure("requests", COUNT, "requests", "requests of the client"),
        Measure("static_files", COUNT, "requests", "pictures, scripts and styles among them"),
        Measure("writes", COUNT, "requests", "those with a method other than GET, HEAD and OPTIONS"),
        Measure("logins", COUNT, "requests", "requests sent to a login"),
        Measure("login_failures", COUNT, "failed_logins", "logins that failed, as far as the status tells"),
        Measure("without_referer", COUNT, "requests", "requests that name no page before"),
        Measure("errors", COUNT, "errors", "answers 5xx"),
        Measure("status_4xx", COUNT, "requests", "requests answered 4xx"),
        *(
            Measure(f"status_{status}", COUNT, "requests", f"requests answered {status}")
            for status in ("401", "403", "404", "429")
        ),
        Measure("bytes_out", BYTES, "bytes", "bytes of all answers"),
        Measure("routes", COUNT, "routes", "different routes, estimated"),
        Measure("missing_routes", COUNT, "routes", "different routes that do not exist, estimated"),
        Measure(
            "active_time",
            SECONDS,
            "seconds",
            "time in which it asked for something, by sixtieths of the window",
        ),
        Measure("window_length", SECONDS, "seconds", "length of the window"),
    )
}
"""By name, in the order of the reference."""
