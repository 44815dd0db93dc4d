"""The configuration: one typed tree. Each key has a default, a meaning and, where it has one, a unit."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from vedette.config.alarm import Alarm
from vedette.config.alerts import Alerts
from vedette.config.detectors import Detectors
from vedette.config.error_budget import Slo
from vedette.config.flows import NetworkSection
from vedette.config.learned import Learned
from vedette.config.live import Live
from vedette.config.networks import Network
from vedette.config.options import Section, option, section
from vedette.config.rules import MOST_RULES, Rules
from vedette.config.server import Server
from vedette.config.sources import Sources
from vedette.config.store import StoreSection
from vedette.config.zone import Zone
from vedette.schema.anomaly import Severity


class Colour(StrEnum):
    """When the terminal report is coloured."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class ServiceRule(Section):
    """Which requests belong to a service: those from matching files, or for matching hosts."""

    name: str = option(..., "Name of the service, as reports print it.", min_length=1, max_length=100)
    files: tuple[str, ...] = option((), "Patterns of source names, like `*/shop*.log`.")
    hosts: tuple[str, ...] = option((), "Patterns of virtual hosts, like `*.shop.example.com`.")


class InputSection(Section):
    """What is read, and how it is understood."""

    format: str = option(
        "auto", "Name of the log's format, or `auto` to find it from a sample.", min_length=1
    )
    log_format: str | None = option(
        None,
        "The server's own directive: an nginx `log_format` or an Apache `LogFormat` string.",
        min_length=1,
    )
    fields: Mapping[str, str] = option(
        {}, "For JSON lines: our field names to the log's keys, like `status: response.code`."
    )
    timezone: Zone = option(
        "UTC", "Zone of times that are logged without one: `UTC`, an offset like `+02:00`, or a zone's name."
    )
    trusted_proxies: tuple[Network, ...] = option(
        (), "Your own proxies' addresses and networks, passed over in `X-Forwarded-For` from the right."
    )
    services: tuple[ServiceRule, ...] = option(
        (), "Which requests belong to which service; the first rule that matches counts."
    )


class Windows(Section):
    """How event time is cut."""

    span_s: int = option(60, "Length of a window.", unit="seconds", ge=1, le=86_400)
    lateness_s: int | None = option(
        None,
        "How much later than its successors a request may be logged and still count; "
        "by default, twice what a sample of the log shows, at least a minute.",
        unit="seconds",
        ge=0,
        le=86_400,
    )


class Baselines(Section):
    """What is normal."""

    min_windows: int = option(
        30,
        "Windows that a baseline must have seen before it judges.",
        unit="windows",
        ge=10,
        why="a spread from fewer is a guess",
    )
    timezone: Zone = option("UTC", "Zone whose hours and weekdays the traffic follows.")
    holidays: tuple[date, ...] = option((), "Days that follow the rhythm of a Sunday, like `2024-12-25`.")


class Routes(Section):
    """How paths are folded into routes."""

    templates: tuple[str, ...] = option((), "Your own routes, like `/users/{}/orders`; tried before folding.")
    slug_values: int = option(
        50,
        "Distinct values seen in one place of a path, from which that place counts as variable.",
        unit="values",
        ge=10,
        why="fewer would fold the site's own sections",
    )


class Limits(Section):
    """Ceilings of memory. What goes beyond is counted as 'other', and the report says how much that was."""

    line_bytes: int = option(1 << 20, "Longest line; longer ones are cut.", unit="bytes", ge=1024, le=2 << 20)
    services: int = option(256, "Services told apart.", unit="services", ge=1, le=65_536)
    routes: int = option(4096, "Routes told apart, over all services.", unit="routes", ge=16, le=1 << 20)
    clients: int = option(
        200_000, "Clients told apart at one time, over all services.", unit="clients", ge=1000, le=50_000_000
    )
    evidence: int = option(
        3, "Log lines, or conversations of flows, kept for each anomaly.", unit="lines", ge=0, le=20
    )


class Output(Section):
    """What is shown, and when the exit status says so."""

    top: int = option(10, "Incidents shown in the terminal.", unit="incidents", ge=1, le=10_000)
    fail_on: Severity = option(
        Severity.LOW, "Least severity of an incident that makes `vedette scan` end with status 1."
    )
    colour: Colour = option(Colour.AUTO, "`auto` colours on a terminal unless `NO_COLOR` is set.")


class Config(Section):
    """Everything that can be set."""

    input: InputSection = section(InputSection)
    windows: Windows = section(Windows)
    baselines: Baselines = section(Baselines)
    alarm: Alarm = section(Alarm)
    slo: Slo = section(Slo)
    detectors: Detectors = section(Detectors)
    network: NetworkSection = section(NetworkSection)
    learned: Learned = section(Learned)
    routes: Routes = section(Routes)
    limits: Limits = section(Limits)
    live: Live = section(Live)
    output: Output = section(Output)
    store: StoreSection = section(StoreSection)
    server: Server = section(Server)
    alerts: Alerts = section(Alerts)
    sources: Sources = section(Sources)
    exceptions: str | None = option(
        None,
        "File of false alarms that are not to be told again; `vedette feedback` writes it.",
        min_length=1,
    )
    rules: Rules = option((), "Your own rules over the measures of a window.", max_length=MOST_RULES)

    @classmethod
    def load(
        cls,
        path: Path | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> Self:
        """Read a configuration: defaults, then the file, then the environment, then `overrides`, then `changes`.

        Args:
            path: A YAML file, or None for none.
            environment: Variables like `VEDETTE_WINDOWS__SPAN_S=30`; pass `os.environ`. Its values are YAML.
            overrides: Dotted keys to values, as given on the command line: `{"windows.span_s": 30}`.
            changes: The same of those that were made over a running service's API.

        Raises:
            ConfigError: The file cannot be read, or a key or value is wrong.
        """
        from vedette.config.load import gather, validate

        gathered = gather(cls, path, environment or {}, overrides or {}, changes)
        # Each key has a default that is right: where nothing is set nothing need be checked.
        return validate(cls, gathered) if gathered.values else cls.model_construct()
