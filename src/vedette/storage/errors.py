"""Why a store cannot be used."""

from enum import StrEnum

from vedette.schema.errors import VedetteError


class StoreProblem(StrEnum):
    """The kind of a `StoreError`."""

    BAD_URL = "bad_url"
    UNREACHABLE = "unreachable"
    NOT_OURS = "not_ours"
    NEWER_SCHEMA = "newer_schema"
    READ_ONLY = "read_only"
    LOCKED = "locked"
    IN_USE = "in_use"
    FULL = "full"
    DAMAGED = "damaged"
    SPOOL_FULL = "spool_full"
    SPOOL_FAILED = "spool_failed"
    BAD_CURSOR = "bad_cursor"
    FAILED = "failed"


class StoreError(VedetteError):
    """A store that cannot be used. The message names the store, the rule and the remedy.

    Attributes:
        store: The URL, without a password.
        problem: What kind of trouble.
    """

    def __init__(self, store: str, problem: StoreProblem, reason: str) -> None:
        super().__init__(f"{store}: {reason}")
        self.store = store
        self.problem = problem
