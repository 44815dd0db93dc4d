"""Slack's incoming webhooks (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

What came from a log stands in `plain_text`, which Slack neither formats nor searches for links and names.
"""

import json
from collections.abc import Iterator
from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Result
from vedette.channels.escape import fitted, slack
from vedette.channels.message import Message
from vedette.channels.post import deliver
from vedette.config.alerts import SlackChannel
from vedette.config.secret import revealed

_HEADER = 150
_SECTION = 3000
_FIELD = 2000


def payload(message: Message) -> dict[str, Any]:
    """What is posted."""
    return {
        # Read out by notifications; `mrkdwn` off, and Slack's own signs escaped.
        "text": slack(words.headline(message)),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": list(_blocks(message)),
    }


def _blocks(message: Message) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(words.headline(message), _HEADER)}
    if len(message.items) > 1:
        for item in message.items[: words.NAMED]:
            yield {"type": "section", "text": _plain(words.line(item), _SECTION)} | _button(item.link)
        if left := words.rest(message):
            yield {"type": "section", "text": _plain(left, _SECTION)}
        return
    (item,) = message.items
    yield {"type": "section", "text": _plain(words.statement(item), _SECTION)}
    facts = [_plain(f"{name}: {value}", _FIELD) for name, value in words.facts(item)]
    yield {"type": "section", "fields": facts[:10]}
    if todo := words.advice(item):
        yield {"type": "section", "text": _plain(todo, _SECTION)}
    if item.link is not None:
        yield {"type": "actions", "elements": [_button(item.link)["accessory"]]}


def _button(link: str | None) -> dict[str, Any]:
    if link is None:
        return {}
    return {"accessory": {"type": "button", "text": _plain("Open", 75), "url": link}}


def _plain(text: str, most: int) -> dict[str, Any]:
    # An empty text is refused, and the whole message with it.
    shown = fitted(text, most, slack) or "-"
    return {"type": "plain_text", "text": shown, "emoji": False}


class Slack:
    """Posts to one incoming webhook."""

    def __init__(self, section: SlackChannel) -> None:
        self.rule = ChannelRule(section.name, digests=True, resolves=False, per_hour=section.per_hour)
        self._url = revealed(section, "url") or ""
        self._timeout_s = section.timeout_s

    def send(self, message: Message) -> Result:
        """Post it."""
        return deliver(self._url, json.dumps(payload(message)).encode(), {}, timeout_s=self._timeout_s)
