"""What of a directory was not read, by reason."""

from collections.abc import Iterable
from typing import Final

from vedette.schema.errors import VedetteError
from vedette.schema.findings import LeftOut
from vedette.sources import Skipped

_MOST: Final = 50
"""Reasons that are told apart; a directory may hold as many kinds of files as it likes."""
_OTHER: Final = "for other reasons"


def left_out(
    skipped: Iterable[Skipped], passed_over: Iterable[tuple[str, VedetteError]] = ()
) -> list[LeftOut]:
    """Files that were found and not read, by reason, in the order in which the reasons first occurred.

    Args:
        skipped: Those that were left out by their name, or by a look at their first bytes.
        passed_over: Those that could not be read or understood, by name.
    """
    found: dict[str, LeftOut] = {}
    whys = [*skipped, *(Skipped(name, str(error).removeprefix(f"{name}: ")) for name, error in passed_over)]
    for why in whys:
        reason = why.reason if why.reason in found or len(found) < _MOST else _OTHER
        row = found.setdefault(reason, LeftOut(reason, 0, why.name))
        row.files += 1
        row.fault |= why.fault
    return list(found.values())
