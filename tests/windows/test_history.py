import numpy as np
from tests.windows.batches import Row, batch

from vedette.windows.entities import EntityBook
from vedette.windows.history import BUSY_REQUESTS, ClientHistory
from vedette.windows.layout import CLIENT_COLUMNS, Client
from vedette.windows.registry import OTHER_ROUTE, is_asset, is_login
from vedette.windows.summary import ClientRows
from vedette.windows.windower import Windower, WindowSettings


def clients(*rows: Row) -> ClientRows:
    windower = Windower(WindowSettings())
    windower.add(*batch(list(rows)))
    (window,) = windower.close(everything=True)
    return window.clients


def missing(client: int, count: int, prefix: str = "") -> list[Row]:
    return [Row(1 + i / 100, client=client, status=404, route=f"/{prefix}{i}") for i in range(count)]


def test_a_noteworthy_client_is_summed_over_the_past_windows_and_a_quiet_one_is_not() -> None:
    history = ClientHistory(windows=3, cap=100)
    history.add(10, clients(*missing(1, 5, "a"), Row(1, client=2)))
    now, recent = history.add(11, clients(*missing(1, 7, "b"), Row(1, client=2)))
    assert now.low.tolist() == recent.low.tolist() == [1]
    assert now.sums[0, Client.STATUS_404] == 7
    assert recent.sums[0, Client.STATUS_404] == 12
    assert (
        int(recent.sums[0, Client.MISSING_ROUTES]).bit_count()
        > int(now.sums[0, Client.MISSING_ROUTES]).bit_count()
    )


def test_what_lies_further_back_than_the_horizon_is_forgotten() -> None:
    history = ClientHistory(windows=3, cap=100)
    history.add(10, clients(*missing(1, 5)))
    _, recent = history.add(13, clients(*missing(1, 7)))
    assert recent.sums[0, Client.STATUS_404] == 7


def test_a_busy_client_is_noteworthy_by_its_volume() -> None:
    history = ClientHistory(windows=3, cap=100)
    now, _ = history.add(
        1, clients(*[Row(1, client=5)] * BUSY_REQUESTS, *[Row(1, client=6)] * (BUSY_REQUESTS - 1))
    )
    assert now.low.tolist() == [5]


def test_above_the_cap_the_weightiest_clients_are_kept_and_the_rest_counted() -> None:
    history = ClientHistory(windows=3, cap=2)
    now, _ = history.add(1, clients(*missing(1, 2), *missing(2, 9), *missing(3, 5)))
    assert now.low.tolist() == [2, 3]
    assert history.left_out == 1


def test_no_client_is_noteworthy_in_an_empty_window() -> None:
    history = ClientHistory(windows=3, cap=2)
    nobody = clients(Row(1)).select(np.zeros(0, dtype=np.intp))
    assert [len(rows) for rows in history.add(1, nobody)] == [0, 0]


def test_routes_beyond_the_cap_share_a_slot_under_their_service() -> None:
    book = EntityBook(cap=4)
    slots = [book.slot("shop", f"/{i}") for i in range(5)]
    assert len(set(slots[:2])) == 2
    assert slots[2] == slots[3] == slots[4] == book.find("shop", OTHER_ROUTE)
    assert book.overflowed == 3
    assert book[int(book.parents[slots[0]])].route is None
    assert book.services == [book.find("shop", None)]


def test_assets_and_logins_are_told_by_their_names() -> None:
    assert is_asset("/static/app-{}.js")
    assert is_asset("/img/LOGO.PNG")
    assert is_asset("/film/{}/1080p/{}.ts")
    assert not is_asset("/api/js")
    assert is_login("/wp-login.php")
    assert is_login("/api/v1/auth/token")
    assert not is_login("/blog/authors")


def test_what_a_client_did_on_another_service_or_what_another_client_did_is_not_added() -> None:
    rng = np.random.default_rng(1)

    def window() -> ClientRows:
        keys = np.unique(rng.integers(0, 3, (30, 3)), axis=0)
        sums = rng.integers(0, 50, (len(keys), CLIENT_COLUMNS))
        service, high, low = keys.T
        return ClientRows(service.astype(np.int32), high.astype(np.uint64), low.astype(np.uint64), sums)

    history, past = ClientHistory(windows=4, cap=100), [window() for _ in range(4)]
    for number, clients in enumerate(past):
        now, recent = history.add(number, clients)
    expected = past[0]
    for clients in past[1:]:
        expected = expected + clients
    kept = [
        row
        for row, key in enumerate(zip(expected.service, expected.high, expected.low, strict=True))
        if key in set(zip(now.service, now.high, now.low, strict=True))
    ]
    np.testing.assert_array_equal(recent.sums, expected.sums[kept])
    np.testing.assert_array_equal(recent.low, now.low)
