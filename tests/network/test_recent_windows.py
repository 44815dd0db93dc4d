"""A window of the last minute says the same when it takes less room."""

import numpy as np
import pytest

from vedette.detectors.network import recent_windows
from vedette.detectors.network.grouping import Rows, groups
from vedette.detectors.network.recent_windows import Interest, RecentWindow, recent_groups
from vedette.schema.flows import CONTACT_COLUMNS, ENDED_COLUMNS, Flow, Known
from vedette.schema.state import decode, encode
from vedette.windows.contacts import BINS, FlowWindow, PackedWindow

SPAN = 10_000_000
TALK = (Flow.CLIENT_LOW, Flow.SERVER_PORT)


def window(number: int, contacts: int = 3_000) -> FlowWindow:
    draw = np.random.default_rng(number)
    table = np.zeros((contacts, CONTACT_COLUMNS), dtype=np.int64)
    table[:, Flow.START] = number * SPAN + draw.integers(0, SPAN, contacts)
    table[:, Flow.CLIENT_LOW] = 0xFFFF << 32 | 0x0A000000 + draw.integers(0, 500, contacts)
    table[:, Flow.CLIENT_HIGH] = draw.choice([-(2**63), 0, 2**63 - 1], contacts)
    table[:, Flow.SERVER_PORT] = draw.integers(1, 9, contacts)
    table[:, Flow.SYN_OUT] = draw.integers(0, 3, contacts)
    table[:, Flow.BYTES_OUT] = draw.integers(0, 1 << 40, contacts)
    table[:, Flow.PROTOCOL] = 6
    return FlowWindow(
        number, number * SPAN, (number + 1) * SPAN, table, np.zeros((0, ENDED_COLUMNS), dtype=np.int64),
        np.ones((3, BINS), dtype=np.int64), Known.FLAGS,
    )  # fmt: skip


def asks(rows: Rows) -> np.ndarray:
    return rows[:, Flow.SYN_OUT] > 0


@pytest.fixture(autouse=True)
def narrow_from_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_windows, "_LARGE", 100)


def test_a_narrow_window_holds_what_the_wide_one_held() -> None:
    interest, whole = Interest(asks, TALK), window(1)
    wide, narrow = RecentWindow(whole), RecentWindow(whole)
    narrow.settle()
    for one, other in zip(wide.found(interest), narrow.found(interest), strict=True):
        assert np.array_equal(one, other)
    rows, _ = narrow.found(interest)
    assert np.array_equal(narrow.contacts(rows), whole.contacts[rows])
    for column in Flow:
        assert np.array_equal(narrow.column(rows, column), whole.contacts[rows, column])
    restored = RecentWindow.unpacked(decode(encode(narrow.packed()), PackedWindow, "window"))
    assert np.array_equal(restored.contacts(np.arange(3_000, dtype=np.int32)), whole.contacts)


@pytest.mark.parametrize("least", [1, 4, 9, 10_000])
def test_groups_of_the_last_minute_are_those_with_enough_that_are_there_now(least: int) -> None:
    interest = Interest(asks, TALK)
    parts = [window(number, 4_000) for number in range(1, 5)] + [window(5, 300)]
    recent = [RecentWindow(one) for one in parts]
    for one in recent[:-1]:
        one.settle()
    found = {
        tuple(own[0, list(TALK)].tolist()): int(own[:, Flow.SYN_OUT].sum())
        for own in recent_groups(recent, interest, Flow.SYN_OUT, least)
    }
    together = np.concatenate([one.contacts[asks(one.contacts)] for one in parts])
    now = {tuple(row) for row in parts[-1].contacts[asks(parts[-1].contacts)][:, list(TALK)].tolist()}
    expected = {
        tuple(own[0, list(TALK)].tolist()): int(own[:, Flow.SYN_OUT].sum()) for own in groups(together, *TALK)
    }
    assert found == {key: total for key, total in expected.items() if key in now and total >= least}
    assert bool(found) == (least < 10_000)
