"""An anomaly's sentence, written from its own fields and nothing else."""

import math
from typing import Any

from vedette.baselines.formulas import FORMULAS
from vedette.explain.behaviour import describe_behaviour
from vedette.explain.combination import describe_combination
from vedette.explain.network import describe_network
from vedette.explain.numbers import between, count, in_unit, odds, percent, plural, seconds, size
from vedette.explain.session import describe_session
from vedette.explain.unlike import describe_unlike, unlike_counterfactual
from vedette.expression.measures import MEASURES
from vedette.expression.quantities import Kind
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution


def describe(anomaly: Anomaly) -> str:
    """One or two sentences: what was observed, what was expected, how rare that is, who carries it."""
    if anomaly.unit == "abnormal_requests":
        return describe_unlike(anomaly)
    if anomaly.of_flows:
        return describe_network(anomaly)
    body = _BODY.get(anomaly.type, _hostile)(anomaly)
    carried = "" if anomaly.type in _OF_MODELS else _carried(anomaly)
    return f"{body} {carried}" if carried else body


def counterfactual(anomaly: Anomaly) -> str:
    """What would not have been stated."""
    if anomaly.unit == "abnormal_requests":
        return unlike_counterfactual(anomaly)
    if anomaly.counterfactual:
        return anomaly.counterfactual
    if anomaly.unit == "squared_deviations":
        return f"Not stated at a distance of {math.sqrt(anomaly.threshold):.2f} deviations or less."
    if anomaly.unit == "log_odds":
        return f"Not stated below a probability of {_as_probability(anomaly.threshold):.2f}."
    limit, drop = in_unit(anomaly.threshold, anomaly.unit), anomaly.type is AnomalyType.TRAFFIC_DROP
    counted = anomaly.formula.name in _COUNTED and not anomaly.of_flows
    if counted or anomaly.formula.name in _RARE:
        return f"Not stated {'above' if drop else 'below'} {limit}."
    return f"Not stated at {limit} or {'more' if drop else 'less'}."


def _place(anomaly: Anomaly) -> str:
    return f"{anomaly.service} {anomaly.route}" if anomaly.route else anomaly.service


def _expected(anomaly: Anomaly) -> str:
    band = anomaly.expected
    if band.mid is None:
        return "with nothing to compare to"
    text = f"usual is {in_unit(band.mid, anomaly.unit)}"
    if band.low is not None and band.high is not None:
        text = f"usual are {between(band.low, band.high, anomaly.unit)}"
    return f"{text} (from {plural(anomaly.sample_count, 'window')})"


def _rare(anomaly: Anomaly) -> str:
    surprise = anomaly.details.get("surprise")
    if surprise is None:
        return ""
    limit = anomaly.details["surprise_threshold"]
    return f" By chance that happens {odds(surprise)}; the alarm starts at {odds(limit)}."


_ROUTES_TOLD = 3
_RARE = frozenset((*FORMULAS, "exceedance"))
_COUNTED = frozenset(("count", "linear_count"))
"""Formulas whose threshold itself is stated: as rare as the budget allows, or as many as a limit says."""


def _shared(anomaly: Anomaly) -> str:
    """What the other alarms of the service in this window have to do with it."""
    shared, apart = anomaly.details.get("shared_by"), anomaly.details.get("apart")
    if shared is not None:
        names = [each["route"] for each in shared["routes"][:_ROUTES_TOLD]]
        rest = shared["count"] - len(names)
        told = f"{', '.join(names)} and {rest:,} more" if rest else ", ".join(names)
        verb = "shares" if shared["count"] == 1 else "share"
        return f" {plural(shared['count'], 'route')} {verb} it: {told}."
    if apart is not None:
        beside = plural(apart["others"], "other route")
        rare = odds(apart["surprise"])
        return (
            f" It is hit harder than the {beside} that alarm with it: by their measure this happens {rare}."
        )
    return ""


def _errors(anomaly: Anomaly) -> str:
    details = anomaly.details
    if "refused" in details:
        return _refusals(anomaly)
    over = f" in {count(details['windows'])} windows" if details["windows"] > 1 else ""
    return (
        f"{count(details['errors'])} of {plural(details['requests'], 'request')} to {_place(anomaly)}{over} failed "
        f"with 5xx ({percent(anomaly.observed)}); {_expected(anomaly)}.{_rare(anomaly)}{_shared(anomaly)}"
    )


