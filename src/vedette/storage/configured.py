"""The store and its retention as the configuration has them."""

from pathlib import Path

from vedette.config.store import RetentionSection, StoreSection
from vedette.storage.live import LiveStore, Retention
from vedette.storage.open import open_live_store, place_of_file

DAY_US = 86_400_000_000


def configured_store(section: StoreSection, default_url: str) -> LiveStore:
    """The live store, with its spool.

    Raises:
        StoreError: See `open_live_store`.
    """
    url = section.url or default_url
    return open_live_store(url, spool=_spool_place(section, url), spool_bytes=section.spool_bytes)


def configured_retention(section: RetentionSection) -> Retention:
    """How long things are kept."""
    return Retention(
        windows=_us(section.windows_days),
        fine_windows=_us(section.fine_windows_days),
        anomalies=_us(section.anomalies_days),
        alerts=_us(section.alerts_days),
        audits=_us(section.audit_days),
    )


def _spool_place(section: StoreSection, url: str) -> Path:
    if section.spool is not None:
        return Path(section.spool)
    file = place_of_file(url)
    return Path("vedette.spool") if file is None else file.with_name(file.name + ".spool")


def _us(days: int | None) -> int | None:
    return None if days is None else days * DAY_US
