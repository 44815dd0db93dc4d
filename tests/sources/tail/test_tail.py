"""Following files: where they begin, what is said of them, and what their lines may be."""

import gzip
import os
from pathlib import Path

import pytest

from vedette.sources import tail as tail_package
from vedette.sources.errors import SourceError
from vedette.sources.source import POSITION_BYTES, SourceState
from vedette.sources.tail import Follow, Tail
from vedette.sources.tail.mark import Place
from vedette.sources.tail.position import decode, encode
from vedette.sources.tail.trail import KEPT, LINGER_S

SECOND = 1_000_000


class Clock:
    def __init__(self):
        self.now = 1_750_000_000 * SECOND

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def start(clock):
    opened = []

    def start(*paths, position=None, line_bytes=1 << 20, **settings):
        tail = Tail([Follow(tuple(map(str, paths)), **settings)], clock, line_bytes=line_bytes)
        tail.open(position)
        opened.append(tail)
        return tail

    yield start
    for tail in opened:
        tail.close()


@pytest.fixture
def read(clock):
    def read(tail, seconds=2, room=1 << 20):
        clock.now += seconds * SECOND
        found, position = [], None
        while deliveries := tail.take(room):
            found += [(Path(d.stream).name, d.lines) for d in deliveries]
            position = deliveries[-1].position
        read.position = position or read.position
        return found

    read.position = None
    return read


def append(path, text):
    with path.open("ab") as file:
        file.write(text)


def test_lines_come_with_their_number_and_what_is_known_of_them(tmp_path, start, clock):
    log = tmp_path / "shop.log"
    log.write_bytes(b"one\ntwo\nthr")
    tail = start(log, service="shop", format="combined")
    (first,) = tail.take(1 << 20)
    assert (first.stream, first.lines, first.first_line) == (str(log), b"one\ntwo\n", 1)
    assert (first.service, first.format) == ("shop", "combined")
    append(log, b"ee\n")
    clock.now += SECOND
    (second,) = tail.take(1 << 20)
    assert (second.lines, second.first_line) == (b"three\n", 3)


def test_nothing_is_looked_at_more_than_once_a_second(tmp_path, start, clock, monkeypatch):
    log = tmp_path / "a.log"
    log.write_bytes(b"one\n")
    tail = start(log)
    tail.take(1 << 20)
    looked = []
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda *a, **k: (looked.append(a), real(*a, **k))[1])
    clock.now += SECOND
    for _ in range(50):
        tail.take(1 << 20)
    assert len(looked) == 1


def test_from_the_end_only_whole_new_lines_are_read(tmp_path, start, read):
    whole, half = tmp_path / "whole.log", tmp_path / "half.log"
    whole.write_bytes(b"old\n")
    half.write_bytes(b"old\nhal")
    tail = start(whole, half, from_end=True)
    assert read(tail) == []
    append(whole, b"new\n")
    append(half, b"f\nnew\n")
    assert sorted(read(tail)) == [("half.log", b"new\n"), ("whole.log", b"new\n")]
    assert tail.status().dropped == {}


def test_from_the_end_the_header_is_read_and_none_of_the_requests_behind_it(tmp_path, start, read):
    """What the columns are is said once, at the beginning, or again when the server starts anew."""
    log, other = tmp_path / "u_ex.log", tmp_path / "plain.log"
    log.write_bytes(b"\xef\xbb\xbf#Software: IIS\n#Fields: date time\nold\n#Fields: date time c-ip\nold\n")
    other.write_bytes(b"old\n#no header\nold\n")
    tail = start(log, other, from_end=True)
    header = b"#Software: IIS\n#Fields: date time\n#Fields: date time c-ip\n"
    assert read(tail) == [("u_ex.log", header)]
    append(log, b"new\n")
    append(other, b"new\n")
    assert sorted(read(tail)) == [("plain.log", b"new\n"), ("u_ex.log", b"new\n")]
    assert tail.status().dropped == {}
    assert tail.status().behind == 0


def test_a_file_that_appears_later_is_read_whole_wherever_others_began(tmp_path, start, read):
    tail = start(tmp_path, tmp_path / "named.log", from_end=True)
    assert "no such file" in tail.status().reason
    (tmp_path / "access-new.log").write_bytes(b"one\n")
    (tmp_path / "named.log").write_bytes(b"two\n")
    assert sorted(read(tail, 3)) == [("access-new.log", b"one\n"), ("named.log", b"two\n")]
    assert tail.status().reason == ""


