"""Which channels an incident goes to."""

from typing import Any

from tests.channels.made import alerts, incident
from vedette.channels.routing import channels_of, tags_of
from vedette.schema.anomaly import AnomalyType, Severity

HOOKS = {"webhook": [{"name": name, "url": "https://h.example/"} for name in ("a", "b", "c")]}


def chosen(routes: list[dict[str, Any]], **of: Any) -> tuple[str, ...]:
    severity = of.pop("severity", Severity.HIGH)
    return channels_of(incident(severity=severity, **of), alerts(channels=HOOKS, routes=routes))


def test_without_routes_all_channels_are_told() -> None:
    assert chosen([]) == ("a", "b", "c")


def test_the_first_route_that_matches_decides() -> None:
    routes = [{"services": ["sh*"], "channels": ["a"]}, {"channels": ["b"]}]
    assert chosen(routes) == ("a",)
    assert chosen(routes, services=("pay",)) == ("b",)


def test_one_that_does_not_stop_adds_to_those_below() -> None:
    assert chosen([{"channels": ["a"], "stop": False}, {"channels": ["b", "a"]}]) == ("a", "b")


def test_one_without_channels_keeps_it_from_being_told() -> None:
    assert chosen([{"services": ["shop"], "channels": []}, {"channels": ["b"]}]) == ()


def test_types_and_severity_must_match() -> None:
    routes = [{"types": ["sql_injection"], "min_severity": "high", "channels": ["a"]}]
    both = (AnomalyType.ERROR_SPIKE, AnomalyType.SQL_INJECTION)
    assert chosen(routes) == ()
    assert chosen(routes, types=both) == ("a",)
    assert chosen(routes, types=both, severity=Severity.MEDIUM) == ()


def test_what_several_services_share_goes_to_the_people_of_each() -> None:
    routes = [
        {"services": ["shop"], "channels": ["a"]},
        {"services": ["pay"], "channels": ["b"]},
        {"channels": ["c"]},
    ]
    assert chosen(routes, services=("pay", "shop")) == ("b", "a")
    assert chosen(routes, services=("search", "shop")) == ("c", "a")


def test_tags_of_a_service_win_over_general_ones_and_routes_match_them() -> None:
    keys = {
        "channels": HOOKS,
        "tags": {"team": "web", "environment": "production"},
        "service_tags": [{"services": ["shop"], "tags": {"team": "shop"}}],
        "routes": [{"tags": {"team": "shop", "environment": "production"}, "channels": ["a"]}],
    }
    configuration = alerts(**keys)
    assert tags_of(incident(), configuration) == {"team": "shop", "environment": "production"}
    assert channels_of(incident(), configuration) == ("a",)
    assert channels_of(incident(services=("pay",)), configuration) == ()
