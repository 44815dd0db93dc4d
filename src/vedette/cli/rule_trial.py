"""Custom rules run over old logs, and what became of them."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import TYPE_CHECKING, Any

import msgspec
from rich.text import Text

from vedette.config import Config
from vedette.config.rules import RuleSection
from vedette.explain.numbers import plural
from vedette.expression.grammar import parse
from vedette.replay.options import ScanOptions
from vedette.replay.survey import survey
from vedette.report.console import Console
from vedette.report.glyphs import Glyphs
from vedette.report.moments import iso, span
from vedette.report.output import check_apart, check_output, open_output
from vedette.schema.anomaly import Anomaly
from vedette.schema.errors import VedetteError

if TYPE_CHECKING:
    from vedette.detectors.custom.rule import Tally
    from vedette.engine.engine import Engine

_UNKNOWN = 0.5
"""Share of windows without an answer from which that is said of a rule that fired, too."""


class NoRulesError(VedetteError):
    """There is nothing to test."""


class Firing(msgspec.Struct, frozen=True):
    """Consecutive windows in which a rule was stated about one service or route.

    Attributes:
        first, last: Its first and last statement.
    """

    first: Anomaly
    last: Anomaly

    @property
    def windows(self) -> int:
        """Windows in which the condition held."""
        return int(self.last.details["windows"])


def trial(options: ScanOptions, given: dict[str, Any] | None, *, top: int, json: str | None) -> None:
    """Test the rules of a configuration, or the one given, and print what became of them.

    Raises:
        VedetteError: A rule or an input is wrong, or there is no rule.
    """
    if json is not None:
        check_output(json)
    check_apart([json], [options.config, *options.paths])
    overrides = options.overrides() | ({"rules": [given]} if given is not None else {})
    config = Config.load(options.config, environment=os.environ, overrides=overrides)
    if not config.rules:
        raise NoRulesError(
            "no rule to test: give a configuration that has `rules` with --config FILE, or one rule with --when"
        )
    # A rule that is not switched on yet is what a test is for.
    config = config.model_copy(
        update={"rules": tuple(rule.model_copy(update={"enabled": True}) for rule in config.rules)}
    )
    tallies: dict[str, Tally] = {}

    def only_rules(engine: "Engine") -> None:
        from vedette.detectors.custom.detector import CustomRules

        engine.detectors = [d for d in engine.detectors if isinstance(d, CustomRules)]
        tallies.clear()
        for detector in engine.detectors:
            if isinstance(detector, CustomRules):
                tallies.update(detector.tallies)

    findings = survey(options, config, prepare=only_rules).findings
    by_rule: dict[str, list[Anomaly]] = {}
    for anomaly in findings.anomalies:
        by_rule.setdefault(str(anomaly.details["rule"]), []).append(anomaly)
    fired = {rule.name: list(firings(by_rule.get(rule.name, ()))) for rule in config.rules}
    if json is not None:
        coverage = findings.coverage
        document = {
            "start": None if coverage.start is None else iso(coverage.start),
            "end": None if coverage.end is None else iso(coverage.end),
            "requests": coverage.parsed,
            "rules": [_document(rule, tallies[rule.name], fired[rule.name], config) for rule in config.rules],
        }
        with open_output(json) as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    if json != "-":
        console = Console()
        coverage = findings.coverage
        if coverage.start is not None and coverage.end is not None:
            over = (
                f"Tested on {plural(coverage.parsed, 'request')}, {span(coverage.start, coverage.end, UTC)}."
            )
            console.print(Text(over), soft_wrap=True)
        for rule in config.rules:
            _print(console, rule, tallies[rule.name], fired[rule.name], top, config)


def firings(anomalies: Iterable[Anomaly]) -> Iterator[Firing]:
    """The runs of one rule's statements, in order of their start."""
    last: dict[tuple[str, str | None], list[Anomaly]] = {}
    done: list[Firing] = []
    for anomaly in sorted(anomalies, key=lambda a: a.end):
        key = (anomaly.service, anomaly.route)
        run = last.get(key)
        # Within a run the number of windows only grows.
        if run is not None and anomaly.details["windows"] > run[1].details["windows"]:
            run[1] = anomaly
            continue
        if run is not None:
            done.append(Firing(*run))
        last[key] = [anomaly, anomaly]
    done.extend(Firing(*run) for run in last.values())
    return iter(sorted(done, key=lambda f: (f.first.start, f.first.id)))


def _document(rule: RuleSection, tally: "Tally", fired: list[Firing], config: Config) -> dict[str, Any]:
    return {
        "name": rule.name,
        "when": rule.when,
        "windows_needed": parse(rule.when).duration.in_windows(config.windows.span_s),
        "windows": tally.judged,
        "unknown": tally.unknown,
        "held": tally.held,
        "longest_run": tally.longest,
        "fired": tally.times,
        "stated": tally.stated,
        "firings": [
            {
                "start": iso(firing.first.start),
                "end": iso(firing.last.end),
                "service": firing.first.service,
                "route": firing.first.route,
                "windows": firing.windows,
                "description": firing.last.description,
            }
            for firing in fired
        ],
    }


def _print(
    console: Console, rule: RuleSection, tally: "Tally", fired: list[Firing], top: int, config: Config
) -> None:
    glyphs = Glyphs.of(console.encoding)
    needed = parse(rule.when).duration.in_windows(config.windows.span_s)
    console.print()
    console.print(Text(f"{rule.name}: {parse(rule.when)}", style="bold"), soft_wrap=True)
    console.print(Text(f"  {_verdict(tally, needed)}"), soft_wrap=True)
    for firing in fired[:top]:
        where = firing.first.service + (f" {firing.first.route}" if firing.first.route else "")
        when = span(firing.first.start, firing.last.end, UTC)
        line = f"  {when}: {where}, {plural(firing.windows, 'window')}"
        console.print(Text(glyphs.text(line)), soft_wrap=True)
    if len(fired) > top:
        console.print(Text(f"  and {len(fired) - top:,} more: --top {len(fired)} shows all"), soft_wrap=True)


def _verdict(tally: "Tally", needed: int) -> str:
    if not tally.judged:
        return "would not have fired: no service or route of the log is one that it is about"
    of = f"{plural(tally.judged, 'window')}"
    unknown = ""
    if tally.unknown > _UNKNOWN * tally.judged or (tally.unknown and not tally.held):
        unknown = (
            f"; in {tally.unknown:,} of them it is not known whether it holds: they lack what it asks for"
        )
    if tally.times:
        return (
            f"would have fired {plural(tally.times, 'time')}: it held in {tally.held:,} of {of}, "
            f"and was stated in {tally.stated:,}{unknown}"
        )
    if not tally.held:
        return f"would not have fired: it held in none of {of}{unknown}"
    return (
        f"would not have fired: it held in {tally.held:,} of {of}, at most {tally.longest} in a row; "
        f"it asks for {needed}{unknown}"
    )
