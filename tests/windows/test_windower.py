import random
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.windows.batches import Row, batch

from vedette.schema.state import decode, encode
from vedette.windows.challenges import without_challenges
from vedette.windows.layout import BITMAP_BITS, SLICES, Client, Group
from vedette.windows.summary import (
    QUANTILE_RELATIVE_ERROR,
    ClosedWindow,
    bitmap_count,
    distinct_count,
    quantile,
)
from vedette.windows.windower import Windower, WindowSettings

MINUTE = 60.0
_GROUP_SUMS = 8
"""Where the sums of services and routes stand in a state."""

rows = st.builds(
    Row,
    time=st.floats(0, 600, allow_nan=False).map(lambda t: round(t, 3)),
    client=st.integers(1, 12),
    route=st.sampled_from(["/", "/a", "/login", "/img/x.png", "/b/{}"]),
    status=st.sampled_from([0, 200, 204, 302, 400, 401, 403, 404, 429, 500, 503]),
    service=st.integers(0, 2),
    bytes_out=st.integers(-1, 10_000),
    duration=st.one_of(st.just(float("nan")), st.floats(1e-7, 1e5)),
    method=st.sampled_from([b"GET", b"POST", b"HEAD"]),
    referer=st.sampled_from([None, b"x"]),
    agent=st.sampled_from([None, b"Mozilla", b"somebot/1"]),
    types=st.integers(0, 3),
)


def run(parts: list[list[Row]], **kwargs: int) -> tuple[Windower, list[ClosedWindow]]:
    windower = Windower(WindowSettings(**kwargs))
    closed = []
    for part in parts:
        windower.add(*batch(part))
        closed += list(windower.close())
    return windower, closed + list(windower.close(everything=True))


def facts(windower: Windower, closed: list[ClosedWindow]) -> list[object]:
    """Everything a window says, under names instead of numbers, so that runs can be compared."""
    found: list[object] = []
    for window in closed:
        groups = []
        for row, number in enumerate(window.groups.key.tolist()):
            entry = windower.registry[number]
            groups.append(
                (
                    entry.service,
                    entry.route or "",
                    window.groups.sums[row].tolist(),
                    window.groups.latency[row].tolist(),
                    window.groups.distinct[row].tolist(),
                )
            )
        clients = list(
            zip(
                window.clients.service.tolist(),
                window.clients.low.tolist(),
                window.clients.sums.tolist(),
                strict=True,
            )
        )
        found.append((window.number, sorted(groups), clients))
    return found


def split(items: list[Row], cuts: list[int]) -> list[list[Row]]:
    edges = sorted({0, len(items), *(cut % (len(items) + 1) for cut in cuts)})
    return [items[a:b] for a, b in pairwise(edges)] or [[]]


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=60), st.lists(st.integers(0, 1000), max_size=6))
def test_batches_do_not_change_the_windows(items: list[Row], cuts: list[int]) -> None:
    whole = run([items])
    parts = run(split(items, cuts))
    assert facts(*whole) == facts(*parts)
    assert whole[0].late == parts[0].late


@settings(max_examples=40, deadline=None)
@given(st.lists(rows, min_size=2, max_size=60), st.integers(0, 2**32))
def test_a_log_shuffled_within_the_lateness_gives_the_same_windows(items: list[Row], seed: int) -> None:
    ordered = sorted(items, key=lambda row: row.time)
    shuffled = sorted(ordered, key=lambda row: row.time + random.Random(f"{seed}{row}").uniform(0, 59))
    assert facts(*run([ordered])) == facts(*run([shuffled]))


@settings(max_examples=40, deadline=None)
@given(st.lists(rows, min_size=1, max_size=40), st.lists(rows, min_size=1, max_size=40))
def test_summaries_of_parts_merge_to_the_summary_of_the_whole(left: list[Row], right: list[Row]) -> None:
    lateness = 10**12
    _, a = run([left], lateness=lateness)
    _, b = run([right], lateness=lateness)
    _, whole = run([left + right], lateness=lateness)
    for window in whole:
        parts = [w.clients for w in (*a, *b) if w.number == window.number]
        merged = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        other = parts[0] if len(parts) == 1 else parts[1] + parts[0]
        assert merged.sums.tolist() == window.clients.sums.tolist() == other.sums.tolist()
        assert merged.low.tolist() == window.clients.low.tolist()


def test_group_summaries_merge_by_key() -> None:
    _, (window,) = run([[Row(1, route="/a", client=1), Row(2, route="/a", client=2), Row(3, route="/b")]])
    doubled = window.groups + window.groups
    assert doubled.key.tolist() == window.groups.key.tolist()
    assert doubled.sums.tolist() == (2 * window.groups.sums).tolist()
    assert doubled.latency.tolist() == (2 * window.groups.latency).tolist()
    assert doubled.distinct.tolist() == window.groups.distinct.tolist()


