"""Columns of the arrays that the baselines' kernels share: state, outlook, judgement, settings."""

from typing import Final

# Columns of the state, one row for each slot.
TICK: Final = 0
"""Clock of the bank (windows it was updated for) at the slot's last window."""
WINDOWS: Final = 1
"""Windows learned from, those without traffic included where absence means zero."""
SEEN: Final = 2
"""Windows learned from that the caller brought."""
FIRST: Final = 3
"""Start of the first window, microseconds."""
SIDE: Final = 4
"""Side of a suspected level shift: 1 above, -1 below, 0 none."""
SINCE: Final = 5
"""When the suspected shift began, microseconds."""
SHIFT_SUM: Final = 6
SHIFT_WEIGHT: Final = 7
"""Forgetting sum and weight of the windows at the suspected new level."""
EXPERTS: Final = 4
"""Predictors that compete for each entity: a slow and a fast local level, and a local level times (or plus) the
usual value of the hour of day or of week."""
SLOW, FAST, DAY, WEEK = 0, 1, 2, 3
SUM: Final = 8
WEIGHT: Final = 12
ERROR: Final = 16
TRIALS: Final = 20
"""By expert: level = SUM / WEIGHT; spread of its one-step-ahead errors = ERROR / TRIALS."""
LONG_ERROR: Final = 24
LONG_TRIALS: Final = 26
"""The same for the hour of day and of week, over weeks: a Saturday says nothing about which of them knows Sundays."""
STATE_COLUMNS: Final = 28

# Columns of an outlook: the state with absent windows accounted for, then what follows from it.
RHYTHM: Final = 28
"""By expert: the usual value of this hour, neutral for experts without season, NaN where it is not known."""
CHOICE: Final = 32
"""The expert that is believed."""
SPREAD: Final = 33
"""Its spread, with the prior."""
PARENT_LEVEL: Final = 34
"""Level of the parent, for entities young enough to need it; NaN elsewhere."""
PARENT_READY: Final = 35
"""1 where the parent, or one above it, has been seen for long enough."""
SLOT: Final = 36
"""Whose outlook it is."""
OUTLOOK_COLUMNS: Final = 37

DEEPEST: Final = 3
"""Steps from an entity to the parent that speaks for it (route, service, all)."""

# Rows of a judgement, one column for each window asked about.
HIGH: Final = 0
LOW: Final = 1
BAND_LOW: Final = 2
BAND_MIDDLE: Final = 3
BAND_HIGH: Final = 4
SAMPLES: Final = 5
READY: Final = 6
EXPERT: Final = 7
PARENT: Final = 8
TEACHES: Final = 9
CENTRE: Final = 10
"""The formula's mean or location."""
WIDTH: Final = 11
"""The formula's dispersion, correlation or scale."""
JUDGEMENT_ROWS: Final = 12

# Families.
COUNT, RATIO, LOG, GAUGE = 0, 1, 2, 3

# Settings, float64.
FAMILY: Final = 0
SEASONAL: Final = 1
KEEP: Final = 2
"""By expert: share of an older level that one window leaves."""
KEEP_ERROR: Final = 6
MIN_WINDOWS: Final = 7
BORROWING_WINDOWS: Final = 8
DAY_US: Final = 9
WEEK_US: Final = 10
"""Age from which the hour of day and of week may be used, microseconds."""
SHIFT_US: Final = 11
HOUR_WINDOWS: Final = 12
DAY_MEMORY: Final = 13
WEEK_MEMORY: Final = 14
"""Windows after which an old value of a seasonal cell counts a third."""
LEAST_SPREAD: Final = 15
BAND: Final = 16
"""Half the width of the expected band, in spreads."""
PRIOR_SPREAD: Final = 17
PRIOR_MEAN: Final = 18
PRIOR_STRENGTH: Final = 19
SAMPLING: Final = 20
BETWEEN: Final = 21
DEGREES: Final = 22
SMALLEST: Final = 23
KEEP_LONG: Final = 24
SETTINGS: Final = 25
