"""Keys of the live service: how it follows time, and how it keeps up."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator

from vedette.config.options import Section, option


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _lower(name: Any) -> Any:
    """`INFO` is what loggers call it."""
    return name.lower() if isinstance(name, str) else name


class Live(Section):
    """How `vedette serve` follows its sources."""

    directory: str | None = option(
        None,
        "Where the journal of what was pushed, and what a store could not take, is kept; by default "
        "`$STATE_DIRECTORY`, else `$XDG_STATE_HOME/vedette`, else `~/.local/state/vedette`, and in `stores/` below it, "
        "a directory for each, where `store.url` is given.",
        min_length=1,
    )
    poll_s: float = option(
        1.0, "How often sources are looked at while they have nothing.", unit="seconds", ge=0.05, le=60
    )
    lateness_s: int = option(
        3,
        "How much later than its successors a request may be logged and still count; a window is judged this long "
        "after its end. `windows.lateness_s` wins where it is given.",
        unit="seconds",
        ge=0,
        le=3600,
    )
    idle_after_s: int = option(
        5,
        "Silence of a source from which event time no longer waits for it.",
        unit="seconds",
        ge=1,
        le=3600,
    )
    correlate_s: int = option(
        15,
        "How long what is stated of requests waits for flows of the same time, and the other way round, so that "
        "both are grouped in order of time. Who is further behind is not waited for; what it states joins incidents "
        "when it comes.",
        unit="seconds",
        ge=0,
        le=3600,
        why="captured packets are told of some ten seconds after a window; NetFlow takes a minute, flow logs five",
    )
    skew_s: int = option(
        300,
        "Difference between a source's times and the clock from which its clock is called wrong.",
        unit="seconds",
        ge=1,
        le=86_400,
    )
    commit_s: int = option(
        60,
        "Longest time between commits while lines come; each closed window is committed at once.",
        unit="seconds",
        ge=1,
        le=3600,
    )
    commit_bytes: int = option(
        256 << 20,
        "Bytes of lines after which a commit is due.",
        unit="bytes",
        ge=1 << 20,
        le=1 << 34,
    )
    behind_s: int = option(
        60,
        "How far behind the service may be; beyond, and falling further behind, it looks at a part of the requests.",
        unit="seconds",
        ge=5,
        le=86_400,
    )
    drain_s: int = option(
        10,
        "How long, when told to stop, it goes on taking in what is already there.",
        unit="seconds",
        ge=0,
        le=600,
    )
    journal_bytes: int = option(
        512 << 20,
        "Most bytes that pushed lines may take on disk; more is refused, and senders told to come back.",
        unit="bytes",
        ge=1 << 20,
        le=1 << 40,
    )
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = option(
        LogLevel.INFO, "Least level of what is logged on standard error."
    )
