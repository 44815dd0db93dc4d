"""What channels send: as the page shows it, and harmless whatever a log held."""

import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.channels.made import START, alerts, incident, notice
from tests.channels.payloads import ONE, PAGE, SEVERAL, SHOWN, item, shown
from tests.channels.receiver import Receiver
from vedette.channels import alertmanager, discord, mail, pagerduty, slack, teams, webhook, words
from vedette.channels.build import build_channels
from vedette.channels.channel import Failed, Sent
from vedette.channels.message import Item, Message
from vedette.config import Config
from vedette.config.alerts import Channels
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change

needs_apprise = pytest.mark.skipif(
    find_spec("apprise") is None, reason="needs apprise: pip install 'vedette[channels]'"
)
# It imports a module that Python 3.13 has no more, where there is one.
of_apprise = pytest.mark.filterwarnings("ignore::DeprecationWarning")

REMAKE = "stale; remake it with: python -m tests.channels.payloads"


def test_the_page_shows_what_is_sent() -> None:
    assert shown(PAGE.read_text()) == {name: text() for name, text in SHOWN.items()}, REMAKE


def fences(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", fences("yaml"))
def test_the_pages_configurations_are_usable(text: str, tmp_path: Path) -> None:
    path = tmp_path / "vedette.yaml"
    path.write_text(text)
    config = Config.load(path)
    assert [name for name in yaml.safe_load(text) if getattr(config, name) == getattr(Config(), name)] == []


def test_the_pages_receiver_tells_genuine_messages_from_others() -> None:
    (code,) = fences("python")
    names: dict[str, Any] = {}
    exec(code, names)
    body = json.dumps(webhook.payload(ONE)).encode()
    header = webhook.signature("key", body, START)
    now = START / 1e6
    assert names["genuine"]("key", header, body, now)
    assert not names["genuine"]("key", header, body + b" ", now)
    assert not names["genuine"]("other", header, body, now)
    assert not names["genuine"]("key", header, body, now + 600)


def built(kind: str, **keys: Any) -> Any:
    (channel,) = build_channels(alerts(channels={kind: [{"name": "it", **keys}]}))
    return channel


@pytest.mark.parametrize("kind", ["webhook", "slack", "discord", "teams"])
def test_each_posts_its_payload(kind: str, hook: Receiver) -> None:
    assert built(kind, url=hook.url).send(ONE) == Sent()
    payload = {"webhook": webhook, "slack": slack, "discord": discord, "teams": teams}[kind].payload(ONE)
    assert [json.loads(got.body) for got in hook.got] == [payload]


def test_a_webhook_carries_its_id_signature_token_and_headers(hook: Receiver) -> None:
    keys = {"secret": "key", "token": "t0ken", "headers": {"X-Team": "shop"}}
    built("webhook", url=hook.url, **keys).send(ONE)
    (got,) = hook.got
    assert got.headers["idempotency-key"] == ONE.id
    assert got.headers["x-vedette-signature"] == webhook.signature("key", got.body, ONE.at)
    assert got.headers["authorization"] == "Bearer t0ken"
    assert got.headers["x-team"] == "shop"


def test_pagerduty_triggers_and_resolves_one_alert(hook: Receiver) -> None:
    pager = built("pagerduty", url=hook.url, routing_key="R1")
    assert pager.send(ONE) == Sent("vedette-i7c1f")
    assert pager.send(Message("m2", (item(Change.CLOSED),), START)) == Sent("vedette-i7c1f")
    events = [json.loads(got.body) for got in hook.got]
    assert [(e["event_action"], e["dedup_key"]) for e in events] == [
        ("trigger", "vedette-i7c1f"),
        ("resolve", "vedette-i7c1f"),
    ]


@needs_apprise
@of_apprise
def test_apprise_brings_it_to_a_service_that_it_knows(hook: Receiver) -> None:
    other = built("apprise", url=hook.url.replace("http://", "json://") + "/in")
    assert other.send(ONE) == Sent()
    (got,) = hook.got
    told = json.loads(got.body)
    assert told["title"] == "Opened: Errors on shop /cart"
    assert "41 % of 1,234 requests failed" in told["message"]
    hook.answers.append(lambda handler: handler.send_error(500))
    assert isinstance(other.send(ONE), Failed)


@needs_apprise
@of_apprise
@pytest.mark.parametrize(
    ("severity", "change", "priority"),
    [
        (Severity.CRITICAL, Change.OPENED, "max"),
        (Severity.HIGH, Change.WORSE, "high"),
        (Severity.MEDIUM, Change.OPENED, None),
        (Severity.LOW, Change.OPENED, "low"),
        (Severity.CRITICAL, Change.CLOSED, "low"),
    ],
)
def test_ntfy_gets_the_priority_of_the_severity(
    hook: Receiver, severity: Severity, change: Change, priority: str | None
) -> None:
    message = Message("m1", (item(change, "i1", severity),), START)
    url = hook.url.replace("http://", "ntfy://") + "/alerts"
    assert built("apprise", url=url).send(message) == Sent()
    assert built("apprise", url=url + "?priority=min").send(message) == Sent()
    assert [got.headers.get("x-priority") for got in hook.got] == [priority, "min"]


@needs_apprise
@of_apprise
def test_why_apprise_failed_is_told_without_what_is_secret(hook: Receiver) -> None:
    hook.answers += [lambda handler: handler.send_error(401)] * 2
    result = built("apprise", url=hook.url.replace("http://", "ntfy://tk-secret@") + "/alerts-secret").send(
        ONE
    )
    assert isinstance(result, Failed)
    assert "401" in result.reason
    gone = built("apprise", url="ntfy://user:pass-secret@127.0.0.1:1/topic-secret").send(ONE)
    assert isinstance(gone, Failed)
    assert gone.reason.startswith("apprise: ")
    assert "127.0.0.1" in gone.reason
    assert "secret" not in result.reason + gone.reason


@needs_apprise
@of_apprise
def test_a_service_of_apprise_that_lacks_a_package_names_it() -> None:
    if find_spec("gntp") is not None:
        pytest.skip("Growl's package is here; the test needs a service whose package is not")
    with pytest.raises(Exception, match="it: apprise cannot tell growl on this machine: pip install 'gntp'"):
        built("apprise", url="growl://localhost")
    with pytest.raises(Exception, match="it: apprise knows tgram, but this URL does not fit it"):
        built("apprise", url="tgram://x/y")


@needs_apprise
@of_apprise
def test_a_url_that_apprise_does_not_know_is_refused_without_repeating_it() -> None:
    with pytest.raises(Exception, match="it: not a URL that apprise knows") as caught:
        built("apprise", url="nonsense-secret")
    assert "secret" not in str(caught.value)


@needs_apprise
@of_apprise
def test_every_kind_of_the_configuration_can_be_built() -> None:
    web = {"name": "a", "url": "https://h.example/"}
    keys: dict[str, dict[str, Any]] = dict.fromkeys(("webhook", "slack", "discord", "teams"), web)
    keys["alertmanager"] = keys["loki"] = web
    keys["pagerduty"] = {"name": "a", "routing_key": "R1"}
    keys["mail"] = {"name": "a", "host": "h", "sender": "a@b.example", "recipients": ["c@d.example"]}
    keys["apprise"] = {"name": "a", "url": "json://localhost"}
    assert set(keys) == set(Channels.model_fields)
    for kind, given_keys in keys.items():
        (channel,) = build_channels(alerts(channels={kind: [given_keys]}))
        assert channel.rule.name == "a"


def texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for each in content.values():
            yield from texts(each)
    elif isinstance(content, list):
        for each in content:
            yield from texts(each)


def hostile(text: str) -> Message:
    about = incident(title=text, summary=text, services=(text,), advice=(text,))
    opened = Item(notice(about=about, description=text, route=text), {"team": "a"}, None)
    return Message("m1", (opened,), START)


@given(text=st.text(min_size=1, max_size=4000))
def test_whatever_a_log_held_is_one_printable_line_within_the_services_limits(text: str) -> None:
    message = hostile(text)
    several = Message("m2", message.items * 40, START)
    for said in (message, several):
        for payload in (slack, discord, teams, webhook):
            made = payload.payload(said)
            assert json.loads(json.dumps(made)) == made
            # Discord's own lists have lines; its blank of no width keeps addresses from being links.
            clean = [t.replace("\n", "").replace("\u200b", "") for t in texts(made)]
            assert all(t.isprintable() for t in clean)
        for block in slack.payload(said)["blocks"]:
            most = 150 if block["type"] == "header" else 3000
            assert len(block.get("text", {}).get("text", "")) <= most
        (embed,) = discord.payload(said)["embeds"]
        assert len(embed["title"]) <= 256
        assert sum(map(len, texts(embed))) <= 6000
        assert all(len(field["value"]) <= 1024 for field in embed.get("fields", []))
    assert all(t.isprintable() for t in texts(pagerduty.payload(message.items[0], "R1")))
    assert all(t.isprintable() for t in texts(alertmanager.payload(message.items, START, 60)))


def test_nobody_is_called_and_nothing_is_a_link() -> None:
    message = hostile("<!channel> @everyone <https://evil.example|your bank> [x](https://evil.example) **b**")
    said = json.dumps(slack.payload(message))
    assert "<!" not in said
    assert "<http" not in said
    assert {b["type"] for b in slack.payload(message)["blocks"]} == {"header", "section"}
    for block in slack.payload(message)["blocks"]:
        assert {t["type"] for t in [block.get("text"), *block.get("fields", [])] if t} == {"plain_text"}
    embed = discord.payload(message)
    assert embed["allowed_mentions"] == {"parse": []}
    shown_there = json.dumps(embed, ensure_ascii=False)
    assert "@everyone" not in shown_there
    assert "https://evil" not in shown_there
    assert "](" not in shown_there
    assert "TextBlock" not in json.dumps(teams.payload(message)).replace("RichTextBlock", "")
    html = mail.html(hostile("<img src=x onerror=alert(1)>\"'&"))
    assert "<img" not in html


def test_a_message_about_many_names_the_worst_and_counts_the_rest() -> None:
    many = Message("m", tuple(item(name=f"i{n}") for n in range(60)), START)
    for payload in (slack, discord, teams):
        said = json.dumps(payload.payload(many))
        assert "60 incidents: 60 opened" in said
        assert "and 35 more: 35 on shop" in said
    assert len(webhook.payload(many)["incidents"]) == 60


def test_several_share_only_what_they_have_in_common() -> None:
    told = webhook.payload(SEVERAL)
    assert (told["service_name"], told["tags"]) == ("shop", {"environment": "production"})
    other = Item(notice(about=incident("x", services=("pay",))), {"environment": "test"})
    mixed = webhook.payload(Message("m", (*SEVERAL.items, other), START))
    assert (mixed["service_name"], mixed["tags"]) == ("", {})


def test_secrets_come_from_files_and_a_missing_one_is_named(tmp_path: Any, hook: Receiver) -> None:
    place = tmp_path / "url"
    place.write_text(f"{hook.url}/from-file\n")
    built("slack", url_file=str(place)).send(ONE)
    assert hook.got[0].path == "/from-file"
    with pytest.raises(Exception, match=r"it: url_file = .*/none: cannot be read: No such file"):
        built("slack", url_file=str(tmp_path / "none"))


def told(many: int = 1, tags: dict[str, str] | None = None, **changes: Any) -> Message:
    """A message of so many incidents with the longest texts."""
    about = [incident(f"i{n}", **changes) for n in range(many)]
    return Message(
        id="m",
        items=tuple(
            Item(notice(about=one, route="*" * 900, description="<*>" * 900), tags or {}) for one in about
        ),
        at=START,
    )


def test_discord_refuses_no_message_for_the_length_of_all_its_parts() -> None:
    """6,000 characters of title, description and fields together."""
    payload = discord.payload(told(tags={f"tag{n}": "*" * 300 for n in range(40)}, title="*" * 300))
    (embed,) = payload["embeds"]
    whole = len(embed["title"]) + len(embed["description"])
    whole += sum(len(field["name"]) + len(field["value"]) for field in embed["fields"])
    assert 5_000 < whole <= 6_000
    assert len(embed["fields"]) <= 25


def test_a_title_is_cut_no_shorter_than_it_must_be() -> None:
    message = told(title="shop & " + "a" * 190)
    header = slack.payload(message)["blocks"][0]["text"]["text"]
    assert header.startswith("Opened: shop &amp; aaa")
    assert len(header) == 150
    (embed,) = discord.payload(told(title="x-" * 100))["embeds"]
    assert 250 <= len(embed["title"]) <= 256
    assert not embed["title"].endswith("\\…")


def test_teams_takes_as_many_incidents_as_are_named_in_any_script() -> None:
    """28 KB; by numbers of characters, which JSON allows too, they would be 66."""
    message = told(60, title="\N{PILE OF POO}" * 200)
    assert 20_000 < len(teams.body(message)) <= 28_000
    assert json.loads(teams.body(message)) == teams.payload(message)


@pytest.mark.parametrize("many", [1, 30, 1_000])
def test_teams_refuses_no_incident_for_how_many_tags_it_has(many: int) -> None:
    tags = {f"tag{n}": "\N{PILE OF POO}" * 200 for n in range(many)}
    message = told(tags=tags, title="\N{PILE OF POO}" * 200, summary="\N{PILE OF POO}" * 1_000)
    assert len(teams.body(message)) <= 28_000
    blocks = teams.payload(message)["attachments"][0]["content"]["body"]
    said = ["".join(run["text"] for run in block["inlines"]) for block in blocks]
    shown_tags = sum(text.startswith("tag") for text in said)
    left = [text for text in said if text.startswith("and ")]
    assert left == ([] if shown_tags == many else [f"and {many - shown_tags} more"])
    assert shown_tags >= min(many, 5)
    assert said[-1] == "Look at the failing route's application log."


def test_teams_is_told_in_what_letters_are_written(hook: Receiver) -> None:
    """Else it takes two bytes for each, and 14 KB for too much."""
    built("teams", url=hook.url).send(ONE)
    assert hook.got[0].headers["content-type"] == "application/json; charset=utf-8"


def test_alertmanager_gets_names_of_labels_that_every_version_takes() -> None:
    (alert,) = alertmanager.payload(told(tags={"team-name": "a", "2nd": "b", "è.x": "c"}).items, START, 60)
    assert {name for name in alert["labels"] if name[0] in "t_"} == {"team_name", "_2nd", "__x"}
    assert all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) for name in alert["labels"])


def test_slack_gets_no_empty_text_which_it_refuses() -> None:
    message = Message(id="m", items=(Item(notice(about=incident(summary=""), description="")),), at=START)
    texts = [block["text"]["text"] for block in slack.payload(message)["blocks"] if "text" in block]
    assert all(texts)


def test_requests_that_several_anomalies_may_share_are_told_as_the_most_there_can_be() -> None:
    several = incident(anomaly_ids=("a1", "a2"), requests=160)
    assert dict(words.facts(Item(notice(about=incident()))))["Requests"] == "1,234"
    assert dict(words.facts(Item(notice(about=several))))["Requests"] == "up to 160"
