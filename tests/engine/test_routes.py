"""Where a window's routes go: real ones, guesses, and places that vary."""

import numpy as np

from tests.windows.batches import Row, batch
from vedette.engine.routes import PlacedWindow, Placer
from vedette.enrich.slugs import SlugLearner
from vedette.windows.entities import NOT_FOUND_ROUTE, EntityBook
from vedette.windows.layout import Group
from vedette.windows.registry import OTHER_ROUTE
from vedette.windows.windower import Windower, WindowSettings


class Site:
    """Windows of one service, placed one after the other."""

    def __init__(self, values: int = 50, cap: int = 100) -> None:
        self.windower, self.slugs = Windower(WindowSettings()), SlugLearner(values)
        self.book, self.minute = EntityBook(cap), 0
        self.placer = Placer(self.windower.registry, self.slugs, self.book)

    def window(self, *routes: tuple[str, int]) -> PlacedWindow:
        self.minute += 1
        rows = [Row(60 * self.minute + i / 100, route=r, status=s) for i, (r, s) in enumerate(routes)]
        self.windower.add(*batch(rows))
        (window,) = self.windower.close(everything=True)
        return self.placer.place(window, ["site"])

    def requests(self, placed: PlacedWindow) -> dict[str | None, int]:
        return {
            self.book[slot].route: int(count)
            for slot, count in zip(placed.groups.key, placed.groups.sums[:, Group.REQUESTS], strict=True)
        }


def test_what_was_never_found_is_nobodys_route_until_it_is() -> None:
    site = Site()
    placed = site.window(("/a", 200), ("/guess", 404), ("/other-guess", 404))
    assert site.requests(placed) == {None: 3, "/a": 1, NOT_FOUND_ROUTE: 2}
    assert site.requests(site.window(("/guess", 200))) == {None: 1, "/guess": 1}
    assert site.requests(site.window(("/guess", 404))) == {None: 1, "/guess": 1}


def test_routes_of_a_place_that_varies_become_one_and_their_numbers_are_told() -> None:
    site = Site(values=5)
    names = [f"page-{n}" for n in range(10, 50)]
    placed = site.window(("/home", 200), *[(f"/blog/{name}", 200) for name in names])
    assert site.requests(placed) == {None: 41, "/home": 1, "/blog/{}": 40}
    registry, slot = site.windower.registry, site.book.find("site", "/blog/{}")
    service = site.book.find("site", None)
    assert slot is not None
    assert service is not None
    assert sorted(str(registry[n].route) for n in placed.numbers[slot]) == [f"/blog/{n}" for n in names]
    assert len(placed.numbers[service]) == 41
    assert np.array_equal(placed.services, placed.groups.key == service)


def test_routes_beyond_the_cap_are_counted_once_a_window_and_share_a_slot() -> None:
    site = Site(cap=3)
    site.window(("/a", 200))
    placed = site.window(("/a", 200), ("/b", 200), ("/c", 200))
    assert site.requests(placed) == {None: 3, "/a": 1, OTHER_ROUTE: 2}
    assert site.book.overflowed == 2


def test_new_slots_are_taken_in_the_order_of_names() -> None:
    one, other = Site(), Site()
    one.window(("/b", 200), ("/a", 200), ("/c", 200))
    other.window(("/c", 200), ("/a", 200), ("/b", 200))
    assert one.book.entries == other.book.entries


def test_what_is_remembered_of_routes_changes_nothing() -> None:
    """A site that is asked anew about each route each time says the same, through folding and freed numbers."""
    remembers, forgets = Site(values=6, cap=40), Site(values=6, cap=40)
    draw = np.random.default_rng(5)
    for window in range(60):
        pages = [f"/{'ab'[n % 2]}/p{n}" for n in draw.integers(0, 4 + window // 4, 12).tolist()]
        routes = [(page, int(draw.choice([200, 404, 500]))) for page in pages]
        found = []
        for site in (remembers, forgets):
            if site is forgets:
                site.placer = Placer(site.windower.registry, site.slugs, site.book)
            placed = site.window(*routes, ("(not http)", 400), ("/", 200))
            found.append((site.requests(placed), placed.groups.key.tolist(), site.slugs.to_state()))
            if window % 7 == 0:
                site.windower.registry.keep_only(set())
        assert found[0] == found[1]
