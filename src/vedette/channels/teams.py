"""Microsoft Teams by a workflow that takes adaptive cards (https://learn.microsoft.com/adaptive-cards).

What came from a log stands in text runs, which are shown as they are; a text block would read it as Markdown.
"""

import json
from bisect import bisect_right
from itertools import accumulate
from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Result
from vedette.channels.message import Message
from vedette.channels.post import deliver
from vedette.config.alerts import TeamsChannel
from vedette.config.secret import revealed
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change

_BYTES = 27_000
"""Of a message at most: Teams takes 28 KB
(https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook)."""
_REST = 300
"""Bytes of what says how much is left out."""
_KIND = {"Content-Type": "application/json; charset=utf-8"}
"""Who is not told takes each letter for two bytes, and refuses half as much."""
_COLOURS = {
    Severity.LOW: "default",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "attention",
    Severity.CRITICAL: "attention",
}


def payload(message: Message) -> dict[str, Any]:
    """What is posted."""
    over = all(item.notice.change is Change.CLOSED for item in message.items)
    colour = "good" if over else _COLOURS[message.severity]
    body = [_text(words.headline(message), weight="bolder", size="large", color=colour)]
    actions: list[dict[str, Any]] = []
    if len(message.items) > 1:
        body += [_text(words.line(item)) for item in message.items[: words.NAMED]]
        if left := words.rest(message):
            body.append(_text(left))
    else:
        (item,) = message.items
        body.append(_text(words.statement(item)))
        last = [_text(todo, italic=True)] if (todo := words.advice(item)) else []
        if item.link is not None:
            actions.append({"type": "Action.OpenUrl", "title": "Open", "url": item.link})
        room = _BYTES - len(_bytes([_card(body + last, actions)]))
        body += [*_that_fit([_fact(name, value) for name, value in words.facts(item)], room), *last]
    return _card(body, actions)


def _card(body: list[dict[str, Any]], actions: list[dict[str, Any]]) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if actions:
        card["actions"] = actions
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": card,
            }
        ],
    }


def _that_fit(facts: list[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """The first facts that take no more than so many bytes, and how many are left out: tags may be any number."""
    past = list(accumulate(len(_bytes(fact)) + 2 for fact in facts))
    if past[-1] <= room:
        return facts
    count = bisect_right(past, room - _REST)
    return [*facts[:count], _text(f"and {len(facts) - count} more")]


def body(message: Message) -> bytes:
    """The same as bytes.

    Letters as they are and not by their numbers, which take up to three times the room.
    """
    return _bytes(payload(message))


def _bytes(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _text(text: str, **looks: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **looks}]}


def _fact(name: str, value: str) -> dict[str, Any]:
    runs = [
        {"type": "TextRun", "text": f"{name}: ", "weight": "bolder"},
        {"type": "TextRun", "text": value},
    ]
    return {"type": "RichTextBlock", "spacing": "small", "inlines": runs}


class Teams:
    """Posts to one workflow."""

    def __init__(self, section: TeamsChannel) -> None:
        self.rule = ChannelRule(section.name, digests=True, resolves=False, per_hour=section.per_hour)
        self._url = revealed(section, "url") or ""
        self._timeout_s = section.timeout_s

    def send(self, message: Message) -> Result:
        """Post it."""
        return deliver(self._url, body(message), _KIND, timeout_s=self._timeout_s)