@pytest.mark.parametrize(
    ("statuses", "failures"),
    [
        ([401, 200], 0),
        ([401, 401, 307], 0),
        ([401, 404], 0),
        ([401, 503], 0),
        ([401, 401, 401, 200], 3),
        ([401, 403], 1),
        ([401, 429], 1),
        ([401], 1),
    ],
)
def test_a_refusal_that_is_answered_when_asked_again_is_no_failed_login(
    statuses: list[int], failures: int
) -> None:
    items = [Row(at, status=status, route="/a") for at, status in enumerate(statuses, 1)]
    _, (window,) = run([items])
    assert without_challenges(window.clients).sums[:, Client.LOGIN_FAILURES].tolist() == [failures]
    _, (window,) = run([[*items, Row(20, route="/b", status=401)]])
    expected = statuses.count(401) + 1
    assert without_challenges(window.clients).sums[:, Client.LOGIN_FAILURES].tolist() == [expected]


def test_credentials_that_are_refused_stay_failed_logins_however_they_end() -> None:
    items = [Row(at, status=401, route="/login", method=b"POST") for at in range(1, 5)]
    items += [Row(10 + at, status=302, route="/login", method=b"POST") for at in range(9)]
    _, (window,) = run([items])
    assert without_challenges(window.clients).sums[:, Client.LOGIN_FAILURES].tolist() == [4]


def test_who_gets_a_new_token_when_refused_fails_no_login_but_where_logins_were_refused() -> None:
    items = [
        Row(second, client=client, route=route, method=method, status=status)
        for client in (1, 2, 3)
        for second, route, method, status in (
            (1, "/me", b"GET", 401), (2, "/login", b"POST", 200), (3, "/me", b"GET", 200)
        )
    ]  # fmt: skip
    items += [Row(9, client=4, route="/login", method=b"POST", status=401) for _ in range(2)]
    _, (window,) = run([items])
    for most, failures in ((0, [0, 0, 0, 2]), (2, [0, 0, 0, 2]), (3, [1, 0, 0, 2]), (9, [1, 1, 1, 2])):
        settled = without_challenges(window.clients, np.array([most]))
        assert settled.sums[:, Client.LOGIN_FAILURES].tolist() == failures


def test_whether_something_is_there_is_asked_by_head_alone() -> None:
    items = [Row(1, method=m, status=s) for m in (b"HEAD", b"GET", b"POST") for s in (200, 404, 403)]
    windower, (window,) = run([items])
    row = next(i for i, k in enumerate(window.groups.key.tolist()) if windower.registry[k].route is None)
    assert window.groups.sums[row, Group.ABSENT] == 1
    assert window.groups.sums[row, Group.WRITES] == 3
    assert window.clients.sums[:, Client.STATUS_404].tolist() == [3]


def test_a_state_that_knows_fewer_sums_is_taken() -> None:
    windower = Windower(WindowSettings())
    windower.add(*batch([Row(1, status=401), Row(2, route="/b")]))
    fields = decode(windower.to_state(), list[Any], "open windows")
    for sums in (fields[_GROUP_SUMS], fields[-1][-1]):
        shape, content = sums[1], np.frombuffer(sums[2], dtype="<i8").reshape(sums[1])
        sums[1:] = [shape[0], shape[1] - 1], content[:, :-1].tobytes()
    taken = Windower(WindowSettings())
    taken.from_state(encode(fields), services=1)
    (known,), (window,) = windower.close(everything=True), taken.close(everything=True)
    assert window.groups.sums.tolist() == known.groups.sums.tolist()
    assert (window.clients.sums[:, : Client.LET_IN] == known.clients.sums[:, : Client.LET_IN]).all()
    assert not window.clients.sums[:, Client.LET_IN].any()


def test_counts_of_a_window() -> None:
    items = [
        Row(1, status=200, bytes_out=10),
        Row(2, status=503, client=2),
        Row(3, status=404, client=2, route="/x"),
        Row(4, status=401, method=b"POST", route="/login", client=3),
        Row(5, status=429, referer=None, agent=b"a bot"),
        Row(6, status=0, bytes_out=-1, duration=float("nan")),
        Row(7, types=0b10, client=9),
    ]
    windower, (window,) = run([items])
    row = next(i for i, k in enumerate(window.groups.key.tolist()) if windower.registry[k].route is None)
    sums = window.groups.sums[row]
    assert {c.name: int(sums[c]) for c in Group if sums[c]} == {
        "REQUESTS": 7,
        "STATUS_2XX": 2,
        "STATUS_4XX": 3,
        "STATUS_5XX": 1,
        "STATUS_UNKNOWN": 1,
        "STATUS_401": 1,
        "STATUS_404": 1,
        "STATUS_429": 1,
        "BYTES_OUT": 510,
        "TIMED": 6,
        "DURATION_US": 600_000,
        "WRITES": 1,
        "NO_REFERER": 1,
        "ATTACKS": 1,
        "DECLARED_BOTS": 1,
        "LOGIN_POSTS": 1,
        "LOGIN_FAILURES": 1,
        "SLICE_REQUESTS": 7,
        "SLICE_FAILED": 2,
        "SLICE_TIMED": 6,
        "SLICE_DURATION_US": 600_000,
    }
    attacker = window.clients.sums[window.clients.low.tolist().index(9)]
    assert attacker[Client.ATTACKS] == attacker[Client.ATTACKS_ANSWERED] == 1
    assert attacker[Client.FIRST_TYPE : Client.SLICE_REQUESTS].tolist() == [0, 1] + [0] * 12


