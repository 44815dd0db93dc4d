"""The narrowest exception that would have kept an anomaly from being told."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np

from vedette.config.exceptions import DAYS, ExceptionRule
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.excusing import parameter, without
from vedette.schema.anomaly import Anomaly
from vedette.schema.requests import Requests

MARGIN = 0.1
"""How much further than what was called false a later value may go: no two windows are quite alike."""
_MOST_PARAMETERS = 50


class Stamp(msgspec.Struct, frozen=True):
    """What every exception that is made carries. `expires`: the first day on which it no longer holds."""

    added: date
    expires: date
    reason: str


def of_window(anomaly: Anomaly, stamp: Stamp, *, any_time: bool) -> ExceptionRule:
    """For a statement about a window: the same detector about the same entity, in that hour of the week.

    Args:
        anomaly: The statement. stamp: Dates and reason. any_time: At all hours instead.
    """
    moment = datetime.fromtimestamp(anomaly.start / 1e6, UTC)
    when = f"{DAYS[moment.weekday()]} {moment.hour:02}:00-{moment.hour + 1:02}:00"
    fewer = anomaly.formula.name.endswith("_low") or anomaly.observed < anomaly.threshold
    return _exception(
        anomaly,
        stamp,
        detector=anomaly.detector,
        entity={"kind": anomaly.entity.kind.value, "value": anomaly.entity.value},
        when=None if any_time else when,
        up_to=None if fewer else _short(anomaly.observed * (1 + MARGIN)),
        down_to=_short(anomaly.observed * (1 - MARGIN)) if fewer else None,
    )


def of_request(
    anomaly: Anomaly, requests: Requests, row: int, scanner: SignatureScanner, stamp: Stamp
) -> Iterator[ExceptionRule]:
    """For a hostile request: the rules of the type that was stated, where each matched.

    All of them, or as many as leave the request no longer hostile.

    Args:
        anomaly: The statement that it stands in. requests: Enriched. row: The request.
        scanner: With the rules that judged it. stamp: Dates and reason.
    """
    assert requests.route is not None  # noqa: S101 -- enriched
    one = requests.select(np.array([row], dtype=np.intp))
    rules = scanner.judge(one).rules(0)
    own = [rule for rule in rules if scanner.rules[rule].type is anomaly.type]
    rest = set(rules)
    route = (requests.route[row] or b"").decode("utf-8", "surrogateescape")
    for rule in sorted(own, key=lambda rule: (-scanner.rules[rule].confidence, rule)):
        if scanner.weigh(rest).confidence < np.float32(scanner.least):
            return
        rest.remove(rule)
        yield _exception(
            anomaly, stamp, rule=scanner.rules[rule].id, route=route, place=_place(one, rule, scanner)
        )


def _short(value: float) -> float:
    """To six digits, which is nearer than the margin."""
    return float(f"{value:.6g}")


def _place(one: Requests, rule: int, scanner: SignatureScanner) -> str:
    """Where a rule matched: the first place without which it would not have; all of the request if there is none."""
    query = (one.target[0] or b"").partition(b"?")[2]
    names = dict.fromkeys(parameter(pair) for pair in query.split(b"&")[:_MOST_PARAMETERS] if pair)
    for place in (*(f"parameter {name}" for name in names if name), "path", "user_agent", "referer"):
        changed = without(one, [0], place)
        if changed is not None and rule not in scanner.judge(changed).rules(0):
            return place
    return "request"


def _exception(anomaly: Anomaly, stamp: Stamp, **about: Any) -> ExceptionRule:
    known = {key: value for key, value in about.items() if value is not None}
    text = "\x1f".join([anomaly.service, anomaly.type.value, *(f"{k}={v}" for k, v in sorted(known.items()))])
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    # Through JSON, as from a file: strict typing still lets text be an enum there.
    return ExceptionRule.model_validate(
        {
            "id": f"x{digest}",
            "service": anomaly.service,
            "type": anomaly.type,
            **known,
            "reason": stamp.reason,
            "anomaly": anomaly.id,
            "added": stamp.added,
            "expires": stamp.expires,
        },
        strict=False,
    )
