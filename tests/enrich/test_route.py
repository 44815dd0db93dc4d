import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.enrich.batches import Row, batch

from vedette.enrich.route import RouteFolder
from vedette.kernels.lines.route import (
    MAX_DEPTH,
    MAX_ROUTE,
    MAX_SEGMENT,
    TRAIT_ODD,
    byte_classes,
    byte_traits,
    fold_targets,
)
from vedette.schema.requests import Vocabulary


def fold(*targets: bytes | None, templates: tuple[str, ...] = ()) -> list[bytes | None]:
    """The route of each target."""
    routes = RouteFolder(templates).fold(batch([Row(target=target) for target in targets]))
    return [routes[row] for row in range(len(routes))]


@pytest.mark.parametrize(
    ("target", "route"),
    [
        (b"/", b"/"),
        (b"", b"(no path)"),
        (b"//", b"/"),
        (b"/?q=/1/2", b"/"),
        (b"/#top", b"/"),
        (b"/users", b"/users"),
        (b"/users/", b"/users"),
        (b"//users///list", b"/users/list"),
        # Numbers, dates, versions
        (b"/users/17", b"/users/{}"),
        (b"/users/17/orders?page=2", b"/users/{}/orders"),
        (b"/users/-5", b"/users/{}"),
        (b"/2015/05/17/how-it-began", b"/{}/{}/{}/how-it-began"),
        (b"/day/2024-05-01", b"/day/{}"),
        (b"/at/2024-05-01T10:00:00Z", b"/at/{}"),
        (b"/lib/3.6.0/x.js", b"/lib/{}/x.js"),
        (b"/map/52.5,13.4", b"/map/{}"),
        (b"/order-123456", b"/{}"),
        (b"/thumb/300x200", b"/thumb/{}"),
        # Tokens
        (b"/u/550e8400-e29b-41d4-a716-446655440000", b"/u/{}"),
        (b"/c/3f2a91bc", b"/c/{}"),
        (b"/c/DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", b"/c/{}"),
        (b"/watch/dQw4w9WgXcQ", b"/watch/{}"),
        (b"/s/V1StGXR8_Z5jdHi6B-myT", b"/s/{}"),
        (b"/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", b"/t/{}"),
        (b"/m/bob@example.com", b"/m/{}"),
        (b"/m/bob%40example.com", b"/m/{}"),
        (b"/" + b"a" * 65, b"/{}"),
        (b"/" + b"a" * 40, b"/{}"),
        # Words stay
        (b"/" + b"a" * 39, b"/" + b"a" * 39),
        (b"/deadbeef", b"/deadbeef"),
        (b"/v1/oauth2/sha256", b"/v1/oauth2/sha256"),
        (b"/api/v2.1/utf8", b"/api/v2.1/utf8"),
        (b"/shop.Cart/GetUserByAccountIdentifier", b"/shop.Cart/GetUserByAccountIdentifier"),
        (b"/wp-login.php", b"/wp-login.php"),
        (b"/.env", b"/.env"),
        (b"/~bob/", b"/~bob"),
        (b"/top-10-things", b"/top-10-things"),
        # Files
        (b"/img/logo-3f2a91bc.png", b"/img/{}.png"),
        (b"/img/1.jpg", b"/img/{}.jpg"),
        (b"/img/photo2@2x.png", b"/img/{}.png"),
        (b"/main.8f3a2b1c.js", b"/{}.js"),
        (b"/jquery-3.6.0.min.js", b"/jquery-3.6.0.min.js"),
        (b"/report_2024.tar.gz", b"/{}.gz"),
        (b"/" + b"0f" * 40 + b".css", b"/{}.css"),
        (b"/12345.1234", b"/{}"),
        (b"/1.js/x", b"/{}/x"),
        # Parameters of segments
        (b"/cart;jsessionid=8A7F0D/items", b"/cart/items"),
        (b"/cart/;jsessionid=8A7F0D", b"/cart"),
        (b"/img/17.png;v=3?x", b"/img/{}.png"),
        # Escapes
        (b"/%7Ebob/%61bc", b"/~bob/abc"),
        (b"/caf%C3%A9", b"/{}"),
        (b"/caf\xc3\xa9", b"/{}"),
        (b"/a%2Fb", b"/{}"),
        (b"/a%", b"/{}"),
        (b"/a%zz", b"/{}"),
        (b"/a b", b"/{}"),
        (b"/<script>", b"/{}"),
        (b"/\x00\x1b[31m", b"/{}"),
        (b"/../%2e%2e/etc", b"/../../etc"),
        # Other forms of target
        (b"*", b"*"),
        (b"example.com:443", b"(no path)"),
        (b"http://example.com", b"/"),
        (b"http://example.com/a/7?x", b"/a/{}"),
        (b"HTTPS://u:p@example.com:8/a", b"/a"),
        (b"http://example.com?x", b"/"),
        (b"index.php", b"(no path)"),
        (b"://x/", b"(no path)"),
        # Bounds
        (b"/a" * 8, b"/a" * 8),
        (b"/a" * 9, b"/a" * 8 + b"/..."),
        (b"/1" * 9, b"/{}" * 8 + b"/..."),
        ((b"/" + b"abcdefghi-" * 6) * 5, (b"/" + b"abcdefghi-" * 6) * 4 + b"/..."),
    ],
)
def test_folds(target: bytes, route: bytes) -> None:
    assert fold(target) == [route]


