"""What `vedette scan` was asked for."""

from pathlib import Path
from typing import Any

import msgspec

from vedette.schema.anomaly import Severity


class ScanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a scan, parsed. None means: as configured.

    Attributes:
        paths: Files, directories, patterns, `-`.
        sample: The sample log instead.
        since, until: Microseconds since the epoch, UTC; `until` exclusive.
        budget: `1/week`, or a name of one.
        what_if: Other settings to ask about, like `budget=1/day`.
        models_from: Directory of the record of models to judge by; None trains some.
        lateness_s: Seconds; None finds it from a sample.
        json, verdicts, html, windows, baselines: Paths, or `-` for standard output.
        every_request: Verdicts also for clean requests.
    """

    paths: tuple[str, ...]
    sample: bool = False
    format: str | None = None
    log_format: str | None = None
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    since: int | None = None
    until: int | None = None
    services: tuple[str, ...] = ()
    threshold: float | None = None
    budget: str | None = None
    what_if: tuple[str, ...] = ()
    baseline_from: tuple[str, ...] = ()
    models_from: Path | None = None
    config: Path | None = None
    json: str | None = None
    verdicts: str | None = None
    every_request: bool = False
    html: str | None = None
    windows: str | None = None
    baselines: str | None = None
    store: str | None = None
    fail_on: Severity | None = None
    top: int | None = None
    log_timezone: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    lateness_s: float | None = None
    quiet: bool = False
    progress: bool = True

    @property
    def shows_report(self) -> bool:
        """Whether the report is printed: nobody forbade it, and standard output is for nothing else."""
        return not self.quiet and "-" not in (
            self.json, self.html, self.verdicts, self.windows, self.baselines
        )  # fmt: skip

    def overrides(self) -> dict[str, Any]:
        """Configuration keys that the command line sets, dotted."""
        given: dict[str, Any] = {
            "input.format": self.format,
            "input.log_format": self.log_format,
            "input.fields": self.fields or None,
            "input.timezone": self.log_timezone,
            "input.trusted_proxies": list(self.trusted_proxies) or None,
            "windows.lateness_s": None if self.lateness_s is None else round(self.lateness_s),
            "alarm.budget": self.budget,
            "alarm.threshold_z": self.threshold,
            # Who gives either means that one to hold, whatever a file says.
            "alarm.mode": "threshold" if self.threshold is not None else "budget" if self.budget else None,
            "output.top": self.top,
            "output.fail_on": None if self.fail_on is None else self.fail_on.value,
            "store.url": self.store,
        }
        return {key: value for key, value in given.items() if value is not None}
