"""The made-up site: a shop with pages, an API, static files and a blog."""

from typing import Final

from vedette.simulate import words
from vedette.simulate.route import (
    Kind,
    Route,
    content_hash,
    number,
    one_of,
    page_number,
    product_slug,
    user_number,
    uuid,
)
from vedette.simulate.rows import POST, PUT

GROUPS: Final = ("web", "api", "static", "auth", "search", "checkout")
"""The services a split site has, in the order in which `--services` splits them off."""

DOMAIN: Final = "shop.example"

_P, _A, _C, _S = Kind.PAGE, Kind.ACTION, Kind.CALL, Kind.ASSET

_IMAGE_SIZES: Final = ("320", "640", "960", "1280")
_CHUNKS: Final = ("app", "vendor", "runtime", "gallery", "cart", "search", "checkout")

ROUTES: Final[tuple[Route, ...]] = (
    # pages
    Route("/", b"/", "web", _P, 0.045, 48_000),
    Route("/category/{}", b"/category/%b", "web", _P, 0.080, 62_000, (one_of(words.CATEGORIES),), things=24),
    Route(
        "/category/{}",
        b"/category/%b?sort=%b&page=%b",
        "web",
        _P,
        0.095,
        61_000,
        (one_of(words.CATEGORIES), one_of(("price-asc", "newest", "rating"), popular=False), page_number),
        things=24,
    ),
    Route("/product/{}", b"/product/%b", "web", _P, 0.060, 54_000, (number,), things=4000),
    Route("/p/{}", b"/p/%b", "web", _P, 0.060, 55_000, (product_slug,), things=4000),
    Route("/blog/{}", b"/blog/%b", "web", _P, 0.035, 31_000, (one_of(words.POSTS),), things=16),
    Route("/help/{}", b"/help/%b", "web", _P, 0.020, 18_000, (one_of(words.TOPICS),), things=10),
    Route(
        "/search",
        b"/search?q=%b",
        "search",
        _P,
        0.140,
        44_000,
        (one_of(words.SEARCHES),),
        latency_spread=0.7,
        things=46,
    ),
    Route(
        "/search",
        b"/search?q=%b&page=%b",
        "search",
        _P,
        0.150,
        43_000,
        (one_of(words.SEARCHES), page_number),
        latency_spread=0.7,
        things=46,
    ),
    Route("/cart", b"/cart", "checkout", _P, 0.055, 22_000),
    Route("/login", b"/login", "auth", _P, 0.020, 9_000),
    Route("/account", b"/account", "web", _P, 0.070, 26_000),
    Route("/account/orders/{}", b"/account/orders/%b", "web", _P, 0.085, 24_000, (uuid,), things=500),
    Route("/checkout", b"/checkout", "checkout", _P, 0.090, 34_000),
    Route("/orders/{}/thanks", b"/orders/%b/thanks", "checkout", _P, 0.060, 19_000, (uuid,), things=500),
    # forms
    Route("/cart/items", b"/cart/items", "checkout", _A, 0.070, 320, method=POST, bytes_in=140),
    Route(
        "/login",
        b"/login",
        "auth",
        _A,
        0.190,
        420,
        method=POST,
        latency_spread=0.25,
        bytes_in=96,
        statuses=((302, 91.0), (401, 8.8), (500, 0.1), (503, 0.1)),
    ),
    Route(
        "/checkout/orders",
        b"/checkout/orders",
        "checkout",
        _A,
        0.420,
        380,
        method=POST,
        latency_spread=0.4,
        bytes_in=900,
    ),
    # API
    Route(
        "/api/v1/products",
        b"/api/v1/products?category=%b&limit=24",
        "api",
        _C,
        0.055,
        21_000,
        (one_of(words.CATEGORIES),),
        things=24,
    ),
    Route("/api/v1/products/{}", b"/api/v1/products/%b", "api", _C, 0.022, 3_400, (number,), things=4000),
    Route("/api/v1/inventory/{}", b"/api/v1/inventory/%b", "api", _C, 0.012, 380, (number,), things=4000),
    Route(
        "/api/v1/recommendations",
        b"/api/v1/recommendations?item=%b",
        "api",
        _C,
        0.090,
        6_800,
        (number,),
        latency_spread=0.6,
        things=4000,
    ),
    Route("/api/v1/cart/{}", b"/api/v1/cart/%b", "api", _C, 0.030, 1_900, (uuid,), things=900),
    Route(
        "/api/v1/cart/{}/items",
        b"/api/v1/cart/%b/items",
        "api",
        _C,
        0.045,
        640,
        (uuid,),
        method=PUT,
        things=900,
        bytes_in=120,
    ),
    Route(
        "/api/v1/users/{}/orders",
        b"/api/v1/users/%b/orders?limit=20",
        "api",
        _C,
        0.075,
        9_200,
        (user_number,),
        things=900,
    ),
    Route(
        "/api/v1/events",
        b"/api/v1/events",
        "api",
        _C,
        0.008,
        0,
        method=POST,
        bytes_in=700,
        statuses=((204, 99.5), (400, 0.4), (503, 0.1)),
    ),
    Route(
        "/api/v1/token",
        b"/api/v1/token",
        "auth",
        _C,
        0.040,
        1_100,
        method=POST,
        bytes_in=180,
        statuses=((200, 98.3), (401, 1.6), (500, 0.1)),
    ),
    Route(
        "/api/v1/search",
        b"/api/v1/search?q=%b",
        "search",
        _C,
        0.110,
        12_000,
        (one_of(words.SEARCHES),),
        latency_spread=0.7,
        things=46,
    ),
    Route(
        "/graphql",
        b"/graphql",
        "api",
        _C,
        0.060,
        5_200,
        method=POST,
        latency_spread=0.8,
        size_spread=0.8,
        bytes_in=1_300,
    ),
    # static files
    Route(
        "/static/css/{}.css",
        b"/static/css/app.%b.css",
        "static",
        _S,
        0.002,
        41_000,
        (content_hash,),
        things=3,
    ),
    Route(
        "/static/js/{}.js",
        b"/static/js/%b.%b.js",
        "static",
        _S,
        0.003,
        88_000,
        (one_of(_CHUNKS), content_hash),
        size_spread=0.7,
        things=7,
    ),
    Route(
        "/static/fonts/{}",
        b"/static/fonts/inter-%b.woff2",
        "static",
        _S,
        0.002,
        46_000,
        (one_of(("400", "600", "700")),),
        things=3,
    ),
    Route(
        "/images/products/{}",
        b"/images/products/%b-%b.webp",
        "static",
        _S,
        0.004,
        39_000,
        (number, one_of(_IMAGE_SIZES, popular=False)),
        size_spread=0.6,
        things=4000,
    ),
    Route(
        "/images/blog/{}",
        b"/images/blog/%b.jpg",
        "static",
        _S,
        0.004,
        140_000,
        (one_of(words.POSTS),),
        size_spread=0.5,
        things=16,
    ),
    Route("/favicon.ico", b"/favicon.ico", "static", _S, 0.001, 4_286, size_spread=0.0),
    Route("/manifest.webmanifest", b"/manifest.webmanifest", "static", _S, 0.001, 512, size_spread=0.0),
    # for machines
    Route("/robots.txt", b"/robots.txt", "web", _S, 0.001, 612, size_spread=0.0),
    Route("/sitemap.xml", b"/sitemap.xml", "web", _S, 0.040, 210_000, size_spread=0.0),
    Route("/healthz", b"/healthz", "web", Kind.PROBE, 0.002, 15, size_spread=0.0, latency_spread=0.3),
    # never there
    Route(
        "/apple-touch-icon-precomposed.png",
        b"/apple-touch-icon-precomposed.png",
        "web",
        Kind.MISSING,
        0.003,
        1_180,
    ),
    Route("/ads.txt", b"/ads.txt", "web", Kind.MISSING, 0.003, 1_180),
    Route("/shop/{}.html", b"/shop/%b.html", "web", Kind.MISSING, 0.004, 1_180, (product_slug,), things=300),
    Route(
        "/images/banners/{}",
        b"/images/banners/spring-%b.jpg",
        "static",
        Kind.MISSING,
        0.002,
        1_180,
        (one_of(("16", "17", "18")),),
        things=3,
    ),
)


