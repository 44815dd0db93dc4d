"""The store and its retention as the configuration has them."""

from pathlib import Path

from vedette.config.store import RetentionSection, StoreSection
from vedette.storage.live import LiveStore, Retention
from vedette.storage.open import open_live_store

DAY_US = 86_400_000_000


def configured_store(section: StoreSection, url: str, spool: Path) -> LiveStore:
    """The live store with its spool.

    Args:
        section: What is configured.
        url: Of the store, where none is configured.
        spool: Its directory, where none is configured.

    Raises:
        StoreError: See `open_live_store`.
    """
    place = Path(section.spool) if section.spool is not None else spool
    return open_live_store(section.url or url, spool=place, spool_bytes=section.spool_bytes)


def configured_retention(section: RetentionSection) -> Retention:
    """How long things are kept."""
    return Retention(
        windows=_us(section.windows_d),
        fine_windows=_us(section.fine_windows_d),
        anomalies=_us(section.anomalies_d),
        alerts=_us(section.alerts_d),
        audits=_us(section.audit_d),
    )


def _us(days: int | None) -> int | None:
    return None if days is None else days * DAY_US
