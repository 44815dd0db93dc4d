"""What other settings would have given on the same log, in the same run."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from vedette.config import Config
from vedette.config.alarm import SENSITIVITIES
from vedette.config.exceptions import ExceptionRule
from vedette.engine.build import build_engine
from vedette.engine.engine import Engine
from vedette.engine.teaching import Teaching
from vedette.replay.options import ScanOptions
from vedette.schema.anomaly import Severity
from vedette.schema.errors import VedetteError
from vedette.schema.findings import Findings, WhatIf

MOST = 12
"""Settings that can be asked about at once: each judges every window again."""
_EXAMPLE = "budget=1/day,budget=1/month,threshold=4,sensitivity=high"


class WhatIfError(VedetteError):
    """A setting that cannot be asked about."""


class Alternatives:
    """Engines that judge the windows of another by other settings.

    Raises:
        VedetteError: A setting cannot be read, or its value is wrong.
    """

    def __init__(self, options: ScanOptions, config: Config) -> None:
        self._configs = [
            (setting, _alternative(options, config, overrides))
            for setting, overrides in _settings(options.what_if)
        ]
        if len(self._configs) > MOST:
            raise WhatIfError(f"--what-if: {len(self._configs)} settings: at most {MOST} at once")
        self._engines: list[tuple[str, Engine]] = []

    def follow(
        self, engine: Engine, lateness_us: int, exceptions: Sequence[ExceptionRule], teaching: Teaching
    ) -> None:
        """Let them judge an engine's windows, by models that come to be as its own do."""
        self._engines = [
            (
                setting,
                build_engine(
                    config,
                    lateness_us=lateness_us,
                    leader=engine,
                    exceptions=exceptions,
                    teaching=teaching,
                ),
            )
            for setting, config in self._configs
        ]

    def results(self, leader: Engine, findings: Findings) -> list[WhatIf]:
        """What each would have given, after what holds; empty where nothing was asked."""
        if not self._engines:
            return []
        rows = [_result("as set", leader, findings)]
        return rows + [_result(setting, engine, engine.conclude()) for setting, engine in self._engines]


def _result(setting: str, engine: Engine, findings: Findings) -> WhatIf:
    graded = {severity.value: 0 for severity in reversed(Severity)}
    for incident in findings.incidents:
        graded[incident.severity.value] += 1
    return WhatIf(
        setting,
        len(findings.incidents),
        {grade: number for grade, number in graded.items() if number},
        len(findings.anomalies),
        engine.spent,
    )


def _alternative(options: ScanOptions, config: Config, overrides: dict[str, Any]) -> Config:
    changed = Config.load(options.config, environment=os.environ, overrides=options.overrides() | overrides)
    # Everything else as it holds.
    return config.model_copy(update={"alarm": changed.alarm})


def _settings(texts: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for setting in (part.strip() for text in texts for part in text.split(",")):
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or not value or name not in ("budget", "threshold", "sensitivity"):
            raise WhatIfError(
                f"--what-if {setting}: must be budget=RATE, threshold=Z or sensitivity=NAME: such as {_EXAMPLE}"
            )
        label = f"{name}={value}"
        if name == "sensitivity" and value not in SENSITIVITIES:
            raise WhatIfError(f"--what-if {label}: must be one of {', '.join(SENSITIVITIES)}")
        if name == "threshold":
            yield label, {"alarm.mode": "threshold", "alarm.threshold_z": _number(value, label)}
        else:
            plain = value.replace(".", "", 1).isdigit()
            yield label, {"alarm.mode": "budget", "alarm.budget": f"{value}/week" if plain else value}


def _number(value: str, label: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise WhatIfError(f"--what-if {label}: must be a number of standard deviations, like 4") from None