def _refusals(anomaly: Anomaly) -> str:
    details = anomaly.details
    over = f" in {count(details['windows'])} windows" if details["windows"] > 1 else ""
    status = max(details["statuses"].items(), key=lambda pair: pair[1], default=("other", 0))[0]
    mostly = "" if status == "other" else f", mostly {status}"
    return (
        f"{count(details['refused'])} of {plural(details['requests'], 'request')} to {_place(anomaly)}{over} were "
        f"refused with 4xx{mostly} ({percent(anomaly.observed)}), failed logins and attacks aside; "
        f"{_expected(anomaly)}.{_rare(anomaly)}"
    )


def _latency(anomaly: Anomaly) -> str:
    windows = anomaly.details.get("windows", 1)
    over = f" in {count(windows)} windows" if windows > 1 else ""
    # A histogram tells it to within a twentieth.
    took = seconds(float(f"{anomaly.observed:.2g}"))
    return (
        f"The slowest 5 % of {plural(anomaly.details['timed_requests'], 'request')} to {_place(anomaly)}{over} took "
        f"about {took} or more; {_expected(anomaly)}.{_rare(anomaly)}{_shared(anomaly)}"
    )


def _volume(anomaly: Anomaly) -> str:
    middle = anomaly.expected.mid
    if "silent_windows" in anomaly.details:
        return _silence(anomaly)
    if "runs" in anomaly.details:
        return _missed(anomaly)
    times = ""
    if middle and middle >= 1 and anomaly.observed >= middle:
        times = f", {count(anomaly.observed / middle)} times the usual"
    got = "not a single request" if anomaly.observed == 0 else plural(anomaly.observed, "request")
    windows = anomaly.details.get("windows", 1)
    got += f" in {count(windows)} windows" if windows > 1 else ""
    return f"{_place(anomaly)} got {got}{times}; {_expected(anomaly)}.{_rare(anomaly)}{_shared(anomaly)}"


def _silence(anomaly: Anomaly) -> str:
    details, inputs = anomaly.details, anomaly.formula.inputs
    before = plural(details["longest_before"], "window")
    return (
        f"{_place(anomaly)} got not a single request in {plural(details['silent_windows'], 'window')}; usual are "
        f"{count(anomaly.expected.mid or 0.0)} in so many, and of the last {count(inputs['windows'])} windows "
        f"{count(inputs['empty'])} had none, at most {before} in a row.{_rare(anomaly)}"
    )


def _missed(anomaly: Anomaly) -> str:
    details = anomaly.details
    every = "hour" if details["hourly"] else "day"
    return (
        f"{_place(anomaly)} got not a single request in {plural(details['late_minutes'], 'minute')} from when it "
        f"should have: at this time of the {every} it came {count(details['runs'])} times in a row, with "
        f"{plural(anomaly.expected.mid or 0.0, 'request')} or more."
    )


def _flood(anomaly: Anomaly) -> str:
    details = anomaly.details
    if details["shape"] == "learned":
        return _learned_flood(anomaly)
    if details["shape"] == "one client":
        return (
            f"One client, {anomaly.entity.value}, made {percent(anomaly.observed)} of the {count(details['requests'])} "
            f"requests to {anomaly.service} ({count(details['client_requests'])}); a flood starts at "
            f"{percent(anomaly.threshold)} of more than {count(details['requests_threshold'])}."
        )
    shape = (
        f"{percent(details['share_on_one_route'])} of the excess goes to one route"
        if details["share_on_one_route"] >= details["share_refused_or_failing"]
        else f"{percent(details['share_refused_or_failing'])} is refused or fails"
    )
    return (
        f"{count(details['distinct_clients'])} clients (usually {count(details['expected_clients'])}) made "
        f"{count(anomaly.observed)} requests to {anomaly.service}, and {shape}; {_expected(anomaly)}.{_rare(anomaly)}"
    )


def _learned_flood(anomaly: Anomaly) -> str:
    details = anomaly.details
    most = sorted(details["features"].items(), key=lambda pair: -float(pair[1]["adds"]))[:3]
    adding = ", ".join(
        f"{name.replace('_', ' ')} {_feature(seen)} ({seen['adds']:+.2f})"
        for name, seen in most
        if seen["adds"] > 0
    )
    return (
        f"{seconds(details['seconds'])} of {anomaly.service} look like a flood with a probability of "
        f"{details['probability']:.2f} (stated from {_as_probability(anomaly.threshold):.2f}): "
        f"{plural(details['requests'], 'request')} by {plural(details['clients'], 'client')}, "
        f"{count(details['failed'])} of them failed. What speaks for it: {adding}.{_rare(anomaly)}"
    )


