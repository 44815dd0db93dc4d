"""An anomaly's reasoning as rows of text: each number it rests on, and its arithmetic done again."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from itertools import chain

from rich.console import Console
from rich.text import Text

from vedette.baselines.formulas import FORMULAS as TAILS
from vedette.detectors.learned.lime import Local
from vedette.explain.formulas import recompute
from vedette.explain.numbers import in_unit, odds, percent, plural
from vedette.explain.rule import holds
from vedette.explain.words import counterfactual
from vedette.expression.errors import ExpressionError
from vedette.report.glyphs import Glyphs
from vedette.report.moments import day_and_clock, span
from vedette.report.story import extreme
from vedette.schema.anomaly import Anomaly, Formula

_SAME = 1e-6
"""Relative difference up to which two results are the same: arrays and single values round apart."""
_INDENT = 2
_LABEL = 12
_NEARBY = 8
ROW = "row"

Row = tuple[str, str]


def reasoning(anomaly: Anomaly) -> Iterator[Row]:
    """Label and text of everything that an anomaly rests on. Texts of hostile origin are not yet escaped."""
    yield "what", anomaly.description
    yield "when", span(anomaly.start, anomaly.end, UTC)
    yield "where", f"{anomaly.service} {anomaly.route}" if anomaly.route else anomaly.service
    yield "about", f"{anomaly.entity.kind.value} {anomaly.entity.value}"
    yield "severity", f"{anomaly.severity.value}, score {anomaly.score:.3f}"
    yield "detector", anomaly.detector
    yield "observed", _precise(anomaly.observed, anomaly.unit)
    yield "expected", _expected(anomaly)
    yield "threshold", _precise(anomaly.threshold, anomaly.unit)
    yield from _arithmetic(anomaly.formula)
    if "expression" in anomaly.details:
        yield from _rule(anomaly)
    for contribution in anomaly.contributions:
        yield "carried by", f"{percent(contribution.share)} {contribution.dimension} {contribution.value}"
    if anomaly.clients:
        yield "clients", ", ".join(anomaly.clients)
    for name, value in anomaly.details.items():
        if name == ROW:
            # A model's whole input; what matters of it is told among the contributions.
            continue
        if name == "conversations":
            yield from (("talked", _conversation(one)) for one in value)
            continue
        yield from (("details", text) for text in _details(name, value))
    for evidence in anomaly.evidence:
        yield "evidence", f"{evidence.source}:{evidence.line}: {evidence.text}"
        if evidence.matched is not None:
            yield "", f"matched {evidence.rule or 'a rule'}: {evidence.matched}"
    if anomaly.of_flows and anomaly.evidence:
        yield "evidence", _rests_on(anomaly)
    if anomaly.evidence_total > len(anomaly.evidence) and not anomaly.of_flows:
        yield "evidence", f"{anomaly.evidence_total:,} requests, {len(anomaly.evidence) or 'none'} kept"
    yield "before", _before(anomaly)
    yield "otherwise", counterfactual(anomaly)
    if anomaly.incident_id is not None:
        yield "incident", anomaly.incident_id


def nearby(names: Sequence[str], found: Local) -> Iterator[Row]:
    """What each feature adds to a model's score, by a line fitted near the row; those that add most."""
    line = f"a line fitted to rows like it gives {_number(found.said)}, {_number(found.usual)} where all is usual"
    yield "nearby", f"score {_number(found.score)}; {line}, and explains {percent(found.fit)} of the scores"
    order = sorted(range(len(names)), key=lambda place: -abs(float(found.weights[place])))
    for place in order[:_NEARBY]:
        yield "", f"{found.weights[place]:+.4f} {names[place]}"


def show(anomaly: Anomaly, console: Console, near: "tuple[Sequence[str], Local] | None" = None) -> None:
    """Print one anomaly's reasoning.

    Args:
        near: What a model's score rests on, by `vedette.engine.local`.
    """
    glyphs = Glyphs.of(console.encoding)
    console.print(Text(f"{anomaly.type.label}, {anomaly.id}", style="bold"))
    room = max(20, console.width - _INDENT - _LABEL)
    previous = ""
    for label, text in chain(reasoning(anomaly), () if near is None else nearby(*near)):
        begin = "" if label == previous else label
        previous = label
        for line in Text(glyphs.text(text)).wrap(console, room):
            line.rstrip()
            start = Text(f"{'':{_INDENT}}{begin:{_LABEL}}", style="dim")
            console.print(start + line, soft_wrap=True)
            begin = ""


