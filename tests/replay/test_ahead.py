"""Work in a thread of its own, ahead of its consumer."""

import threading
from collections.abc import Iterator

import pytest

from vedette.replay.ahead import Ahead


def test_things_come_in_their_order_and_are_made_in_another_thread() -> None:
    makers = set()

    def numbers() -> Iterator[int]:
        for number in range(50):
            makers.add(threading.current_thread())
            yield number

    with Ahead(numbers, 2) as ahead:
        assert list(ahead) == list(range(50))
    assert threading.current_thread() not in makers


def test_no_more_is_made_than_may_wait() -> None:
    made, second = [], threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            if number == 2:
                second.set()
            yield number

    with Ahead(numbers, 1) as ahead:
        assert next(iter(ahead)) == 0
        # One is taken, one waits, one is at hand.
        assert second.wait(10)
        assert made == [0, 1, 2]


def test_what_goes_wrong_is_raised_behind_what_was_made_before() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    with Ahead(numbers, 2) as ahead:
        each = iter(ahead)
        assert next(each) == 1
        with pytest.raises(ValueError, match="no more"):
            next(each)


def test_a_consumer_that_ends_early_leaves_no_thread_behind() -> None:
    freed = threading.Event()

    def endless() -> Iterator[int]:
        while not freed.is_set():
            yield 1

    before = threading.active_count()
    with Ahead(endless, 1, freed.set) as ahead:
        next(iter(ahead))
    assert freed.is_set()
    assert threading.active_count() == before
