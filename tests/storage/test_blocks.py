"""Windows in blocks come back as they were; hours say what their minutes said."""

import math
import random
import statistics
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storage.things import HOUR, MINUTE, window
from vedette.schema.records import WindowRecord
from vedette.storage.blocks import pack, rows_of, unpack
from vedette.storage.rollup import rolled_up

COUNTS = st.one_of(st.integers(0, 300), st.integers(0, 70_000), st.integers(0, (1 << 63) - 1))
LATENCY = st.one_of(st.none(), st.floats(1e-6, 1e4, allow_nan=False))
ROUTES = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))


@st.composite
def windows(draw: st.DrawFn) -> WindowRecord:
    return WindowRecord(
        service="shop",
        route=draw(ROUTES),
        start=5 * MINUTE,
        span_s=60,
        requests=draw(COUNTS),
        errors_4xx=draw(COUNTS),
        errors_5xx=draw(COUNTS),
        bytes_in=draw(COUNTS),
        bytes_out=draw(COUNTS),
        timed=draw(COUNTS),
        latency_p50_s=draw(LATENCY),
        latency_p95_s=draw(LATENCY),
        latency_p99_s=draw(LATENCY),
        distinct_clients=draw(COUNTS),
    )


class TestBlock:
    @given(st.lists(windows(), min_size=1, max_size=30))
    def test_holds_the_last_window_of_each_route(self, some: list[WindowRecord]) -> None:
        block = unpack(pack(some))
        last = {one.route: one for one in some}
        assert {one.route: one for one in rows_of(block, "shop", 5 * MINUTE, 60)} == last
        for route, one in last.items():
            assert rows_of(block, "shop", 5 * MINUTE, 60, route or "") == [one]
        assert rows_of(block, "shop", 5 * MINUTE, 60, "no such route, surely") == ()

    def test_of_a_hundred_routes_takes_few_bytes(self) -> None:
        numbers = random.Random(1)
        some = [
            window(
                1,
                route=f"/api/v1/{name}",
                requests=numbers.randrange(2000),
                latency_p95_s=0.1 * 1.09 ** (name % 20),
            )
            for name in range(100)
        ]
        assert len(pack(some)) < 1200

    @pytest.mark.parametrize("blob", [b"", b"x" * 50, pack([window(1)])[:-5]])
    def test_that_is_damaged_is_refused(self, blob: bytes) -> None:
        with pytest.raises(ValueError, match=r"."):
            unpack(blob)

    def test_holds_no_negative_counts(self) -> None:
        with pytest.raises(ValueError, match="-1 is no count"):
            pack([window(1, requests=-1)])


def timed(number: int, count: int, *latencies: float, **changes: int) -> WindowRecord:
    p50, p95, p99 = latencies
    return window(
        number,
        requests=count,
        timed=count,
        latency_p50_s=p50,
        latency_p95_s=p95,
        latency_p99_s=p99,
        **changes,
    )


class TestHour:
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 59),
                st.integers(1, 10**6),
                st.floats(1e-4, 10),
                st.floats(1, 10),
                st.floats(1, 10),
            ),
            min_size=1,
            max_size=20,
            unique_by=lambda part: part[0],
        )
    )
    def test_adds_counts_and_keeps_quantiles_between_those_of_its_minutes(
        self, parts: list[tuple[int, int, float, float, float]]
    ) -> None:
        some = [timed(at, count, p50, p50 * a, p50 * a * b) for at, count, p50, a, b in parts]
        (hour,), _ = rolled_up(0, some)
        for name in ("requests", "errors_4xx", "errors_5xx", "bytes_in", "bytes_out", "timed"):
            assert getattr(hour, name) == sum(getattr(one, name) for one in some)
        assert hour.distinct_clients == max(one.distinct_clients for one in some)
        assert (hour.start, hour.span_s) == (0, 3600)
        for name in ("latency_p50_s", "latency_p95_s", "latency_p99_s"):
            values = [getattr(one, name) for one in some]
            assert min(values) <= getattr(hour, name) <= max(values)

    def test_has_the_quantiles_of_all_its_requests_within_a_tenth(self) -> None:
        """Sixty minutes whose medians wander by a factor of three, with two slow ones among them."""
        numbers = random.Random(7)
        some, everything = [], []
        for at in range(60):
            middle = 0.05 * math.exp(0.5 * math.sin(at / 9)) * (20 if at in (30, 31) else 1)
            values = sorted(numbers.lognormvariate(math.log(middle), 0.7) for _ in range(500 + 20 * at))
            everything += values
            cuts = statistics.quantiles(values, n=100)
            some.append(timed(at, len(values), cuts[49], cuts[94], cuts[98]))
        (hour,), _ = rolled_up(0, some)
        truth = statistics.quantiles(everything, n=100)
        for found, exact in zip(
            (hour.latency_p50_s, hour.latency_p95_s, hour.latency_p99_s),
            (truth[49], truth[94], truth[98]),
            strict=True,
        ):
            assert found == pytest.approx(exact, rel=0.1)

    def test_of_minutes_without_durations_has_none(self) -> None:
        bare = {"latency_p50_s": None, "latency_p95_s": None, "latency_p99_s": None}
        (hour,), _ = rolled_up(0, [window(1, **bare), window(2, **bare)])
        assert (hour.latency_p50_s, hour.latency_p95_s, hour.latency_p99_s) == (None, None, None)
        assert hour.requests == 200

    @given(
        st.lists(st.tuples(st.integers(0, 59), st.sampled_from(["/a", "/b"])), max_size=40),
        st.integers(0, 40),
    )
    def test_in_two_goes_adds_up_as_in_one_and_nothing_twice(
        self, places: list[tuple[int, str]], cut: int
    ) -> None:
        some = [window(at, start=HOUR + at * MINUTE, route=route) for at, route in sorted(set(places))]
        minutes = [list(group) for _, group in groupby(some, key=lambda one: one.start)]
        first, second = (
            [one for minute in part for one in minute] for part in (minutes[:cut], minutes[cut:])
        )
        rows, covered = rolled_up(HOUR, first)
        # The first minutes come once more: somebody has read an old log again.
        again, _ = rolled_up(HOUR, some, rows, covered)
        whole, _ = rolled_up(HOUR, some)
        assert [(one.route, one.requests, one.bytes_out) for one in again] == [
            (one.route, one.requests, one.bytes_out) for one in whole
        ]
        assert rolled_up(HOUR, second, rows, covered)[0] == again
