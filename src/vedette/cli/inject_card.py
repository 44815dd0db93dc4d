"""The quality card as it is printed, and as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from rich.table import Table
from rich.text import Text

from vedette.explain.numbers import plural
from vedette.report.console import Console
from vedette.report.glyphs import Glyphs
from vedette.report.moments import iso

if TYPE_CHECKING:
    from vedette.inject.card import Outcome, Row
    from vedette.inject.plan import Impossible


class Card(msgspec.Struct, frozen=True):
    """Everything that is printed.

    Attributes:
        quiet: Alarms on the untouched log, by type. service_days: Over which they came.
    """

    rows: "Sequence[Row]"
    outcomes: "Sequence[Outcome]"
    impossible: "Sequence[Impossible]"
    quiet: dict[str, int]
    quiet_incidents: int
    service_days: float
    service: str
    seed: int


def document(card: Card) -> dict[str, Any]:
    """A card as JSON has it."""
    return {
        "service": card.service,
        "seed": card.seed,
        "incidents": [
            {
                "name": row.name,
                "meaning": row.meaning,
                "injected": row.injected,
                "found": row.found,
                "share": row.found / row.injected,
                "median_delay_s": row.delay_s,
                "found_as": list(row.by),
                "anomalies_on_untouched": row.untouched,
            }
            for row in card.rows
        ],
        "not_possible": [{"name": each.kind.name, "why": each.why} for each in card.impossible],
        "each": [
            {
                "name": each.planned.kind.name,
                "start": iso(each.planned.start),
                "end": iso(each.planned.end),
                "lines": each.lines,
                "found": each.first is not None,
                "delay_s": each.delay,
                "description": None if each.first is None else each.first.description,
            }
            for each in card.outcomes
        ],
        "untouched": {
            "service_days": card.service_days,
            "incidents": card.quiet_incidents,
            "incidents_per_service_day": card.quiet_incidents / card.service_days
            if card.service_days
            else None,
            "anomalies": card.quiet,
        },
    }


def show(card: Card, console: Console) -> None:
    """Print a card."""
    glyphs = Glyphs.of(console.encoding)
    table = Table(box=None, pad_edge=False, show_edge=False)
    for name, justify in (
        ("incident", "left"),
        ("put in", "right"),
        ("found", "right"),
        ("delay", "right"),
        ("untouched", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type] # one of its words
    table.add_column("as")
    for row in card.rows:
        delay = "" if row.delay_s is None else f"{row.delay_s / 60:.1f} min"
        share = f"{row.found / row.injected:.0%}"
        table.add_row(row.name, str(row.injected), share, delay, str(row.untouched), ", ".join(row.by))
    console.print(table)
    found = sum(row.found for row in card.rows)
    put = sum(row.injected for row in card.rows)
    console.print()
    _line(
        console, glyphs, f"{found} of {put} found, in {card.service}, seed {card.seed}; delays are medians."
    )
    for each in card.impossible:
        _line(console, glyphs, f"Not put in: {each.kind.name}: {each.why}.")
    per_day = card.quiet_incidents / card.service_days if card.service_days else 0.0
    days = f"{card.service_days:.3g} service-day{'' if card.service_days == 1 else 's'}"
    _line(
        console,
        glyphs,
        f"On the untouched log: {plural(card.quiet_incidents, 'incident')} in {days} ({per_day:.2g} a day), false "
        "alarms where nothing was wrong.",
    )
    kinds = ", ".join(f"{kind} {number:,}" for kind, number in card.quiet.items())
    if kinds:
        _line(console, glyphs, f"Anomalies in these: {kinds}.")


def _line(console: Console, glyphs: Glyphs, text: str) -> None:
    console.print(Text(glyphs.text(text)), soft_wrap=True)
