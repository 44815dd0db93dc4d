"""The sources that a configuration asks for."""

from collections.abc import Callable, Sequence

from vedette.config.sources import Begin, Sources, TailSection
from vedette.sources.long_lines import LINE_BYTES
from vedette.sources.source import Source
from vedette.sources.tail import Follow, Tail


def build_sources(
    config: Sources,
    clock: Callable[[], int],
    *,
    paths: Sequence[str] = (),
    from_end: bool = False,
    line_bytes: int = LINE_BYTES,
) -> list[Source]:
    """Every source that is configured, none of them opened.

    Args:
        config: What was configured.
        clock: Microseconds since the epoch, UTC.
        paths: Files, directories and patterns to follow besides, as named on the command line.
        from_end: Whether those begin with what is written from now on.
        line_bytes: Longest line that is delivered whole.
    """
    sources: list[Source] = []
    named = (Follow(tuple(paths), from_end=from_end),) if paths else ()
    if follows := (*named, *map(_follow, config.tail)):
        sources.append(Tail(follows, clock, line_bytes=line_bytes))
    return sources


def _follow(section: TailSection) -> Follow:
    return Follow(
        section.paths,
        from_end=section.begin is Begin.END,
        history=section.history,
        service=section.service,
        format=section.format,
    )
