"""Requests that are logged without a date and time, so that nothing can be said of when they came."""

import re
from collections.abc import Sequence

LEAST_SHARE = 0.4
"""A log is of such requests if at least this share of its lines are."""
_REQUEST = re.compile(rb"(?:^|[^A-Za-z])(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)[\"' |]+(?:/|https?://)")
_STATUS = re.compile(rb"(?:^|[^0-9.])[1-5][0-9][0-9](?:[^0-9.]|$)")
_DATE = re.compile(rb"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}|[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}|[0-9]{10}")
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")
_UVICORN = re.compile(rb'INFO:? +[^ ]+:[0-9]+ - "')


def timeless(lines: Sequence[bytes]) -> tuple[bytes, str] | None:
    """The first such line and what to do, where `lines` are mostly such; None where they are not.

    A line is such if it has a method with a path and a status, and no date.
    """
    plain = [_COLOUR.sub(b"", line) for line in lines]
    found = [
        line for line in plain if _REQUEST.search(line) and _STATUS.search(line) and not _DATE.search(line)
    ]
    if not found or len(found) < LEAST_SHARE * len(lines):
        return None
    if _UVICORN.search(found[0]):
        return found[0], (
            "take the log from who puts a time before each line (kubectl logs --timestamps, docker logs --timestamps, "
            "journalctl -o short-iso, a node's /var/log/pods), or record the requests with Vedette's middleware"
        )
    return found[0], (
        "let the server write its access log with the time (in Express: morgan('combined')), "
        "and name the layout with --log-format if it is one of your own"
    )
