"""Whoever looks on is told what is waited for."""

import io
import os
import threading
from pathlib import Path

import pytest
from tests.patience import PATIENCE_S

from vedette.replay import run as replay_run
from vedette.report.waiting import waiting
from vedette.sources.discover import discover


class Terminal(io.StringIO):
    """One that tells when a line was written."""

    def __init__(self) -> None:
        super().__init__()
        self.told = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        written = super().write(text)
        if text.endswith("\n"):
            self.told.set()
        return written


def test_a_pipe_that_nobody_writes_to_is_named_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, terminal = tmp_path / "access.pipe", Terminal()
    os.mkfifo(pipe)

    def write_once_told() -> None:
        assert terminal.told.wait(PATIENCE_S)
        pipe.write_bytes(b"a line\n")

    monkeypatch.setattr("sys.stderr", terminal)
    writer = threading.Thread(target=write_once_told)
    writer.start()
    source = replay_run._opened(discover([str(pipe)]).inputs[0])
    writer.join()
    assert source.held is not None
    assert source.held.read() == b"a line\n"
    source.held.close()
    assert (
        terminal.getvalue() == f"vedette: {pipe}: nobody writes to it yet: waiting for it; Ctrl-C ends that\n"
    )


def test_nothing_is_said_of_what_comes_at_once_nor_where_nobody_looks_on() -> None:
    terminal, file = Terminal(), io.StringIO()
    with waiting("a.log: nothing has come yet", stream=terminal, patience_s=3600):
        pass
    with waiting("a.log: nothing has come yet", stream=file, patience_s=0):
        pass
    assert (terminal.getvalue(), file.getvalue()) == ("", "")


def test_what_a_name_holds_does_not_reach_the_terminal_as_it_is() -> None:
    terminal = Terminal()
    with waiting("\x1b[31m.log: nothing has come yet", stream=terminal, patience_s=0):
        assert terminal.told.wait(PATIENCE_S)
    assert "\x1b" not in terminal.getvalue()
