"""Where results are kept. `open_store` is the way in; nothing heavy is imported before it is called."""

from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.live import LiveStore
from vedette.storage.open import open_live_store, open_store, shown_url
from vedette.storage.store import AnomalyFilter, IncidentFilter, Page, Store, WindowFilter

__all__ = [
    "AnomalyFilter",
    "IncidentFilter",
    "LiveStore",
    "Page",
    "Store",
    "StoreError",
    "StoreProblem",
    "WindowFilter",
    "open_live_store",
    "open_store",
    "shown_url",
]