def find(template: str, method: int = 0) -> int:
    """Number of the route with this template and method."""
    for i, route in enumerate(ROUTES):
        if route.template == template.encode() and route.method == method:
            return i
    raise KeyError(template)


def matching(path: str) -> list[int]:
    """Numbers of the routes that are `path`, in its folded form or any concrete one, or lie below it."""
    folded = path.rstrip("/") or "/"
    exact = [i for i, r in enumerate(ROUTES) if r.pattern == folded]
    if exact or folded == "/":
        return exact
    below = [i for i, r in enumerate(ROUTES) if r.pattern.startswith(folded + "/")]
    return below or [i for i, r in enumerate(ROUTES) if _fits(r.pattern, folded)]


def _fits(pattern: str, path: str) -> bool:
    parts, given = pattern.split("/"), path.split("/")
    return len(parts) == len(given) and all(p == g or p == "{}" for p, g in zip(parts, given, strict=True))


def service_names(count: int) -> list[str]:
    """Host names of the services: one site, its parts when split, and further sites when there are more."""
    if count == 1:
        return [DOMAIN]
    names = []
    for i in range(count):
        tenant, group = divmod(i, len(GROUPS))
        site = (
            DOMAIN
            if tenant == 0
            else f"{_TENANTS[tenant % len(_TENANTS)]}{tenant // len(_TENANTS) or ''}.example"
        )
        names.append(f"{GROUPS[group]}.{site}")
    return names


_TENANTS: Final = ("shop", "outlet", "wholesale", "bikes", "garden", "books", "toys", "kitchen")


def service_table(count: int) -> list[list[int]]:
    """Service number by tenant and route.

    With fewer services than groups, the groups that are not split off stay with the first service.
    """
    groups = len(GROUPS)
    tenants = max(1, -(-count // groups))
    return [
        [_service_of(tenant, GROUPS.index(route.group), count) for route in ROUTES]
        for tenant in range(tenants)
    ]


def _service_of(tenant: int, group: int, count: int) -> int:
    wanted = tenant * len(GROUPS) + group
    return wanted if wanted < count else tenant * len(GROUPS)
