"""Every kind of rotation, before, during and after writing and restarts: each line once, in order."""

import gzip
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from vedette.sources.tail import Follow, Tail

SECOND = 1_000_000
START = 1_750_000_000 * SECOND
LINGER = 700 * SECOND


class Rig:
    """A log with its writer, and a reader that may be killed; time passes only when told to.

    What was read is kept as a service keeps it: lines and position together, at a commit; a kill takes back what
    came after.
    """

    def __init__(self, directory: Path, follow: tuple[str, ...] = ("access.log",), padding: int = 40) -> None:
        self.directory = directory
        self.path = directory / "access.log"
        self.now = START
        self.written = 0
        self.padding = padding
        self.peeks = True
        self.lines: list[bytes] = []
        self.kept: tuple[list[bytes], bytes | None] = ([], None)
        self.position: bytes | None = None
        self._follow = Follow(tuple(str(directory / name) for name in follow))
        self.path.touch()
        self._stamp(self.path)
        self.writer = self.path.open("ab", buffering=0)
        self.tail: Tail | None = None

    def next_line(self) -> bytes:
        self.written += 1
        return b"%08d %s\n" % (self.written, b"x" * (self.written % 7 * self.padding))

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            self.writer.write(self.next_line())
        self._touched()

    def write_half(self) -> None:
        line = self.next_line()
        self.writer.write(line[:5])
        self._touched()
        self.read()
        self.writer.write(line[5:])
        self._touched()

    def rename(self) -> None:
        """logrotate: rename, create, and the writer is told to open anew."""
        self._shift()
        self.path.rename(self._rotated(1))
        self.reopen()

    def rename_and_write_on(self) -> None:
        """The writer has not yet turned to the new file."""
        old = self.writer
        self._shift()
        self.path.rename(self._rotated(1))
        self.path.touch()
        self._stamp(self.path)
        self.writer.write(self.next_line())
        self._touched()
        self.peek()
        self.writer.write(self.next_line())
        self._touched()
        self.writer = self.path.open("ab", buffering=0)
        old.close()

    def rename_without_create(self) -> None:
        self._shift()
        self.path.rename(self._rotated(1))
        self.peek()
        self.reopen()

    def copytruncate(self) -> None:
        self._shift()
        shutil.copyfile(self.path, self._rotated(1))
        self._stamp(self._rotated(1))
        self.peek()
        os.truncate(self.path, 0)
        self._stamp(self.path)

    def copytruncate_and_outgrow(self) -> None:
        """What is written afterwards is longer than what stood there before."""
        size = self.path.stat().st_size
        self.copytruncate()
        while self.path.stat().st_size <= size:
            self.write()

    def compress(self) -> None:
        for number in range(1, 60):
            plain = self._rotated(number)
            if plain.exists():
                stat = plain.stat()
                packed = plain.with_name(plain.name + ".gz")
                packed.write_bytes(gzip.compress(plain.read_bytes()))
                os.utime(packed, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
                self.peek()
                plain.unlink()
                return

    def recreate(self) -> None:
        """Removed and made anew, as some programs do: what a running reader has not read yet it still holds."""
        if self.tail is None:
            return
        self.read()
        self.commit()
        self.path.unlink()
        self.reopen()

    def move_away_and_back(self) -> None:
        away = self.directory / "elsewhere"
        self.path.rename(away)
        self.peek()
        away.rename(self.path)

    def reopen(self) -> None:
        self.writer.close()
        self.writer = self.path.open("ab", buffering=0)
        self._stamp(self.path)

    def peek(self) -> None:
        """In the middle of a rotation."""
        if self.peeks:
            self.read()

    def wait(self, span: int = SECOND) -> None:
        self.now += span

    def read(self) -> None:
        if self.tail is None:
            return
        self.wait()
        self.take(1 << 20)

    def read_little(self) -> None:
        if self.tail is not None:
            self.wait()
            self.take(100, once=True)

    def take(self, room: int, *, once: bool = False) -> None:
        assert self.tail is not None
        while deliveries := self.tail.take(room):
            for delivery in deliveries:
                assert delivery.lines.endswith(b"\n")
                assert delivery.stream == str(self.path)
                self.lines += delivery.lines.splitlines(keepends=True)
            self.position = deliveries[-1].position
            assert self.position
            if once:
                return

    def commit(self) -> None:
        self.kept = list(self.lines), self.position

    def kill(self) -> None:
        if self.tail is not None:
            self.tail.close()
        self.tail = None
        self.lines, self.position = list(self.kept[0]), self.kept[1]

    def start(self) -> None:
        if self.tail is None:
            self.tail = Tail((self._follow,), lambda: self.now)
            self.tail.open(self.position)

    def restart(self) -> None:
        self.kill()
        self.start()

    def finish(self) -> None:
        self.start()
        self.read()
        self.wait(LINGER)
        self.read()
        self.kill_quietly()
        self.writer.close()

    def kill_quietly(self) -> None:
        assert self.tail is not None
        self.losses = self.tail.status().dropped
        self.tail.close()

    def numbers(self) -> list[int]:
        return [int(line[:8]) for line in self.lines]

    def _rotated(self, number: int) -> Path:
        return self.directory / f"access.log.{number}"

    def _shift(self) -> None:
        for number in range(60, 0, -1):
            for end in ("", ".gz"):
                old = self.directory / f"access.log.{number}{end}"
                if old.exists():
                    old.rename(self.directory / f"access.log.{number + 1}{end}")

    def _touched(self) -> None:
        self.now += 1000
        os.utime(self.writer.fileno(), ns=(self.now * 1000, self.now * 1000))

    def _stamp(self, path: Path) -> None:
        self.now += 1000
        os.utime(path, ns=(self.now * 1000, self.now * 1000))


ROTATIONS = (
    Rig.rename,
    Rig.rename_and_write_on,
    Rig.rename_without_create,
    Rig.copytruncate,
    Rig.copytruncate_and_outgrow,
    Rig.recreate,
    Rig.move_away_and_back,
)
FOLLOWED = [("access.log",), ("access.log*",), (".",)]


@pytest.mark.parametrize("follow", FOLLOWED, ids=["file", "pattern", "directory"])
@pytest.mark.parametrize("rotate", ROTATIONS)
@pytest.mark.parametrize("unread", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("stop", ["never", "before", "after"])
@pytest.mark.parametrize("peeks", [False, True])
def test_each_line_is_read_once(tmp_path, follow, rotate, unread, compressed, stop, peeks):
    rig = Rig(tmp_path, follow)
    rig.peeks = peeks
    rig.write(20)
    rig.start()
    rig.read()
    rig.commit()
    rig.write_half()
    rig.write(5)
    if not unread or rotate is Rig.recreate:
        rig.read()
        rig.commit()
    if stop == "before" and rotate is not Rig.recreate:
        rig.kill()
    rotate(rig)
    if stop == "after" and rotate is not Rig.recreate:
        rig.kill()
    rig.write(30)
    if compressed:
        rig.compress()
    rig.start()
    rig.read()
    rig.write(3)
    rig.finish()
    assert rig.numbers() == list(range(1, rig.written + 1))
    assert rig.losses == {}


STEPS = (
    *ROTATIONS,
    Rig.write,
    Rig.write_half,
    Rig.compress,
    Rig.read,
    Rig.read_little,
    Rig.commit,
    Rig.start,
    Rig.kill,
    Rig.restart,
)


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(st.sampled_from([step.__name__ for step in STEPS]), max_size=40),
    follow=st.sampled_from(FOLLOWED),
    padding=st.sampled_from([0, 40, 400]),
    peeks=st.booleans(),
)
def test_any_mixture_of_rotations_and_kills_reads_each_line_once(steps, follow, padding, peeks):
    note(" ".join(steps))
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory), follow, padding)
        rig.peeks = peeks
        rig.write(3)
        rig.start()
        rig.read()
        rig.commit()
        for step in steps:
            getattr(rig, step)()
        rig.finish()
        assert sorted(rig.numbers()) == list(range(1, rig.written + 1))
        # Whether anything more was written to a file that was removed while the reader was dead, nobody knows.
        assert set(rig.losses) <= ({"files_vanished"} if "recreate" in steps else set())