def test_each_file_that_cannot_be_read_is_named_before_those_that_are_not_there_yet(tmp_path, start):
    for name in "ab":
        os.mkfifo(tmp_path / name)
    tail = start(tmp_path / "none", tmp_path / "a", tmp_path / "b")
    status = tail.status()
    assert status.state is SourceState.FAILED
    fifo = "is no regular file; give a log file"
    assert status.reason == (
        f"{tmp_path}/a: {fifo}; {tmp_path}/b: {fifo}; {tmp_path}/none: no such file; it is read when it appears"
    )


def test_of_many_files_that_are_not_there_some_are_named(tmp_path, start):
    tail = start(*(tmp_path / str(number) for number in range(11)))
    assert tail.status().reason.count("no such file") == 8
    assert tail.status().reason.endswith(" (and 3 more)")


def test_a_pattern_that_no_file_matches_is_named_also_beside_one_that_some_do(tmp_path, start, read):
    (tmp_path / "shop.log").write_bytes(b"one\n")
    tail = start(tmp_path / "shop*.log", tmp_path / "shpo*.log", tmp_path / "none")
    unmatched = f"{tmp_path}/shpo*.log: no file matches; what appears is read"
    assert tail.status().reason == f"{tmp_path}/none: no such file; it is read when it appears; {unmatched}"
    (tmp_path / "none").write_bytes(b"two\n")
    assert len(read(tail, 9)) == 2
    assert tail.status().reason == f"{tmp_path}/shpo*.log: no file matches; what appears is read"
    (tmp_path / "shpo.log").write_bytes(b"three\n")
    assert read(tail, 9) == [("shpo.log", b"three\n")]
    assert tail.status().reason == ""
    (tmp_path / "shpo.log").unlink()
    read(tail, 1200)
    read(tail, 9)
    assert tail.status().reason == f"{tmp_path}/shpo*.log: no file matches; what appears is read"


def test_of_what_a_pattern_matches_error_logs_are_not_followed(tmp_path, start, read):
    for name in ("access.log", "error.log"):
        append(tmp_path / name, b"a\n")
    assert read(start(tmp_path / "*.log")) == [("access.log", b"a\n")]


def rotated(directory, *, dated=False):
    old = [
        ("access.log.3.gz", b"1\n"),
        ("access.log.2.gz", b"2\n"),
        ("access.log.1", b"3\n"),
        ("access.log", b"4\n"),
    ]
    by_date = [("u_ex240501.log.gz", b"1\n"), ("u_ex240502.log", b"2\n"), ("u_ex240503.log", b"3\n")]
    for name, content in by_date if dated else old:
        (directory / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)


@pytest.mark.parametrize("where", ["", "access.log", "access*"])
def test_rotated_files_of_the_past_are_read_first_or_not_at_all(tmp_path, start, read, where):
    rotated(tmp_path)
    assert b"".join(lines for _, lines in read(start(tmp_path / where))) == b"4\n"
    with_history = start(tmp_path / where, history=True)
    found = read(with_history)
    assert b"".join(lines for _, lines in found) == b"1\n2\n3\n4\n"
    assert {stream for stream, _ in found} == {"access.log"}
    again = start(tmp_path / where, history=True, position=read.position)
    assert read(again) == []


def test_where_every_file_is_dated_the_newest_is_read_and_older_ones_for_history(tmp_path, start, read):
    rotated(tmp_path, dated=True)
    tail = start(tmp_path)
    assert read(tail) == [("u_ex240503.log", b"3\n")]
    append(tmp_path / "u_ex240502.log", b"late\n")
    (tmp_path / "u_ex240504.log").write_bytes(b"4\n")
    (tmp_path / "u_ex240502.log.gz").write_bytes(gzip.compress(b"2\nlate\n"))
    assert sorted(read(tail, 3)) == [("u_ex240502.log", b"late\n"), ("u_ex240504.log", b"4\n")]
    found = read(start(tmp_path, history=True))
    assert sorted(lines for _, lines in found) == [b"1\n", b"2\nlate\n", b"3\n", b"4\n"]


