"""What single lines say, as the API tells it."""

import math
from datetime import datetime, timedelta

import numpy as np

from vedette.engine.line_reader import ReadLines
from vedette.engine.row import text_of
from vedette.parsers.single import Single
from vedette.schema.judged import LogData
from vedette.schema.requests import Coded

SHOWN = 4096
"""Bytes of a text that are answered."""


def logs(read: ReadLines, clients: Coded) -> list[LogData]:
    """What lines say.

    Args:
        read: The lines. clients: Who sent each, as an address or name.
    """
    requests = read.requests
    if len(requests) == 1:
        return [_log_of_one(read, clients)]
    paths, queries = _targets(requests.target)
    return [
        LogData(
            ip=ip,
            method=method,
            path=path,
            query=query,
            protocol=protocol,
            status=status or None,
            bytes_in=bytes_in if bytes_in >= 0 else None,
            bytes_out=bytes_out if bytes_out >= 0 else None,
            duration=None if math.isnan(duration) else duration,
            referer=referer,
            user_agent=agent,
            host=host,
            time=time + "Z",
            format=read.format,
        )
        for (
            ip,
            method,
            path,
            query,
            protocol,
            status,
            bytes_in,
            bytes_out,
            duration,
            referer,
            agent,
            host,
            time,
        ) in zip(
            _texts(clients),
            _texts(requests.method),
            paths,
            queries,
            _texts(requests.protocol),
            requests.status.tolist(),
            requests.bytes_in.tolist(),
            requests.bytes_out.tolist(),
            requests.duration.tolist(),
            _texts(requests.referer),
            _texts(requests.user_agent),
            _texts(requests.service),
            np.datetime_as_string(requests.time.view("M8[us]")).tolist(),
            strict=True,
        )
    ]


def _log_of_one(read: ReadLines, clients: Coded) -> LogData:
    """The same of a single line, a third of the work."""
    requests = read.requests
    target = _shown_of(requests.target)
    path, mark, query = (None, "", "") if target is None else target.partition("?")
    status, bytes_in, bytes_out = (
        requests.status.item(0),
        requests.bytes_in.item(0),
        requests.bytes_out.item(0),
    )
    duration = requests.duration.item(0)
    return LogData(
        ip=_shown_of(clients),
        method=_shown_of(requests.method),
        path=path,
        query=query if mark else None,
        protocol=_shown_of(requests.protocol),
        status=status or None,
        bytes_in=bytes_in if bytes_in >= 0 else None,
        bytes_out=bytes_out if bytes_out >= 0 else None,
        duration=None if math.isnan(duration) else duration,
        referer=_shown_of(requests.referer),
        user_agent=_shown_of(requests.user_agent),
        host=_shown_of(requests.service),
        time=_time(requests.time.item(0)) + "Z",
        format=read.format,
    )


def log_of(request: Single, client: bytes | None, format_name: str) -> LogData:
    """What a line says that was read by itself.

    Args:
        client: Who sent it, as an address or name.
    """
    path, mark, query = shown(request.target).partition("?")
    return LogData(
        ip=_shown(client),
        method=shown(request.method),
        path=path,
        query=query if mark else None,
        protocol=shown(request.protocol),
        status=request.status or None,
        bytes_in=request.bytes_in if request.bytes_in >= 0 else None,
        bytes_out=request.bytes_out if request.bytes_out >= 0 else None,
        duration=None if math.isnan(request.duration) else request.duration,
        referer=_shown(request.referer),
        user_agent=_shown(request.user_agent),
        host=_shown(request.service),
        time=_time(request.time) + "Z",
        format=format_name,
    )


def _shown_of(coded: Coded) -> str | None:
    return _shown(text_of(coded, 0))


def _shown(text: bytes | None) -> str | None:
    return None if text is None else shown(text)


def _time(microseconds: int) -> str:
    """A time as numpy writes it, in a tenth of what that takes."""
    try:
        return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")
    except OverflowError:
        return str(np.datetime64(microseconds, "us"))


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- written without a zone, as numpy does


def _texts(coded: Coded) -> list[str | None]:
    """The decoded text of each row; each distinct one is decoded once."""
    texts: list[str | None] = [*map(shown, coded.vocabulary), None]
    return [texts[number] for number in coded.ids.tolist()]


def _targets(coded: Coded) -> tuple[list[str | None], list[str | None]]:
    """Path and query of each row."""
    paths: list[str | None] = []
    queries: list[str | None] = []
    for target in coded.vocabulary:
        path, mark, query = shown(target).partition("?")
        paths.append(path)
        queries.append(query if mark else None)
    paths.append(None)
    queries.append(None)
    ids = coded.ids.tolist()
    return [paths[number] for number in ids], [queries[number] for number in ids]


def shown(text: bytes) -> str:
    """A text as it is answered."""
    return text[:SHOWN].decode("utf-8", "backslashreplace")
