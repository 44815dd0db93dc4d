"""Which rules may come to be everyday in what they say."""

from collections.abc import Mapping
from typing import Final

from vedette.detectors.signatures.rules import Rule
from vedette.schema.anomaly import AnomalyType

WEIGHED: Final[Mapping[AnomalyType, float]] = {
    AnomalyType.SQL_INJECTION: 0.9,
    AnomalyType.XSS: 0.9,
    AnomalyType.PROTOCOL_VIOLATION: 0.9,
    AnomalyType.ABNORMAL_REQUEST: 0.9,
    AnomalyType.COMMAND_INJECTION: 0.86,
    AnomalyType.PATH_TRAVERSAL: 0.86,
    AnomalyType.FILE_INCLUSION: 0.86,
    AnomalyType.SSRF: 0.86,
    AnomalyType.TEMPLATE_INJECTION: 0.86,
}
"""Confidence from which what a rule says always counts, by its type; of other types, it always does.

Applications are asked in queries and in markup, more seldom with commands, paths and addresses in values. None is used
by asking for web shells and for files that are not its own, or with the tools of attackers.
"""


def is_weighed(rule: Rule) -> bool:
    """Whether what a rule says may come to be everyday."""
    return rule.confidence < WEIGHED.get(rule.type, 0.0)
