"""Settings from file, environment and command line, and where a wrong one stands."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.config import AlarmMode, Config, ConfigError
from vedette.config.exceptions import ExceptionRule, read_exceptions
from vedette.schema.anomaly import Severity

A_NETWORK = "must be an address or network, like 10.0.0.0/8 or 2001:db8::/32"
A_ZONE = "must be UTC, an offset like +02:00, or a zone like Europe/Berlin"


def load(tmp_path: Path, text: str, **more: Any) -> Config:
    path = tmp_path / "vedette.yaml"
    path.write_text(text)
    return Config.load(path, **more)


def problems(tmp_path: Path, text: str, **more: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, **more)
    return [problem.replace(f"{tmp_path}/", "") for problem in caught.value.problems]


def test_nothing_given_is_every_default() -> None:
    config = Config.load()
    assert config == Config()
    assert config.windows.span_s == 60
    assert config.alarm.mode is AlarmMode.BUDGET
    assert config.alarm.per_week == 1.0
    assert config.detectors.ddos.client_share == 0.7
    assert config.detectors.ddos.client_requests_per_minute == 1000


def test_every_default_keeps_to_its_own_rule() -> None:
    assert Config.model_validate_json(Config.load().model_dump_json()) == Config.load()


def test_a_file_sets_what_it_names(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        input:
          trusted_proxies: [10.0.0.0/8, "::1", 192.0.2.7]
          timezone: Europe/Berlin
          fields: {status: response.code}
          services:
            - name: shop
              files: ["*/shop*.log"]
        alarm: {mode: threshold, threshold_z: 4}
        baselines: {holidays: [2024-12-25]}
        output: {fail_on: high}
        """,
    )
    assert config.input.trusted_proxies == ("10.0.0.0/8", "::1/128", "192.0.2.7/32")
    assert config.input.fields == {"status": "response.code"}
    assert config.input.services[0].files == ("*/shop*.log",)
    assert config.alarm.mode is AlarmMode.THRESHOLD
    assert config.alarm.threshold_z == 4.0
    assert config.baselines.holidays == (date(2024, 12, 25),)
    assert config.output.fail_on is Severity.HIGH


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "detectors:\n", "detectors:\n  ddos:\n"])
def test_an_empty_section_means_its_defaults(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, text) == Config()


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    text = "windows: {span_s: 10, lateness_s: 11}\nroutes: {slug_values: 12}\n"
    environment = {
        "VEDETTE_WINDOWS__LATENESS_S": "21",
        "VEDETTE_ROUTES__SLUG_VALUES": "22",
        "VEDETTE_KERNELS": "compile",
    }
    config = load(tmp_path, text, environment=environment, overrides={"routes.slug_values": 32})
    assert (config.windows.span_s, config.windows.lateness_s, config.routes.slug_values) == (10, 21, 32)


