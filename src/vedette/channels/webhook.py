"""A JSON object posted to an address of the user's, signed if there is a key.

The signature is `t=<seconds>,v1=<hex>`: HMAC-SHA256 under the key over `<seconds>.<body>`, so that a receiver can
refuse what was altered and what was recorded long ago.
"""

import hashlib
import hmac
import json
from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Result
from vedette.channels.escape import printable
from vedette.channels.message import Item, Message
from vedette.channels.post import deliver
from vedette.config.alerts import WebhookChannel
from vedette.config.secret import revealed


def payload(message: Message) -> dict[str, Any]:
    """What is posted: of one incident its object; of several, one about all, with theirs in `incidents`."""
    if len(message.items) == 1:
        return _object(message.items[0])
    worst = message.items[0]
    services = {words.service(item) for item in message.items}
    shared = [
        pair
        for pair in worst.tags.items()
        if all(item.tags.get(pair[0]) == pair[1] for item in message.items)
    ]
    return {
        "id": message.id,
        "timestamp": words.moment(message.at),
        "severity": message.severity.value,
        "title": words.headline(message),
        "message": "; ".join(words.line(item) for item in message.items[: words.NAMED])
        + (f"; {left}" if (left := words.rest(message)) else ""),
        "service_name": services.pop() if len(services) == 1 else "",
        "endpoint": None,
        "anomaly_id": worst.notice.anomaly_id,
        "tags": dict(shared),
        "state": "several",
        "incident_id": None,
        "link": None,
        "incidents": [_object(item) for item in message.items],
    }


def _object(item: Item) -> dict[str, Any]:
    notice = item.notice
    return {
        "id": notice.id,
        "timestamp": words.moment(notice.time),
        "severity": notice.incident.severity.value,
        "title": words.incident_title(item),
        "message": words.statement(item),
        "service_name": words.service(item),
        "endpoint": None if notice.route is None else printable(notice.route, 1000),
        "anomaly_id": notice.anomaly_id,
        "tags": dict(item.tags),
        "state": notice.change.value,
        "incident_id": notice.incident.id,
        "link": item.link,
    }


def signature(key: str, body: bytes, at: int) -> str:
    """The value of `X-Vedette-Signature`. `at`: microseconds since the epoch, UTC."""
    seconds = at // 1_000_000
    digest = hmac.new(key.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


class Webhook:
    """Posts to one address."""

    def __init__(self, section: WebhookChannel) -> None:
        self.rule = ChannelRule(section.name, digests=True, resolves=False, per_hour=section.per_hour)
        self._url = revealed(section, "url") or ""
        self._key = revealed(section, "secret")
        self._headers = dict(section.headers)
        token = revealed(section, "token")
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._timeout_s = section.timeout_s

    def send(self, message: Message) -> Result:
        """Post the object; `Idempotency-Key` is the message's id."""
        body = json.dumps(payload(message), ensure_ascii=False).encode()
        headers = self._headers | {"Idempotency-Key": message.id}
        if self._key is not None:
            headers["X-Vedette-Signature"] = signature(self._key, body, message.at)
        return deliver(self._url, body, headers, timeout_s=self._timeout_s)
