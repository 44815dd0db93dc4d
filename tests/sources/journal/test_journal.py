"""The journal: what is synced survives, what is damaged is counted, and what is full says so."""

import os
import random
import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.sources.errors import SourceError
from vedette.sources.journal import Journal, JournalError
from vedette.sources.journal.journal import PROBE_US
from vedette.sources.journal.segments import WrittenSegment
from vedette.sources.source import SourceState


def drain(journal, room=1 << 20):
    found = []
    while deliveries := journal.take(room):
        found += deliveries
    return found


def lines_of(deliveries, stream=None):
    return [
        line for d in deliveries if stream in (None, d.stream) for line in d.lines.splitlines(keepends=True)
    ]


def journal_at(directory, **settings):
    return Journal(Path(directory), lambda: 0, **settings)


@pytest.fixture
def journal(tmp_path):
    opened = journal_at(tmp_path / "journal")
    opened.open(None)
    yield opened
    opened.close()


def test_what_is_appended_comes_out_once_with_what_is_known_of_it(journal):
    journal.append("app", b"one\ntwo\n", service="shop", format="combined")
    journal.append("other", b"three")
    journal.append("app", b"four\n", service="shop", format="combined")
    journal.sync()
    app, other = journal.take(1 << 20)
    assert (app.stream, app.service, app.format, app.first_line, app.lines) == (
        "app", "shop", "combined", 1, b"one\ntwo\nfour\n",
    )  # fmt: skip
    assert (other.stream, other.service, other.format, other.first_line, other.lines) == (
        "other", None, None, 1, b"three\n",
    )  # fmt: skip
    assert app.position == b""
    assert len(other.position) == 17
    assert journal.take(1 << 20) == []


def test_nothing_is_given_out_before_it_is_synced(journal):
    journal.append("app", b"one\n")
    assert journal.take(1 << 20) == []
    journal.sync()
    assert lines_of(drain(journal)) == [b"one\n"]


def test_numbers_of_lines_go_on_after_a_restart(tmp_path):
    first = journal_at(tmp_path)
    first.append("app", b"one\ntwo\n")
    first.sync()
    first.close()
    again = journal_at(tmp_path)
    again.append("app", b"three\n")
    again.sync()
    again.open(None)
    assert [(d.first_line, d.lines) for d in drain(again)] == [(1, b"one\ntwo\nthree\n")]
    again.close()


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.sampled_from(["append", "sync", "take", "commit", "kill"]), max_size=60),
    size=st.integers(1, 300),
    room=st.integers(1, 2000),
)
def test_after_any_kills_every_synced_line_is_kept_once(steps, size, room):
    with tempfile.TemporaryDirectory() as directory:
        opened = journal_at(directory, segment_bytes=1000)
        opened.open(None)
        written, taken, position, kept = 0, [], None, ([], None)
        for step in [*steps, "sync", "commit"]:
            if step == "append":
                written += 1
                opened.append(f"s{written % 3}", b"%06d" % written + b"x" * size + b"\n")
            elif step == "sync":
                opened.sync()
            elif step == "take":
                for delivery in opened.take(room):
                    taken += lines_of([delivery])
                    position = delivery.position
            elif step == "commit":
                kept = list(taken), position
                if position:
                    opened.committed(position)
            else:
                opened.sync()  # Closing a file is no loss of power: what was written would be there.
                opened.close()
                opened = journal_at(directory, segment_bytes=1000)
                taken, position = list(kept[0]), kept[1]
                opened.open(position)
        taken += lines_of(drain(opened))
        assert sorted(int(line[:6]) for line in taken) == list(range(1, written + 1))
        assert opened.status().dropped == {}
        opened.close()


