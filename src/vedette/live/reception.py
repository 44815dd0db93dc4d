"""Where lines come in, from the first moment on: the journal, and the sources that listen and write into it.

None of them needs the engine. While it is being made, what is sent waits on disk.
"""

from collections.abc import Sequence

from vedette.live.opened import Kept, now
from vedette.live.view import Pushed
from vedette.sources.build import build_sources
from vedette.sources.journal import Journal, JournalError
from vedette.sources.source import Source
from vedette.sources.syslog import Syslog


class Reception:
    """Everything that lines come from.

    Args:
        kept: What the service has on disk. paths: Files and directories to follow, besides the configured sources.
        from_end: Whether files are followed from their ends.

    Attributes:
        journal: Where what is sent waits; sources: the others. Only those that listen are opened here.

    Raises:
        VedetteError: One of them cannot be used.
    """

    def __init__(self, kept: Kept, paths: Sequence[str] = (), *, from_end: bool = False) -> None:
        config = kept.settings.config
        self.paths = tuple(paths)
        self.journal = Journal(
            kept.directory / "journal",
            now,
            capacity=config.live.journal_bytes,
            line_bytes=config.limits.line_bytes,
        )
        try:
            self.sources: tuple[Source, ...] = tuple(
                build_sources(
                    config.sources,
                    now,
                    self.journal,
                    paths=paths,
                    from_end=from_end,
                    line_bytes=config.limits.line_bytes,
                )
            )
        except BaseException:
            self.journal.close()
            raise

    def listen(self) -> None:
        """Begin to take in what is sent to sockets: nobody sends a datagram twice."""
        for source in self.sources:
            if isinstance(source, Syslog):
                source.open(None)

    def close(self) -> None:
        """Let go of all; what was taken in is on disk."""
        for source in (*self.sources, self.journal):
            source.close()


def into_journal(
    journal: Journal,
    stream: str,
    lines: bytes,
    *,
    service: str | None = None,
    format: str | None = None,  # noqa: A002 - the word of the whole program
) -> Pushed:
    """Take pushed lines in, see `LiveView`."""
    if lines and not lines.endswith(b"\n"):
        lines += b"\n"
    count = lines.count(b"\n")
    try:
        journal.append(stream, lines, service=service, format=format)
        journal.sync()
    except JournalError as error:
        return Pushed(taken=0, refused=count, reason=str(error), retry_after_s=error.retry_after_s)
    return Pushed(taken=count)
