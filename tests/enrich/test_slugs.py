import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.enrich.slugs import OTHER_ROUTE, SERVICE_ENTRIES, SlugLearner
from vedette.schema.state import StateError, encode

words = st.sampled_from([f"w{i}" for i in range(9)] + ["{}", "{}.png", "x.html", "", "..."])
routes = st.lists(words, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
observations = st.lists(st.tuples(st.tuples(st.sampled_from("ab"), routes), st.integers(1, 50)), max_size=60)
Window = list[tuple[tuple[str, str], int]]


def show(learner: SlugLearner, window: Window) -> None:
    learner.observe([route for route, _ in window], [requests for _, requests in window])


def learned(routes: list[str], values: int = 10) -> SlugLearner:
    learner = SlugLearner(values)
    learner.observe([("s", route) for route in routes])
    return learner


def test_a_place_with_many_values_folds() -> None:
    learner = learned([f"/blog/post-{i}" for i in range(50)] + ["/blog", "/about"])
    assert learner.final("s", "/blog/post-1") == "/blog/{}"
    assert learner.final("s", "/blog/never-seen") == "/blog/{}"
    assert learner.final("s", "/about") == "/about"
    assert learner.final("s", "/blog") == "/blog"


def test_a_place_with_few_values_keeps_them() -> None:
    learner = learned([f"/page-{i}" for i in range(10)])
    assert [learner.final("s", f"/page-{i}") for i in range(10)] == [f"/page-{i}" for i in range(10)]


def test_a_branch_with_many_values_folds_and_what_is_below_is_pooled() -> None:
    learner = learned([f"/shop/{i}x/{leaf}" for i in range(50) for leaf in ("cart", "reviews")])
    assert learner.final("s", "/shop/3x/cart") == "/shop/{}/cart"
    assert learner.final("s", "/shop/new/reviews") == "/shop/{}/reviews"


def test_pages_and_sections_are_counted_apart() -> None:
    learner = learned([f"/p{i}" for i in range(50)] + ["/api/users", "/docs/intro"])
    assert learner.final("s", "/p1") == "/{}"
    assert learner.final("s", "/api/users") == "/api/users"


def test_a_folded_file_keeps_the_ending_of_a_usual_kind() -> None:
    learner = learned([f"/img/photo-{chr(97 + i)}.jpg" for i in range(20)] + ["/img/x.weird"])
    assert learner.final("s", "/img/photo-z.jpg") == "/img/{}.jpg"
    assert learner.final("s", "/img/y.weird") == "/img/{}"


def test_a_busy_page_stays_when_its_neighbours_fold() -> None:
    learner = SlugLearner(10)
    show(learner, [(("s", "/login"), 500), *((("s", f"/story-{i}"), 3) for i in range(50))])
    assert learner.final("s", "/login") == "/login"
    assert learner.final("s", "/story-7") == "/{}"


def test_a_busy_section_stays_when_its_neighbours_fold() -> None:
    learner = SlugLearner(10)
    show(learner, [(("s", "/api/users"), 500), *((("s", f"/u{i}/home"), 3) for i in range(50))])
    assert learner.final("s", "/api/users") == "/api/users"
    assert learner.final("s", "/u3/home") == "/{}/home"


def test_what_was_never_shown_to_exist_is_other() -> None:
    learner = learned(["/a/b"])
    assert learner.final("s", "/a/c") == OTHER_ROUTE
    assert learner.final("s", "/c/b") == OTHER_ROUTE
    assert learner.final("s", "/a") == OTHER_ROUTE
    assert learner.final("elsewhere", "/a/b") == OTHER_ROUTE


def test_texts_that_are_no_path_stay() -> None:
    learner = learned(["(not http)", "*"])
    assert [learner.final("s", text) for text in ("(not http)", "*", OTHER_ROUTE)] == [
        "(not http)",
        "*",
        OTHER_ROUTE,
    ]


def test_services_learn_apart() -> None:
    learner = SlugLearner(10)
    learner.observe([("a", f"/p{i}") for i in range(50)] + [("b", "/p1")])
    assert (learner.final("a", "/p1"), learner.final("b", "/p1")) == ("/{}", "/p1")


@given(st.lists(observations, max_size=4), st.randoms(use_true_random=False))
def test_the_order_inside_a_window_makes_no_difference(windows: list[Window], order: random.Random) -> None:
    straight, shuffled = SlugLearner(3), SlugLearner(3)
    for window in windows:
        show(straight, window)
        other = list(window)
        order.shuffle(other)
        show(shuffled, other)
    assert straight.to_state() == shuffled.to_state()


@given(st.lists(observations, max_size=5))
def test_what_has_folded_stays_folded(windows: list[Window]) -> None:
    learner = SlugLearner(3)
    seen: dict[tuple[str, str], int] = {}
    for window in windows:
        show(learner, window)
        for service, route in {route for route, _ in window} | set(seen):
            depth = learner.final(service, route).count("{}")
            assert learner.final(service, route) != OTHER_ROUTE
            assert depth >= seen.get((service, route), 0)
            seen[service, route] = depth


@given(st.lists(observations, min_size=2, max_size=4))
def test_a_restored_learner_goes_on_as_if_undisturbed(windows: list[Window]) -> None:
    undisturbed = SlugLearner(3)
    for window in windows:
        show(undisturbed, window)
    first, second = SlugLearner(3), SlugLearner(3)
    show(first, windows[0])
    second.from_state(first.to_state())
    for window in windows[1:]:
        show(second, window)
    assert second.to_state() == undisturbed.to_state()


def test_a_snapshot_of_something_else_is_refused() -> None:
    with pytest.raises(StateError, match="learned routes"):
        SlugLearner().from_state(encode({"services": [1]}))


def test_memory_is_bounded_and_what_found_no_room_is_counted() -> None:
    learner = SlugLearner(SERVICE_ENTRIES * 2)
    show(learner, [(("s", "/busy"), 100), *((("s", f"/p{i}"), 1) for i in range(SERVICE_ENTRIES + 500))])
    assert 500 <= learner.overflowed <= 510
    assert learner.final("s", "/busy") == "/busy"
    assert len(learner.to_state()) < SERVICE_ENTRIES * 20


def test_folding_makes_room_again() -> None:
    learner = SlugLearner(64)
    for window in range(20):
        learner.observe([("s", f"/blog/{window}-{i}-x") for i in range(1000)])
    assert learner.overflowed == 0
    learner.observe([("s", "/about")])
    assert learner.final("s", "/about") == "/about"
