"""What cannot be read stands in the log once, until it can be."""

import logging
from typing import Any

import pytest

from vedette.live.housekeeping import Housekeeping


def test_a_fault_is_logged_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    unread: list[str] = []
    store: Any = None
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
    store: Any = None
    logging.getLogger("vedette").propagate = True
    Housekeeping(store, lambda: 0, lambda: store, lambda: ["\x1b[2Jx\n: no format"]).tell()
    assert all(c.isprintable() for r in caplog.records for c in r.getMessage())
    assert caplog.records
