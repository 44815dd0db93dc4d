"""What each channel sends, as `docs/how-to/alerts.md` shows it; `python -m tests.channels.payloads` writes it there."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from tests.channels.made import MINUTE, START, incident, notice
from vedette.channels import alertmanager, discord, loki, mail, pagerduty, slack, teams, webhook
from vedette.channels.message import Item, Message
from vedette.schema.anomaly import Severity
from vedette.schema.incident import IncidentState
from vedette.schema.live import Change

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "alerts.md"
_PLACE = re.compile(
    r"(<!-- payload: (?P<name>[\w-]+) -->\n```(?:json|text)\n)(?P<body>.*?)(^```$)", re.MULTILINE | re.DOTALL
)

LINK = "https://vedette.example.com/report/"


def item(change: Change = Change.OPENED, name: str = "i7c1f", severity: Severity = Severity.HIGH) -> Item:
    state = IncidentState.CLOSED if change is Change.CLOSED else IncidentState.OPEN
    about = incident(name, severity, state=state)
    return Item(notice(change, about, time=START + MINUTE), {"environment": "production"}, LINK + name)


ONE = Message("5d41402abc4b2a76b9719d911017c592", (item(),), START + MINUTE)
SEVERAL = Message(
    "7d793037a0760186574b0282f2f435e7",
    (item(name="i8a20", severity=Severity.CRITICAL), item(Change.CLOSED)),
    START + MINUTE,
)


def _mail() -> str:
    letter = mail.letter(ONE, "vedette@example.com", ("web@example.com",))
    head = [f"{name}: {letter[name]}" for name in ("Subject", "From", "To", "Date", "Message-ID")]
    text = letter.get_body(("plain",))
    assert text is not None
    return "\n".join([*head, "", text.get_content().replace("\r\n", "\n").rstrip()])


def _json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


SHOWN: dict[str, Callable[[], str]] = {
    "webhook": lambda: _json(webhook.payload(ONE)),
    "webhook-several": lambda: _json(webhook.payload(SEVERAL)),
    "slack": lambda: _json(slack.payload(ONE)),
    "discord": lambda: _json(discord.payload(ONE)),
    "teams": lambda: _json(teams.payload(ONE)),
    "pagerduty": lambda: _json(pagerduty.payload(item(), "R0123456789ABCDEF")),
    "pagerduty-closed": lambda: _json(pagerduty.payload(item(Change.CLOSED), "R0123456789ABCDEF")),
    "mail": _mail,
    "loki": lambda: _json(loki.payload(ONE)),
    "alertmanager": lambda: _json(alertmanager.payload([item()], START + MINUTE, 60)),
}


def shown(page: str) -> dict[str, str]:
    """The payloads of the page, by name."""
    return {found["name"]: found["body"].rstrip("\n") for found in _PLACE.finditer(page)}


def rewritten(page: str) -> str:
    """The page with today's payloads."""
    return _PLACE.sub(lambda found: f"{found[1]}{SHOWN[found['name']]()}\n{found[4]}", page)


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text()))
