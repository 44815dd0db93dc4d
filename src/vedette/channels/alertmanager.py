"""Prometheus Alertmanager's API v2 (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml).

It forgets what is not sent again: open incidents are refreshed, each time to end a little later (`REPEATS` refreshes,
as Prometheus does it), and closed ones end at once. Labels are an alert's identity there, so they hold only what
does not change while an incident is open; a severity that rose ends the alert with the old one.
"""

import json
from collections.abc import Sequence
from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Result
from vedette.channels.escape import printable
from vedette.channels.message import Item, Message
from vedette.channels.post import basic, deliver
from vedette.config.alerts import AlertmanagerChannel
from vedette.config.secret import revealed
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change

REPEATS = 4
_PATH = "/api/v2/alerts"


def payload(items: Sequence[Item], at: int, refresh_s: int) -> list[dict[str, Any]]:
    """The alerts of incidents, those with an outgrown severity before the others. `at`: microseconds, UTC."""
    alerts = []
    for item in items:
        now = item.notice.incident.severity
        closed = item.notice.change is Change.CLOSED
        alerts += [_alert(item, old, at) for old in item.told if old is not now]
        alerts.append(_alert(item, now, at if closed else at + REPEATS * refresh_s * 1_000_000))
    return alerts


def _alert(item: Item, severity: Severity, ends: int) -> dict[str, Any]:
    incident = item.notice.incident
    labels = {label_name(name): printable(value, 200) for name, value in item.tags.items()}
    labels |= {
        "alertname": "VedetteIncident",
        "incident_id": incident.id,
        "service": words.service(item),
        "severity": severity.value,
    }
    alert: dict[str, Any] = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {
            "summary": words.incident_title(item),
            "description": printable(incident.summary, 1000),
            "advice": words.advice(item),
            "types": ", ".join(kind.value for kind in incident.types),
        },
        "startsAt": words.moment(min(incident.start, ends)),
        "endsAt": words.moment(ends),
    }
    if item.link is not None:
        alert["generatorURL"] = item.link
    return alert


def label_name(text: str) -> str:
    """A name that every version takes: one that it does not makes it refuse all alerts of a post."""
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in text[:60])
    return f"_{name}" if not name or name[0].isdigit() else name


class Alertmanager:
    """Posts alerts to one Alertmanager."""

    def __init__(self, section: AlertmanagerChannel) -> None:
        self.rule = ChannelRule(section.name, digests=False, resolves=True, per_hour=None)
        self.refresh_s = section.refresh_s
        self._url = section.url.get_secret_value().rstrip("/") + _PATH
        self._headers: dict[str, str] = {}
        password = revealed(section, "password")
        if section.username is not None and password is not None:
            self._headers["Authorization"] = basic(section.username, password)
        self._timeout_s = section.timeout_s

    def send(self, message: Message) -> Result:
        """Post the message's alerts."""
        return self._post(message.items, message.at)

    def refresh(self, items: Sequence[Item], at: int) -> Result:
        """Post open ones again."""
        return self._post(items, at)

    def _post(self, items: Sequence[Item], at: int) -> Result:
        body = json.dumps(payload(items, at, self.refresh_s)).encode()
        return deliver(self._url, body, self._headers, timeout_s=self._timeout_s)
