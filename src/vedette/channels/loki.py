"""Lines in Grafana Loki, by `POST /loki/api/v1/push` (https://grafana.com/docs/loki/latest/reference/loki-http-api/).

Labels make streams there, and each costs; so they hold only what has few values: the type, the severity and the
service. Everything else stands in the line, as JSON. Loki takes entries of one stream with the same time and line for
one: the time is the notice's, so that a repetition adds nothing.
"""

import json
from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Result
from vedette.channels.escape import printable
from vedette.channels.message import Item, Message
from vedette.channels.post import basic, deliver
from vedette.config.alerts import LokiChannel
from vedette.config.secret import revealed

JOB = "vedette"
PATH = "/loki/api/v1/push"
_OLDEST_US = 3600 * 1_000_000
"""Loki refuses what is much older than the newest of a stream: older notices are dated when they are sent."""


def payload(message: Message) -> dict[str, Any]:
    """What is posted: one stream for each set of labels, one line for each incident."""
    streams: dict[tuple[tuple[str, str], ...], list[list[str]]] = {}
    for item in sorted(message.items, key=lambda item: item.notice.time):
        time = item.notice.time if message.at - item.notice.time < _OLDEST_US else message.at
        streams.setdefault(tuple(_labels(item).items()), []).append([str(time * 1000), _line(item)])
    return {
        "streams": [
            {"stream": dict(labels), "values": sorted(values, key=lambda value: int(value[0]))}
            for labels, values in streams.items()
        ]
    }


def _labels(item: Item) -> dict[str, str]:
    incident = item.notice.incident
    return {
        "job": JOB,
        "vedette_type": incident.types[0].value if incident.types else "",
        "severity": incident.severity.value,
        "service": words.service(item),
    }


def _line(item: Item) -> str:
    notice = item.notice
    line = {
        "id": notice.id,
        "time": words.moment(notice.time),
        "state": notice.change.value,
        "title": words.incident_title(item),
        "message": words.statement(item),
        "types": [kind.value for kind in notice.incident.types],
        "services": [printable(service, 100) for service in notice.incident.services],
        "route": None if notice.route is None else printable(notice.route, 1000),
        "incident_id": notice.incident.id,
        "anomaly_id": notice.anomaly_id,
        "requests": notice.incident.requests,
        "tags": dict(item.tags),
        "link": item.link,
    }
    return json.dumps(line, ensure_ascii=False)


class Loki:
    """Writes into one Loki."""

    def __init__(self, section: LokiChannel) -> None:
        self.rule = ChannelRule(section.name, digests=True, resolves=False, per_hour=None)
        self._url = section.url.get_secret_value().rstrip("/") + PATH
        self._headers: dict[str, str] = {}
        if section.tenant is not None:
            self._headers["X-Scope-OrgID"] = section.tenant
        password, token = revealed(section, "password"), revealed(section, "token")
        if section.username is not None and password is not None:
            self._headers["Authorization"] = basic(section.username, password)
        elif token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout_s = section.timeout_s

    def send(self, message: Message) -> Result:
        """Post the lines."""
        body = json.dumps(payload(message), ensure_ascii=False).encode()
        return deliver(self._url, body, self._headers, timeout_s=self._timeout_s)
