"""Keys of the detectors: whether each looks, and its few thresholds."""

from vedette.config.options import Section, option, section

_FEW_REQUESTS = "a ratio over fewer requests is mostly chance"


def _enabled(names: str) -> bool:
    enabled: bool = option(True, f"Whether to look for it ({names}).")
    return enabled


class SignatureException(Section):
    """Rules that are switched off on some paths."""

    path: str = option(
        ...,
        "Pattern of the decoded path, in lower case, in which `*` stands for anything: `/admin/query/*`.",
        min_length=1,
        max_length=256,
    )
    rules: tuple[str, ...] = option(
        ..., "Ids of rules, or patterns of ids like `sql-*`, that look at paths or queries.", min_length=1
    )


class Signatures(Section):
    """Known attack shapes, request by request."""

    enabled: bool = _enabled("sql_injection, xss, path_traversal and the other request types")
    disabled_rules: tuple[str, ...] = option((), "Ids of rules that are not applied.")
    exceptions: tuple[SignatureException, ...] = option(
        (), "Rules that are switched off on some paths.", max_length=100
    )
    rule_files: tuple[str, ...] = option(
        (), "Files with rules of your own, each with examples that it must hit and must not.", max_length=100
    )
    payload_model: bool = option(
        True, "Whether a model of letters and marks judges paths and values besides the rules."
    )
    everyday: bool = option(
        True,
        "Whether what a site's own clients ask every day is weighed against rules that are not sure.",
    )
    min_confidence: float = option(
        0.8,
        "Combined confidence of the rules that a request matches, from which it is an attack.",
        unit="ratio",
        ge=0.1,
        le=1.0,
    )


class Errors(Section):
    """More failing answers (5xx) than a service or route is used to."""

    enabled: bool = _enabled("error_spike")
    min_requests: int = option(
        20,
        "Windows with fewer requests are judged together with up to four before them.",
        unit="requests",
        ge=5,
        why=_FEW_REQUESTS,
    )


class Latency(Section):
    """Slower answers than a service or route is used to."""

    enabled: bool = _enabled("latency_spike")
    min_requests: int = option(
        5,
        "Windows with fewer timed requests are not reported.",
        unit="requests",
        ge=1,
        why="there is no slow end of none",
    )
    min_windows: int = option(
        30,
        "Windows that a baseline of latency must have seen before anything is reported.",
        unit="windows",
        ge=30,
        why="fewer make a p99 meaningless",
    )


class Traffic(Section):
    """More or fewer requests than a service or route is used to."""

    enabled: bool = _enabled("traffic_spike, traffic_drop")
    min_factor: float = option(
        2.5,
        "Times the expected requests (or, in a drop, expected over seen) below which nothing is reported.",
        unit="ratio",
        ge=1.1,
        why="a smaller change of volume is daily life",
    )


class Combination(Section):
    """Metrics of a service that are odd together, though each may be usual by itself."""

    enabled: bool = _enabled("unusual_pattern, besides those of rules of your own")


class Ddos(Section):
    """Floods, from one client or from many."""

    enabled: bool = _enabled("ddos_attack")
    client_share: float = option(
        0.7, "One client's share of a service's requests above which it floods.", unit="ratio", gt=0.0, le=1.0
    )
    client_requests_per_minute: int = option(
        1000, "And its requests a minute above which it floods.", unit="requests per minute", ge=1
    )


class Bots(Section):
    """Automated clients that do not say so."""

    enabled: bool = _enabled("bot_activity")
    requests: int = option(
        300, "Requests in ten minutes from which a client's manner is looked at.", unit="requests", ge=20
    )


class BruteForce(Section):
    """Guessed passwords."""

    enabled: bool = _enabled("brute_force")
    failures: int = option(
        20, "Failed logins of one client in ten minutes, from which it counts.", unit="requests", ge=3
    )
    attempts: int = option(
        60,
        "Attempts of one client in ten minutes, from which it counts whether or not they are seen to fail.",
        unit="requests",
        ge=3,
    )
    login_routes: tuple[str, ...] = option(
        (),
        "Folded routes that take a login, besides those whose names say so (`/login`, `/wp-login.php`, ...).",
    )


class Parameters(Section):
    """Requests whose route, method or parameters are unlike what the site has always had."""

    enabled: bool = _enabled("abnormal_request")
    once_in: int = option(
        300,
        "Something new in a parameter, or a new parameter or method, is stated if it is no likelier than once in so "
        "many requests of its route; fewer earlier requests state nothing.",
        unit="requests",
        ge=50,
        why="after fewer requests most things are new",
    )
    route_once_in: int = option(
        1000,
        "The same for a route that was never asked for: once in so many requests of the service.",
        unit="requests",
        ge=50,
        why="after fewer requests most things are new",
    )
    own_past: float = option(
        5.0,
        "Times as rare it must be where what is usual was learned from the log itself, and not from --baseline-from.",
        unit="ratio",
        ge=1.0,
        why="a past that nobody has called normal tells less",
    )


class Scanner(Section):
    """Clients that try many addresses that do not exist."""

    enabled: bool = _enabled("scanner")
    missing_routes: int = option(
        15,
        "Distinct missing routes that one client asks for in ten minutes, from which it counts.",
        unit="routes",
        ge=5,
    )


class Exfiltration(Section):
    """Far more bytes out, to a client or from a route, than is usual."""

    enabled: bool = _enabled("data_exfiltration")
    min_bytes: int = option(
        10_000_000,
        "Response bytes in one window, or to a client in an hour, below which nothing is reported.",
        unit="bytes",
        ge=1,
    )


class RateLimit(Section):
    """Clients that run into a rate limit and go on."""

    enabled: bool = _enabled("rate_limit_abuse")
    rejections: int = option(
        50, "Answers 429 to one client in ten minutes, from which it counts.", unit="requests", ge=1
    )


class Detectors(Section):
    """What looks at the traffic."""

    signatures: Signatures = section(Signatures)
    errors: Errors = section(Errors)
    latency: Latency = section(Latency)
    traffic: Traffic = section(Traffic)
    combination: Combination = section(Combination)
    ddos: Ddos = section(Ddos)
    bots: Bots = section(Bots)
    brute_force: BruteForce = section(BruteForce)
    scanner: Scanner = section(Scanner)
    parameters: Parameters = section(Parameters)
    exfiltration: Exfiltration = section(Exfiltration)
    rate_limit: RateLimit = section(RateLimit)
