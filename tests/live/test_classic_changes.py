"""A running service can be changed by the classic block as by today's keys."""

from pathlib import Path
from typing import Any

import pytest

from vedette.config import Config, ConfigError
from vedette.config.classic import KEYS, SETS
from vedette.live.classic_changes import masked_block
from vedette.live.reload import Settings

URL = "https://hooks.example.com/vedette"


def settings(tmp_path: Path, text: str = "") -> Settings:
    path = tmp_path / "vedette.yaml"
    path.write_text(text)
    return Settings(path, {}, {})


def put(there: Settings, changes: dict[str, Any]) -> Config:
    """In force afterwards."""
    there.accept(*there.changed(changes))
    return there.config


def refused(there: Settings, changes: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        there.changed(changes)
    return caught.value.problems


def webhooks(config: Config) -> list[tuple[str, str]]:
    found = config.alerts.channels.webhook
    return [(one.name, one.url.get_secret_value()) for one in found if one.url is not None]


def test_the_whole_block_stands_for_todays_keys(tmp_path: Path) -> None:
    block = {
        "enabled": True,
        "analysisInterval": "30s",
        "baselineWindow": "7d",
        "anomalyThreshold": 3.5,
        "minSamplesForBaseline": 40,
        "enableAlerts": True,
        "alertWebhookUrl": URL,
        "retentionDays": 14,
        "flushInterval": 15,
        "tags": ["production", "team:shop"],
    }
    config = put(settings(tmp_path), {"ai": block})
    assert (config.windows.span_s, config.alarm.mode.value, config.alarm.threshold_z) == (
        30,
        "threshold",
        3.5,
    )
    assert (config.baselines.min_windows, config.live.commit_s) == (40, 15)
    assert config.store.retention.anomalies_d == 14
    assert config.alerts.tags == {"production": "true", "team": "shop"}
    assert webhooks(config) == [("webhook", URL)]
    assert config.alerts.routes == ()


def test_each_classic_key_says_what_it_sets(tmp_path: Path) -> None:
    """So that null takes back as much as a value sets."""
    values = {
        "enableAlerts": False,
        "alertWebhookUrl": URL,
        "retentionDays": 9,
        "tags": {"a": "b"},
        "enabled": True,
    }
    for name in KEYS:
        _, changes = settings(tmp_path).changed({"ai": {name: values.get(name, 31)}})
        known = SETS.get(name, ())
        assert all(key.startswith(known) for key in changes), name
        assert {key for key in known if any(each.startswith(key) for each in changes)} == set(known)
        there = settings(tmp_path)
        put(there, {"ai": {name: values.get(name, 31)}})
        put(there, {"ai": {name: None}})
        assert there.changes == {}


def test_alerts_that_were_switched_off_are_switched_on_again(tmp_path: Path) -> None:
    route = (
        "alerts: {channels: {slack: [{name: ops, url: 'https://a.example'}]}, routes: [{channels: [ops]}]}"
    )
    there = settings(tmp_path, route)
    assert put(there, {"ai": {"enableAlerts": True}}).alerts.routes[0].channels == ("ops",)
    assert put(there, {"ai": {"enableAlerts": False}}).alerts.routes[0].channels == ()
    assert put(there, {"ai": {"enableAlerts": True}}).alerts.routes[0].channels == ("ops",)
    there = settings(tmp_path, "ai: {enableAlerts: false}")
    assert put(there, {"ai": {"enableAlerts": True}}).alerts.routes == ()


def test_a_webhook_comes_and_goes_and_takes_no_other_channel_with_it(tmp_path: Path) -> None:
    there = settings(tmp_path, "alerts: {channels: {slack: [{name: ops, url: 'https://a.example'}]}}")
    assert webhooks(put(there, {"ai": {"alertWebhookUrl": ""}})) == []
    for url in (URL, URL + "/2"):
        assert webhooks(put(there, {"ai": {"alertWebhookUrl": url}})) == [("webhook", url)]
    config = put(there, {"ai": {"alertWebhookUrl": ""}})
    assert webhooks(config) == []
    assert [one.name for one in config.alerts.channels.each()] == ["ops"]
    there = settings(tmp_path, f"ai: {{alertWebhookUrl: '{URL}'}}")
    assert webhooks(put(there, {"ai": {"alertWebhookUrl": ""}})) == []


def test_webhooks_of_other_names_are_not_taken_away(tmp_path: Path) -> None:
    there = settings(tmp_path, "alerts: {channels: {webhook: [{name: mine, url: 'https://a.example'}]}}")
    for url in (URL, ""):
        (problem,) = refused(there, {"ai": {"alertWebhookUrl": url}})
        assert problem == (
            "ai.alertWebhookUrl: would take away the webhooks that have other names (mine): "
            "change alerts.channels.webhook"
        )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ai": 7}, "ai: must be a mapping of classic keys"),
        (
            {"ai": {"enabled": False}},
            "ai.enabled = false: must be true: a service that is not to run is not started",
        ),
        (
            {"ai": {"analysisInterval": "soon"}},
            'ai.analysisInterval = "soon": must be seconds, or text like 30s',
        ),
        (
            {"ai": {"treshold": None}},
            "ai.treshold = null: is no classic key; there are enabled, analysisInterval",
        ),
        (
            {"ai": {"minSamplesForBaseline": 2}},
            (
                "changed over the API: baselines.min_windows = 2: must be at least 10 "
                "(a spread from fewer is a guess) (given as ai.minSamplesForBaseline)"
            ),
        ),
        (
            {"ai": {"analysisInterval": 30}, "windows": {"span_s": 20}},
            "ai.analysisInterval: windows.span_s says the same: leave one of them out",
        ),
        (
            {"ai": {"anomalyThreshold": 3}, "alarm": None},
            "ai.anomalyThreshold: alarm says the same: leave one of them out",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_name_that_was_given(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    there = settings(tmp_path)
    assert refused(there, changes)[0].startswith(told)
    assert there.changes == {}


def test_a_section_that_is_null_goes_back_as_a_whole(tmp_path: Path) -> None:
    there = settings(tmp_path, "alarm: {budget: 2/week}")
    put(there, {"alarm": {"budget": "1/day", "threshold_z": 4}, "windows": {"span_s": 30}})
    config = put(there, {"alarm": None})
    assert (config.alarm.budget, config.alarm.threshold_z, config.windows.span_s) == ("2/week", 3.0, 30)
    assert there.changes == {"windows.span_s": 30}


def test_an_audit_shows_no_secret_of_the_block() -> None:
    shown = masked_block({"alertWebhookUrl": URL, "token": "secret", "retentionDays": 7})
    assert shown == {"alertWebhookUrl": "***", "token": "***", "retentionDays": 7}
    assert masked_block(URL) == "***"