def test_thirds_of_a_window_are_counted_apart() -> None:
    items = [
        Row(0, client=1),
        Row(19.999, client=2, status=502),
        Row(20, client=1, duration=0.5),
        Row(40, client=1, status=429),
        Row(59.999, client=1, duration=float("nan")),
    ]
    windower, (window,) = run([items])
    row = next(i for i, k in enumerate(window.groups.key.tolist()) if windower.registry[k].route is None)
    sums = window.groups.sums[row]
    assert sums[Group.SLICE_REQUESTS :][:SLICES].tolist() == [2, 1, 2]
    assert sums[Group.SLICE_FAILED :][:SLICES].tolist() == [1, 0, 1]
    assert sums[Group.SLICE_TIMED :][:SLICES].tolist() == [2, 1, 1]
    assert sums[Group.SLICE_DURATION_US :][:SLICES].tolist() == [200_000, 500_000, 100_000]
    of_client = dict(zip(window.clients.low.tolist(), window.clients.sums, strict=True))
    assert of_client[1][Client.SLICE_REQUESTS :][:SLICES].tolist() == [1, 1, 2]
    assert of_client[2][Client.SLICE_REQUESTS :][:SLICES].tolist() == [1, 0, 0]


def test_a_row_behind_the_watermark_is_late_and_counted() -> None:
    fresh = [Row(1000 + i / 10) for i in range(8)]
    windower, closed = run([[Row(10)], fresh, [Row(11)]], lateness=60_000_000)
    assert windower.late == 1
    assert [w.number for w in closed] == [0, 16]
    assert closed[0].groups.sums[0, Group.REQUESTS] == 1


def test_a_few_rogue_times_do_not_close_the_windows_of_everyone_else() -> None:
    present = [Row(i) for i in range(10)]
    mixed = [row for i in range(50) for row in (Row(4e9 + i), Row(10 + i / 10))]
    windower, closed = run([present, mixed, [Row(15)] * 5])
    assert windower.late == 50, "only the rogue ones"
    assert closed[0].groups.sums[0, Group.REQUESTS] == 65


def test_times_nobody_believed_make_no_windows_at_the_end_and_count_as_late() -> None:
    rows = [Row(second) for second in range(100)]
    rows[50] = Row(50 + 8_000 * 365 * 86_400)
    windower, closed = run([rows])
    assert [window.number for window in closed] == [0, 1]
    assert windower.late == 1


