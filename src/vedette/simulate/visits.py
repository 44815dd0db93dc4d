"""People on the site, and programs on its API: sessions of requests that follow from one another."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np

from vedette.simulate import site, words
from vedette.simulate.draws import Draws, Floats, Ints, cumulative
from vedette.simulate.route import ITEM_BITS, Kind
from vedette.simulate.rows import HTTP_1_1, HTTP_2, POST, PUT, SECOND, TEXT, Rows, empty_rows

_f = site.find

# Where a visit goes from each page: (next route, weight). Forms come back to a page by their redirect.
_HOME, _CATEGORY, _SORTED = _f("/"), _f("/category/%b"), _f("/category/%b?sort=%b&page=%b")
_PRODUCT, _SLUG, _BLOG, _HELP = _f("/product/%b"), _f("/p/%b"), _f("/blog/%b"), _f("/help/%b")
_SEARCH, _SEARCH_ON, _CART, _LOGIN = _f("/search?q=%b"), _f("/search?q=%b&page=%b"), _f("/cart"), _f("/login")
_ACCOUNT, _ORDER, _CHECKOUT = _f("/account"), _f("/account/orders/%b"), _f("/checkout")
_THANKS, _ADD = _f("/orders/%b/thanks"), _f("/cart/items", POST)
_SIGN_IN, _BUY, _OLD = _f("/login", POST), _f("/checkout/orders", POST), _f("/shop/%b.html")

LANDING: Final = (
    (_HOME, 30.0), (_SLUG, 24.0), (_PRODUCT, 14.0), (_CATEGORY, 13.0), (_BLOG, 9.0), (_SEARCH, 2.0),
    (_HELP, 3.0),
    (_LOGIN, 3.0), (_CART, 1.0), (_OLD, 1.0),
)  # fmt: skip
_BROWSE: Final = (
    (_SLUG, 30.0), (_PRODUCT, 14.0), (_CATEGORY, 22.0), (_SORTED, 8.0), (_SEARCH, 9.0), (_SEARCH_ON, 2.0),
    (_HOME, 5.0),
    (_BLOG, 3.0), (_HELP, 2.0), (_LOGIN, 3.0), (_CART, 2.0),
)  # fmt: skip
_ON: Final[dict[int, tuple[tuple[int, float], ...]]] = {
    _PRODUCT: ((_ADD, 14.0), *_BROWSE),
    _SLUG: ((_ADD, 14.0), *_BROWSE),
    _ADD: ((_CART, 1.0),),
    _CART: ((_CHECKOUT, 30.0), (_SLUG, 20.0), (_CATEGORY, 15.0), (_HOME, 5.0)),
    _CHECKOUT: ((_BUY, 60.0), (_CART, 10.0), (_HELP, 5.0)),
    _BUY: ((_THANKS, 1.0),),
    _THANKS: ((_HOME, 30.0), (_ACCOUNT, 20.0)),
    _LOGIN: ((_SIGN_IN, 70.0), (_HOME, 10.0)),
    _SIGN_IN: ((_ACCOUNT, 80.0), (_LOGIN, 9.0), (_CART, 10.0)),
    _ACCOUNT: ((_ORDER, 45.0), (_CATEGORY, 15.0), (_HOME, 15.0)),
}

# What a page brings: on the first page of a visit, and on the ones after it.
_FIRST_ASSETS: Final = (
    (_f("/static/css/app.%b.css"), 16.0), (_f("/static/js/%b.%b.js"), 28.0),
    (_f("/static/fonts/inter-%b.woff2"), 14.0),
    (_f("/images/products/%b-%b.webp"), 26.0), (_f("/images/blog/%b.jpg"), 2.0), (_f("/favicon.ico"), 5.0),
    (_f("/manifest.webmanifest"), 1.5), (_f("/apple-touch-icon-precomposed.png"), 0.6), (_f("/ads.txt"), 0.2),
    (_f("/images/banners/spring-%b.jpg"), 0.6), (_f("/api/v1/recommendations?item=%b"), 3.0),
    (_f("/api/v1/events", POST), 3.0),
)  # fmt: skip
_LATER_ASSETS: Final = (
    (_f("/images/products/%b-%b.webp"), 55.0), (_f("/api/v1/recommendations?item=%b"), 14.0),
    (_f("/api/v1/events", POST), 14.0), (_f("/static/js/%b.%b.js"), 6.0), (_f("/api/v1/inventory/%b"), 8.0),
    (_f("/images/blog/%b.jpg"), 2.0), (_f("/images/banners/spring-%b.jpg"), 0.4),
)  # fmt: skip
_CALLS: Final = (
    (_f("/api/v1/products?category=%b&limit=24"), 20.0), (_f("/api/v1/products/%b"), 26.0),
    (_f("/api/v1/inventory/%b"), 14.0), (_f("/api/v1/cart/%b"), 9.0), (_f("/api/v1/cart/%b/items", PUT), 4.0),
    (_f("/api/v1/users/%b/orders?limit=20"), 5.0), (_f("/api/v1/events", POST), 12.0), (_f("/api/v1/token",
    POST), 3.0),
    (_f("/api/v1/search?q=%b"), 6.0), (_f("/graphql", POST), 5.0),
)  # fmt: skip

_MOST_PAGES: Final = 14
_GO_ON: Final = 0.68
"""Chance that a visit goes on after each page: visits have a geometric length."""
_MOST_CALLS: Final = 24
_CALL_ON: Final = 0.86
_THINK: Final = 13.0
"""Median seconds between two pages; lognormal with sigma 0.9, at most `_LONGEST_THINK`."""
_LONGEST_THINK: Final = 120.0
LONGEST: Final = 540
"""Seconds after which a visit has surely ended: what lies beyond is cut."""


class _Choice:
    """Weighted routes."""

    def __init__(self, weighted: tuple[tuple[int, float], ...]) -> None:
        self._routes = np.array([route for route, _ in weighted], dtype=np.int16)
        self._weights = cumulative([weight for _, weight in weighted])

    def draw(self, draws: Draws, n: int) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
        return self._routes[draws.choose(n, self._weights)]


_LANDING_CHOICE: Final = _Choice(LANDING)
_NEXT: Final = [_Choice(_ON.get(i, _BROWSE)) for i in range(len(site.ROUTES))]
_FIRST: Final = _Choice(_FIRST_ASSETS)
_LATER: Final = _Choice(_LATER_ASSETS)
_CALL: Final = _Choice(_CALLS)

_THINGS: Final = np.array([route.things for route in site.ROUTES], dtype=np.int64)
_METHOD: Final = np.array([route.method for route in site.ROUTES], dtype=np.int8)
_BRINGS_ASSETS: Final = np.array([route.kind == Kind.PAGE for route in site.ROUTES])
_OUTSIDE: Final = cumulative([weight for _, weight in words.OUTSIDE])


def things(draws: Draws, routes: "np.ndarray[tuple[int, ...], np.dtype[np.int16]]") -> Ints:
    """An `arg` for each request: what it asks for by Zipf's law with s near 1, and chance bits above."""
    n = routes.size
    count = _THINGS[routes]
    which = np.minimum(np.exp(draws.uniform(n) * np.log1p(count)).astype(np.int64) - 1, count - 1)
    return np.asarray(which | draws.below(n, 1 << 30) << ITEM_BITS, dtype=np.int64)


