"""Keys that say who is told of incidents, by which channel, and when not."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, SecretStr, StringConstraints, model_validator

from vedette.config.options import Section, option, section
from vedette.config.secret import Secret, one_of, web_address
from vedette.config.zone import Zone
from vedette.schema.anomaly import AnomalyType, Severity

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,255}")
_TAG: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("must be lower-case letters, digits, - and _, like ops-slack")
    return name


def _clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise ValueError('must be a time of day in quotes, like "22:00"')
    return text


def _headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise ValueError(f"{name!r}: must be a header's name, and a value of printable ASCII characters")
    return headers


def _mail_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text) or not text.isascii():
        raise ValueError("must be a plain address, like oncall@example.com")
    return text


def _tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in tags.items():
        if not _TAG.fullmatch(name) or not value.isprintable() or len(value) > 200:
            raise ValueError(
                f"{name!r}: must be letters, digits and _, and a printable value of at most 200 characters"
            )
    return tags


ChannelName = Annotated[str, AfterValidator(_name), StringConstraints(min_length=1, max_length=60)]
ClockText = Annotated[str, AfterValidator(_clock)]
Headers = Annotated[Mapping[str, str], AfterValidator(_headers)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Tags = Annotated[Mapping[str, str], AfterValidator(_tags)]
WebAddress = Annotated[SecretStr, AfterValidator(web_address)]

_NAMED: Final = "Name, unlike all other channels', in lower-case letters, digits, `-` and `_`."
_URL: Final = "Where to post; whoever knows it can post there, so it is never shown."
_FILE: Final = "File that holds it instead, like `/run/secrets/name`."
_PER_HOUR: Final = "Most messages; what comes on top is told in fewer messages that name several incidents."


class Day(StrEnum):
    """A day of the week."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


