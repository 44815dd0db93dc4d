"""What a key may do, and what each path asks for."""

from typing import Final

INGEST: Final = "ingest"
"""Send lines, and have lines judged."""
READ: Final = "read"
"""See what was found."""
ADMIN: Final = "admin"
"""Change things: resolve, except, configure."""
SCOPES: Final = (INGEST, READ, ADMIN)
EVERYTHING: Final = frozenset(SCOPES)

PREFIX: Final = "/admin/api/ai"
"""Where the admin API lives."""
SHORT: Final = frozenset(
    {
        "anomalies",
        "incidents",
        "windows",
        "events",
        "stats",
        "baselines",
        "forecast",
        "weights",
        "everyday",
        "config",
        "silences",
        "notifications",
    }
)
"""First parts of its paths, which answer without the prefix too."""

_OPEN: Final = frozenset({"/", "/health"})
_INGEST: Final = ("/detect", "/ingest", "/loki/", "/v1/")


def needed(method: str, path: str) -> str | None:
    """The scope that a request needs; None for what everybody may see.

    A path that does not exist needs one too: who has no key learns nothing of which do.
    """
    if path in _OPEN or path == "/schema" or path.startswith("/schema/"):
        return None
    if path.startswith(_INGEST):
        return INGEST
    return READ if method in ("GET", "HEAD", "OPTIONS") else ADMIN


def canonical(path: str) -> str:
    """The path with the admin API's prefix, where it was left out."""
    first = path.split("/", 2)[1:2]
    return PREFIX + path if first and first[0] in SHORT else path
