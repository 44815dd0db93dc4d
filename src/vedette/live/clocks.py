"""What is told of sources whose clocks are wrong."""

from collections.abc import Sequence

from vedette.windows.watermarks import WrongClock

_MOST = 5


def clock_remarks(wrong: Sequence[WrongClock]) -> list[str]:
    """A sentence with the remedy for each source whose lines are dated too far from when they come."""
    told = [_remark(each) for each in wrong[:_MOST]]
    if len(wrong) > _MOST:
        told.append(f"{len(wrong) - _MOST:,} more sources have wrong clocks")
    return told


def _remark(wrong: WrongClock) -> str:
    how = "ahead of" if wrong.offset > 0 else "behind"
    delayed = "" if wrong.offset > 0 else ", or come so late"
    return (
        f"{wrong.source}: its lines are dated {abs(wrong.offset) / 1e6:,.0f} s {how} the clock here{delayed}, and "
        "count in other windows than those of other sources: set its clock by NTP, or input.timezone if it logs no zone"
    )
