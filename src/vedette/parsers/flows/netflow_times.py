"""When flows of NetFlow and IPFIX were: the many ways in which records tell it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flows.netflow_fields import Columns, Field

_NTP_EPOCH_S: Final = 2_208_988_800
_WHOLE: Final = 1 << 32
FARTHEST_US: Final = 1 << 52
"""The year 2112: a time beyond is none."""
_MOST: Final = 256

Domain = tuple[int, int]
"""Version, and source id or observation domain."""


class Boots:
    """When the domains of one exporter were started: IPFIX has no uptime in its header, and tells it in options.

    RFC 7011 knows `systemInitTimeMilliseconds`, to which `flowStartSysUpTime` and `flowEndSysUpTime` are relative.
    """

    def __init__(self) -> None:
        self._known: dict[Domain, int] = {}

    def learn(self, domain: Domain, columns: Columns) -> None:
        """Take records about the exporter in."""
        told = columns.get(Field.BOOT_MS)
        if told is None or not len(told) or not 0 < (boot := int(told[-1])) <= FARTHEST_US // 1000:
            return
        self._known.pop(domain, None)
        self._known[domain] = boot
        if len(self._known) > _MOST:
            self._known.pop(next(iter(self._known)))

    def tell(self, domain: Domain, columns: Columns, count: int) -> None:
        """Add to records what their exporter said of itself, where they do not say it."""
        boot = self._known.get(domain)
        if boot is not None and Field.BOOT_MS not in columns:
            columns[Field.BOOT_MS] = np.full(count, boot, dtype=np.int64)

    def dump(self) -> list[tuple[Domain, int]]:
        """All of them, the one told of longest ago first."""
        return list(self._known.items())

    def load(self, kept: Sequence[tuple[Domain, int]]) -> None:
        """Take over what `dump` gave."""
        self._known = {domain: boot for domain, boot in kept[-_MOST:] if 0 < boot <= FARTHEST_US // 1000}


def times(
    columns: Columns, now: int, uptime: int | None, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When flows began and were last seen, microseconds; when they were sent, where nothing tells it.

    Args:
        columns: Of the records. count: How many there are.
        now: When they were sent, microseconds.
        uptime: The same in milliseconds since the exporter was started, where the datagram says it.

    Returns:
        Two arrays, int64 (count,).
    """
    last = _time(
        columns,
        now,
        uptime,
        (Field.LAST_UPTIME, Field.LAST_S, Field.LAST_MS, Field.LAST_NTP, Field.LAST_BEFORE),
    )
    first = _time(
        columns,
        now,
        uptime,
        (Field.FIRST_UPTIME, Field.FIRST_S, Field.FIRST_MS, Field.FIRST_NTP, Field.FIRST_BEFORE),
    )
    if last is None:
        last = np.full(count, now, dtype=np.int64)
    if first is None:
        duration = columns.get(Field.DURATION_MS)
        first = last if duration is None else last - np.minimum(duration, _WHOLE) * 1000
    return np.minimum(first, last), last


def _time(
    columns: Columns, now: int, uptime: int | None, fields: tuple[Field, ...]
) -> NDArray[np.int64] | None:
    since_boot, seconds, milliseconds, ntp, before = (columns.get(field) for field in fields)
    most = FARTHEST_US
    if milliseconds is not None:
        return np.minimum(milliseconds, most // 1000) * 1000
    if ntp is not None:
        whole = (ntp >> 32 & 0xFFFFFFFF) - _NTP_EPOCH_S
        return whole * 1_000_000 + ((ntp & 0xFFFFFFFF) * 1_000_000 >> 32)
    if seconds is not None:
        return np.minimum(seconds, most // 1_000_000) * 1_000_000
    if before is not None:
        return now - np.minimum(before, most)
    boot = columns.get(Field.BOOT_MS)
    if since_boot is not None and uptime is not None:
        # Milliseconds wrap after seven weeks; a flow is younger, and no further ahead than clocks differ.
        ago = (uptime - since_boot) % _WHOLE
        ago = np.where(ago >= _WHOLE // 2, ago - _WHOLE, ago)
        return now - ago * 1000
    if since_boot is not None and boot is not None:
        return (np.minimum(boot, most // 2000) + np.minimum(since_boot, most // 2000)) * 1000
    return None
