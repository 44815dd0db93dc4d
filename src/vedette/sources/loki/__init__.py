"""Lines out of Loki, by polling it."""

from vedette.sources.loki.fetch import Server
from vedette.sources.loki.loki import Loki, LokiQuery
from vedette.sources.loki.walk import selector_of

__all__ = ["Loki", "LokiQuery", "Server", "selector_of"]
