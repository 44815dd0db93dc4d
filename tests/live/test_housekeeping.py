"""What cannot be read stands in the log once, until it can be."""

import logging
from typing import Any

import pytest

from vedette.live.housekeeping import Housekeeping


class Kept:
    """A store, as far as it is asked how it is."""

    problem: str | None = None


def test_a_store_that_is_out_is_logged_and_that_it_takes_commits_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store: Any = Kept()
    house = Housekeeping(store, lambda: 0, lambda: store, list)
    caplog.set_level(logging.INFO, logger="vedette.live")
    logging.getLogger("vedette").propagate = True
    for store.problem in (
        None,
        "db: out; 1 commits (10 bytes) wait",
        "db: out; 1,002 commits (29,781 bytes) wait",
        "db: out; 2 commits (20 bytes) wait",
        None,
    ):
        house.tell()
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", "db: out; 1 commits (10 bytes) wait"),
        ("INFO", "no longer so: db: out; 2 commits (20 bytes) wait"),
    ]


def test_a_fault_is_logged_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    unread: list[str] = []
    store: Any = Kept()
    house = Housekeeping(store, lambda: 0, lambda: store, lambda: unread)
    caplog.set_level(logging.INFO, logger="vedette.live")
    logging.getLogger("vedette").propagate = True
    for now in (
        [],
        ["files: a.log: no permission (and 1 more files)"],
        ["files: a.log: no permission (and 2 more files)"],
        [],
    ):
        unread[:] = now
        house.tell()
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", "files: a.log: no permission (and 1 more files)"),
        ("INFO", "no longer so: files: a.log: no permission (and 2 more files)"),
    ]


def test_what_a_sender_chose_steers_no_terminal(caplog: pytest.LogCaptureFixture) -> None:
    store: Any = Kept()
    logging.getLogger("vedette").propagate = True
    Housekeeping(store, lambda: 0, lambda: store, lambda: ["\x1b[2Jx\n: no format"]).tell()
    assert all(c.isprintable() for r in caplog.records for c in r.getMessage())
    assert caplog.records
