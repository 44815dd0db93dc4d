"""Keys about alerts: what is wrong is named, and secrets are not."""

from pathlib import Path

import pytest

from vedette.config import Config, ConfigError
from vedette.config.effective import effective
from vedette.config.secret import masked, without_password

SECRET = "T0PS3CRET"


def problems(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "v.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Config.load(path)
    return tuple(each.removeprefix(f"{path}:") for each in caught.value.problems)


def channel(kind: str, keys: str) -> str:
    return f"alerts:\n  channels:\n    {kind}:\n      - {{name: it, {keys}}}\n"


@pytest.mark.parametrize(
    ("kind", "keys", "said"),
    [
        (
            "slack",
            f'url: "ftp://x.example/{SECRET}"',
            "url: must be an address like https://hooks.example.com/path",
        ),
        ("slack", f'url: "https://ann:{SECRET}@x.example/"', "url: must not hold a user and password"),
        (
            "slack",
            f'url: "https://x.example/{SECRET}", url_file: f',
            "must have `url` or `url_file`, not both",
        ),
        ("slack", "per_hour: 5", "must have `url` or `url_file`"),
        ("slack", f'url: "https://x.example/{SECRET}", per_hour: 0', "per_hour = 0: must be at least 1"),
        (
            "webhook",
            f'url: "https://x.example/", token: {SECRET}, headers: {{"a b": c}}',
            "'a b': must be a header's name",
        ),
        ("pagerduty", f"routing_key: [{SECRET}]", "routing_key: "),
        (
            "mail",
            f"host: h, sender: a@b.example, recipients: [c@d.example], username: u, password: {SECRET}, security: none",
            "a password is not sent in the clear",
        ),
        ("mail", 'host: h, sender: "a@b.example\\r\\nBcc: x", recipients: [c@d.example]', "sender = "),
        ("mail", "host: h, sender: a@b.example, recipients: []", "recipients = []: must have at least 1"),
    ],
)
def test_what_is_wrong_is_named_without_secrets(tmp_path: Path, kind: str, keys: str, said: str) -> None:
    found = problems(tmp_path, channel(kind, keys))
    assert any(said in each for each in found), found
    assert not any(SECRET in each for each in found), found


def test_a_route_to_a_channel_that_is_none_lists_those_that_are(tmp_path: Path) -> None:
    text = channel("slack", f'url: "https://x.example/{SECRET}"') + "  routes:\n    - {channels: [that]}\n"
    (found,) = problems(tmp_path, text)
    assert "routes[0].channels: there is no channel 'that'; there are: it" in found
    assert SECRET not in found


def test_names_are_distinct_over_all_kinds(tmp_path: Path) -> None:
    text = (
        channel("slack", 'url: "https://x.example/"') + '    teams: [{name: it, url: "https://y.example/"}]\n'
    )
    assert "two channels are named 'it'" in problems(tmp_path, text)[0]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ('quiet_hours: [{start: "25:00", end: "07:00"}]', 'must be a time of day in quotes, like "22:00"'),
        (
            'quiet_hours: [{start: "22:00", end: "07:00", timezone: Mars}]',
            "must be UTC, an offset like +02:00, or a zone",
        ),
        ("silences: [{until: soon}]", "must be a time, like 2024-12-25T08:30Z"),
        ("tags: {a-b: c}", "'a-b': must be letters, digits and _"),
        ("link: vedette.example.com", "must be an address like"),
    ],
)
def test_other_keys_say_their_rule(tmp_path: Path, key: str, said: str) -> None:
    (found,) = problems(tmp_path, f"alerts:\n  {key}\n")
    assert said in found


def test_what_is_shown_of_the_configuration_hides_secrets(tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text(
        "alerts:\n  channels:\n"
        f'    webhook: [{{name: a, url: "https://x.example/{SECRET}", secret: {SECRET}, token: {SECRET}}}]\n'
        f"    pagerduty: [{{name: b, routing_key: {SECRET}}}]\n"
        f'    apprise: [{{name: c, url: "json://{SECRET}"}}]\n'
        f'    alertmanager: [{{name: d, url: "https://x.example", username: u, password: {SECRET}}}]\n'
    )
    assert SECRET not in effective(path, {})
    assert SECRET not in repr(Config.load(path))


def test_what_is_shown_in_place_of_a_secret_is_not_taken_for_one(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, channel("pagerduty", 'routing_key: "**********"'))
    assert "is what is shown in place of a secret: give the secret itself" in found


def test_a_change_is_noted_without_its_secrets() -> None:
    change = {
        "alerts": {
            "channels": {
                "slack": [{"name": "a", "url": f"https://x.example/{SECRET}", "per_hour": 5}],
                "pagerduty": [{"name": "b", "routing_key": SECRET, "rooting_key": SECRET}],
            },
            "tags": {"team": "shop"},
        },
        "store": {"url": f"postgresql://ann:{SECRET}@db/v?sslmode=require&sslpassword={SECRET}"},
        "alarm": {"budget": "2/day"},
    }
    assert masked(Config, change) == {
        "alerts": {
            "channels": {
                "slack": [{"name": "a", "url": "***", "per_hour": 5}],
                "pagerduty": [{"name": "b", "routing_key": "***", "rooting_key": "***"}],
            },
            "tags": {"team": "shop"},
        },
        "store": {"url": "postgresql://ann:***@db/v?sslmode=require&sslpassword=***"},
        "alarm": {"budget": "2/day"},
    }
    assert masked(Config, {"alerts": SECRET.split()}) == {"alerts": ["***"]}
    assert masked(Config, {"alerts": SECRET}) == {"alerts": "***"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///v.db", "sqlite:///v.db"),
        ("sqlite:////a@b:c/v.db", "sqlite:////a@b:c/v.db"),
        (
            "postgresql://ann@db:5432/v?password_file=/run/p",
            "postgresql://ann@db:5432/v?password_file=/run/p",
        ),
        (f"mongodb://ann:{SECRET}@db:27017/v", "mongodb://ann:***@db:27017/v"),
        (f"postgresql://ann:p@{SECRET}@db/v", "postgresql://ann:***@db/v"),
        (f"postgresql://db/v?password={SECRET}", "postgresql://db/v?password=***"),
    ],
)
def test_a_stores_url_is_shown_without_its_password(tmp_path: Path, url: str, shown: str) -> None:
    assert without_password(url) == shown
    path = tmp_path / "v.yaml"
    path.write_text(f'store: {{url: "{url}"}}\n')
    config = Config.load(path)
    assert config.store.url == url
    assert config.model_dump(mode="json")["store"]["url"] == shown
    assert SECRET not in effective(path, {})