def show_list(anomalies: Iterable[Anomaly], console: Console) -> None:
    """Print ids, with when and what."""
    glyphs = Glyphs.of(console.encoding)
    for anomaly in anomalies:
        when = day_and_clock(anomaly.start, UTC)
        line = f"{anomaly.id}  {when} UTC  {anomaly.severity.value:8}  {glyphs.text(anomaly.description)}"
        if console.is_terminal:
            console.print(Text(line), no_wrap=True, overflow="ellipsis")
        else:
            console.print(Text(line), soft_wrap=True)


def _before(anomaly: Anomaly) -> str:
    earlier = anomaly.earlier
    if earlier is None:
        return "not stated before in what was read"
    when = span(earlier.start, earlier.end, UTC)
    if earlier.observed is None:
        return f"{when}, {earlier.anomaly_id}"
    return f"{when}, {_precise(earlier.observed, anomaly.unit)} {extreme(anomaly.type)}, {earlier.anomaly_id}"


def _expected(anomaly: Anomaly) -> str:
    band = anomaly.expected
    if band.mid is None:
        return "nothing to compare to: the rule holds for everyone"
    text = _precise(band.mid, anomaly.unit)
    if band.low is not None and band.high is not None and band.low < band.high:
        text += f", between {_precise(band.low, anomaly.unit)} and {_precise(band.high, anomaly.unit)}"
    return f"{text}; {plural(anomaly.sample_count, 'sample')}"


def _arithmetic(formula: Formula) -> Iterator[Row]:
    """The formula with its inputs, its result here and now, and the result that was stored."""
    inputs = ", ".join(f"{name}={_number(value)}" for name, value in formula.inputs.items())
    yield "arithmetic", f"{formula.name}({inputs})"
    try:
        result = recompute(formula)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        why = f"{type(error).__name__}: {error}"
        yield "", f"stored {_number(formula.result)}; it cannot be recomputed: {why}"
        return
    same = math.isclose(result, formula.result, rel_tol=_SAME, abs_tol=_SAME)
    verdict = "they agree" if same else "THEY DISAGREE"
    yield "", f"= {_number(result)}, stored {_number(formula.result)}: {verdict}"
    if formula.name in TAILS:
        yield "", f"-log10 of the probability that chance alone does this: {odds(result)}"


def _rule(anomaly: Anomaly) -> Iterator[Row]:
    """A custom rule, evaluated again from the measures that were stored."""
    try:
        verdict = "it holds" if holds(anomaly) else "IT DOES NOT HOLD"
    except (KeyError, TypeError, ExpressionError) as error:
        verdict = f"it cannot be evaluated: {error}"
    yield "rule", f"{anomaly.details['expression']}: {verdict}"


def _details(name: str, value: object) -> Iterator[str]:
    """A detail; what it lists, or holds by name, in lines of its own."""
    called = name.replace("_", " ")
    if isinstance(value, dict) and any(isinstance(inner, dict | list) for inner in value.values()):
        for key, inner in value.items():
            yield from _details(f"{called} {key}", inner)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for each in value:
            yield f"{called}: {_detail(each)}"
    else:
        yield f"{called}: {_detail(value)}"


def _detail(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_detail(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_detail, value))
    return _number(value) if isinstance(value, float) else str(value)


def _rests_on(anomaly: Anomaly) -> str:
    """What the packets or lines shown are, of how much."""
    if "conversations_in_all" not in anomaly.details:
        return "the first and the last of the window"
    whole = anomaly.details["conversations_in_all"]
    return f"the first of each of {len(anomaly.evidence):,} of {whole:,} conversations in the window"


def _conversation(one: dict[str, object]) -> str:
    """A conversation of flows as a line."""
    ends = f"{one['client']} to {one['server']} port {one['server_port']}, {one['protocol']}"
    rest = (f"{name.replace('_', ' ')} {count:,}" for name, count in one.items() if isinstance(count, int))
    return f"{ends}: {', '.join(part for part in rest if not part.startswith('server port'))}"


def _precise(value: float, unit: str) -> str:
    """A value as people read it, and in full where that rounds."""
    read = in_unit(value, unit)
    full = _number(value)
    return (
        read if read.replace(",", "").startswith(f"{full} ") else f"{read} ({full} {unit.replace('_', ' ')})"
    )


def _number(value: float) -> str:
    return f"{value:.10g}"