def test_what_a_crash_left_half_written_is_no_damage(tmp_path):
    first = journal_at(tmp_path)
    first.append("app", b"one\n")
    first.sync()
    first.append("app", b"two\n")
    first.sync()
    first.close()
    (segment,) = tmp_path.glob("*.journal")
    os.truncate(segment, segment.stat().st_size - 3)
    again = journal_at(tmp_path)
    again.open(None)
    assert lines_of(drain(again)) == [b"one\n"]
    assert again.status().dropped == {}
    again.close()


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damage_never_raises_and_loses_only_what_it_hit(data):
    with tempfile.TemporaryDirectory() as directory:
        first = journal_at(directory, segment_bytes=1000)
        for number in range(40):
            first.append(f"s{number % 3}", b"%06d" % number + b"y" * (number * 7 % 60) + b"\n")
        first.sync()
        first.close()
        segments = sorted(Path(directory).glob("*.journal"))
        assert len(segments) > 2
        whole = sum(segment.stat().st_size for segment in segments)
        for _ in range(data.draw(st.integers(1, 3))):
            segment = data.draw(st.sampled_from(segments))
            content = bytearray(segment.read_bytes())
            if content and data.draw(st.booleans()):
                content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
            else:
                content = content[: data.draw(st.integers(0, len(content)))]
            segment.write_bytes(content)
        again = journal_at(directory, segment_bytes=1000)
        again.open(None)
        found = lines_of(drain(again))
        counts = Counter(int(line[:6]) for line in found)
        assert set(counts) <= set(range(40))
        assert max(counts.values(), default=1) == 1
        assert all(line[6:] == b"y" * (int(line[:6]) * 7 % 60) + b"\n" for line in found)
        # What is missing was cut off, or is counted.
        left = sum(segment.stat().st_size for segment in segments)
        if len(found) < 40:
            assert again.status().dropped.get("bytes_damaged", 0) > 0 or left < whole
        again.close()


def test_lines_that_look_like_records_are_not_taken_for_them(tmp_path):
    first = journal_at(tmp_path)
    first.append("app", b"one\n")
    first.sync()
    (segment,) = tmp_path.glob("*.journal")
    forged = segment.read_bytes().replace(b"one\n", b"ONE\n")
    first.append("app", forged.replace(b"\n", b" ") + b"\n")
    first.append("app", b"three\n")
    first.sync()
    first.close()
    content = bytearray(segment.read_bytes())
    content[60] ^= 1
    segment.write_bytes(content)
    again = journal_at(tmp_path)
    again.open(None)
    assert b"three\n" in lines_of(drain(again))
    assert again.status().dropped["bytes_damaged"] > 0
    again.close()


def test_a_full_journal_refuses_with_a_reason_and_takes_again_when_there_is_room(tmp_path):
    journal = journal_at(tmp_path, capacity=10_000)
    journal.open(None)

    def append_for_ever():
        while True:
            journal.append("app", b"z" * 500 + b"\n")

    with pytest.raises(JournalError) as refused:
        append_for_ever()
    assert refused.value.full
    assert refused.value.retry_after_s > 0
    assert "full: 10000 bytes wait" in str(refused.value)
    journal.sync()
    assert journal.status().state is SourceState.FAILED
    assert sum(file.stat().st_size for file in tmp_path.glob("*.journal")) <= 10_000
    taken = drain(journal)
    journal.committed(taken[-1].position)
    journal.append("app", b"again\n")
    journal.sync()
    assert lines_of(drain(journal)) == [b"again\n"]
    assert journal.status().state is SourceState.WAITING
    assert journal.status().dropped == {"bytes_refused": 501}
    journal.close()


