"""The numbers that models see: one entry has a name, a unit, a meaning and the columns it is made of."""

from collections.abc import Callable, Sequence
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.errors import VedetteError
from vedette.schema.spans import DAY_US
from vedette.windows.layout import BITMAP_BITS, SECONDS_BITS, Client

Column = NDArray[np.float64]


class FeatureError(VedetteError):
    """A value that no model can be given."""


class ClientTable(msgspec.Struct, frozen=True, dict=True):
    """What k clients did, as columns; k may be 0.

    Attributes:
        sums: int64 (k, Client), over `minutes`. time: int64 (k,), the end of that time, microseconds UTC.
        rarity: Of the sites that the rows are of, one after the other: where its rows end, and float64 (63,), of each
            bit of bitmaps of routes, how rare a client with it is there, bits of information; see `route_rarity`.
    """

    sums: NDArray[np.int64]
    time: NDArray[np.int64]
    rarity: Sequence[tuple[int, NDArray[np.float64]]]
    minutes: float

    def of(self, column: Client) -> Column:
        """A column of sums."""
        return self.sums[:, column].astype(np.float64)

    @cached_property
    def requests(self) -> Column:
        """Requests, at least 1. Most features ask for them."""
        return np.maximum(self.of(Client.REQUESTS), 1.0)

    def share(self, column: Client) -> Column:
        """A sum's part of the requests."""
        return self.of(column) / self.requests

    def distinct(self, column: Client) -> Column:
        """Distinct values behind a bitmap."""
        ones = np.bitwise_count(self.sums[:, column].astype(np.uint64)).astype(np.float64)
        return np.asarray(BITMAP_BITS * np.log(BITMAP_BITS / np.maximum(BITMAP_BITS - ones, 1.0)))

    def angle(self) -> Column:
        """Time of day (UTC) as an angle, radians."""
        return np.asarray(2.0 * np.pi * (self.time % DAY_US) / DAY_US)


class Feature(msgspec.Struct, frozen=True):
    """One number of each row.

    Attributes:
        name: As explanations name it. unit: Of its values. doc: What it tells, as a person would say it.
        column: Makes it, float64 (k,).
    """

    name: str
    unit: str
    doc: str
    column: Callable[[ClientTable], Column]


def _log(values: Column) -> Column:
    return np.asarray(np.log1p(np.maximum(values, 0.0)))


def _rarity(table: ClientTable) -> Column:
    bits = _bits(table.sums[:, Client.ROUTES])
    found = np.empty(len(bits))
    begin = 0
    for end, rarity in table.rarity:
        found[begin:end] = bits[begin:end] @ rarity
        begin = end
    return np.asarray(found / np.maximum(bits.sum(axis=1), 1))


def _agent(kind: int) -> Callable[[ClientTable], Column]:
    return lambda t: ((t.sums[:, Client.AGENT_KINDS] >> kind) & 1).astype(np.float64)


