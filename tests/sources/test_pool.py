"""Buffers in flight are bounded."""

import threading

import pytest

from tests.patience import PATIENCE_S
from vedette.schema.chunk import PADDING
from vedette.sources.pool import BufferPool, PoolClosedError


def test_a_buffer_has_room_for_a_chunk_and_its_unescaped_text() -> None:
    assert len(BufferPool(1000).acquire()) == 2 * (1000 + PADDING)


def test_a_released_buffer_is_used_again() -> None:
    pool = BufferPool(1000)
    first = pool.acquire()
    pool.release(first)
    assert pool.acquire() is first


def test_a_reader_waits_for_a_buffer_when_all_are_out() -> None:
    pool = BufferPool(1000, limit=2)
    held = [pool.acquire(), pool.acquire()]
    got = []
    waiting = threading.Thread(target=lambda: got.append(pool.acquire()))
    waiting.start()
    assert not got
    pool.release(held[1])
    waiting.join(timeout=PATIENCE_S)
    assert got[0] is held[1]


def test_closing_frees_whoever_waits() -> None:
    pool = BufferPool(1000, limit=1)
    pool.acquire()
    failures: list[Exception] = []

    def wait() -> None:
        try:
            pool.acquire()
        except PoolClosedError as error:
            failures.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    pool.close()
    waiting.join(timeout=PATIENCE_S)
    assert len(failures) == 1


def test_releasing_twice_is_an_error() -> None:
    pool = BufferPool(1000)
    buffer = pool.acquire()
    pool.release(buffer)
    with pytest.raises(ValueError, match="has not handed out"):
        pool.release(buffer)


def test_releasing_anothers_buffer_is_an_error() -> None:
    with pytest.raises(ValueError, match="has not handed out"):
        BufferPool(1000).release(BufferPool(1000).acquire())