def test_the_environment_can_give_lists() -> None:
    config = Config.load(environment={"VEDETTE_INPUT__TRUSTED_PROXIES": "[10.0.0.0/8]"})
    assert config.input.trusted_proxies == ("10.0.0.0/8",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "\n" * 11 + "detectors:\n  latency:\n    min_windows: 5\n",
            (
                "vedette.yaml:14: detectors.latency.min_windows = 5: "
                "must be at least 30 (fewer make a p99 meaningless)"
            ),
        ),
        ("\n\ndetectorz: {}\n", "vedette.yaml:3: detectorz: no such key; did you mean 'detectors'?"),
        (
            "windows: {color: red}\n",
            "vedette.yaml:1: windows.color: no such key; known keys here: span_s, lateness_s",
        ),
        (
            "input:\n  services:\n    - name: shop\n      hots: [a]\n",
            "vedette.yaml:4: input.services[0].hots: no such key; did you mean 'hosts'?",
        ),
        ("input:\n  services:\n    - hosts: [a]\n", "vedette.yaml:3: input.services[0].name: must be given"),
        ("windows: {span_s: yes}\n", 'vedette.yaml:1: windows.span_s = "yes": must be a whole number'),
        ("windows: {span_s: true}\n", "vedette.yaml:1: windows.span_s = true: must be a whole number"),
        ("windows: {span_s: 1.5}\n", "vedette.yaml:1: windows.span_s = 1.5: must be a whole number"),
        ("windows: {span_s: 90000}\n", "vedette.yaml:1: windows.span_s = 90000: must be at most 86400"),
        ("windows: 5\n", "vedette.yaml:1: windows = 5: must be a mapping of keys to values"),
        ("alarm: {threshold_z: 0}\n", "vedette.yaml:1: alarm.threshold_z = 0: must be above 0.0"),
        (
            "alarm: {threshold_z: 1e999}\n",
            "vedette.yaml:1: alarm.threshold_z = Infinity: must be a finite number",
        ),
        (
            "alarm: {mode: both}\n",
            "vedette.yaml:1: alarm.mode = \"both\": must be one of 'budget' or 'threshold'",
        ),
        (
            "detectors: {ddos: {enabled: 1}}\n",
            "vedette.yaml:1: detectors.ddos.enabled = 1: must be true or false",
        ),
        ("routes: {templates: /x}\n", 'vedette.yaml:1: routes.templates = "/x": must be a list, like [a, b]'),
        ("store: {url: 5}\n", "vedette.yaml:1: store.url = 5: must be text; put it in quotes"),
        ("store: {url: ''}\n", 'vedette.yaml:1: store.url = "": must have at least 1 characters'),
        (
            "input: {fields: [a]}\n",
            'vedette.yaml:1: input.fields = ["a"]: must be a mapping of keys to values',
        ),
        (
            "baselines:\n  holidays:\n    - 2024-12-25\n    - xmas\n",
            'vedette.yaml:4: baselines.holidays[1] = "xmas": must be a day, like 2024-12-25',
        ),
        (
            "input: {trusted_proxies: [proxy]}\n",
            f'vedette.yaml:1: input.trusted_proxies[0] = "proxy": {A_NETWORK}',
        ),
        (
            "input: {timezone: Mars}\n",
            f'vedette.yaml:1: input.timezone = "Mars": {A_ZONE}',
        ),
        (
            "input: {timezone: ../../etc/passwd}\n",
            f'vedette.yaml:1: input.timezone = "../../etc/passwd": {A_ZONE}',
        ),
        ("- a\n", "vedette.yaml:1: must hold `key: value` lines, not a list or a single value"),
        ("a: 1\na: 2\n", "vedette.yaml:2: 'a' stands twice, first on line 1; keep one"),
    ],
)
def test_a_mistake_is_told_with_line_key_value_rule_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    assert problems(tmp_path, text) == [said]


def test_all_mistakes_are_told_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "outputs: {}\nwindows:\n  span_s: 0\n  lateness_s: -1\nalarm: {mode: x}\n"
    found = problems(
        tmp_path, text, environment={"VEDETTE_ROUTES__SLUG_VALUES": "1"}, overrides={"output.top": 0}
    )
    assert [problem.split(" = ")[0] for problem in found] == [
        "vedette.yaml:1: outputs: no such key; did you mean 'output'?",
        "vedette.yaml:3: windows.span_s",
        "vedette.yaml:4: windows.lateness_s",
        "vedette.yaml:5: alarm.mode",
        "VEDETTE_ROUTES__SLUG_VALUES: routes.slug_values",
        "command line: output.top",
    ]


def test_the_message_is_the_first_mistake_and_how_many_follow(tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text("a: 1\nb: 2\nc: 3\n")
    with pytest.raises(ConfigError) as caught:
        Config.load(path)
    assert str(caught.value).startswith(f"{path}:1: a: no such key; known keys here: input, windows")
    assert str(caught.value).endswith(" (and 2 more)")


def test_an_unknown_variable_of_ours_is_a_mistake() -> None:
    with pytest.raises(
        ConfigError, match=r"^VEDETTE_WINDOWS__SPAM_S: windows\.spam_s: no such key; did you mean 'span_s'"
    ):
        Config.load(environment={"VEDETTE_WINDOWS__SPAM_S": "1"})


def test_a_variable_that_is_no_yaml_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"^VEDETTE_WINDOWS__SPAN_S: not YAML"):
        Config.load(environment={"VEDETTE_WINDOWS__SPAN_S": "[1"})


def test_a_section_that_is_none_is_told_even_when_a_variable_sets_a_key_in_it(tmp_path: Path) -> None:
    found = problems(tmp_path, "windows: 5\n", environment={"VEDETTE_WINDOWS__SPAN_S": "30"})
    assert found == ["vedette.yaml:1: windows = 5: must be a mapping of keys to values"]


def test_a_file_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: no such file; check the path$"):
        Config.load(tmp_path / "gone.yaml")


def test_a_file_that_does_not_exist_is_told_with_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        Config.load(Path("gone.yaml"))
    assert str(caught.value).endswith(
        f"gone.yaml: no such file; check the path; it was looked for from {tmp_path}"
    )


def test_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        Config.load(tmp_path)


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match=r"v\.yaml:2: not UTF-8 text; save the file as UTF-8"):
        Config.load(path)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(ConfigError, match="more than 262144 bytes"):
        Config.load(path)


