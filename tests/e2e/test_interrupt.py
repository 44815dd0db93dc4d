"""Ctrl-C, and readers and writers that go away."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.e2e.conftest import COMMAND, ENVIRONMENT
from tests.patience import PATIENCE_S, wait_until

AT_ONCE = {**ENVIRONMENT, "VEDETTE_KERNELS": "interpret"}
"""What a pipe brings is read as it comes: how kernels run need not be chosen by how much there is."""
PCAP = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")


def _on_a_pipe(place: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*COMMAND, "scan", "-", *options],
        cwd=place,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=AT_ONCE,
    )


def _in_a_shell(place: Path, sample: list[bytes], rest: str) -> subprocess.CompletedProcess[bytes]:
    """A scan of fifty lines, with options and redirections as a shell reads them."""
    (place / "access.log").write_bytes(b"".join(sample[:50]))
    return subprocess.run(
        ["sh", "-c", f"exec {' '.join(COMMAND)} scan access.log {rest}"],
        cwd=place,
        capture_output=True,
        env=ENVIRONMENT,
        check=False,
        timeout=PATIENCE_S,
    )


def _wait_until_read(process: subprocess.Popen[bytes]) -> None:
    """Until the pipe is empty and the process sleeps, which it only does for more input."""
    import fcntl
    import termios

    assert process.stdin is not None
    pipe, left = process.stdin.fileno(), bytearray(4)

    def has_read() -> bool:
        fcntl.ioctl(pipe, termios.FIONREAD, left)
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return not any(left) and state == "S"

    wait_until(lambda: process.poll() is not None or has_read())


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="sees in /proc when the process waits for input"
)
def test_ctrl_c_on_a_slow_pipe_tells_what_was_found_so_far(tmp_path: Path, sample: list[bytes]) -> None:
    with _on_a_pipe(tmp_path, "--json", "found.json") as process:
        assert process.stdin is not None
        process.stdin.write(b"".join(sample[:3000]))
        process.stdin.flush()
        _wait_until_read(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
        told = process.stdout.read() if process.stdout else b""
        errors = process.stderr.read() if process.stderr else b""
    assert b"Interrupted: this is what was found until then." in told
    assert b"3,000 read, 3,000 parsed" in told
    assert errors == b""
    assert b'"interrupted":true' in (tmp_path / "found.json").read_bytes().replace(b" ", b"")


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="sees in /proc when the process waits for input"
)
def test_a_scan_that_is_told_to_end_leaves_no_copies_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "scan", "-", "-q"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**AT_ONCE, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(PCAP + bytes(300_000))
        process.stdin.flush()
        wait_until(lambda: list(tmp_path.glob("vedette-*")) or process.poll() is not None)
        assert process.poll() is None
        _wait_until_read(process)
        process.terminate()
        assert process.wait(PATIENCE_S) == 143
        assert process.stderr.read() == b""
    assert not list(tmp_path.iterdir())


def test_a_report_whose_reader_goes_away_ends_quietly(tmp_path: Path, sample: list[bytes]) -> None:
    (tmp_path / "access.log").write_bytes(b"".join(sample[:1000]))
    with subprocess.Popen(
        [*COMMAND, "scan", "access.log", "--verdicts", "-", "--all"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_S) == 141


@pytest.mark.parametrize("stream", [">&-", "2>&-", "<&-"])
def test_a_standard_stream_that_is_closed_is_no_defect(
    stream: str, tmp_path: Path, sample: list[bytes]
) -> None:
    ended = _in_a_shell(tmp_path, sample, stream)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a device that is always full")  # noqa: PTH110 -- a device
@pytest.mark.parametrize("to", ["> /dev/full", "-q --json /dev/full", "-q --json - > /dev/full"])
def test_a_full_disk_is_one_line_and_status_2(to: str, tmp_path: Path, sample: list[bytes]) -> None:
    ended = _in_a_shell(tmp_path, sample, to)
    assert ended.returncode == 2
    assert b"No space left on device" in ended.stderr
    assert ended.stderr.count(b"\n") == 1
