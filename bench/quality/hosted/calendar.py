"""What happens behind the proxy in those four days, by the hour: what is wrong, and what only looks so."""

from datetime import UTC, datetime

from told import Trouble

BEGIN = int(datetime(2026, 10, 7, tzinfo=UTC).timestamp())
"""A Wednesday; people's clocks are two hours ahead."""
DAYS = 4
END = DAYS * 86400.0
AHEAD = 2 * 3600


def at(day: int, hour: int, minute: int = 0) -> int:
    """Minutes since the begin, from a day of people's clocks (1 to 4), in UTC."""
    return ((day - 1) * 24 + hour - 2) * 60 + minute


SLOW = ("latency_spike", "response_time_anomaly")
ERRORS = ("error_spike", "status_code_anomaly")
FEWER = ("traffic_drop",)
MORE = ("traffic_spike",)
FLOOD = (*MORE, "ddos_attack", "bot_activity", "rate_limit_abuse", "suspicious_client")
CHAT, THINGS, NEWS, GIT, REGISTRY, VIDEO, SAAS, OFFICE, SCHOOL, HOOKS, SOCIAL, SOAP = (
    f"{name}.example"
    for name in (
        "chat", "things", "news", "git", "registry", "video", "saas", "office", "school", "hooks", "social", "soap"
    )
)  # fmt: skip

TROUBLES = (
    Trouble("a news alert sends everybody to one page", at(2, 9, 12), 20, MORE, quiet=True),
    Trouble("chat is released: all connect anew", at(2, 10, 30), 5, (*MORE, *ERRORS), quiet=True),
    Trouble("search of the news is down", at(2, 11), 30, ERRORS, (NEWS,)),
    Trouble("the registry's disk is full", at(2, 13), 40, ERRORS, (REGISTRY,)),
    Trouble("a second monitor is set up", at(2, 14), 60, (), quiet=True),
    Trouble("video's storage is slow", at(2, 15), 25, SLOW, (VIDEO,)),
    Trouble("things of one network are offline", at(2, 16), 60, FEWER, (THINGS,)),
    Trouble("an import in a loop", at(2, 18), 90, FLOOD, (SAAS,)),
    Trouble("somebody watches four films at once", at(2, 20), 120, ("data_exfiltration",), quiet=True),
    Trouble("passwords of git are guessed", at(2, 22), 20, ("brute_force",), (GIT,)),
    Trouble("exports at night from abroad", at(3, 3), 25, (
        "data_exfiltration", "unusual_pattern", *FLOOD), (OFFICE,)),
    Trouble("the school's site is down", at(3, 7, 40), 50, ERRORS, (SCHOOL,)),
    Trouble("chat answers polls at once", at(3, 9, 30), 25, (*MORE, *FLOOD), (CHAT,)),
    Trouble("a thing's update restarts them all", at(3, 10, 30), 10, MORE, quiet=True),
    Trouble("the database of saas is locked", at(3, 11), 12, (*SLOW, *ERRORS), (SAAS,)),
    Trouble("a payment provider sends nothing", at(3, 12), 180, FEWER, (HOOKS,)),
    Trouble("a post goes round the world", at(3, 13), 15, MORE, quiet=True),
    Trouble("signatures are refused", at(3, 15), 40, ERRORS, (SOCIAL,)),
    Trouble("SQL now and then, from many", at(3, 16), 120, ("sql_injection",), (SAAS,)),
    Trouble("stolen passwords are tried from everywhere", at(3, 19), 30, ("brute_force",), (SAAS,)),
    Trouble("a release forgot the styles", at(3, 20), 45, ERRORS, (NEWS,)),
    Trouble("the catalogue is carried off", at(3, 21, 30), 120, ("data_exfiltration", *FLOOD), (VIDEO,)),
    Trouble("builds on a Saturday", at(4, 10), 90, MORE, quiet=True),
    Trouble("telemetry is not taken", at(4, 12), 30, ERRORS, (THINGS,)),
    Trouble("the app's new version", at(4, 14), 240, (), quiet=True),
    Trouble("a flood of the school's front page", at(4, 16), 10, ("ddos_attack", *MORE, *SLOW), (SCHOOL,)),
    Trouble("SOAP takes three times as long", at(4, 17), 60, SLOW, (SOAP,)),
    Trouble("half of what chat is sent fails", at(4, 19), 15, ERRORS, (CHAT,)),
)  # fmt: skip
"""Each night at four the SOAP server restarts, and answers 502 for forty seconds: that may be told, once."""
(
    ALERT, RECONNECT, SEARCH, FULL, MONITOR, STORAGE, OFFLINE, LOOP, FILMS, GUESSED, ABROAD, DOWN, BUSY, UPDATE, LOCKED,
    PROVIDER, VIRAL, SIGNED, TRICKLE, STOLEN, STYLES, CATALOGUE, SATURDAY, REFUSED, VERSION, FLOODED, SOAPY, LOST,
) = TROUBLES  # fmt: skip
