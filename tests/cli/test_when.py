"""Times as `--since` and `--until` take them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.cli.when import TimeError, parse_time

NOW = datetime(2026, 5, 1, 10, 30, tzinfo=timezone(timedelta(hours=2)))


def _parsed(text: str) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=parse_time("--since", text, NOW))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2026-04-30T10:00", datetime(2026, 4, 30, 10, tzinfo=UTC)),
        ("2026-04-30 10:00:00.5", datetime(2026, 4, 30, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-04-30T10:00:00Z", datetime(2026, 4, 30, 10, tzinfo=UTC)),
        ("2026-04-30T10:00:00+02:00", datetime(2026, 4, 30, 8, tzinfo=UTC)),
        (" 2026-04-30 ", datetime(2026, 4, 30, tzinfo=UTC)),
        ("today", datetime(2026, 5, 1, tzinfo=UTC)),
        ("Yesterday", datetime(2026, 4, 30, tzinfo=UTC)),
        ("90s", datetime(2026, 5, 1, 8, 28, 30, tzinfo=UTC)),
        ("2h", datetime(2026, 5, 1, 6, 30, tzinfo=UTC)),
        ("7 d", datetime(2026, 4, 24, 8, 30, tzinfo=UTC)),
        ("1w", datetime(2026, 4, 24, 8, 30, tzinfo=UTC)),
        ("2h ago", datetime(2026, 5, 1, 6, 30, tzinfo=UTC)),
        ("2 days ago", datetime(2026, 4, 29, 8, 30, tzinfo=UTC)),
        ("1 Week ago", datetime(2026, 4, 24, 8, 30, tzinfo=UTC)),
        ("30min", datetime(2026, 5, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_its_writer_meant_it(text: str, meaning: datetime) -> None:
    assert _parsed(text) == meaning


_FIRST, _LAST = NOW.min + timedelta(days=1), NOW.max - timedelta(days=1)


@given(st.datetimes(min_value=_FIRST, max_value=_LAST))
def test_iso_8601_reads_back(moment: datetime) -> None:
    assert _parsed(moment.isoformat()) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "noon", "5", "2y", "-2h", "2026-02-30", "999999w", "31/12/2026", "ago", "2 months ago"]
)
def test_anything_else_is_refused_with_the_option_the_value_and_the_remedy(text: str) -> None:
    with pytest.raises(TimeError) as caught:
        parse_time("--until", text, NOW)
    given = text or "''"
    assert str(caught.value).startswith(f"--until {given}: not a time: use ISO 8601")
    assert "\n" not in str(caught.value)
