"""Discord's webhooks (https://discord.com/developers/docs/resources/webhook#execute-webhook).

`allowed_mentions` is empty, so that a name in a log calls nobody; everything that came from one is escaped.
"""

import json
from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Result
from vedette.channels.escape import fitted, markdown
from vedette.channels.message import Message
from vedette.channels.post import deliver
from vedette.config.alerts import DiscordChannel
from vedette.config.secret import revealed
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change

_TITLE = 256
_DESCRIPTION = 4096
_VALUE = 1024
_FIELDS = 25
_EMBED = 6000
"""Characters of title, description and fields together: with one more the message is refused."""
_COLOURS = {
    Severity.LOW: 0x6B7280,
    Severity.MEDIUM: 0xD97706,
    Severity.HIGH: 0xDC2626,
    Severity.CRITICAL: 0x7F1D1D,
}
_GREEN = 0x16A34A


def payload(message: Message) -> dict[str, Any]:
    """What is posted."""
    over = all(item.notice.change is Change.CLOSED for item in message.items)
    embed: dict[str, Any] = {
        "title": _fit(words.headline(message), _TITLE),
        "color": _GREEN if over else _COLOURS[message.severity],
        "timestamp": words.moment(message.at),
    }
    if len(message.items) > 1:
        lines: list[str] = []
        size = 0
        for item in message.items[: words.NAMED]:
            line = "• " + markdown(words.line(item))
            size += len(line) + 1
            if size > _DESCRIPTION - 200:
                lines.append(f"and {len(message.items) - len(lines)} more")
                break
            lines.append(line)
        else:
            if left := words.rest(message):
                lines.append(markdown(left)[:200])
        embed["description"] = "\n".join(lines)
    else:
        (item,) = message.items
        text = [_fit(words.statement(item), 2000)]
        if todo := words.advice(item):
            text.append(_fit(todo, 1500))
        embed["description"] = "\n\n".join(text)
        room = _EMBED - len(embed["title"]) - len(embed["description"])
        fields: list[dict[str, Any]] = []
        embed["fields"] = fields
        for name, value in words.facts(item):
            field: dict[str, Any] = {
                "name": _fit(name, _TITLE),
                "value": _fit(value, _VALUE) or "-",
                "inline": True,
            }
            room -= len(field["name"]) + len(field["value"])
            if room < 0 or len(fields) == _FIELDS:
                break
            fields.append(field)
        if item.link is not None:
            embed["url"] = item.link
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _fit(text: str, most: int) -> str:
    """Escaped, and cut so that no escape is halved."""
    return fitted(text, most, markdown)


class Discord:
    """Posts to one webhook."""

    def __init__(self, section: DiscordChannel) -> None:
        self.rule = ChannelRule(section.name, digests=True, resolves=False, per_hour=section.per_hour)
        self._url = revealed(section, "url") or ""
        self._timeout_s = section.timeout_s

    def send(self, message: Message) -> Result:
        """Post it."""
        return deliver(self._url, json.dumps(payload(message)).encode(), {}, timeout_s=self._timeout_s)