def test_a_log_that_ends_soon_after_a_long_silence_is_looked_at_to_its_end() -> None:
    _, closed = run([[*(Row(second) for second in range(100)), Row(86_400), Row(86_401)]])
    assert [window.number for window in closed] == [0, 1, 1440]


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([3_700, 86_400, 20 * 86_400]))
def test_a_log_with_hours_between_its_rows_is_looked_at_to_its_end(count: int, each: int, apart: int) -> None:
    rows = [Row(1_000 + number * apart) for number in range(count)]
    windower, closed = run([rows[start : start + each] for start in range(0, count, each)])
    assert windower.late == 0
    assert [w.number for w in closed] == [int(1_000 + number * apart) // 60 for number in range(count)]


def test_of_a_log_with_hours_between_its_rows_a_wrong_clock_is_not_believed() -> None:
    rows = [Row(1_000 + number * 7_200) for number in range(11)]
    rows.insert(9, Row(4e9))
    windower, closed = run([rows])
    assert windower.late == 1
    assert len(closed) == 11


def test_event_time_follows_a_gap_in_the_log() -> None:
    before, after = [Row(i) for i in range(20)], [Row(90_000 + i * 10) for i in range(40)]
    windower = Windower(WindowSettings())
    windower.add(*batch(before + after))
    assert windower.event_time.now == 90_390_000_000
    assert [w.number for w in windower.close()][:2] == [0, 1500]


def test_memory_of_clients_has_a_ceiling_and_what_it_costs_is_counted() -> None:
    crowd = [Row(i / 1000, client=i + 10) for i in range(5000)]
    heavy = [Row(0.5, client=1)] * 50
    windower, (window,) = run([crowd[:2000], heavy, crowd[2000:], heavy], client_slots=1024)
    assert len(window.clients) <= 1024
    assert windower.left_out_clients > 0
    kept = int(window.clients.sums[:, Client.REQUESTS].sum())
    assert kept + windower.left_out_clients == 5100
    assert window.clients.sums[window.clients.low.tolist().index(1), Client.REQUESTS] == 100
    assert window.groups.sums[0, Group.REQUESTS] == 5100


def test_routes_beyond_the_cap_count_as_other() -> None:
    items = [Row(1 + i / 1000, route=f"/r{i}") for i in range(300)]
    windower = Windower(WindowSettings(routes=64))
    windower.add(*batch(items))
    window = next(windower.close(everything=True))
    names = {windower.registry[k].route: i for i, k in enumerate(window.groups.key.tolist())}
    assert len(names) <= 66
    assert windower.registry.overflowed > 0
    total = sum(int(window.groups.sums[i, Group.REQUESTS]) for name, i in names.items() if name is not None)
    assert total == 300
    assert "(other)" in names


def test_freed_route_numbers_do_not_mix_up_windows() -> None:
    parts = [[Row(w * MINUTE + i / 100, route=f"/w{w}/{i}") for i in range(50)] for w in range(12)]
    windower = Windower(WindowSettings(routes=128, lateness=0))
    for w, part in enumerate(parts):
        windower.add(*batch(part))
        for window in windower.close():
            routes = {windower.registry[k].route for k in window.groups.key.tolist()} - {None}
            assert routes <= {f"/w{window.number}/{i}" for i in range(50)} | {"(other)"}
        assert w < 3 or windower.registry.overflowed == 0


@pytest.mark.parametrize("true", [10, 500, 5000, 200_000])
def test_distinct_counts_are_within_three_standard_errors(true: int) -> None:
    rng = np.random.default_rng(true)
    windower = Windower(WindowSettings(client_slots=1 << 19))
    requests, judged = batch([Row(1)] * 1000)
    for start in range(0, true, 1000):
        ids = np.arange(start, min(start + 1000, true))
        requests.client.low = rng.permutation(ids).astype(np.uint64) + np.uint64(1)
        requests.client.high = np.zeros(len(ids), dtype=np.uint64)
        requests.client.ids = np.resize(np.arange(len(ids), dtype=np.int32), 1000)
        windower.add(requests, judged)
    (window,) = windower.close(everything=True)
    assert distinct_count(window.groups.distinct)[0] == pytest.approx(true, rel=3 * 0.046)


@given(st.lists(st.floats(2e-6, 3000), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
@settings(max_examples=50, deadline=None)
def test_quantiles_are_within_half_a_bin(durations: list[float], q: float) -> None:
    _, closed = run([[Row(1, duration=d) for d in durations]])
    ordered = sorted(durations)
    exact = ordered[max(1, int(np.ceil(q * len(ordered)))) - 1]
    assert quantile(closed[0].groups.latency, q)[0] == pytest.approx(
        exact, rel=QUANTILE_RELATIVE_ERROR + 1e-9
    )


def test_quantile_of_nothing_is_nan() -> None:
    assert np.isnan(quantile(np.zeros((1, 256), dtype=np.int32), 0.5)[0])


def test_bitmap_counts_saturate_instead_of_overflowing() -> None:
    full = np.array([(1 << BITMAP_BITS) - 1, 0, 0b111], dtype=np.int64)
    estimate = bitmap_count(full, BITMAP_BITS)
    assert estimate[0] == pytest.approx(BITMAP_BITS * np.log(BITMAP_BITS))
    assert estimate[1] == 0
    assert estimate[2] == pytest.approx(3.07, abs=0.01)


def test_settled_windows_take_nothing_more_and_times_never_believed_are_dropped() -> None:
    windower = Windower(WindowSettings())
    windower.add(*batch([Row(i) for i in range(70)] + [Row(4e9)]))
    assert [w.number for w in windower.settle()] == [0, 1]
    assert windower.late == 1
    windower.add(*batch([Row(100), Row(130)]))
    assert windower.late == 2
    assert [w.number for w in windower.close(everything=True)] == [2]


def test_requests_of_a_log_that_names_no_client_are_summed_as_nobodys() -> None:
    windower = Windower(WindowSettings())
    requests, judged = batch([Row(1, types=1), Row(2), Row(3, client=7)])
    requests.client.ids[:2] = -1
    windower.add(requests, judged)
    (window,) = windower.close(everything=True)
    named, unnamed = window.clients.named()
    assert named.sums[:, Client.REQUESTS].tolist() == [1]
    assert unnamed.sums[:, Client.REQUESTS].tolist() == [2]
    assert unnamed.sums[:, Client.ATTACKS].tolist() == [1]
