"""The classic block `ai:` among changes of a running service's configuration.

In a file each classic key stands for keys of today. Of changes there is more to say: one may take back an earlier one,
and some may not take away what the file has and no classic key knows of.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vedette.config import Config, classic
from vedette.config.errors import ConfigError

_ROUTES = "alerts.routes"
_WEBHOOKS = "alerts.channels.webhook"
_OURS = "webhook"
"""What `alertWebhookUrl` calls its channel."""


class ClassicChanges:
    """What a classic block changes, by dotted keys of today.

    Args:
        config: In force.
        without: The configuration as it would be without an earlier change of a key.
    """

    def __init__(self, config: Config, without: Callable[[str], Config]) -> None:
        self._config = config
        self._without = without

    def of(self, block: Any, beside: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
        """Keys of today to the classic key that stands for each, and its value; None takes back what was changed.

        Args:
            block: What stands under `ai`. beside: Dotted keys that are changed by their own names.

        Raises:
            ConfigError: A key or value makes no sense, or is given twice.
        """
        if not isinstance(block, Mapping):
            raise ConfigError((f"{classic.BLOCK}: must be a mapping of classic keys",))
        found: dict[str, tuple[str, Any]] = {}
        problems = []
        for name, value in block.items():
            try:
                changes = list(self._changes(name, value))
            except classic.ClassicError as error:
                shown = "" if name == classic.WEBHOOK else f" = {json.dumps(value, default=str)}"
                problems.append(f"{classic.BLOCK}.{name}{shown}: {error}")
                continue
            for key, today in changes:
                found[key] = name, today
                if other := _overlap(key, beside):
                    problems.append(f"{classic.BLOCK}.{name}: {other} says the same: leave one of them out")
        if problems:
            raise ConfigError(tuple(problems))
        return found

    def _changes(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        if value is None:
            if name not in classic.KEYS:
                classic.modern(name, value)
            yield from ((key, None) for key in classic.SETS.get(name, ()))
        elif name == classic.ALERTS and value is True:
            if _tells_nobody(self._config):
                yield _ROUTES, [] if _tells_nobody(self._without(_ROUTES)) else None
        elif name == classic.WEBHOOK:
            yield from self._webhook(value)
        else:
            for keys, today in classic.modern(name, value):
                yield ".".join(keys), today

    def _webhook(self, url: Any) -> Iterator[tuple[str, Any]]:
        there = [one.name for one in self._config.alerts.channels.webhook]
        if others := [name for name in there if name != _OURS]:
            raise classic.ClassicError(
                f"would take away the webhooks that have other names ({', '.join(others)}): change {_WEBHOOKS}"
            )
        if url == "":
            if there:
                yield _WEBHOOKS, [] if self._without(_WEBHOOKS).alerts.channels.webhook else None
            return
        for _, channels in classic.modern(classic.WEBHOOK, url):
            yield _WEBHOOKS, channels["webhook"]


def masked_block(block: Any) -> Any:
    """A classic block with stars for what is or may be a secret."""
    if not isinstance(block, Mapping):
        return "***"
    shown = classic.KEYS.keys() - {classic.WEBHOOK}
    return {name: value if name in shown else "***" for name, value in block.items()}


def _tells_nobody(config: Config) -> bool:
    """Whether it is as `enableAlerts: false` has it."""
    routes = config.alerts.routes
    return (
        len(routes) == 1
        and routes[0].model_dump(exclude_defaults=True, exclude={"channels"}) == {}
        and (not routes[0].channels)
    )


def _overlap(key: str, others: Mapping[str, Any]) -> str | None:
    """One of some dotted keys that holds this one, or stands in it."""
    return next(
        (other for other in others if f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")),
        None,
    )