def test_a_link_that_is_switched_is_followed_and_the_old_file_finished(tmp_path, start, read):
    (tmp_path / "a.log").write_bytes(b"one\n")
    link = tmp_path / "current"
    link.symlink_to("a.log")
    tail = start(link)
    assert read(tail) == [("current", b"one\n")]
    (tmp_path / "b.log").write_bytes(b"three\n")
    append(tmp_path / "a.log", b"two\n")
    link.unlink()
    link.symlink_to("b.log")
    assert read(tail) == [("current", b"two\n"), ("current", b"three\n")]
    append(tmp_path / "a.log", b"straggler\n")
    append(tmp_path / "b.log", b"four\n")
    assert read(tail) == [("current", b"straggler\n"), ("current", b"four\n")]


def test_a_link_switched_while_nobody_looked_is_no_loss(tmp_path, start, read):
    (tmp_path / "a.log").write_bytes(b"one\n")
    link = tmp_path / "current"
    link.symlink_to("a.log")
    tail = start(link)
    read(tail)
    tail.close()
    append(tmp_path / "a.log", b"two\n")
    (tmp_path / "b.log").write_bytes(b"three\n")
    link.unlink()
    link.symlink_to("b.log")
    again = start(link, position=read.position)
    assert read(again) == [("current", b"two\n"), ("current", b"three\n")]
    assert again.status().dropped == {}


def test_a_link_and_its_target_are_read_once(tmp_path, start, read):
    (tmp_path / "access-real.log").write_bytes(b"one\n")
    (tmp_path / "access-link.log").symlink_to("access-real.log")
    assert read(start(tmp_path)) == [("access-real.log", b"one\n")]


def test_a_file_that_may_not_be_read_is_named_tried_again_and_read_once_it_may(
    tmp_path, start, read, monkeypatch
):
    log = tmp_path / "a.log"
    log.write_bytes(b"one\n")
    forbidden = True
    real = tail_package.followed.open_content

    def open_content(path):
        if forbidden:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(tail_package.followed, "open_content", open_content)
    tail = start(log)
    assert read(tail) == []
    status = tail.status()
    assert status.state is SourceState.FAILED
    assert status.reason == (
        f"{log}: no permission to read it; run as a user who may (often a member of group adm)"
    )
    for _ in range(5):
        read(tail, 8)
    append(log, b"two\n")
    forbidden = False
    assert read(tail, 61) == [("a.log", b"one\ntwo\n")]
    assert tail.status().state is SourceState.WAITING


def test_a_last_line_without_newline_waits_and_is_handed_on_once_its_file_is_rotated_away(
    tmp_path, start, read
):
    log = tmp_path / "a.log"
    log.write_bytes(b"one\ntw")
    tail = start(log)
    assert read(tail) == [("a.log", b"one\n")]
    assert read(tail, 60) == []
    log.rename(tmp_path / "a.log.1")
    log.write_bytes(b"three\n")
    assert read(tail) == [("a.log", b"tw\n"), ("a.log", b"three\n")]


def test_what_was_truncated_unread_is_counted(tmp_path, start, read):
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(b"%06d a line\n" % n for n in range(100)))
    tail = start(log)
    assert len(tail.take(100)[0].lines) == 98
    behind = tail.status().behind
    log.write_bytes(b"another\n")
    assert read(tail) == [("a.log", b"another\n")]
    assert tail.status().dropped == {"bytes_truncated": behind}


def test_a_hole_that_truncation_left_is_passed_over(tmp_path, start, read):
    log = tmp_path / "a.log"
    with log.open("wb", buffering=0) as writer:
        writer.write(b"one\n" * 100)
        tail = start(log)
        read(tail)
        os.truncate(log, 0)
        writer.write(b"two\n")
    assert read(tail) == [("a.log", b"two\n")]
    assert tail.status().dropped == {"bytes_of_holes": 400}


@pytest.mark.parametrize("pieces", [1, 7, 100])
def test_a_long_line_is_cut_counted_and_never_held(tmp_path, start, read, pieces):
    log = tmp_path / "a.log"
    log.touch()
    tail = start(log, line_bytes=1000)
    found = []
    text = b"a\n" + b"b" * 50_000 + b"\nc\n"
    step = len(text) // pieces + 1
    for at in range(0, len(text), step):
        append(log, text[at : at + step])
        found += [lines for _, lines in read(tail)]
    assert b"".join(found) == b"a\n" + b"b" * 1000 + b"\nc\n"
    assert tail.status().dropped == {"lines_cut": 1, "bytes_cut": 49_000}


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path, start, read):
    log = tmp_path / "a.log"
    log.write_bytes(b"\xef\xbb\xbfone\n")
    assert read(start(log)) == [("a.log", b"one\n")]