class MailSecurity(StrEnum):
    """How a mail server is talked to."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class ChannelSection(Section):
    """What every channel has."""

    name: ChannelName = option(..., _NAMED)
    timeout_s: float = option(
        10.0,
        "How long one try may take, from the connection to the whole answer.",
        unit="seconds",
        gt=0,
        le=60,
    )


class Digesting(ChannelSection):
    """A channel whose messages are read by people, and may name several incidents."""

    per_hour: int = option(30, _PER_HOUR, unit="messages", ge=1, le=3600)


class _Posted(Digesting):
    url: WebAddress | None = option(None, _URL)
    url_file: str | None = option(None, _FILE, min_length=1)

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        one_of(self, "url", "url_file", needed=True)
        return self


class WebhookChannel(_Posted):
    """A JSON object posted to an address of yours."""

    secret: Secret | None = option(None, "Key of the signature; without one, nothing is signed.")
    secret_file: str | None = option(None, _FILE, min_length=1)
    token: Secret | None = option(None, "Sent as `Authorization: Bearer`.")
    token_file: str | None = option(None, _FILE, min_length=1)
    headers: Headers = option({}, "More headers, like `X-Team: shop`.")

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        one_of(self, "secret", "secret_file")
        one_of(self, "token", "token_file")
        return self


class SlackChannel(_Posted):
    """A Slack incoming webhook."""


class DiscordChannel(_Posted):
    """A Discord webhook."""


class TeamsChannel(_Posted):
    """A Microsoft Teams workflow, "When a Teams webhook request is received"."""


class PagerDutyChannel(ChannelSection):
    """A PagerDuty service with an Events API v2 integration."""

    routing_key: Secret | None = option(None, "Its integration key.")
    routing_key_file: str | None = option(None, _FILE, min_length=1)
    url: WebAddress = option(
        SecretStr("https://events.pagerduty.com/v2/enqueue"),
        "Where events go; `https://events.eu.pagerduty.com/v2/enqueue` in the EU.",
    )

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        one_of(self, "routing_key", "routing_key_file", needed=True)
        return self


class MailChannel(Digesting):
    """Mail by SMTP."""

    host: str = option(..., "The mail server.", min_length=1, max_length=255)
    port: int = option(587, "Its port: 587 for `starttls`, 465 for `tls`.", unit="port", ge=1, le=65_535)
    security: MailSecurity = option(
        MailSecurity.STARTTLS, "`starttls` and `tls` check the server's certificate; `none` is for this host."
    )
    username: str | None = option(None, "Who logs in; nobody without it.", min_length=1)
    password: Secret | None = option(None, "The password to it.")
    password_file: str | None = option(None, _FILE, min_length=1)
    sender: MailAddress = option(..., "Address in `From`.")
    recipients: tuple[MailAddress, ...] = option(..., "Addresses in `To`.", min_length=1, max_length=50)

    @model_validator(mode="after")
    def _login(self) -> Self:
        one_of(self, "password", "password_file")
        with_password = self.password is not None or self.password_file is not None
        if with_password != (self.username is not None):
            raise ValueError("must have both `username` and a password, or neither")
        if with_password and self.security is MailSecurity.NONE:
            raise ValueError("must have security starttls or tls: a password is not sent in the clear")
        return self


class AlertmanagerChannel(ChannelSection):
    """A Prometheus Alertmanager, which does the grouping and the telling itself."""

    url: WebAddress = option(..., "Its address, like `http://alertmanager:9093`.")
    username: str | None = option(None, "For basic authentication, with `password`.", min_length=1)
    password: Secret | None = option(None, "The password to it.")
    password_file: str | None = option(None, _FILE, min_length=1)
    refresh_s: int = option(
        60,
        "How often open incidents are sent again; it takes them for over four times as long after the last.",
        unit="seconds",
        ge=10,
        le=3600,
    )

    @model_validator(mode="after")
    def _login(self) -> Self:
        one_of(self, "password", "password_file")
        if (self.password is not None or self.password_file is not None) != (self.username is not None):
            raise ValueError("must have both `username` and a password, or neither")
        return self


class LokiChannel(ChannelSection):
    """Lines in a Grafana Loki."""

    url: WebAddress = option(..., "Its address, like `http://loki:3100`.")
    tenant: str | None = option(None, "Sent as `X-Scope-OrgID`.", min_length=1, max_length=200)
    username: str | None = option(None, "For basic authentication, with `password`.", min_length=1)
    password: SecretStr | None = option(None, "The password to it.")
    password_file: str | None = option(None, _FILE, min_length=1)
    token: SecretStr | None = option(None, "Sent as `Authorization: Bearer`.")
    token_file: str | None = option(None, _FILE, min_length=1)

    @model_validator(mode="after")
    def _login(self) -> Self:
        one_of(self, "password", "password_file")
        one_of(self, "token", "token_file")
        if (self.password is not None or self.password_file is not None) != (self.username is not None):
            raise ValueError("must have both `username` and a password, or neither")
        if self.username is not None and (self.token is not None or self.token_file is not None):
            raise ValueError("must have `username` or `token`, not both")
        return self


class AppriseChannel(Digesting):
    """Any of the services that apprise knows; needs `pip install 'vedette[channels]'`."""

    url: Secret | None = option(None, "An apprise URL, like `ntfys://ntfy.example.com/alerts`.")
    url_file: str | None = option(None, _FILE, min_length=1)

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        one_of(self, "url", "url_file", needed=True)
        return self


class Channels(Section):
    """Where incidents can be told, by kind."""

    webhook: tuple[WebhookChannel, ...] = option((), "Addresses of yours.", max_length=50)
    slack: tuple[SlackChannel, ...] = option((), "Slack.", max_length=50)
    discord: tuple[DiscordChannel, ...] = option((), "Discord.", max_length=50)
    teams: tuple[TeamsChannel, ...] = option((), "Microsoft Teams.", max_length=50)
    pagerduty: tuple[PagerDutyChannel, ...] = option((), "PagerDuty.", max_length=50)
    mail: tuple[MailChannel, ...] = option((), "Mail.", max_length=50)
    alertmanager: tuple[AlertmanagerChannel, ...] = option((), "Prometheus Alertmanager.", max_length=50)
    loki: tuple[LokiChannel, ...] = option((), "Grafana Loki.", max_length=50)
    apprise: tuple[AppriseChannel, ...] = option((), "Everything else.", max_length=50)

    def each(self) -> tuple[ChannelSection, ...]:
        """All of them."""
        return tuple(channel for kind in type(self).model_fields for channel in getattr(self, kind))

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names: set[str] = set()
        for channel in self.each():
            if channel.name in names:
                raise ValueError(f"two channels are named {channel.name!r}: give one another name")
            names.add(channel.name)
        return self


class AlertRoute(Section):
    """Which incidents go to which channels."""

    services: tuple[Pattern, ...] = option((), "Patterns of services, like `shop*`; all by default.")
    types: tuple[AnomalyType, ...] = option(
        (), "Types of anomaly, one of which it must have; all by default."
    )
    min_severity: Severity = option(Severity.LOW, "Least severity.")
    tags: Tags = option({}, "Tags that it must have, all of them.")
    channels: tuple[ChannelName, ...] = option((), "Names of channels; none keeps it from being told.")
    stop: bool = option(True, "Whether routes below are left out where this one matches.")


class ServiceTags(Section):
    """Tags that incidents of some services carry."""

    services: tuple[Pattern, ...] = option(..., "Patterns of services, like `shop*`.", min_length=1)
    tags: Tags = option(..., "Names to values, like `team: shop`.")


class SilenceRule(Section):
    """What is not told for a while; what is still open at the end is told then."""

    services: tuple[Pattern, ...] = option(
        (), "Patterns of services, like `shop*`, among which all of an incident's must be; all by default."
    )
    types: tuple[AnomalyType, ...] = option(
        (), "Types of anomaly, one of which it must have; all by default."
    )
    max_severity: Severity = option(Severity.CRITICAL, "Incidents worse than this are told all the same.")
    start: datetime | None = option(None, "From when, like `2026-05-01T10:00Z`; at once by default.")
    until: datetime = option(..., "Until when, like `2026-05-01T12:00Z`; UTC where no zone is given.")
    reason: str = option("", "Why, for whoever wonders.", max_length=500)


class QuietHours(Section):
    """Hours whose incidents are told at their end, unless they are over by then."""

    start: ClockText = option(..., 'When they begin, like `"22:00"`.')
    end: ClockText = option(..., 'When they end, like `"07:00"`; on the next day if that is not later.')
    days: tuple[Day, ...] = option(tuple(Day), "Days on which they begin.", min_length=1)
    timezone: Zone = option("UTC", "Zone of these times: `UTC`, an offset like `+02:00`, or a zone's name.")
    channels: tuple[ChannelName, ...] = option((), "Channels that are quiet; all by default.")
    passes: Severity = option(Severity.CRITICAL, "Least severity that is told all the same.")


class Alerts(Section):
    """Who is told of incidents."""

    channels: Channels = section(Channels)
    routes: tuple[AlertRoute, ...] = option(
        (),
        "Which incidents go where, the first that matches deciding; without any, all go to all channels.",
        max_length=200,
    )
    tags: Tags = option({}, "Tags of all incidents, like `environment: production`.")
    service_tags: tuple[ServiceTags, ...] = option((), "Tags of some services' incidents.", max_length=200)
    silences: tuple[SilenceRule, ...] = option((), "What is not told for a while.", max_length=200)
    quiet_hours: tuple[QuietHours, ...] = option((), "Hours that are quiet.", max_length=50)
    group_wait_s: float = option(
        10.0,
        "How long a message waits for more incidents to name; not for PagerDuty and Alertmanager.",
        unit="seconds",
        ge=0,
        le=600,
    )
    give_up_after_s: int = option(
        21_600,
        "How long telling is tried again; pauses between tries count, time in which Vedette is off does not.",
        unit="seconds",
        ge=60,
        le=604_800,
    )
    link: str | None = option(
        None,
        "Address at which people reach Vedette, like `https://vedette.example.com`; links begin with it.",
    )

    @model_validator(mode="after")
    def _known_channels(self) -> Self:
        known = {channel.name for channel in self.channels.each()}
        named: list[tuple[str, tuple[str, ...]]] = [
            *((f"routes[{n}].channels", route.channels) for n, route in enumerate(self.routes)),
            *((f"quiet_hours[{n}].channels", quiet.channels) for n, quiet in enumerate(self.quiet_hours)),
        ]
        for place, names in named:
            if unknown := [name for name in names if name not in known]:
                there = ", ".join(sorted(known)) or "none"
                raise ValueError(f"{place}: there is no channel {unknown[0]!r}; there are: {there}")
        return self

    @model_validator(mode="after")
    def _link_is_web(self) -> Self:
        if self.link is not None:
            web_address(SecretStr(self.link))
        return self


def with_webhook(url: str) -> dict[str, Any]:
    """The keys that a single address to post to stands for, as the classic `alertWebhookUrl` gives it."""
    return {"channels": {"webhook": [{"name": "webhook", "url": url}]}}