def test_control_characters_of_a_mistake_do_not_reach_the_terminal(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, '"\\e[31mred\\a": 1\n')
    assert "\x1b" not in problem
    assert "\\x1b[31mred\\x07: no such key" in problem


def test_half_a_surrogate_is_refused_not_a_crash(tmp_path: Path) -> None:
    assert problems(tmp_path, 'store: {url: "\\ud800"}\n')


names = st.sampled_from(
    ["input", "windows", "alarm", "detectors", "ddos", "span_s", "mode", "services", "holidays", "x"]
)
trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(names, trees, max_size=4))
def test_any_tree_is_a_configuration_or_a_named_mistake(tree: dict[str, Any]) -> None:
    try:
        Config.load(overrides=tree)
    except ConfigError as error:
        assert all(problem.startswith("command line: ") for problem in error.problems)  # noqa: PT017 # either outcome is right


def test_importing_it_brings_neither_yaml_nor_settings_machinery() -> None:
    heavy = "{'yaml', 'pydantic_settings', 'sqlalchemy', 'numpy'}"
    code = f"import vedette.config, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_rules_that_the_page_on_them_shows_can_be_used(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "custom-rules.md").read_text()
    path = tmp_path / "vedette.yaml"
    path.write_text(page.partition("```yaml\n")[2].partition("```")[0])
    assert [rule.name for rule in Config.load(path).rules] == ["many-errors", "partner-silent"]


@pytest.mark.parametrize(
    ("text", "weekly"),
    [
        ("1/week", 1.0),
        ("2/day", 14.0),
        ("1 per hour", 168.0),
        ("0.5 / month", 0.5 * 7 * 12 / 365.25),
        ("3", 3.0),
        ("0.25", 0.25),
        ("low", 7 * 12 / 365.25),
        ("medium", 1.0),
        ("high", 7.0),
        ("highest", 168.0),
    ],
)
def test_a_budget_is_a_rate_or_a_name_of_one(tmp_path: Path, text: str, weekly: float) -> None:
    assert load(tmp_path, f"alarm: {{budget: {text}}}").alarm.per_week == pytest.approx(weekly)


@pytest.mark.parametrize(
    "text", ["1/fortnight", "0/week", "-1/week", "often", "true", "[1]", "100/hour", "1e9"]
)
def test_what_is_no_budget_is_refused(tmp_path: Path, text: str) -> None:
    (problem,) = problems(tmp_path, f"alarm: {{budget: {text}}}")
    assert problem.startswith("vedette.yaml:1: alarm.budget = ")
    assert "must be" in problem


def test_the_exceptions_that_the_page_on_them_shows_can_be_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "false-alarms.md").read_text()
    path = tmp_path / "exceptions.yaml"
    path.write_text(page.split("```yaml\n")[2].partition("```")[0])
    first, second = read_exceptions(path)
    assert str(first) == "sql-union-select in parameter q of shop /search"
    assert second.up_to == 0.33
    assert [
        key for key in ExceptionRule.model_fields if f"{key}:" not in page and f"`{key}`" not in page
    ] == []


@pytest.mark.parametrize(("text", "attackers"), [("all", "all"), ('"all"', "all"), ("0", 0), ("1000", 1000)])
def test_how_many_attackers_are_told_apart_is_a_number_or_all(
    tmp_path: Path, text: str, attackers: int | str
) -> None:
    alarm = load(
        tmp_path,
        f"alarm: {{attackers_told_apart: {text}, services: [{{service: intra*, attackers: {text}}}]}}",
    ).alarm
    assert (alarm.attackers_told_apart, alarm.services[0].attackers) == (attackers, attackers)


@pytest.mark.parametrize("text", ["-1", "1001", "2.5", "true", "every", "null", "[5]", '"5"'])
def test_what_is_no_number_of_attackers_is_refused_by_its_place(tmp_path: Path, text: str) -> None:
    rule = "must be a whole number from 0 to 1,000, or all"
    (problem,) = problems(tmp_path, f"alarm:\n  attackers_told_apart: {text}")
    shown = json.dumps(yaml.safe_load(text))
    assert problem == f"vedette.yaml:2: alarm.attackers_told_apart = {shown}: {rule}"
    (problem,) = problems(tmp_path, f"alarm:\n  services: [{{service: a, attackers: {text}}}]")
    assert problem == f"vedette.yaml:2: alarm.services[0].attackers = {shown}: {rule}"


def test_attackers_told_apart_can_be_told_by_the_environment(tmp_path: Path) -> None:
    config = load(tmp_path, "", environment={"VEDETTE_ALARM__ATTACKERS_TOLD_APART": "all"})
    assert config.alarm.attackers_told_apart == "all"