CLIENT_FEATURES: tuple[Feature, ...] = (
    Feature(
        "requests", "ln(1 + requests a minute)", "how much it asks", lambda t: _log(t.requests / t.minutes)
    ),
    Feature(
        "pages",
        "ln(1 + requests a minute)",
        "how much it asks besides pictures, scripts and styles",
        lambda t: _log((t.requests - t.of(Client.ASSETS)) / t.minutes),
    ),
    Feature(
        "share_static",
        "ratio",
        "pictures, scripts and styles among its requests",
        lambda t: t.share(Client.ASSETS),
    ),
    Feature(
        "share_without_referer",
        "ratio",
        "requests that name no page they come from",
        lambda t: t.share(Client.NO_REFERER),
    ),
    Feature("share_4xx", "ratio", "requests refused or not found", lambda t: t.share(Client.STATUS_4XX)),
    Feature("share_5xx", "ratio", "requests that failed", lambda t: t.share(Client.STATUS_5XX)),
    Feature("share_404", "ratio", "requests for what does not exist", lambda t: t.share(Client.STATUS_404)),
    Feature(
        "share_denied",
        "ratio",
        "requests answered 401 or 403",
        lambda t: t.share(Client.STATUS_401) + t.share(Client.STATUS_403),
    ),
    Feature("share_429", "ratio", "requests told to slow down", lambda t: t.share(Client.STATUS_429)),
    Feature(
        "share_writes",
        "ratio",
        "requests with methods other than GET, HEAD and OPTIONS",
        lambda t: t.share(Client.WRITES),
    ),
    Feature("share_logins", "ratio", "logins tried", lambda t: t.share(Client.LOGIN_POSTS)),
    Feature("share_failed_logins", "ratio", "logins refused", lambda t: t.share(Client.LOGIN_FAILURES)),
    Feature(
        "bytes_per_request",
        "ln(1 + bytes)",
        "how large its answers are",
        lambda t: _log(t.of(Client.BYTES_OUT) / t.requests),
    ),
    Feature(
        "routes", "ln(1 + routes)", "different routes it asks for", lambda t: _log(t.distinct(Client.ROUTES))
    ),
    Feature(
        "routes_per_request",
        "ratio",
        "how seldom it asks for a route twice",
        lambda t: np.minimum(t.distinct(Client.ROUTES) / t.requests, 1.0),
    ),
    Feature(
        "missing_routes",
        "ln(1 + routes)",
        "different routes it asks for that do not exist",
        lambda t: _log(t.distinct(Client.MISSING_ROUTES)),
    ),
    Feature("route_rarity", "bits", "how rarely others ask for its routes", _rarity),
    Feature(
        "active_seconds",
        "ratio",
        "parts of the minute in which it asks for something",
        lambda t: np.bitwise_count(t.sums[:, Client.SECONDS].astype(np.uint64)) / SECONDS_BITS,
    ),
    Feature(
        "requests_per_active_second",
        "ln(1 + requests)",
        "how many requests come at once",
        lambda t: _log(
            t.requests / np.maximum(np.bitwise_count(t.sums[:, Client.SECONDS].astype(np.uint64)), 1)
        ),
    ),
    Feature(
        "agent_kinds",
        "kinds",
        "kinds of programs it says it is",
        lambda t: np.bitwise_count(t.sums[:, Client.AGENT_KINDS].astype(np.uint64)).astype(np.float64),
    ),
    Feature("browser", "0 or 1", "it says it is a browser", _agent(1)),
    Feature("tool", "0 or 1", "it says it is a tool or a library", _agent(2)),
    Feature("declared_bot", "0 or 1", "it says it is a bot", _agent(3)),
    Feature("hour_sine", "sine", "time of day, UTC", lambda t: np.sin(t.angle())),
    Feature("hour_cosine", "cosine", "time of day, UTC", lambda t: np.cos(t.angle())),
)
"""What is known of a client over some minutes."""


DAILY = frozenset({"hour_sine", "hour_cosine"})
"""Features that mean something only to who has seen the day before."""


def named(names: Sequence[str], offered: Sequence[Feature] = CLIENT_FEATURES) -> list[Feature]:
    """Features by their names, of those that there are.

    Raises:
        FeatureError: There is none of a name.
    """
    known = {feature.name: feature for feature in offered}
    for name in names:
        if name not in known:
            raise FeatureError(f"feature {name}: there is none of that name; there are {', '.join(known)}")
    return [known[name] for name in names]


def matrix(features: Sequence[Feature], table: ClientTable) -> NDArray[np.float32]:
    """Features of rows, float32 (k, features).

    Raises:
        FeatureError: One is not a finite number.
    """
    made = np.empty((len(table.sums), len(features)), dtype=np.float32)
    for place, feature in enumerate(features):
        made[:, place] = feature.column(table)
    refuse_gaps(made, [feature.name for feature in features])
    return made


def refuse_gaps(rows: NDArray[np.float32], names: Sequence[str]) -> None:
    """Check that rows hold numbers only.

    Raises:
        FeatureError: One is NaN or infinite; it is named.
    """
    good = np.isfinite(rows)
    if good.all():
        return
    row, column = (int(place) for place in np.argwhere(~good)[0])
    raise FeatureError(
        f"feature {names[column]}: row {row} is {rows[row, column]}: models take finite numbers only; "
        "leave the row out, or give the feature a value for what is missing"
    )


def route_rarity(routes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each bit of bitmaps of routes, how rare a row with it is: -log2 of its share, by Laplace's rule.

    Args:
        routes: int64 (k,), bitmaps.

    Returns:
        float64 (63,), bits of information.
    """
    seen = _bits(routes).sum(axis=0)
    return np.asarray(-np.log2((seen + 1.0) / (len(routes) + 2.0)))


def _bits(bitmap: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64 (k, 63), the bits of bitmaps."""
    return ((bitmap[:, None] >> np.arange(BITMAP_BITS)) & 1).astype(np.float64)
