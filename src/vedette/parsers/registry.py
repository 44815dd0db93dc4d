"""Every format known by name."""

from functools import cache

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
        names = ", ".join(sorted(known))
        raise NoSuchFormatError(
            f"--format {name}: no format of that name: use auto, or one of {names}; "
            "or describe yours with --log-format"
        )
    return found
