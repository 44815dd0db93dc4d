"""How a source is read, as configured: its format named, described, mapped or found from its first lines."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from zoneinfo import ZoneInfo

from vedette.config import Config
from vedette.config.zone import zone_place
from vedette.enrich.enrich import Enricher
from vedette.enrich.service import ServicePattern
from vedette.parsers.apache_format import apache_format
from vedette.parsers.format import Format
from vedette.parsers.json_lines import JsonFormat
from vedette.parsers.json_map import json_format_from_map
from vedette.parsers.log_format import log_format
from vedette.parsers.logfmt import LogfmtFormat
from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import Choice, fit, sniff
from vedette.parsers.text_format import TextFormat
from vedette.parsers.wrappers import wrappers
from vedette.parsers.zones import in_zone
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError

_HEADLESS = (TextFormat, JsonFormat, LogfmtFormat)
"""Formats whose lines tell everything by themselves, but for the zone of their times."""


class FormatOptionError(VedetteError):
    """Options that describe a format and do not fit together, or do not read."""


def enricher(config: Config, renamed: Mapping[str, str] | None = None) -> Enricher:
    """What finds clients, routes and services, as configured; one for each time that a log is read.

    Args:
        config: How. renamed: What services named by their file are called instead.
    """
    return Enricher(
        [ip_network(text) for text in config.input.trusted_proxies] or None,
        [ServicePattern(rule.name, tuple(rule.files), tuple(rule.hosts)) for rule in config.input.services],
        config.limits.services,
        config.routes.templates,
        renamed,
    )


class OtherFormatError(VedetteError):
    """What a source was read as is not what the configuration says now."""


class Chooser:
    """Finds the format of a source from a sample of its lines, as configured.

    Raises:
        VedetteError: The named or described format does not exist or does not read.
    """

    def __init__(self, config: Config) -> None:
        settings = config.input
        self._zone = settings.timezone
        described = _described(config)
        self._only = None if described is None else _in_zone(described, self._zone)
        if self._only is None and settings.format != "auto":
            self._only = self._named(settings.format)
        self._known = () if self._only else tuple(_in_zone(f, self._zone) for f in formats())

    def __call__(self, sample: Chunk) -> Choice:
        """The format that was named, or that fits best.

        Raises:
            UnknownFormatError: None was named, and none fits.
        """
        return sniff(sample, self._known) if self._only is None else fit(sample, self._only)

    def named(self, name: str, sample: Chunk) -> Choice:
        """A format that somebody else names, for one source.

        Raises:
            NoSuchFormatError: There is none of that name.
        """
        return fit(sample, self._named(name))

    def again(self, name: str, wrapper: str | None, *, sniffed: bool, named: bool) -> Choice:
        """What was chosen before.

        Args:
            name: Of the format. wrapper: Name of what was peeled off, if anything was.
            sniffed: Whether the lines told the format, so that others of them may be of others.
            named: Whether somebody else had named it, for this source.

        Raises:
            NoSuchFormatError: The configuration or the program knows it no more.
            OtherFormatError: The configuration has come to say another, or that the lines tell.
        """
        known = self._only if self._only is not None and self._only.name == name else self._named(name)
        if not named and self._only is not None and self._only is not known:
            raise OtherFormatError(f"it was read as {name}, and the configuration says {self._only.name} now")
        if not (named or sniffed) and self._only is None:
            if isinstance(known, _HEADLESS):
                raise OtherFormatError(f"it was read as {name}, which the configuration says no more")
            # What its header said comes only once: it is kept, and lines that are of others say so themselves.
            sniffed = True
        peeled = next((w for w in wrappers() if w.name == wrapper), None)
        return Choice(known, peeled, 1.0, None, {}, self._known if sniffed else ())

    def _named(self, name: str) -> Format:
        return _in_zone(by_name(name), self._zone)


def _described(config: Config) -> Format | None:
    settings = config.input
    if settings.format != "auto" and (settings.log_format is not None or settings.fields):
        other = "--log-format" if settings.log_format is not None else "--field"
        raise FormatOptionError(
            f"--format {settings.format} and {other} describe the same thing twice: give one of them"
        )
    if settings.log_format is not None and settings.fields:
        raise FormatOptionError("--log-format and --field describe the same thing twice: give one of them")
    if settings.log_format is not None:
        make = apache_format if "%" in settings.log_format and "$" not in settings.log_format else log_format
        return make(settings.log_format)
    if settings.fields:
        try:
            return json_format_from_map(dict(settings.fields))
        except ValueError as error:
            raise FormatOptionError(f"--field: {error}") from error
    return None


def _in_zone(known: Format, zone: str) -> Format:
    """The format, reading times without a zone in this one."""
    place = zone_place(zone)
    return in_zone(known, place if isinstance(place, ZoneInfo) else place.utcoffset(None) or timedelta())
