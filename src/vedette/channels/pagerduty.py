"""PagerDuty's Events API v2 (https://developer.pagerduty.com/docs/events-api-v2-overview).

An incident is one `dedup_key`: opening and growing worse trigger it, closing resolves it, and what comes twice is one
alert there.
"""

import json
from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Failed, Result, Sent
from vedette.channels.message import Item, Message
from vedette.channels.post import deliver
from vedette.config.alerts import PagerDutyChannel
from vedette.config.secret import revealed
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change

_SUMMARY = 1024
_SEVERITIES = {
    Severity.LOW: "info",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "critical",
}


def dedup_key(item: Item) -> str:
    """The same for all that is told of one incident."""
    return f"vedette-{item.notice.incident.id}"[:255]


def payload(item: Item, routing_key: str) -> dict[str, Any]:
    """The event of one incident."""
    notice = item.notice
    if notice.change is Change.CLOSED:
        return {"routing_key": routing_key, "event_action": "resolve", "dedup_key": dedup_key(item)}
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": dedup_key(item),
        "client": "Vedette",
        "payload": {
            "summary": words.incident_title(item)[:_SUMMARY],
            "source": words.service(item) or "vedette",
            "severity": _SEVERITIES[notice.incident.severity],
            "timestamp": words.moment(notice.incident.start),
            "component": words.route(item),
            "group": words.service(item),
            "class": notice.incident.types[0].value if notice.incident.types else "",
            "custom_details": {
                "statement": words.statement(item),
                "advice": words.advice(item),
                "anomaly_id": notice.anomaly_id,
                "incident_id": notice.incident.id,
                **dict(words.facts(item)),
            },
        },
    }
    if item.link is not None:
        event["client_url"] = item.link
        event["links"] = [{"href": item.link, "text": "Open in Vedette"}]
    return event


class PagerDuty:
    """Sends events of one service."""

    def __init__(self, section: PagerDutyChannel) -> None:
        self.rule = ChannelRule(section.name, digests=False, resolves=True, per_hour=None)
        self._url = section.url.get_secret_value()
        self._key = revealed(section, "routing_key") or ""
        self._timeout_s = section.timeout_s

    def send(self, message: Message) -> Result:
        """Send one event for each incident."""
        last: Result = Sent()
        for item in message.items:
            body = json.dumps(payload(item, self._key)).encode()
            last = deliver(self._url, body, {}, timeout_s=self._timeout_s, reference=dedup_key(item))
            if isinstance(last, Failed):
                break
        return last
