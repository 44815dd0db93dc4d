"""The durable inbox of what is pushed."""

from vedette.sources.journal.journal import Journal, JournalError

__all__ = ["Journal", "JournalError"]
