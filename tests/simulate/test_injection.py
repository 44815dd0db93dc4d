"""What `--inject` takes, and what it answers to what it cannot take."""

from datetime import UTC, datetime

import pytest

from vedette.simulate import Injection, Simulation, SimulationError, parse_injections

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ddos@09:10", Injection("ddos", 33_000, None)),
        ("ddos@9:10:30+5m", Injection("ddos", 33_030, None, 300)),
        ("ddos@+30m", Injection("ddos", None, 1800)),
        ("ddos@+1h30m+90s*0.5", Injection("ddos", None, 5400, 90, 0.5)),
        (
            "error_spike@+5m+1m/api/v1/cart/{}",
            Injection("error_spike", None, 300, 60, 1.0, "/api/v1/cart/{}"),
        ),
        ("error_spike@+5m:api.shop.example", Injection("error_spike", None, 300, service="api.shop.example")),
        (
            "scanner@09:00+5m*2/login:auth.shop.example#eve",
            Injection("scanner", 32_400, None, 300, 2.0, "/login", "auth.shop.example", "eve"),
        ),
    ],
)
def test_every_part_of_an_injection_is_read(text: str, expected: Injection) -> None:
    assert parse_injections(text) == [expected]


def test_several_injections_are_separated_by_commas() -> None:
    assert [i.name for i in parse_injections("ddos@+1m, sqli@+2m ,xss@+3m,")] == ["ddos", "sqli", "xss"]


@pytest.mark.parametrize(
    ("text", "part", "rule"),
    [
        ("ddos", "no start", "the name is followed by @"),
        ("DDoS@+5m", "name 'DDoS'", "lower-case letters"),
        ("ddos@25:00", "start '25:00'", "HH:MM"),
        ("ddos@soon", "start 'soon'", "HH:MM"),
        ("ddos@+", "no start", "90s, 5m, 2h"),
        ("ddos@+5m+", "no duration", "90s, 5m, 2h"),
        ("ddos@+5m+0m", "duration '0'", "longer than nothing"),
        ("ddos@+9999999999d", "start '9999999999d'", "at most 100 days"),
        ("ddos@+5m*x", "intensity 'x'", "0.01 to 1000"),
        ("ddos@+5m*0", "intensity '0'", "0.01 to 1000"),
        ("ddos@+5m:", "no service", "name of a service"),
        ("ddos@+5m#", "no actor", "incidents of one client share"),
        ("ddos@+5m~x", "end '~x'", "in this order"),
    ],
)
def test_a_bad_injection_is_told_the_part_the_rule_and_an_example(text: str, part: str, rule: str) -> None:
    with pytest.raises(SimulationError) as caught:
        parse_injections(text)
    message = str(caught.value)
    assert "\n" not in message
    assert part in message
    assert rule in message
    assert "Example: error_spike@09:10+5m" in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("flood@+5m", "no incident named 'flood': one of account_hopping, bot_activity"),
        ("ddos@+3h", "outside the log, which is 120 minutes"),
        ("ddos@07:00", "2026-03-03 07:00:00 UTC, outside the log"),
        ("ddos@+5m/nowhere", "no route '/nowhere': one of /, /category/{}"),
        ("ddos@+5m:nobody", "no service 'nobody': one of shop.example"),
    ],
)
def test_an_injection_that_does_not_fit_the_log_is_refused(text: str, says: str) -> None:
    with pytest.raises(SimulationError, match=r".*") as caught:
        Simulation(inject=text)
    assert says in str(caught.value)


def test_a_time_of_day_is_the_next_one_after_the_start() -> None:
    assert Injection("ddos", 9 * 3600, None).starts(START) == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert Injection("ddos", 7 * 3600, None).starts(START) == datetime(2026, 3, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("minutes", 0, "--minutes 0: must be from 0.1"),
        ("rate", -1.0, "--rate -1: must be from 0.001"),
        ("rate", float("nan"), "--rate nan"),
        ("seed", -5, "--seed -5"),
        ("services", 0, "--services 0: must be from 1 to 48"),
        ("attack_share", 1.5, "--attack-share 1.5: must be from 0 to 1"),
        ("malformed_share", -0.1, "--malformed-share -0.1"),
        ("clients", 0, "--clients 0"),
        ("format", "weblog", "--format 'weblog': cannot be written: one of combined"),
        ("start", datetime(2026, 1, 1), "has no time zone"),  # noqa: DTZ001 - that is the point
        ("start", datetime(1960, 1, 1, tzinfo=UTC), "in the years 1971 to 2100"),
    ],
)
def test_a_value_that_makes_no_traffic_is_refused_with_its_name_and_bounds(
    field: str, value: object, says: str
) -> None:
    with pytest.raises(SimulationError) as caught:
        Simulation(**{field: value})  # type: ignore[arg-type]
    assert says in str(caught.value)