def visits(draws: Draws, starts: Ints, landing: int | None = None) -> tuple[Rows, Ints]:
    """People browsing.

    Args:
        draws: Where chance comes from.
        starts: When each visit starts, microseconds.
        landing: The route all of them land on; by default they spread.

    Returns:
        Rows without client and agent, with the number of the visit (0..n-1) of each; not in time order.
    """
    n = len(starts)
    pages = _length(draws, n, _GO_ON, _MOST_PAGES)
    width = int(pages.max()) if n else 0
    routes = np.zeros((n, width), dtype=np.int16)
    for step in range(width):
        if step == 0:
            routes[:, 0] = _LANDING_CHOICE.draw(draws, n) if landing is None else landing
            continue
        going = np.flatnonzero(pages > step)
        before = routes[going, step - 1]
        for route in np.unique(before).tolist():
            there = going[before == route]
            routes[there, step] = _NEXT[route].draw(draws, len(there))
    mask = np.arange(width) < pages[:, None]
    visit, step_of = np.nonzero(mask)
    think = np.zeros((n, width))
    if width > 1:
        pause = np.minimum(_THINK * draws.lognormal(len(visit), 0.9), _LONGEST_THINK)
        # A redirect is followed at once.
        pause = np.where(_BRINGS_ASSETS[routes[mask]], pause, 0.25)
        think[mask] = pause
        think = np.concatenate((np.zeros((n, 1)), np.cumsum(think, axis=1)[:, :-1]), axis=1)
    page = empty_rows(len(visit))
    page["start"] = starts[visit] + (think[mask] * SECOND).astype(np.int64)
    page["route"] = routes[mask]
    page["arg"] = things(draws, page["route"])
    first = step_of == 0
    outside = draws.choose(n, _OUTSIDE)
    page["from_route"] = np.where(first, TEXT, np.roll(page["route"], 1))
    page["from_arg"] = np.where(first, outside[visit] if n else 0, np.roll(page["arg"], 1))

    assets, parent = _assets(draws, page, first)
    rows = np.concatenate((page, assets))
    visit = np.concatenate((visit, visit[parent]))
    keep = rows["start"] < starts[visit] + LONGEST * SECOND if n else np.zeros(0, dtype=np.bool_)
    rows, visit = rows[keep], visit[keep]
    rows["method"] = _METHOD[rows["route"]]
    # Most browsers speak HTTP/2; whether one does is the visit's, not the request's.
    speaks = draws.uniform(n) < 0.85
    rows["protocol"] = np.where(speaks[visit], HTTP_2, HTTP_1_1)
    return rows, visit