def _unusual_values(anomaly: Anomaly) -> str:
    details = anomaly.details
    what = "took times" if anomaly.type is AnomalyType.RESPONSE_TIME_ANOMALY else "got statuses"
    values = ", ".join(
        f"{c.value} ({percent(c.share)})" for c in anomaly.contributions if c.dimension == "value"
    )
    return (
        f"{plural(details['outside'], 'request')} of {count(details['requests'])} to {_place(anomaly)} {what} that are "
        f"not usual there ({percent(anomaly.observed)}; usual is {percent(details['usual_share'])}, from "
        f"{plural(anomaly.sample_count, 'request')}): {values}.{_rare(anomaly)}{_shared(anomaly)}"
    )


def _feature(seen: dict[str, Any]) -> str:
    """A feature's value: how many times the usual, or a share."""
    return (
        f"{math.exp(seen['value']):.3g} times the usual" if seen["unit"] == "ln" else percent(seen["value"])
    )


def _as_probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def _brute_force(anomaly: Anomaly) -> str:
    if "surprise" in anomaly.details:
        return (
            f"{count(anomaly.observed)} logins to {anomaly.service} failed, from "
            f"{count(anomaly.details['clients_failing'])} clients; {_expected(anomaly)}.{_rare(anomaly)}"
        )
    details = anomaly.details
    tries, failures = details["login_attempts"], details["failed_logins"]
    # 401 is a failed login on any route, also where nothing was sent to a login form.
    done = f"tried {count(tries)} logins on" if tries else "was refused by"
    fate = f", {count(failures)} of them failed" if tries else f" {count(failures)} times (401)"
    return (
        f"{anomaly.entity.value} {done} {anomaly.service} in {plural(details['minutes'], 'minute')}{fate}; "
        f"guessing starts at {in_unit(anomaly.threshold, anomaly.unit)}."
    )


def _scanner(anomaly: Anomaly) -> str:
    if anomaly.unit == "hostile_requests":
        return _hostile(anomaly)
    details = anomaly.details
    return (
        f"{anomaly.entity.value} asked {anomaly.service} for about {count(anomaly.observed)} different routes that do "
        f"not exist ({count(details['not_found'])} of its {count(details['requests'])} requests in "
        f"{plural(details['minutes'], 'minute')} were 404); a scan starts at {count(anomaly.threshold)}."
    )


def _rate_limit(anomaly: Anomaly) -> str:
    details = anomaly.details
    return (
        f"{anomaly.entity.value} was told to slow down (429) {count(anomaly.observed)} times in "
        f"{plural(details['minutes'], 'minute')}, of {count(details['requests'])} requests to {anomaly.service}; "
        f"abuse starts at {count(anomaly.threshold)}."
    )


def _bots(anomaly: Anomaly) -> str:
    details = anomaly.details
    return (
        f"{anomaly.entity.value} made {count(anomaly.observed)} requests to about "
        f"{plural(round(details['distinct_routes']), 'route')} of "
        f"{anomaly.service} in {plural(details['minutes'], 'minute')}: "
        f"{percent(details['share_without_referer'])} without a referer, {percent(details['share_static'])} for static "
        f"files, active in {percent(details['share_of_seconds'])} of the seconds; it does not say it is a bot. "
        f"Fewer than {count(anomaly.threshold)} requests say nothing."
    )


def _exfiltration(anomaly: Anomaly) -> str:
    if "hours" in anomaly.details:
        return _taken_slowly(anomaly)
    if anomaly.route is None:
        what = f"One client, {anomaly.entity.value}, took {size(anomaly.observed)} from {anomaly.service}"
    else:
        what = f"{_place(anomaly)} gave out {size(anomaly.observed)}"
    return f"{what}; {_expected(anomaly)}.{_rare(anomaly)}"


def _taken_slowly(anomaly: Anomaly) -> str:
    details, band = anomaly.details, anomaly.expected
    who = "A client that was not there before today" if details["stranger"] else "One client"
    usual = "" if band.mid is None else f" usually takes {size(band.mid)}"
    more = "" if band.high is None else f", in one hour of four more than {size(band.high)}"
    new = ""
    if details["stranger"] and details["hours_told"]:
        seldom, of = count(details["hours_of_strangers"]), count(details["hours_told"])
        new = f", and was a stranger in {seldom} of {of}: of one, less is enough"
    return (
        f"{who}, {anomaly.entity.value}, took {size(anomaly.observed)} from {anomaly.service} in "
        f"{plural(details['minutes'], 'minute')}. Who takes most in an hour{usual}{more} "
        f"(from {plural(details['hours'], 'hour')}){new}.{_rare(anomaly)}"
    )


