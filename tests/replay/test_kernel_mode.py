"""Which kernels a scan runs: decided by how much there is to read."""

import bz2
import gzip
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_TELL = """
import os, sys
from vedette.replay.kernel_mode import choose_kernel_mode
from vedette.sources import Discovery, discover
choose_kernel_mode([] if sys.argv[1:] == [] else discover(sys.argv[1:]).inputs)
print(os.environ.get("VEDETTE_KERNELS", "as usual"))
"""


def _mode(*paths: str) -> str:
    """In a process of its own: the choice is made once, before kernels are imported."""
    return subprocess.check_output(
        [sys.executable, "-c", _TELL, *paths], text=True, stdin=subprocess.DEVNULL
    ).strip()


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel that was compiled before; no choice in the environment."""
    monkeypatch.delenv("VEDETTE_KERNELS", raising=False)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "cache" / "kernels" / "windows.add_groups-1.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("name", "size", "mode"),
    [("a.log", 100_000, "interpret"), ("a.log", 3_000_000, "as usual"), ("a.log.gz", 300_000, "as usual")],
)
def test_small_logs_are_interpreted_and_large_or_compressed_ones_compiled_for(
    tmp_path: Path, name: str, size: int, mode: str
) -> None:
    (tmp_path / name).write_bytes(b"x" * size)
    assert _mode(str(tmp_path / name)) == mode


@pytest.mark.parametrize(
    ("name", "line", "size", "mode"),
    [
        ("a.log", b"x", 3_000_000, "interpret"),
        ("a.log", b"x", 17_000_000, "as usual"),
        ("a.log.gz", b"x", 1_500_000, "as usual"),
        ("a.log", b'192.0.2.1 - - [...] "GET / HTTP/1.1" 200 1\n', 17_000_000, "interpret"),
        ("a.log", b'192.0.2.1 - - [...] "GET / HTTP/1.1" 200 1\n', 65_000_000, "as usual"),
        ("a.log", b'{"protocol":"HTTP/1.1"}\n', 17_000_000, "interpret"),
        ("a.log", b'{"event_type":"http","protocol":"HTTP/1.1"}\n', 17_000_000, "as usual"),
    ],
)
def test_larger_ones_are_interpreted_where_nothing_was_compiled_yet(
    tmp_path: Path, kept: Path, name: str, line: bytes, size: int, mode: str
) -> None:
    kept.unlink()
    (tmp_path / name).write_bytes(line * (size // len(line) + 1))
    assert _mode(str(tmp_path / name)) == mode


def test_the_sizes_of_all_logs_count_together(tmp_path: Path) -> None:
    paths = [tmp_path / f"{letter}.log" for letter in "abcd"]
    for path in paths:
        path.write_bytes(b"x" * 600_000)
    assert _mode(*map(str, paths[:2])) == "interpret"
    assert _mode(*map(str, paths)) == "as usual"


def test_standard_input_may_be_long() -> None:
    assert _mode("-") == "as usual"


_FORESEEN = """
import os, sys
from vedette.replay.kernel_mode import choose_kernel_mode
from vedette.kernels.kept import READS, remember_kept
from vedette.sources import discover
remember_kept(READS if sys.argv[2] == "all" else [sys.argv[2]])
choose_kernel_mode(discover([sys.argv[1]]).inputs if sys.argv[1] else [], foreseen=True)
print(os.environ.get("VEDETTE_KERNELS", "as usual"))
"""


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="told only where processors are")
@pytest.mark.parametrize(
    ("content", "reads", "mode"),
    [
        ('192.0.2.1 - - [...] "GET / HTTP/1.1" 200 1', "text", "as usual"),
        ('192.0.2.1 - - [...] "GET / HTTP/1.1" 200 1', "json", "interpret"),
        ('{"protocol": "- HTTP/1.1"}', "json", "as usual"),
        ('{"protocol": "- HTTP/1.1"}', "text", "interpret"),
        ("#separator", "text", "interpret"),
        ("#separator", "all", "as usual"),
        ("", "all", "interpret"),
    ],
)
def test_a_small_log_is_read_by_compiled_kernels_where_all_are_kept(
    tmp_path: Path, content: str, reads: str, mode: str
) -> None:
    path = tmp_path / "access.log"
    path.write_text(content)
    command = [sys.executable, "-c", _FORESEEN, str(path) if content else "", reads]
    assert subprocess.check_output(command, text=True).strip() == mode


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="told only where processors are")
@pytest.mark.parametrize(
    ("name", "pack"), [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress)]
)
@pytest.mark.parametrize(("reads", "mode"), [("text", "as usual"), ("json", "interpret")])
def test_what_a_small_compressed_log_needs_is_told_by_its_lines(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes], reads: str, mode: str
) -> None:
    path = tmp_path / f"access.log.{name}"
    path.write_bytes(pack(b'192.0.2.1 - - [...] "GET / HTTP/1.1" 200 1\n' * 1_000))
    command = [sys.executable, "-c", _FORESEEN, str(path), reads]
    assert subprocess.check_output(command, text=True).strip() == mode


_PIPED = """
import os, sys
from vedette.replay.kernel_mode import begun, choose_kernel_mode
from vedette.sources import discover
inputs = begun(discover(["-"]).inputs, lambda: False)
choose_kernel_mode(inputs)
print(os.environ.get("VEDETTE_KERNELS", "as usual"), len(inputs[0].begun))
"""


@pytest.mark.parametrize(
    ("size", "packed", "before", "told"),
    [
        (100_000, False, True, "interpret 100000"),
        (3_000_000, False, True, "as usual 1500001"),
        (3_000_000, False, False, "interpret 3000000"),
        (17_000_000, False, False, "as usual 16000001"),
        (1_400_000, True, False, "as usual 1400000"),
    ],
)
def test_a_small_pipe_is_interpreted_too(
    kept: Path, size: int, packed: bool, before: bool, told: str
) -> None:
    if not before:
        kept.unlink()
    data = b"\x1f\x8b\x08".ljust(size, b"x") if packed else b"x" * size
    assert subprocess.check_output([sys.executable, "-c", _PIPED], input=data).decode().strip() == told


def test_a_command_that_reads_nothing_needs_no_compiler() -> None:
    assert _mode() == "interpret"


def test_a_choice_in_the_environment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEDETTE_KERNELS", "compile")
    (tmp_path / "a.log").write_bytes(b"x")
    assert _mode(str(tmp_path / "a.log")) == "compile"