def _assets(
    draws: Draws, page: Rows, first: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> tuple[Rows, Ints]:
    n = len(page)
    count = np.where(first, 5 + draws.below(n, 6), 1 + draws.below(n, 4))
    count = np.where(_BRINGS_ASSETS[page["route"]], count, 0)
    parent = np.repeat(np.arange(n, dtype=np.int64), count)
    m = len(parent)
    assets = empty_rows(m)
    on_first = first[parent]
    assets["route"] = np.where(on_first, _FIRST.draw(draws, m), _LATER.draw(draws, m))
    assets["arg"] = things(draws, assets["route"])
    delay = 0.06 + 0.25 * draws.exponential(m)
    assets["start"] = page["start"][parent] + (delay * SECOND).astype(np.int64)
    assets["from_route"] = page["route"][parent]
    assets["from_arg"] = page["arg"][parent]
    return assets, parent


def calls(draws: Draws, starts: Ints) -> tuple[Rows, Ints]:
    """Programs calling the API: shape as `visits`."""
    n = len(starts)
    length = _length(draws, n, _CALL_ON, _MOST_CALLS)
    visit = np.repeat(np.arange(n, dtype=np.int64), length)
    m = len(visit)
    pause = 0.05 + 1.6 * draws.lognormal(m, 1.0)
    total = np.cumsum(pause)
    begun = np.repeat(np.cumsum(length) - length, length)
    rows = empty_rows(m)
    rows["start"] = starts[visit] + ((total - total[begun]) * SECOND).astype(np.int64)
    rows["route"] = _CALL.draw(draws, m)
    rows["arg"] = things(draws, rows["route"])
    # One person keeps one cart and one account for the length of the session.
    own = draws.below(n, 1 << 30)
    rows["arg"] = (rows["arg"] & ((1 << ITEM_BITS) - 1)) | (own[visit] << ITEM_BITS)
    rows["method"] = _METHOD[rows["route"]]
    rows["protocol"] = HTTP_2
    keep = rows["start"] < starts[visit] + LONGEST * SECOND
    return rows[keep], visit[keep]


@cache
def mean_rows(draw: Callable[[Draws, Ints], tuple[Rows, Ints]]) -> float:
    """Requests in a session on average, counted over a few thousand."""
    rows, _ = draw(Draws(0, 0), np.zeros(6000, dtype=np.int64))
    return len(rows) / 6000


def _length(draws: Draws, n: int, go_on: float, most: int) -> Ints:
    length: Floats = np.floor(np.log1p(-draws.uniform(n)) / np.log(go_on))
    return np.asarray(np.clip(length, 0, most - 1) + 1, dtype=np.int64)
