"""From the configuration to channels. The one list of their kinds."""

from collections.abc import Callable
from typing import Any

from vedette.channels.alertmanager import Alertmanager
from vedette.channels.channel import Channel
from vedette.channels.discord import Discord
from vedette.channels.loki import Loki
from vedette.channels.mail import Mail
from vedette.channels.others import Others
from vedette.channels.pagerduty import PagerDuty
from vedette.channels.slack import Slack
from vedette.channels.teams import Teams
from vedette.channels.webhook import Webhook
from vedette.config.alerts import (
    AlertmanagerChannel,
    Alerts,
    AppriseChannel,
    ChannelSection,
    DiscordChannel,
    LokiChannel,
    MailChannel,
    PagerDutyChannel,
    SlackChannel,
    TeamsChannel,
    WebhookChannel,
)

_KINDS: dict[type[ChannelSection], Callable[[Any], Channel]] = {
    WebhookChannel: Webhook,
    SlackChannel: Slack,
    DiscordChannel: Discord,
    TeamsChannel: Teams,
    PagerDutyChannel: PagerDuty,
    MailChannel: Mail,
    AlertmanagerChannel: Alertmanager,
    LokiChannel: Loki,
    AppriseChannel: Others,
}


def build_channel(section: ChannelSection) -> Channel:
    """One channel.

    Raises:
        ConfigError: A secret's file cannot be read, or something that it needs is not installed.
    """
    return _KINDS[type(section)](section)


def build_channels(alerts: Alerts) -> tuple[Channel, ...]:
    """All of them, as `build_channel` does."""
    return tuple(build_channel(section) for section in alerts.channels.each())