def test_rows_that_are_no_http_share_a_route_of_their_own() -> None:
    rows = [
        Row(target=b"/a"),
        Row(target=b"\x16\x03", http=False),
        Row(target=None, http=False),
        Row(target=None),
    ]
    routes = RouteFolder().fold(batch(rows))
    assert [routes[i] for i in range(4)] == [b"/a", b"(not http)", b"(not http)", None]


def test_routes_are_numbered_in_order_of_first_appearance() -> None:
    routes = RouteFolder().fold(batch([Row(target=t) for t in (b"/b/1", b"/a", b"/b/2", b"/a?x", b"/c")]))
    assert routes.ids.tolist() == [0, 1, 0, 1, 2]
    assert list(routes.vocabulary) == [b"/b/{}", b"/a", b"/c"]


def test_nothing_folds_to_nothing() -> None:
    assert fold() == []


paths = st.lists(
    st.one_of(
        st.text(alphabet="abcXYZ019-_.~%;:@/?# é", max_size=50).map(lambda t: t.encode()),
        st.binary(max_size=50),
    ),
    max_size=12,
).map(lambda parts: b"/" + b"/".join(parts))
targets = st.one_of(paths, st.binary(max_size=80), paths.map(lambda path: b"http://h" + path))


@given(st.lists(targets, max_size=8))
def test_routes_are_short_printable_and_fold_to_themselves(texts: list[bytes]) -> None:
    for route in fold(*texts):
        assert route is not None
        assert all(32 < byte < 127 for byte in route.replace(b"(no path)", b""))
        assert len(route) <= MAX_ROUTE + MAX_SEGMENT + 5
        assert route.count(b"/") <= MAX_DEPTH + 1
        if route.startswith(b"/") and b"{}" not in route and not route.endswith(b"/..."):
            assert fold(route) == [route]


@given(targets, st.binary(max_size=30))
def test_a_query_makes_no_difference(target: bytes, query: bytes) -> None:
    path = target.partition(b"?")[0].partition(b"#")[0]
    if path.startswith(b"/"):
        assert fold(path) == fold(path + b"?" + query)


@given(st.lists(targets, min_size=1, max_size=8))
def test_company_makes_no_difference(texts: list[bytes]) -> None:
    assert fold(*texts) == [fold(text)[0] for text in texts]


@given(targets)
def test_a_glance_decides_as_a_close_look_does(target: bytes) -> None:
    texts = Vocabulary.of([target])
    found = []
    for traits in (byte_traits(), np.full(256, TRAIT_ODD, dtype=np.uint8)):
        out = np.zeros(512, dtype=np.uint8)
        start, length = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int32)
        no_path = np.zeros(0, dtype=np.uint8)
        fold_targets(
            texts.buffer, texts.start, texts.length, byte_classes(), traits, no_path, out, start, length
        )
        found.append(out[: int(length[0])].tobytes())
    assert found[0] == found[1]


def test_the_owners_templates_come_first() -> None:
    templates = ("/users/{}/orders", "/users/{}", "tags/{}/")
    assert fold(
        b"/users/ann", b"/users/7/orders", b"/users/7/cart", b"/tags/new", b"*", None, templates=templates
    ) == [
        b"/users/{}",
        b"/users/{}/orders",
        b"/users/{}/cart",
        b"/tags/{}",
        b"*",
        None,
    ]


@pytest.mark.parametrize(
    ("template", "route"),
    [
        (b"/users/{user_id}", b"/users/{}"),
        (b"/users/{user_id}/", b"/users/{}"),
        (b"/files/{path:path}", b"/files/{}"),
        (b"/users/<int:user_id>/orders", b"/users/{}/orders"),
        (b"users/<uuid:u>", b"/users/{}"),
        (b"/v{version}/a", b"/v{}/a"),
        (b"/", b"/"),
        # What is no template leaves the path to be folded.
        (b"^users/(?P<id>[0-9]+)/$", b"/people/{}"),
        (b"/a b", b"/people/{}"),
        (b"/\xc3\xa9", b"/people/{}"),
        (b"/x" * 200, b"/people/{}"),
        (None, b"/people/{}"),
    ],
)
def test_a_template_that_the_log_tells_is_the_route(template: bytes | None, route: bytes) -> None:
    rows = [Row(target=b"/people/17", template=template), Row(target=b"/people/18"), Row(http=False)]
    routes = RouteFolder().fold(batch([*rows, Row(target=None, template=template)]))
    told = None if route == b"/people/{}" else route
    assert [routes[row] for row in range(4)] == [route, b"/people/{}", b"(not http)", told]
    assert len(set(routes.vocabulary)) == len(routes.vocabulary)


def test_own_templates_are_matched_against_what_the_log_tells() -> None:
    rows = [Row(target=b"/a/b", template=b"/shops/{id}/carts/{cart}")]
    routes = RouteFolder(["/shops/{}/{}/{}"]).fold(batch(rows))
    assert routes[0] == b"/shops/{}/{}/{}"