def test_a_full_disk_refuses_and_loses_nothing_that_was_synced(journal, monkeypatch):
    journal.append("app", b"one\n")
    journal.sync()
    real = os.pwrite

    def short(handle, data, at):
        if len(data) > 4:
            return real(handle, data[: len(data) // 2], at)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", short)
    with pytest.raises(JournalError, match="No space left on device"):
        journal.append("app", b"two\n")
    assert "No space left" in journal.status().reason
    monkeypatch.setattr(os, "pwrite", real)
    journal.append("app", b"three\n")
    journal.sync()
    assert lines_of(drain(journal)) == [b"one\n", b"three\n"]
    assert journal.status().reason == ""
    assert journal.status().dropped == {}


def test_a_disk_that_takes_something_again_is_noticed_though_nobody_sends(tmp_path, monkeypatch):
    now = [0]
    journal = Journal(tmp_path / "journal", lambda: now[0])

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(JournalError):
            journal.append("app", b"one\n")
        now[0] += PROBE_US
        assert journal.take(1 << 20) == []
        assert journal.status().state is SourceState.FAILED
    assert journal.take(1 << 20) == []
    assert journal.status().state is SourceState.FAILED, "looked at again too soon"
    now[0] += PROBE_US
    assert journal.take(1 << 20) == []
    assert journal.status().reason == ""
    assert {path.name for path in (tmp_path / "journal").iterdir()} == {"lock"}
    journal.close()


def test_a_full_journal_is_full_no_longer_when_what_it_held_was_taken_in(tmp_path):
    journal = journal_at(tmp_path / "journal", capacity=1000, segment_bytes=100)
    journal.open(None)
    for _ in range(8):
        journal.append("app", b"a line of a log, and more\n" * 2)
        journal.sync()
    with pytest.raises(JournalError, match="full"):
        journal.append("app", b"a line of a log, and more\n" * 20)
    assert journal.status().state is SourceState.FAILED
    journal.committed(drain(journal)[-1].position)
    assert journal.status().reason == ""
    journal.close()


def test_a_failed_sync_is_told_to_all_who_wait_and_keeps_none_of_theirs(journal, monkeypatch):
    journal.append("app", b"one\n")
    journal.sync()

    def fail(self):
        raise OSError(5, "Input/output error")

    journal.append("app", b"two\n")
    with monkeypatch.context() as patch:
        patch.setattr(WrittenSegment, "flush", fail)
        with pytest.raises(JournalError, match="Input/output error"):
            journal.sync()
    journal.append("app", b"three\n")
    journal.sync()
    assert lines_of(drain(journal)) == [b"one\n", b"three\n"]


def test_many_senders_share_syncs_while_another_thread_takes(tmp_path, monkeypatch):
    journal = journal_at(tmp_path, segment_bytes=20_000)
    journal.open(None)
    flushes = []
    real = WrittenSegment.flush
    monkeypatch.setattr(WrittenSegment, "flush", lambda self: (flushes.append(1), real(self)))
    senders, each = 8, 200

    def send(name):
        for number in range(each):
            journal.append(f"s{name}", b"%d %d\n" % (name, number))
            journal.sync()

    threads = [threading.Thread(target=send, args=(name,)) for name in range(senders)]
    for thread in threads:
        thread.start()
    found = []
    while any(thread.is_alive() for thread in threads):
        for delivery in journal.take(random.Random(1).randrange(1, 5000)):
            found += lines_of([delivery])
            if delivery.position:
                journal.committed(delivery.position)
    found += lines_of(drain(journal))
    for name in range(senders):
        own = [line for line in found if line.startswith(b"%d " % name)]
        assert own == [b"%d %d\n" % (name, number) for number in range(each)]
    assert len(flushes) < senders * each
    journal.close()


def test_a_long_line_is_cut_and_counted(tmp_path):
    journal = journal_at(tmp_path, line_bytes=1000)
    journal.open(None)
    journal.append("app", b"a\n" + b"b" * 5000 + b"\nc\n" + b"d" * 3000)
    journal.sync()
    assert [len(line) for line in lines_of(drain(journal))] == [2, 1001, 2, 1001]
    assert journal.status().dropped == {"lines_cut": 2, "bytes_cut": 6000}
    journal.close()


def test_more_than_one_record_holds_is_kept_whole(journal):
    lines = b"".join(b"%07d\n" % number for number in range(1_200_000))
    journal.append("app", lines)
    journal.sync()
    found = drain(journal, room=1 << 20)
    assert b"".join(d.lines for d in found) == lines
    assert [d.first_line for d in found][:2] == [1, found[0].lines.count(b"\n") + 1]


def test_one_process_uses_a_journal_at_a_time(tmp_path):
    first = journal_at(tmp_path)
    with pytest.raises(SourceError, match="another process uses it"):
        journal_at(tmp_path)
    first.close()
    journal_at(tmp_path).close()


def test_a_journal_that_was_removed_begins_anew(tmp_path):
    first = journal_at(tmp_path / "a", segment_bytes=100)
    first.open(None)
    for _ in range(10):
        first.append("app", b"x" * 90 + b"\n")
        first.sync()
    position = drain(first)[-1].position
    first.close()
    second = journal_at(tmp_path / "b")
    second.open(position)
    second.append("app", b"new\n")
    second.sync()
    assert lines_of(drain(second)) == [b"new\n"]
    second.close()


def test_a_position_that_is_none_is_refused(journal):
    with pytest.raises(SourceError, match="position cannot be read"):
        journal.open(b"nonsense")
