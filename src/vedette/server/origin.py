"""Requests that a page elsewhere made a browser send."""

from collections.abc import Collection

_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def host_name(host: str) -> str:
    """A `Host` without its port, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")


def stranger(host: str, allowed: Collection[str]) -> bool:
    """Whether a `Host` is neither this machine nor a name that was configured.

    A page on the internet can let its own name point to 127.0.0.1 (DNS rebinding); the browser then takes this service
    for a part of that page. The name gives it away.
    """
    name = host_name(host)
    return name not in _LOCAL and name not in allowed


def forged(method: str, host: str, origin: str, fetch_site: str) -> bool:
    """Whether a browser says that another site's page made it send this.

    Asked where a browser would add credentials by itself, or where none are asked for. Programs send neither header.
    """
    if method in SAFE:
        return False
    if fetch_site:
        return fetch_site.strip().lower() not in ("same-origin", "none")
    if not origin:
        return False
    return origin.strip().lower().partition("://")[2] != host.strip().lower()
