"""What an engine needs to know besides its detectors."""

import msgspec

from vedette.baselines.calendar import Calendar, plain
from vedette.incidents.grouping import GroupingSettings
from vedette.windows.windower import WindowSettings


class EngineSettings(msgspec.Struct, frozen=True):
    """What the engine needs to know besides its detectors.

    Attributes:
        windows: How event time is cut, and caps.
        min_windows: Windows a baseline must have seen.
        entities: Cap of routes with baselines, and of as many services as come before it is met. services: Most
            services there can be: each and its `(other)` find room beyond that cap.
        suspects: Cap of noteworthy clients remembered per window.
        history_windows: How far back single clients are looked at.
        anomalies: Cap of anomalies that nobody has taken yet; later ones are counted.
        slug_values: Values seen in one place of a path from which it is variable.
        evidence: Log lines kept for each anomaly.
        calendar: Whose hours and days the traffic follows. zone: Its name.
        seed: 64 bits that clients do not know: which rows are looked at where not all are follows from them.
        grouping: How anomalies become incidents.
    """

    windows: WindowSettings = msgspec.field(default_factory=WindowSettings)
    min_windows: int = 30
    entities: int = 8_192
    services: int = 2_048
    suspects: int = 4_096
    history_windows: int = 10
    anomalies: int = 100_000
    slug_values: int = 50
    evidence: int = 3
    calendar: Calendar = plain
    zone: str = "UTC"
    seed: int = 0
    grouping: GroupingSettings = GroupingSettings()
