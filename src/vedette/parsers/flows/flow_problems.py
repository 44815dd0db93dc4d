"""Why lines of flow logs are no flows."""

from enum import StrEnum


class FlowProblem(StrEnum):
    """Why a line is no flow."""

    COMMENT = "comment"
    BLANK = "blank"
    BAD_WINDOW = "bad_window"
    """A line of windows that is none, or one that begins before the one before it ended."""
    BAD_FLOW = "bad_flow"
    """Too few fields, or no time or address can be read."""
    SUMMARY = "summary_line"
    """What nfdump writes below its flows: how many there were in all."""
    NO_DATA = "line_without_data"
    """Amazon's, of a span without traffic, or of which it kept no records."""
    OTHER_LOG = "line_of_another_log"
    """Of Zeek's other logs, behind a header of theirs."""
    LATER = "flow_after_until"
    """It is later than what was asked for."""
