import io
import subprocess
import sys
from typing import Any

import pytest

from vedette.report import progress as module
from vedette.report.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return clock


def run(clock: Clock, stream: Any, steps: int, step_s: float, **options: Any) -> str:
    with Progress("reading", 1000, stream=stream, **options) as progress:
        progress.note("compiling kernels")
        for step in range(steps):
            clock.now += step_s
            progress.update(step, step * 10)
    return str(stream.getvalue())


def test_bytes_lines_and_speed_are_drawn_on_a_terminal(clock: Clock) -> None:
    drawn = run(clock, Terminal(), steps=20, step_s=0.2)
    for part in ("reading", "190 lines", "lines/s", "left", "1.0 kB"):
        assert part in drawn


@pytest.mark.parametrize(("stream", "options"), [(io.StringIO(), {}), (Terminal(), {"enabled": False})])
def test_nothing_is_written_where_nobody_looks(
    clock: Clock, stream: io.StringIO, options: dict[str, Any]
) -> None:
    assert run(clock, stream, steps=20, step_s=0.2, **options) == ""


def test_it_is_drawn_at_most_ten_times_a_second(clock: Clock) -> None:
    drawn = run(clock, Terminal(), steps=10_000, step_s=0.001)
    assert 50 <= drawn.count(" lines ") <= 110


def test_a_short_run_draws_nothing_and_keeps_its_notes(clock: Clock) -> None:
    drawn = run(clock, Terminal(), steps=10, step_s=0.01)
    assert drawn.strip() == "compiling kernels"


def test_a_pipe_has_no_time_left(clock: Clock) -> None:
    stream = Terminal()
    with Progress("reading", None, stream=stream) as progress:
        clock.now += 1
        progress.update(5, 1)
    assert "1 lines" in stream.getvalue()
    assert "left" not in stream.getvalue()


def test_a_note_cannot_steer_the_terminal(clock: Clock) -> None:
    stream = Terminal()
    with Progress("reading", 10, stream=stream) as progress:
        progress.note("\x1b[31m[bold]:boom:")
    assert "\\x1b[31m[bold]:boom:" in stream.getvalue()


def test_what_draws_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, vedette.report.progress; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