def _pattern(anomaly: Anomaly) -> str:
    return _rule(anomaly) if anomaly.by_rule else describe_combination(anomaly)


def _rule(anomaly: Anomaly) -> str:
    details = anomaly.details
    long = f" for {plural(details['windows'], 'window')} in a row" if details["windows"] > 1 else ""
    measured = ", ".join(f"{name} {_measured(name, value)}" for name, value in details["measures"].items())
    message = f" {details['message']}" if details["message"] else ""
    return (
        f"The rule {details['rule']} held on {_place(anomaly)}{long}: {details['expression']}; "
        f"in the last window: {measured}.{message}"
    )


def _measured(name: str, value: float) -> str:
    """A measure without the name of what it counts: its own name says that."""
    measure = MEASURES[name]
    return count(value) if measure.quantity.kind is Kind.COUNT else in_unit(value, measure.unit)


def _hostile(anomaly: Anomaly) -> str:
    details = anomaly.details
    who = anomaly.entity.value if details["clients"] == 1 else f"{count(details['clients'])} clients"
    if details["clients"] == 0:
        who = "clients that the log does not name"
    answered = details["answered_2xx"]
    fate = (
        f"{count(answered)} of the sender's hostile requests got"
        if answered
        else "no hostile request of the sender got"
    )
    why = f" {details['why']}" if "why" in details else ""
    aim = f" Visitors set {details['parameter']} to other things." if "parameter" in details else ""
    return (
        f"{plural(anomaly.observed, 'hostile request')} to {_place(anomaly)} from {who}: "
        f"{anomaly.type.label}; {fate} a 2xx answer.{aim}{why}"
    )


def _carried(anomaly: Anomaly) -> str:
    """Who carries it: the two largest contributions. Whom the sentence is about has been named."""
    parts = [
        f"{percent(c.share)} {'from' if c.dimension == 'client' else 'on'} {c.value}"
        for c in _largest(anomaly)
        if c.value != anomaly.entity.value
    ]
    return f"Of {_whole(anomaly)}, {' and '.join(parts)}." if parts else ""


def _whole(anomaly: Anomaly) -> str:
    """What contributions are shares of."""
    if anomaly.type is AnomalyType.TRAFFIC_DROP:
        return f"what is missing{' in the last window' if is_of_last_window(anomaly) else ''}"
    if anomaly.type is AnomalyType.DATA_EXFILTRATION:
        return f"all that {anomaly.service} sent"
    return "those in the last window" if is_of_last_window(anomaly) else "this"


def is_of_last_window(anomaly: Anomaly) -> bool:
    """Whether its contributions are shares of its last window: who carried what those before it had is not kept."""
    return anomaly.type in _TOGETHER and anomaly.details.get("windows", 1) > 1


def _largest(anomaly: Anomaly) -> list[Contribution]:
    routes = [c for c in anomaly.contributions if c.dimension == "route"][:1]
    clients = [c for c in anomaly.contributions if c.dimension == "client"][:1]
    return routes + clients


_BODY = {
    AnomalyType.ERROR_SPIKE: _errors,
    AnomalyType.LATENCY_SPIKE: _latency,
    AnomalyType.TRAFFIC_SPIKE: _volume,
    AnomalyType.TRAFFIC_DROP: _volume,
    AnomalyType.DDOS_ATTACK: _flood,
    AnomalyType.BRUTE_FORCE: _brute_force,
    AnomalyType.SCANNER: _scanner,
    AnomalyType.RATE_LIMIT_ABUSE: _rate_limit,
    AnomalyType.BOT_ACTIVITY: _bots,
    AnomalyType.DATA_EXFILTRATION: _exfiltration,
    AnomalyType.UNUSUAL_PATTERN: _pattern,
    AnomalyType.BEHAVIORAL_ANOMALY: describe_behaviour,
    AnomalyType.SEQUENCE_ANOMALY: describe_session,
    AnomalyType.RESPONSE_TIME_ANOMALY: _unusual_values,
    AnomalyType.STATUS_CODE_ANOMALY: _unusual_values,
}
_TOGETHER = frozenset({AnomalyType.ERROR_SPIKE, AnomalyType.LATENCY_SPIKE, AnomalyType.TRAFFIC_DROP})
"""Several windows may be judged as one."""
_OF_MODELS = frozenset({AnomalyType.BEHAVIORAL_ANOMALY, AnomalyType.SEQUENCE_ANOMALY})
"""Their contributions are features and requests, and told in the sentence."""
