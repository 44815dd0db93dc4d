"""The route of each request: its path with the variable parts folded."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vedette.enrich.templates import Templates
from vedette.kernels.lines.route import MAX_ROUTE, ROOM, byte_classes, byte_traits, fold_targets
from vedette.kernels.text.hashing import new_secret
from vedette.kernels.text.intern import intern, slots_for
from vedette.schema.requests import Coded, RequestFlag, Requests, Vocabulary

NOT_HTTP_ROUTE = b"(not http)"
"""Route of rows whose request line is no HTTP."""
NO_PATH_ROUTE = b"(no path)"
"""Route of targets that are neither a path nor `*`: `CONNECT host:443`, or garbage in a path's place."""


class RouteFolder:
    """Folds the targets of batches into routes, each distinct target once.

    `/users/17/orders?page=2` becomes `/users/{}/orders`. The rules: `docs/reference/routes-and-clients.md`.
    """

    def __init__(self, templates: Sequence[str] = ()) -> None:
        self._templates = Templates(templates)
        self._tables = byte_classes(), byte_traits()
        self._no_path = np.frombuffer(NO_PATH_ROUTE, dtype=np.uint8)
        self._secret = new_secret()
        self._one = np.empty(2 * ROOM, dtype=np.uint8)
        self._one_start, self._one_length = np.empty(1, dtype=np.int64), np.empty(1, dtype=np.int32)

    def fold_one(self, target: Vocabulary) -> bytes:
        """The route of a request by its target, the only one of some texts; its request line is HTTP.

        A third of the work of folding a batch of one row.
        """
        out = self._one
        end = fold_targets(
            target.buffer, target.start, target.length, *self._tables, self._no_path, out, self._one_start,
            self._one_length,
        )  # fmt: skip
        route = out[:end].tobytes()
        return self._templates.match(route) if self._templates else route

    def fold(self, requests: Requests) -> Coded:
        """The route of each of n requests, dictionary-coded; -1 where the log tells no target."""
        targets = requests.target.vocabulary
        count = len(targets)
        # `fold_targets` says what it needs; one more span is for the rows that are no HTTP.
        room = np.minimum(targets.length.astype(np.int64) * 3 // 2, ROOM - 16).sum() + 16 * count
        out = np.empty(int(room) + ROOM, dtype=np.uint8)
        start = np.empty(count + 1, dtype=np.int64)
        length = np.empty(count + 1, dtype=np.int32)
        end = fold_targets(
            targets.buffer, targets.start, targets.length, *self._tables, self._no_path, out, start, length
        )
        target_ids = requests.target.ids
        not_http = (requests.flags & np.uint16(RequestFlag.NOT_HTTP)) != 0
        texts = count
        if not_http.any():
            out[end : end + len(NOT_HTTP_ROUTE)] = np.frombuffer(NOT_HTTP_ROUTE, dtype=np.uint8)
            start[count], length[count] = end, len(NOT_HTTP_ROUTE)
            target_ids = np.where(not_http, np.int32(count), target_ids)
            texts += 1
        # Id -1 (no target recorded) picks the last element.
        route_ids = np.full(texts + 1, -1, dtype=np.int32)
        first_start = np.empty(texts, dtype=np.int64)
        first_length = np.empty(texts, dtype=np.int32)
        slots = np.empty(slots_for(max(texts, 1)), dtype=np.int64)
        routes = intern(
            out,
            start[:texts],
            length[:texts],
            *self._secret,
            slots,
            route_ids[:texts],
            first_start,
            first_length,
        )
        folded = Coded(route_ids[target_ids], Vocabulary(out, first_start[:routes], first_length[:routes]))
        if requests.template is not None:
            folded = _told(folded, requests.template, not_http)
        return self._templated(folded) if self._templates else folded

    def _templated(self, folded: Coded) -> Coded:
        templated = Coded.of([self._templates.match(route) for route in folded.vocabulary])
        # Id -1 (no target recorded) picks the last element.
        return Coded(np.append(templated.ids, np.int32(-1))[folded.ids], templated.vocabulary)


_VARIABLE = re.compile(rb"\{[^{}/]*\}|<[^<>/]*>")
"""`{user_id}` of FastAPI, Starlette and Litestar, `<int:user_id>` of Flask and Django."""
_ROUTE = re.compile(rb"[/{}A-Za-z0-9._~:!$+@%,=-]*")


def _told(folded: Coded, template: Coded, not_http: NDArray[np.bool_]) -> Coded:
    """The routes that the log tells, and the folded ones where it tells none that can be read."""
    known = [read_template(text) for text in template.vocabulary]
    texts: list[bytes | None] = [*folded.vocabulary, *known, None]
    told = np.array([text is not None for text in (*known, None)])
    first = len(folded.vocabulary)
    taken = told[template.ids] & ~not_http
    # Id -1 (none) picks the last element, which is None.
    ids = np.where(taken, template.ids + first, folded.ids)
    # The route of one path may be told, and folded where it is not.
    distinct = Coded.of(texts)
    return Coded(distinct.ids[ids], distinct.vocabulary)


def read_template(template: bytes) -> bytes | None:
    """A framework's template as a route; None for one that is none, such as a regular expression.

    >>> read_template(b"/users/{user_id}/")
    b'/users/{}'
    >>> read_template(b"files/<path:name>")
    b'/files/{}'
    """
    route = _VARIABLE.sub(b"{}", template)
    route = b"/" + b"/".join(part for part in route.split(b"/") if part)
    return route if len(route) <= MAX_ROUTE and _ROUTE.fullmatch(route) else None
