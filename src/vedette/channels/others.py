"""All other services, through apprise (https://github.com/caronc/apprise), which is an extra and loaded when used."""

import logging
import re
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Failed, Result, Sent
from vedette.channels.escape import printable
from vedette.channels.message import Message
from vedette.config.alerts import AppriseChannel
from vedette.config.errors import ConfigError
from vedette.config.secret import revealed
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change

LOG = logging.getLogger("apprise")
_SAID = 200
_MOST_SAID = 5
_SHORTEST_SECRET = 4
_OVER = "low"
_PRIORITIES = {
    "ntfy": {Severity.CRITICAL: "max", Severity.HIGH: "high", Severity.LOW: "low"},
    "gotify": {Severity.CRITICAL: "emergency", Severity.HIGH: "high", Severity.LOW: "low"},
    "prowl": {Severity.CRITICAL: "emergency", Severity.HIGH: "high", Severity.LOW: "low"},
    # Its emergencies go on until somebody confirms them: that is for a URL to ask.
    "pover": {Severity.CRITICAL: "high", Severity.HIGH: "high", Severity.LOW: "low"},
}
"""By scheme, the priority of a severity, as apprise's URLs say it, where it is not the usual one."""


class Others:
    """Tells one apprise URL."""

    def __init__(self, section: AppriseChannel) -> None:
        self.rule = ChannelRule(section.name, digests=True, resolves=False, per_hour=section.per_hour)
        try:
            import apprise
        except ImportError:
            raise ConfigError(
                (f"{section.name}: needs apprise, which is not installed: pip install 'vedette[channels]'",)
            ) from None
        asset = apprise.AppriseAsset(app_id="Vedette", secure_logging=True)
        self._text: Any = apprise.NotifyFormat.TEXT
        # Its socket time-outs, unless the URL sets them.
        url = revealed(section, "url") or ""
        limits = {"cto": f"{section.timeout_s:g}", "rto": f"{section.timeout_s:g}"}
        self._secrets = _parts(url)
        scheme = url.partition(":")[0].lower()
        self._priorities = _PRIORITIES.get(scheme.removesuffix("s"), {}) if "priority=" not in url else {}
        self._told: dict[str, Any] = {}
        for priority in ("", *({*self._priorities.values(), _OVER} if self._priorities else ())):
            told = apprise.Apprise(asset=asset)
            keys = limits | ({"priority": priority} if priority else {})
            if not told.add(_with(url, keys)):
                raise ConfigError((f"{section.name}: {_unknown(told, scheme)}",))
            self._told[priority] = told

    def send(self, message: Message) -> Result:
        """Tell it; apprise fits the text to the service."""
        over = all(item.notice.change is Change.CLOSED for item in message.items)
        kind = "success" if over else "failure" if message.severity.rank >= Severity.HIGH.rank else "warning"
        priority = self._priorities.get(message.severity, "")
        if over and self._priorities:
            priority = _OVER
        heard = _Heard()
        LOG.addHandler(heard)
        telling = _TELLING.set(heard)
        try:
            told = self._told[priority].notify(
                title=words.headline(message),
                body=words.plain(message),
                notify_type=kind,
                body_format=self._text,
                interpret_escapes=False,
            )
        except Exception as error:  # noqa: BLE001 -- over a hundred plug-ins of others; what they raise is not known
            return Failed(f"apprise: {type(error).__name__}")
        finally:
            _TELLING.reset(telling)
            LOG.removeHandler(heard)
        return Sent() if told else Failed(self._why(heard.said))

    def _why(self, said: list[str]) -> str:
        """What apprise has written of a failure, without anything that stands in its URL but the host."""
        if not said:
            return "apprise could not deliver it, and does not say why"
        text = said[0]
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return f"apprise: {printable(text, _SAID)}"


class _Heard(logging.Handler):
    """Keeps what apprise writes for one message; other channels tell meanwhile."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first few."""
        if _TELLING.get() is self and len(self.said) < _MOST_SAID:
            self.said.append(record.getMessage())


_TELLING: ContextVar[_Heard | None] = ContextVar("telling", default=None)
"""Whose message it is; apprise hands the context on to its threads."""


def _with(url: str, keys: dict[str, str]) -> str:
    """A URL with further parameters, but for those that it has."""
    more = "&".join(f"{key}={value}" for key, value in keys.items() if f"{key}=" not in url)
    return f"{url}{'&' if '?' in url else '?'}{more}" if more else url


def _parts(url: str) -> list[str]:
    """What stands in a URL besides its scheme and host and might be secret, the longest first."""
    behind = url.partition("://")[2]
    login, at, rest = behind.rpartition("@")
    told = re.split(r"[:/?&=@]", login if at else "") + re.split(r"[/?&=]", rest)[1:]
    return sorted({unquote(part) for part in told if len(part) >= _SHORTEST_SECRET}, key=len, reverse=True)


def _unknown(told: Any, scheme: str) -> str:
    """Why apprise does not take a URL of this scheme."""
    every = told.details(show_requirements=True, show_disabled=True)["schemas"]
    named = [
        each for each in every if scheme in (*(each["protocols"] or ()), *(each["secure_protocols"] or ()))
    ]
    if not named:
        return "not a URL that apprise knows: see its list of services"
    packages = ", ".join(f"'{package}'" for package in named[0]["requirements"]["packages_required"])
    if not named[0]["enabled"]:
        return f"apprise cannot tell {scheme} on this machine" + (
            f": pip install {packages}" if packages else ""
        )
    return f"apprise knows {scheme}, but this URL does not fit it: see its page of that service"
