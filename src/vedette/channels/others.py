"""All other services, through apprise (https://github.com/caronc/apprise), which is an extra and loaded when used."""

from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Failed, Result, Sent
from vedette.channels.message import Message
from vedette.config.alerts import AppriseChannel
from vedette.config.errors import ConfigError
from vedette.config.secret import revealed
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change


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
        self._told: Any = apprise.Apprise(asset=asset)
        self._text: Any = apprise.NotifyFormat.TEXT
        # Its socket time-outs, unless the URL sets them.
        url = revealed(section, "url") or ""
        limits = {"cto": f"{section.timeout_s:g}", "rto": f"{section.timeout_s:g}"}
        more = "&".join(f"{key}={value}" for key, value in limits.items() if f"{key}=" not in url)
        if not self._told.add(f"{url}{'&' if '?' in url else '?'}{more}" if more else url):
            raise ConfigError((f"{section.name}: not a URL that apprise knows: see its list of services",))

    def send(self, message: Message) -> Result:
        """Tell it; apprise fits the text to the service."""
        over = all(item.notice.change is Change.CLOSED for item in message.items)
        kind = "success" if over else "failure" if message.severity.rank >= Severity.HIGH.rank else "warning"
        try:
            told = self._told.notify(
                title=words.headline(message),
                body=words.plain(message),
                notify_type=kind,
                body_format=self._text,
                interpret_escapes=False,
            )
        except Exception as error:  # noqa: BLE001 -- over a hundred plug-ins of others; what they raise is not known
            return Failed(f"apprise: {type(error).__name__}")
        return Sent() if told else Failed("apprise could not deliver it; its log, at level warning, says why")
