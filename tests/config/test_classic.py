"""The classic block says the same as today's keys."""

from pathlib import Path

import pytest

from vedette.config import Config
from vedette.config.alarm import AlarmMode
from vedette.config.errors import ConfigError

CLASSIC = """\
ai:
  enabled: true
  analysisInterval: 30s
  baselineWindow: 7d
  anomalyThreshold: 3.5
  minSamplesForBaseline: 40
  enableAlerts: true
  alertWebhookUrl: https://hooks.example.com/vedette
  flushInterval: 15
  tags: {environment: production}
"""


def load(tmp_path: Path, text: str, **environment: str) -> Config:
    path = tmp_path / "vedette.yaml"
    path.write_text(text)
    return Config.load(path, environment=environment)


def test_each_classic_key_stands_for_a_key_of_today(tmp_path: Path) -> None:
    config = load(tmp_path, CLASSIC)
    assert config.windows.span_s == 30
    assert config.alarm.mode is AlarmMode.THRESHOLD
    assert config.alarm.threshold_z == 3.5
    assert config.baselines.min_windows == 40
    (webhook,) = config.alerts.channels.webhook
    assert webhook.url is not None
    assert webhook.url.get_secret_value() == "https://hooks.example.com/vedette"
    assert config.live.commit_s == 15
    assert config.alerts.tags == {"environment": "production"}


def test_alerts_that_are_switched_off_go_nowhere(tmp_path: Path) -> None:
    config = load(tmp_path, "ai: {enableAlerts: false, alertWebhookUrl: 'https://hooks.example.com/x'}")
    (route,) = config.alerts.routes
    assert route.channels == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ai:\n  analysisIntervall: 5\n", "vedette.yaml:2: ai.analysisIntervall = 5: is no classic key"),
        ("ai:\n  analysisInterval: soon\n", 'ai.analysisInterval = "soon": must be seconds, or text like'),
        ("ai:\n  enabled: false\n", "ai.enabled = false: must be true"),
        ("ai:\n  anomalyThreshold: high\n", "must be a number of standard deviations"),
        (
            "ai:\n  minSamplesForBaseline: 2\n",
            "vedette.yaml:2: baselines.min_windows = 2: must be at least 10",
        ),
        ("ai: 7\n", "vedette.yaml:1: ai: must be a mapping of classic keys"),
        (
            "windows:\n  span_s: 20\nai:\n  analysisInterval: 30\n",
            "vedette.yaml:4: ai.analysisInterval: windows.span_s says the same at vedette.yaml:2",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert told in refused.value.problems[0].replace(f"{tmp_path}/", "")


def test_variables_with_names_of_their_own_are_understood(tmp_path: Path) -> None:
    config = load(tmp_path, "", WARMUP_LOGS="1000", LOG_LEVEL="WARNING")
    assert config.learned.warmup == 1000
    assert config.live.log_level.value == "warning"


@pytest.mark.parametrize(
    ("given", "level"),
    [("warn", "warning"), ("TRACE", "debug"), ("20", "info"), ("fatal", "error"), ("Info", "info")],
)
def test_a_log_level_that_was_set_for_other_programs_is_understood(
    tmp_path: Path, given: str, level: str
) -> None:
    assert load(tmp_path, "", LOG_LEVEL=given).live.log_level.value == level


def test_a_log_level_of_our_own_variable_is_one_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"VEDETTE_LIVE__LOG_LEVEL: live\.log_level"):
        load(tmp_path, "", VEDETTE_LIVE__LOG_LEVEL="warn")
    with pytest.raises(ConfigError, match=r"LOG_LEVEL: live\.log_level = \"loud\""):
        load(tmp_path, "", LOG_LEVEL="loud")


def test_models_lie_where_their_variable_says(tmp_path: Path) -> None:
    assert load(tmp_path, "", MODEL_DIR="/var/lib/models").learned.models == "/var/lib/models"


def test_a_loki_without_an_address_has_that_of_the_variable(tmp_path: Path) -> None:
    text = """
sources:
  loki:
    - {name: a, query: '{app="shop"}'}
    - {name: b, query: '{app="mail"}', url: "http://other:3100"}
"""
    config = load(tmp_path, text, LOKI_URL="http://loki:3100")
    assert [(loki.name, loki.url) for loki in config.sources.loki] == [
        ("a", "http://loki:3100"),
        ("b", "http://other:3100"),
    ]


def test_without_a_loki_in_the_file_the_variable_makes_one(tmp_path: Path) -> None:
    (loki,) = load(tmp_path, "", LOKI_URL="http://loki:3100").sources.loki
    assert (loki.url, loki.query) == ("http://loki:3100", '{job=~".+"}')


def test_a_wrong_address_of_the_variable_is_refused_by_its_name(tmp_path: Path) -> None:
    for text in ("", "sources: {loki: [{query: '{a=\"b\"}'}]}\n"):
        with pytest.raises(ConfigError) as refused:
            load(tmp_path, text, LOKI_URL="loki:3100")
        assert refused.value.problems[0].startswith('LOKI_URL: sources.loki[0].url = "loki:3100"')


def test_a_variable_with_a_prefix_wins(tmp_path: Path) -> None:
    config = load(tmp_path, "", WARMUP_LOGS="1000", VEDETTE_LEARNED__WARMUP="2000")
    assert config.learned.warmup == 2000
