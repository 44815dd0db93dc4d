"""The report as one page that needs nothing else: no scripts, no requests, no outside."""

import base64
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, tzinfo
from typing import Final

from vedette import __version__
from vedette.explain.numbers import percent, plural
from vedette.explain.words import counterfactual
from vedette.report.account import account
from vedette.report.headline import headline, remarks, scope
from vedette.report.markup import Child, Html, tag
from vedette.report.moments import span
from vedette.report.output import open_output
from vedette.report.story import Story, before, ranked, stories, story_of
from vedette.report.style import STYLE
from vedette.report.timeline import timeline
from vedette.schema.anomaly import Anomaly, Contribution, Evidence, Severity
from vedette.schema.findings import Coverage, Findings
from vedette.schema.incident import Incident

MOST_INCIDENTS = 200
"""Incidents told in full."""
MOST_ANOMALIES = 20
"""Anomalies listed under one incident."""


def write_html(findings: Findings, path: str, *, zone: tzinfo = UTC) -> None:
    """Write the page.

    Args:
        findings: What was found.
        path: A file, which appears whole or not at all, or `-` for standard output.
        zone: The time zone that times are shown in, and named with.

    Raises:
        OutputError: The path cannot be written.
    """
    with open_output(path) as stream:
        for piece in page(findings, zone):
            stream.write(piece.encode())


def page(findings: Findings, zone: tzinfo) -> Iterator[str]:
    """The page in pieces."""
    yield from _begin(headline(findings))
    yield _opening(findings, zone).text + "\n"
    coverage = findings.coverage
    if coverage.start is not None and coverage.end is not None:
        drawing = timeline(ranked(findings.incidents), coverage.start, coverage.end, zone)
        if drawing is not None:
            yield drawing.text + "\n"
    if findings.incidents:
        yield tag("h2", "Incidents, the worst first").text + "\n"
    for told, story in enumerate(stories(findings)):
        if told == MOST_INCIDENTS:
            hidden = len(findings.incidents) - told
            yield tag("p", f"{plural(hidden, 'more incident')} in the JSON (--json FILE).").text
            break
        yield _article(story, zone).text + "\n"
    yield _account(coverage).text + "\n"
    yield _END


def incident_page(
    incident: Incident, anomalies: Iterable[Anomaly], zone: tzinfo, *, rest: str, others: str
) -> Iterator[str]:
    """One incident as a page of its own, in pieces.

    Args:
        incident: The incident. anomalies: Its anomalies, or some of them.
        zone: As for `write_html`. rest: Where the anomalies stand that the page leaves out.
        others: Address of the page that lists the others.
    """
    yield from _begin(incident.title)
    yield tag("nav", tag("a", "All incidents", href=others), class_="faint").text + "\n"
    yield _article(story_of(incident, anomalies), zone, rest, alone=True).text + "\n"
    yield _END


def list_page(
    incidents: Iterable[Incident],
    zone: tzinfo,
    address: Callable[[str], str],
    *,
    state: str,
    remarks: Iterable[str] = (),
) -> Iterator[str]:
    """Incidents in a line each, in the order given, in pieces.

    Args:
        incidents: What is listed. zone: As for `write_html`. address: Of the page of an incident, by its id.
        state: How the service does that found them, a sentence. remarks: What is wrong with it, or worth knowing.
    """
    yield from _begin("incidents")
    yield tag("h1", "Incidents").text + "\n"
    yield tag("p", state, class_="faint").text + "\n"
    yield from (tag("p", each, class_="note").text + "\n" for each in remarks)
    rows = [
        tag(
            "article",
            _grade(each.severity),
            tag("h3", tag("a", each.title, href=address(each.id))),
            tag("p", f"{span(each.start, each.end, zone)}, {each.state.value}", class_="faint"),
        )
        for each in incidents
    ]
    yield from (row.text + "\n" for row in rows or [tag("p", "None so far.")])
    yield _END


def refusal_page(
    title: str, reason: str, *, state: str, remarks: Iterable[str] = (), others: str | None = None
) -> Iterator[str]:
    """Why there is no other page now, in pieces.

    Args:
        title: What happened, in two or three words. reason: Why, with the remedy.
        state: How the service does, a sentence. remarks: What is wrong with it, or worth knowing.
        others: Address of the page that lists the incidents, None where this stands in its place.
    """
    yield from _begin(title.lower())
    if others is not None:
        yield tag("nav", tag("a", "All incidents", href=others), class_="faint").text + "\n"
    yield tag("h1", title).text + "\n"
    yield tag("p", f"{reason[:1].upper()}{reason[1:]}.").text + "\n"
    yield tag("p", state, class_="faint").text + "\n"
    yield from (tag("p", each, class_="note").text + "\n" for each in remarks)
    yield _END


_END: Final = tag("footer", tag("p", f"Vedette {__version__}", class_="faint")).text + "\n</body>\n</html>\n"
_DIGEST: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'"
"""What a browser may load for a page: nothing but its own style."""


