"""Every format known by name."""

import difflib
from functools import cache
from typing import Final

from vedette.parsers.format import Format
from vedette.parsers.json_formats import json_formats
from vedette.parsers.logfmt import logfmt_formats
from vedette.parsers.suricata_http import suricata
from vedette.parsers.table import TableFormat
from vedette.parsers.text_formats import text_formats
from vedette.parsers.w3c import w3c_formats
from vedette.parsers.zeek_http import ZeekHttpFormat
from vedette.schema.errors import VedetteError
from vedette.schema.format_names import ALIASES

_GUESSES: Final = 3


class NoSuchFormatError(VedetteError):
    """A format name that is not known."""


@cache
def formats() -> tuple[Format, ...]:
    """All formats, the most specific first: where samples fit several equally well, the first is chosen."""
    return (
        *json_formats(),
        suricata(),
        *w3c_formats(),
        ZeekHttpFormat(),
        TableFormat(),
        *text_formats(),
        *logfmt_formats(),
    )


@cache
def names() -> frozenset[str]:
    """What `by_name` knows, aliases included."""
    return frozenset(ALIASES).union(known.name for known in formats())


def by_name(name: str) -> Format:
    """The format of that name or alias.

    Raises:
        NoSuchFormatError: There is none.
    """
    known = {f.name: f for f in formats()}
    found = known.get(ALIASES.get(name, name))
    if found is None:
        raise NoSuchFormatError(
            f"--format {name}: no format of that name: {_guess(name)}`vedette formats` lists all there are; use auto, "
            "or describe yours with --log-format"
        )
    return found


def _guess(name: str) -> str:
    """Names that are like one that is none: those that hold it, the nearest first, else the nearest of all."""
    asked = name.lower()
    held = [known for known in names() if len(asked) > 1 and (asked in known or known in asked)]
    alike = sorted(held, key=lambda known: (abs(len(known) - len(asked)), known))
    alike = alike or difflib.get_close_matches(asked, names(), n=_GUESSES, cutoff=0.7)
    return f"did you mean {' or '.join(alike[:_GUESSES])}? " if alike else ""
