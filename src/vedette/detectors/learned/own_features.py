"""Features that a user adds in the configuration: an expression over what a client did in a window."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from vedette.detectors.learned.features import CLIENT_FEATURES, ClientTable, Column, Feature, FeatureError
from vedette.detectors.learned.own_feature import OwnFeature
from vedette.expression.client_measures import CLIENT_MEASURES
from vedette.expression.errors import ExpressionError
from vedette.expression.quantities import units
from vedette.windows.layout import SECONDS_BITS, Client

RATIO: Final = "ratio"
_LARGEST: Final = 1e6
"""Ratio beyond which larger ones are no odder; single precision, which models compare, holds it exactly."""


@lru_cache(maxsize=64)
def own_feature(own: OwnFeature) -> Feature:
    """The feature, ready to be computed: ratios as they are, all else as sign(x) ln(1 + |x|), 0 where it is not known.

    Amounts have no bound, and what a model looks at should not be decided by the largest alone.

    Raises:
        FeatureError: The expression is none, or has another unit.
    """
    # Few configurations have features of their own.
    from vedette.expression.evaluate import number
    from vedette.expression.grammar import parse_number

    if own.name in _BUILT_IN:
        raise FeatureError(f"feature {own.name}: there is one of that name: give another")
    try:
        node, names, measured = parse_number(own.expression, CLIENT_MEASURES)
    except ExpressionError as error:
        raise FeatureError(f"feature {own.name}: {error}") from error
    fitting = units(measured)
    if own.unit not in fitting:
        raise FeatureError(
            f"feature {own.name}: unit {own.unit}: `{own.expression}` is {measured}: must be {' or '.join(fitting)}"
        )

    def column(table: ClientTable) -> Column:
        values = {name: COLUMNS[name](table) for name in names}
        found = np.nan_to_num(number(node, values, len(table.sums)), nan=0.0)
        if own.unit == RATIO:
            return np.clip(found, -_LARGEST, _LARGEST)
        return np.asarray(np.sign(found) * np.log1p(np.abs(found)))

    unit = own.unit if own.unit == RATIO else f"ln(1 + {own.unit})"
    return Feature(own.name, unit, own.doc, column)


def all_features(own: Sequence[OwnFeature]) -> tuple[Feature, ...]:
    """Those that there are, and a user's own after them. Raises `FeatureError`."""
    return (*CLIENT_FEATURES, *(own_feature(each) for each in own))


def _sum(column: Client) -> Callable[[ClientTable], Column]:
    return lambda table: table.of(column)


COLUMNS: Final[Mapping[str, Callable[[ClientTable], Column]]] = {
    "requests": _sum(Client.REQUESTS),
    "static_files": _sum(Client.ASSETS),
    "writes": _sum(Client.WRITES),
    "logins": _sum(Client.LOGIN_POSTS),
    "login_failures": _sum(Client.LOGIN_FAILURES),
    "without_referer": _sum(Client.NO_REFERER),
    "errors": _sum(Client.STATUS_5XX),
    "status_4xx": _sum(Client.STATUS_4XX),
    "status_401": _sum(Client.STATUS_401),
    "status_403": _sum(Client.STATUS_403),
    "status_404": _sum(Client.STATUS_404),
    "status_429": _sum(Client.STATUS_429),
    "bytes_out": _sum(Client.BYTES_OUT),
    "routes": lambda table: table.distinct(Client.ROUTES),
    "missing_routes": lambda table: table.distinct(Client.MISSING_ROUTES),
    "active_time": lambda table: (
        np.bitwise_count(table.sums[:, Client.SECONDS].astype(np.uint64))
        * (table.minutes * 60.0 / SECONDS_BITS)
    ),
    "window_length": lambda table: np.full(len(table.sums), table.minutes * 60.0),
}
"""How each of `CLIENT_MEASURES` is computed."""
_BUILT_IN: Final = frozenset(feature.name for feature in CLIENT_FEATURES)