def _begin(title: str) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n'
    yield tag("head", *_head(title)).text + "\n<body>\n"


def _head(title: str) -> Iterator[Html]:
    yield tag("meta", charset="utf-8")
    yield tag("meta", http_equiv="Content-Security-Policy", content=POLICY)
    yield tag("meta", name="viewport", content="width=device-width, initial-scale=1")
    yield tag("meta", name="referrer", content="no-referrer")
    yield tag("title", f"Vedette: {title}")
    yield tag("style", Html(STYLE))


def _opening(findings: Findings, zone: tzinfo) -> Html:
    return tag(
        "header",
        tag("h1", headline(findings)),
        [tag("p", note, class_="note") for note in remarks(findings.coverage)],
        tag("p", scope(findings.coverage, zone), class_="faint"),
    )


def _article(
    story: Story, zone: tzinfo, rest: str = "in the JSON (--json FILE)", *, alone: bool = False
) -> Html:
    """An incident in full; one that has a page to itself has its heading, and may still change."""
    incident = story.incident
    when = span(incident.start, incident.end, zone)
    return tag(
        "article",
        _grade(incident.severity),
        tag("h1" if alone else "h3", incident.title),
        tag("p", story.summary),
        tag(
            "dl",
            _fact("When", f"{when}, {incident.state.value}" if alone else when),
            _fact("To", story.target),
            _fact("From", story.senders) if story.senders is not None else None,
            _fact("Before", earlier) if (earlier := before(story, zone)) is not None else None,
            _fact("How sure", story.sure),
            [_fact("Do next" if i == 0 else "", advice) for i, advice in enumerate(incident.advice)],
        ),
        _shares(story.contributions),
        _proof(story.evidence),
        tag(
            "p",
            f"Rests on {'' if story.counted_once else 'up to '}{plural(story.evidence_total, 'request')}.",
            class_="faint",
        )
        if story.evidence_total
        else None,
        _details(story.anomalies, zone, rest),
        id=incident.id,
    )


def _grade(severity: Severity) -> Html:
    return tag("span", severity.value, class_=f"grade {severity.value}")


def _fact(label: str, text: str) -> list[Html]:
    return [tag("dt", label), tag("dd", text)]


def _shares(contributions: Iterable[Contribution]) -> Html | None:
    rows = [
        [
            tag("span", f"{c.dimension} ", tag("code", c.value)),
            tag("span", percent(c.share)),
            tag(
                "svg",
                tag(
                    "rect",
                    x=0,
                    y=0,
                    width=f"{100 * min(1.0, max(0.0, c.share)):.1f}",
                    height=10,
                    class_="share",
                ),
                viewBox="0 0 100 10",
                preserveAspectRatio="none",
                height=10,
                aria_hidden="true",
            ),
        ]
        for c in contributions
    ]
    return tag("div", rows, class_="shares") if rows else None


def _proof(evidence: Iterable[Evidence]) -> list[Html]:
    parts = []
    for line in evidence:
        rule = f" ({line.rule})" if line.rule else ""
        matched: list[Child] | None = (
            [f" matched{rule}: ", tag("code", line.matched)] if line.matched is not None else None
        )
        parts.append(tag("small", tag("code", f"{line.source}:{line.line}"), matched))
        parts.append(tag("pre", line.text))
    return parts


def _details(anomalies: tuple[Anomaly, ...], zone: tzinfo, rest: str) -> Html | None:
    if not anomalies:
        return None
    number = len(anomalies)
    hidden = number - MOST_ANOMALIES
    return tag(
        "details",
        tag(
            "summary",
            "The one anomaly, in full" if number == 1 else f"All {number:,} anomalies, the worst first",
        ),
        [_anomaly(anomaly, zone) for anomaly in anomalies[:MOST_ANOMALIES]],
        tag("p", f"{hidden:,} more {rest}.", class_="faint") if hidden > 0 else None,
    )


def _anomaly(anomaly: Anomaly, zone: tzinfo) -> Html:
    formula = anomaly.formula
    inputs = ", ".join(f"{name} = {value:.6g}" for name, value in formula.inputs.items())
    return tag(
        "section",
        tag(
            "p", _grade(anomaly.severity), f" {anomaly.type.label}, {span(anomaly.start, anomaly.end, zone)}"
        ),
        tag("p", anomaly.description),
        tag("p", counterfactual(anomaly), class_="faint") if math.isfinite(anomaly.threshold) else None,
        tag(
            "p",
            tag("code", f"{formula.name}({inputs}) = {formula.result:.6g}"),
            f" score {anomaly.score:.3f}",
        ),
        tag("p", tag("small", f"{anomaly.id}, {anomaly.detector}")),
    )


def _account(coverage: Coverage) -> Html:
    rows: list[Html] = []
    previous = ""
    for label, text in account(coverage):
        rows.extend(_fact("" if label == previous else label.capitalize(), text))
        previous = label
    return tag("section", tag("h2", "What this rests on"), tag("dl", rows))
