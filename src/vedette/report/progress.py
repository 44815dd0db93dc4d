"""How far a long run is, for a person who watches it."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from vedette.report.shown import shown

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from vedette.report.console import Console

INTERVAL_S = 0.1
PATIENCE_S = 0.5
"""A run that ends sooner draws nothing, and so need not import what draws."""


class Progress:
    """A line on standard error with bytes, lines, speed and time left; nothing where nobody looks.

    It is drawn only if the stream is a terminal, by the thread that calls `update`, ten times a second at
    most, and wiped at the end.

    Args:
        what: What is being done, in a word or two.
        total: Bytes to read in all, as `update` counts them; None where that is not known (pipes).
        enabled: False to stay silent even on a terminal.
        stream: Where to draw; standard error if not given.
    """

    def __init__(
        self, what: str, total: int | None, *, enabled: bool = True, stream: TextIO | None = None
    ) -> None:
        self._what = what
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self.active = enabled and self._stream.isatty()
        self._console: Console | None = None
        self._bar: tuple[Bar, TaskID] | None = None
        self._began = self._due = 0.0

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._due = self._began + PATIENCE_S
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None

    def update(self, position: int, lines: int) -> None:
        """Tell how far the run is. Cheap: most calls only look at the clock.

        Args:
            position: Bytes done.
            lines: Lines done.
        """
        if not self.active:
            return
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + INTERVAL_S
        self._draw(position, lines, now - self._began)

    def note(self, text: str) -> None:
        """Say something in a line of its own, which stays: `compiling kernels, once: about 15 s`."""
        if self.active:
            self._where().print(shown(text), markup=False, highlight=False, emoji=False)

    def _draw(self, position: int, lines: int, elapsed: float) -> None:
        if self._bar is None:
            self._bar = self._start()
        bar, task = self._bar
        speed = f"{lines / elapsed:,.0f} lines/s" if elapsed > 0 else ""
        bar.update(task, completed=position, lines=f"{lines:,} lines", speed=speed)
        bar.refresh()

    def _start(self) -> "tuple[Bar, TaskID]":
        # Rich takes longer to import than a short run takes: not before there is something to draw.
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        left = (TimeRemainingColumn(compact=True), TextColumn("left")) if self._total else ()
        bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            DownloadColumn(),
            TextColumn("{task.fields[lines]}", markup=False),
            TextColumn("{task.fields[speed]}", markup=False),
            *left,
            console=self._where(),
            auto_refresh=False,
            transient=True,
        )
        task = bar.add_task(shown(self._what), total=self._total, lines="", speed="")
        bar.start()
        return bar, task

    def _where(self) -> "Console":
        if self._console is None:
            from vedette.report.console import Console

            self._console = Console(file=self._stream)
        return self._console
