"""What happens behind the proxy in those five days, by the hour: what is wrong, and what only looks so."""

from datetime import UTC, datetime

from told import Trouble

BEGIN = int(datetime(2026, 10, 22, tzinfo=UTC).timestamp())
"""A Thursday; in the night to Sunday the clocks go back."""
DAYS = 5
END = DAYS * 86400.0
WINTER = 3 * 86400 + 3600
"""When they do: 1:00 UTC."""


def ahead(time: float) -> int:
    """Seconds that people's clocks are ahead."""
    return 7200 if time < WINTER else 3600


def at(day: int, hour: int, minute: int = 0) -> int:
    """Minutes since the begin, from a day of people's clocks (1 to 5), in UTC."""
    return ((day - 1) * 24 + hour - (2 if day <= 3 else 1)) * 60 + minute


SLOW = ("latency_spike", "response_time_anomaly")
ERRORS = ("error_spike", "status_code_anomaly")
FEWER = ("traffic_drop",)
MORE = ("traffic_spike",)
TAKEN = ("data_exfiltration", "unusual_pattern")
GUESSED = ("brute_force", "rate_limit_abuse")
FLOOD = (*MORE, "ddos_attack", "bot_activity", "rate_limit_abuse", "suspicious_client")
ODD = ("unusual_pattern", "behavioral_anomaly")
BLOG, GRAPH, PAY, TICKETS, TILES, MOBILE, LOGIN, MODELS, FORMS, PACKAGES, FILES = (
    f"{name}.example"
    for name in (
        "blog", "graph", "pay", "tickets", "tiles", "mobile", "login", "models", "forms", "packages", "files"
    )
)  # fmt: skip
HOSTS = (BLOG, GRAPH, PAY, TICKETS, TILES, MOBILE, LOGIN, MODELS, FORMS, PACKAGES, FILES)

TROUBLES = (
    Trouble("a newsletter is mailed", at(2, 9, 30), 25, MORE, quiet=True),
    Trouble("a partner's key has expired", at(2, 10, 30), 45, (*ERRORS, *GUESSED), (PAY,)),
    Trouble("an app's version is answered 500", at(2, 11, 30), 30, ERRORS, (MOBILE,)),
    Trouble("a deploy with a few 502", at(2, 12, 30), 4, ERRORS, quiet=True),
    Trouble("the cache of tiles is lost", at(2, 13), 40, SLOW, (TILES,)),
    Trouble("one query in eight takes four seconds", at(2, 14), 30, SLOW, (GRAPH,)),
    Trouble("SQL now and then, from many", at(2, 15), 150, ("sql_injection",), (BLOG,)),
    Trouble("what packages come from is down", at(2, 16), 30, ERRORS, (PACKAGES,)),
    Trouble("tickets of a big name go on sale", at(2, 18), 40, MORE, quiet=True),
    Trouble("stolen passwords from 500 addresses", at(2, 20), 60, ("brute_force",), (LOGIN,)),
    Trouble("passwords are guessed by XML-RPC", at(2, 22), 25, ("brute_force", *FLOOD), (BLOG,)),
    Trouble("an account exports all it sees, slowly", at(3, 1), 240, (*TAKEN, *FLOOD), (GRAPH,)),
    Trouble("tokens are slow at night", at(3, 3, 30), 40, SLOW, (LOGIN,)),
    Trouble("one client encrypts its files", at(3, 8), 50, (*TAKEN, *ODD, *FLOOD), (FILES,)),
    Trouble("a partner goes live", at(3, 10), 480, MORE, quiet=True),
    Trouble("Android trusts our certificate no more", at(3, 11), 40, FEWER, (MOBILE,)),
    Trouble("answers of models are cut short", at(3, 13), 45, (*ODD, "response_time_anomaly"), (MODELS,)),
    Trouble("40 machines put tickets into carts", at(3, 14), 40, (*FLOOD, *ODD, *ERRORS), (TICKETS,)),
    Trouble("somebody looks for holes, slowly", at(3, 16), 240, ("scanner", "sensitive_file"), (FORMS,)),
    Trouble("one client takes all tiles", at(3, 17, 30), 60, (*TAKEN, *FLOOD), (TILES,)),
    Trouble("a newspaper shows our map", at(3, 19, 30), 30, MORE, quiet=True),
    Trouble("pages lead to themselves", at(3, 21), 25, ("status_code_anomaly", *FLOOD), (BLOG,)),
    Trouble("codes are guessed", at(3, 23), 30, (*GUESSED, *ERRORS), (LOGIN,)),
    Trouble("the night is an hour longer", at(4, 1) - 60, 7 * 60, (), quiet=True),
    Trouble("a crawler that says so comes first", at(4, 9), 120, ("bot_activity", *MORE), quiet=True),
    Trouble("paying for tickets fails", at(4, 12), 25, (*ERRORS, *SLOW), (TICKETS,)),
    Trouble("a stolen key asks for long answers", at(4, 14), 30, (*ERRORS, *SLOW, *FLOOD), (MODELS,)),
    Trouble("articles are copied, not fast", at(4, 16), 180, (*FLOOD, *TAKEN), (BLOG,)),
    Trouble("tokens are not renewed, apps try again", at(4, 18), 20, (*ERRORS, *FLOOD), (MOBILE, LOGIN)),
    Trouble("2,500 addresses ask for the costly", at(4, 20), 8, (*FLOOD, *SLOW, *ERRORS), (GRAPH,)),
    Trouble("a monitor is added", at(5, 7, 30), 60, (), quiet=True),
    Trouble("the last day for a form", at(5, 8), 600, MORE, quiet=True),
    Trouble("an app's version calls a route anew", at(5, 9), 180, (), quiet=True),
    Trouble("our office tests the load", at(5, 10), 20, (*FLOOD,), quiet=True),
    Trouble("no room for files", at(5, 10, 30), 30, ERRORS, (FILES,)),
    Trouble("a form's third step fails", at(5, 11, 30), 30, ERRORS, (FORMS,)),
    Trouble("a release forgot a script", at(5, 13), 30, ERRORS, (GRAPH,)),
    Trouble("letters of others are counted up", at(5, 14), 15, (*TAKEN, *FLOOD), (FORMS,)),
    Trouble("the bank answers late", at(5, 15, 30), 30, SLOW, (PAY,)),
    Trouble("keys to check tokens with are gone", at(5, 16, 30), 20, ERRORS, (LOGIN,)),
    Trouble("a new machine fetches its files", at(5, 17, 30), 30, ("data_exfiltration", *MORE), quiet=True),
    Trouble("one long answer in six ends at 60 s", at(5, 19), 40, ERRORS, (MODELS,)),
    Trouble("tiles are empty", at(5, 20, 30), 30, (*ODD, "status_code_anomaly"), (TILES,)),
)  # fmt: skip
(
    NEWSLETTER, KEY, VERSION, DEPLOY, CACHE, TAIL, SQL, UPSTREAM, ONSALE, STUFFED, XMLRPC, EXPORT, NIGHT, ENCRYPTED,
    GOLIVE, ANDROID, CUT, SCALPERS, HOLES, BULK, NEWSPAPER, LOOP, CODES, _HOUR, CRAWLER, PAYING, STOLEN, COPIED,
    RENEWAL, MANY, MONITOR, DEADLINE, RENAMED, LOAD, FULL, STEP, SCRIPT, LETTERS, BANK, KEYS, MACHINE, LONG, EMPTY,
) = TROUBLES  # fmt: skip