def test_what_is_no_text_is_said_and_not_read(tmp_path, start, read):
    log = tmp_path / "a.log"
    log.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    tail = start(log)
    assert read(tail) == []
    assert tail.status().state is SourceState.FAILED
    assert "an image, not a log" in tail.status().reason


def test_busy_files_leave_room_for_others(tmp_path, start):
    busy, quiet = tmp_path / "a.log", tmp_path / "b.log"
    busy.write_bytes(b"x" * 99 + b"\n" + b"y\n" * 1_000_000)
    quiet.write_bytes(b"one\n")
    tail = start(busy, quiet)
    assert {Path(d.stream).name for d in tail.take(600 << 10)} == {"a.log", "b.log"}


def test_a_rotated_file_is_given_up_when_quiet_and_forgotten_in_the_end(tmp_path, start, read):
    log = tmp_path / "a.log"
    log.write_bytes(b"0\n")
    tail = start(log)
    read(tail)
    for number in range(1, KEPT + 3):
        log.rename(tmp_path / f"old{number}")
        log.write_bytes(b"%d\n" % number)
        assert read(tail) == [("a.log", b"%d\n" % number)]
    read(tail, LINGER_S + 1)
    append(log, b"end\n")
    read(tail)
    places = decode("files", read.position)
    assert len(places) == KEPT + 1
    assert [place.ended for place in places] == [True] * KEPT + [False]


def test_an_unreadable_position_is_refused(start, tmp_path):
    with pytest.raises(SourceError, match="its position cannot be read"):
        start(tmp_path, position=b"nonsense")


def test_a_position_is_bounded_and_keeps_what_matters():
    def place(number, *, ended):
        path = b"/var/log/%0200d.log" % number
        marks = 5, b"x" * 8, 5, b"y" * 8
        return Place(path, path, 1, number, 5, 1, 5, number, *marks, False, False, not ended, ended)

    places = [place(number, ended=number % 2 == 0) for number in range(6000)]
    position = encode(places)
    assert len(position) <= POSITION_BYTES
    kept = decode("files", position)
    assert {p.inode for p in kept} >= {p.inode for p in places if p.live and p.inode > 3000}
    assert sum(not p.ended for p in kept) >= sum(p.ended for p in kept)


def test_what_is_no_text_is_forgotten_when_it_is_removed(tmp_path, start, read):
    log = tmp_path / "a.log"
    log.write_bytes(bytes(range(256)) * 4)
    tail = start(tmp_path / "*.log")
    assert read(tail) == []
    assert "looks like binary data" in tail.status().reason
    log.unlink()
    for _ in range(5):
        assert read(tail, seconds=60) == []
    status = tail.status()
    assert (status.state, status.behind) == (SourceState.WAITING, 0)
    assert "binary" not in status.reason
    assert status.dropped == {"files_given_up": 1, "bytes_given_up": 1024}


def test_what_follows_something_that_is_no_text_does_not_wait_for_it(tmp_path, start, read):
    log = tmp_path / "a.log"
    log.write_bytes(bytes(range(256)) * 4)
    tail = start(log)
    assert read(tail) == []
    log.rename(tmp_path / "a.log.1")
    log.write_bytes(b"one\n")
    assert read(tail, seconds=60) == [("a.log", b"one\n")]
    assert tail.status().reason == ""
    again = start(log, position=read.position)
    append(log, b"two\n")
    assert read(again) == [("a.log", b"two\n")]
    assert again.status().dropped == {}


def test_what_follows_a_file_that_may_not_be_read_waits_for_it_only_so_long(
    tmp_path, start, read, monkeypatch
):
    log, old = tmp_path / "a.log", tmp_path / "a.log.1"
    log.write_bytes(b"secret\n")
    refused = {log.stat().st_ino}
    real = tail_package.followed.open_content

    def refuse(path):
        if Path(path).stat().st_ino in refused:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(tail_package.followed, "open_content", refuse)
    tail = start(log)
    assert read(tail) == []
    log.rename(old)
    log.write_bytes(b"one\n")
    assert read(tail, seconds=60) == []
    assert "no permission" in tail.status().reason
    assert read(tail, seconds=LINGER_S) == [("a.log", b"one\n")]
    assert tail.status().dropped == {"files_given_up": 1, "bytes_given_up": 7}
    assert tail.status().reason == ""
