"""The classic block `ai:`, as older installations have it, in today's keys.

| classic | today |
|---|---|
| `enabled` | must be true: a service that is not to run is not started |
| `analysisInterval` | `windows.span_s` |
| `baselineWindow` | none: baselines learn as long as they live; it is checked, and has no effect |
| `anomalyThreshold` | `alarm.mode: threshold` and `alarm.threshold_z` |
| `minSamplesForBaseline` | `baselines.min_windows` |
| `enableAlerts` | if false, an `alerts.routes` that tells nobody |
| `alertWebhookUrl` | a channel `webhook` in `alerts.channels` |
| `retentionDays` | `store.retention.anomalies_d` |
| `flushInterval` | `live.commit_s` |
| `tags` | `alerts.tags` |

Spans of time are numbers of seconds, or text like `30s`, `5m`, `24h` or `7d`.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from vedette.config.alerts import with_webhook

BLOCK: Final = "ai"
ALERTS: Final = "enableAlerts"
WEBHOOK: Final = "alertWebhookUrl"

Change = tuple[tuple[str, ...], Any]
"""A key of today, and its value."""

_SPAN: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(ms|s|m|h|d|w)")
_SECONDS: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


class ClassicError(ValueError):
    """A classic key or value that has no meaning today."""


def _seconds(value: Any) -> int:
    if isinstance(value, bool):
        raise ClassicError("must be seconds, or text like 30s, 5m, 24h or 7d")
    if isinstance(value, int | float):
        seconds = float(value)
    else:
        found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise ClassicError("must be seconds, or text like 30s, 5m, 24h or 7d")
        seconds = float(found[1]) * _SECONDS[found[2]]
    if not math.isfinite(seconds) or seconds <= 0:
        raise ClassicError("must be longer than nothing")
    return max(1, round(seconds))


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ClassicError("must be true or false")
    return value


def _enabled(value: Any) -> Iterator[Change]:
    if not _truth(value):
        raise ClassicError("must be true: a service that is not to run is not started")
    yield from ()


def _analysis_interval(value: Any) -> Iterator[Change]:
    yield ("windows", "span_s"), _seconds(value)


def _baseline_window(value: Any) -> Iterator[Change]:
    _seconds(value)
    yield from ()


def _threshold(value: Any) -> Iterator[Change]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ClassicError("must be a number of standard deviations, like 3.0")
    yield ("alarm", "mode"), "threshold"
    yield ("alarm", "threshold_z"), float(value)


def _min_samples(value: Any) -> Iterator[Change]:
    yield ("baselines", "min_windows"), value


def _alerts(value: Any) -> Iterator[Change]:
    if not _truth(value):
        yield ("alerts", "routes"), [{"channels": []}]


def _webhook(value: Any) -> Iterator[Change]:
    # Installations without one say so with an empty text.
    if value not in (None, ""):
        yield ("alerts", "channels"), with_webhook(value)["channels"]


def _retention(value: Any) -> Iterator[Change]:
    yield ("store", "retention", "anomalies_d"), value


def _flush(value: Any) -> Iterator[Change]:
    yield ("live", "commit_s"), _seconds(value)


def _tags(value: Any) -> Iterator[Change]:
    if isinstance(value, list):
        # `[production, team:shop]`: names alone are true.
        pairs = [str(item).partition(":") for item in value]
        value = {name.strip(): rest.strip() or "true" for name, _, rest in pairs}
    yield ("alerts", "tags"), value


KEYS: Final[Mapping[str, Callable[[Any], Iterator[Change]]]] = {
    "enabled": _enabled,
    "analysisInterval": _analysis_interval,
    "baselineWindow": _baseline_window,
    "anomalyThreshold": _threshold,
    "minSamplesForBaseline": _min_samples,
    ALERTS: _alerts,
    WEBHOOK: _webhook,
    "retentionDays": _retention,
    "flushInterval": _flush,
    "tags": _tags,
}


SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "analysisInterval": ("windows.span_s",),
    "anomalyThreshold": ("alarm.mode", "alarm.threshold_z"),
    "minSamplesForBaseline": ("baselines.min_windows",),
    ALERTS: ("alerts.routes",),
    WEBHOOK: ("alerts.channels.webhook",),
    "retentionDays": ("store.retention.anomalies_d",),
    "flushInterval": ("live.commit_s",),
    "tags": ("alerts.tags",),
}
"""Today's keys, dotted, that a classic one stands for, whatever its value."""


def modern(name: str, value: Any) -> list[Change]:
    """What a classic key says in today's keys.

    Raises:
        ClassicError: It is none, or its value makes no sense; the message is what follows `ai.name = value: `.
    """
    translate = KEYS.get(name)
    if translate is None:
        raise ClassicError(f"is no classic key; there are {', '.join(KEYS)}")
    return list(translate(value))
