"""Evaluate again the rule that a custom rule's anomaly rests on, from the anomaly alone."""

import math

import numpy as np

from vedette.expression.evaluate import truth
from vedette.expression.grammar import parse
from vedette.schema.anomaly import Anomaly


def holds(anomaly: Anomaly) -> bool:
    """Whether the expression in an anomaly's details holds for the measures in them, in its last window.

    Raises:
        KeyError: The anomaly is no custom rule's.
        ExpressionError: Its expression is none.
    """
    condition = parse(anomaly.details["expression"])
    measures = anomaly.details["measures"]
    values = {name: np.array([measures.get(name, math.nan)], dtype=np.float64) for name in condition.names}
    return bool(truth(condition.node, values, 1).yes[0])
