"""The sentence of a request that is unlike what a site has always had."""

from typing import Any

from vedette.explain.numbers import count, plural
from vedette.schema.anomaly import Anomaly


def describe_unlike(anomaly: Anomaly) -> str:
    """Who sent it, what is new in the least likely request, what was usual, and how likely that was."""
    details = anomaly.details
    who = {0: "clients that the log does not name", 1: anomaly.entity.value}.get(
        details["clients"], f"{count(details['clients'])} clients"
    )
    head = f"{plural(anomaly.observed, 'request')} to {anomaly.service} from {who} unlike any before"
    new = "; ".join(_new(novelty, details) for novelty in details["novelties"][:2])
    first = details["novelties"][0]
    return (
        f"{head}: {new}. Something new came {_times(first['new'])} in the latest {count(first['trials'])} of "
        f"{count(first['seen'])}: the probability of it is 1 in {count(1 / first['probability'])}, and the alarm "
        f"starts at 1 in {count(10 ** details['surprise_threshold'])}."
    )


def unlike_counterfactual(anomaly: Anomaly) -> str:
    """What would not have been stated."""
    first = anomaly.details["novelties"][0]
    limit = count(10 ** anomaly.details["surprise_threshold"])
    return f"{_instead(first)}; nor where something new is likelier than 1 in {limit}."


def _instead(novelty: dict[str, Any]) -> str:
    match novelty["what"]:
        case "route":
            return "Not stated of a route that was asked for before"
        case "method":
            return "Not stated of a method that the route was asked by before"
        case "name":
            return f"Not stated without `{novelty['parameter']}`"
        case "characters":
            return f"Not stated if `{novelty['parameter']}` held only {novelty['usual']}"
        case "length":
            return f"Not stated if `{novelty['parameter']}` were at most {count(novelty['limit'])} characters long"
        case _:
            return f"Not stated if `{novelty['parameter']}` had a shape seen before"


def _new(novelty: dict[str, Any], details: dict[str, Any]) -> str:
    seen = novelty["seen"]
    match novelty["what"]:
        case "route":
            return f"{novelty['value']} was never asked for in {plural(seen, 'request')} learned from"
        case "method":
            return f"{details['route']} was never asked by {novelty['value']} in {plural(seen, 'request')} learned from"
        case "name":
            return (
                f"{details['route']} never had a parameter `{novelty['parameter']}` in {count(seen)} queries learned "
                "from"
            )
        case "characters":
            return (
                f"`{novelty['parameter']}` on {details['route']} holds {novelty['found']}, where {_earlier(seen)} held "
                f"only {novelty['usual']}"
            )
        case "length":
            return (
                f"`{novelty['parameter']}` on {details['route']} has {count(novelty['found'])} characters, where "
                f"{_earlier(seen)} had at most {count(novelty['usual'])}"
            )
        case _:
            usual = ", ".join(f"`{shape}`" for shape in novelty["usual"])
            more = " and others" if novelty["shapes"] > len(novelty["usual"]) else ""
            return (
                f"`{novelty['parameter']}` on {details['route']} has the shape `{novelty['found']}`, where "
                f"{_earlier(seen)} had {usual}{more}"
            )


def _earlier(seen: int) -> str:
    return "the earlier value" if seen == 1 else f"{count(seen)} earlier values"


def _times(new: int) -> str:
    return {0: "never", 1: "once"}.get(new, f"{count(new)} times")
