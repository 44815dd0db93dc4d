"""Reading one input as chunks of whole lines."""

import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vedette.sources.discover import Input
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.files import Reader, read_chunks
from vedette.sources.pool import BufferPool

ReadAll = Callable[..., tuple[list[bytes], Reader]]

LOG = b"".join(
    b'10.0.0.%d - - [01/May/2024:10:00:%02d +0000] "GET / HTTP/1.1" 200 5\n' % (i % 250, i % 60)
    for i in range(900)
)

reuses_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

texts = st.lists(
    st.one_of(
        st.binary(max_size=60).filter(lambda b: b"\0" not in b),
        st.integers(0, 300).map(lambda n: b"x" * n),
        st.sampled_from([b"", b"\r", b"\n", b"\n\n", b"a\n", b"a\r\n"]),
    ),
    max_size=40,
).map(b"\n".join)


def cut(data: bytes, line_bytes: int) -> bytes:
    """What is delivered of `data`: each line's first `line_bytes` bytes."""
    return b"\n".join(line[:line_bytes] for line in data.split(b"\n"))


@reuses_fixture
@given(texts, st.integers(0, 200), st.integers(1, 120))
def test_any_chunk_size_delivers_the_same_lines(
    read_all: ReadAll, data: bytes, extra: int, line_bytes: int
) -> None:
    data = LOG[:6000] + data  # so much text that the rest does not make it a binary file
    chunks, reader = read_all(data, chunk_bytes=line_bytes + 1 + extra, line_bytes=line_bytes)
    assert b"".join(chunks) == cut(data, line_bytes)
    assert reader.bytes + reader.cut_bytes == len(data)
    assert reader.cut_lines == sum(len(line) > line_bytes for line in data.split(b"\n"))
    assert all(chunk.endswith(b"\n") for chunk in chunks[:-1])


def test_whole_lines_only_and_the_last_may_lack_its_newline(read_all: ReadAll) -> None:
    chunks, _ = read_all(b"one\ntwo\nthree", chunk_bytes=10, line_bytes=9)
    assert chunks == [b"one\ntwo\n", b"three"]


def test_a_line_that_exactly_fits_is_not_cut(read_all: ReadAll) -> None:
    chunks, reader = read_all(b"12345678\n12345678\n12345678", chunk_bytes=9, line_bytes=8)
    assert b"".join(chunks) == b"12345678\n12345678\n12345678"
    assert (reader.cut_lines, reader.cut_bytes) == (0, 0)


def test_a_line_of_a_megabyte_is_delivered_whole(read_all: ReadAll) -> None:
    line = b"GET /" + b"a" * 1_000_000
    chunks, reader = read_all(b"before\n" + line + b"\nafter\n")
    assert b"".join(chunks) == b"before\n" + line + b"\nafter\n"
    assert reader.cut_lines == 0


def test_a_hostile_line_is_cut_and_what_follows_is_not_lost(read_all: ReadAll) -> None:
    chunks, reader = read_all(b"before\n" + b"x" * 20_000_000 + b"\nafter\n")
    assert b"".join(chunks) == b"before\n" + b"x" * (1 << 20) + b"\nafter\n"
    assert (reader.lines, reader.cut_lines, reader.cut_bytes) == (3, 1, 20_000_000 - (1 << 20))


def test_nuls_carriage_returns_and_bytes_that_are_no_text_are_left_alone(read_all: ReadAll) -> None:
    data = LOG + b"\x16\x03\x01\x00\xff\xfe\r\n\0\n" + LOG
    assert b"".join(read_all(data)[0]) == data


def test_position_reaches_size_at_the_end(read_all: ReadAll) -> None:
    _, reader = read_all(LOG)
    assert reader.position == reader.size == len(LOG)


def test_a_byte_order_mark_is_not_part_of_the_first_line(read_all: ReadAll) -> None:
    assert b"".join(read_all(b"\xef\xbb\xbf" + LOG)[0]) == LOG


@pytest.mark.parametrize("hole", [1, 5000, 256 << 10, (512 << 10) - 3, 700_000])
def test_the_hole_that_truncation_leaves_is_left_out_and_counted(read_all: ReadAll, hole: int) -> None:
    chunks, reader = read_all(bytes(hole) + LOG)
    assert b"".join(chunks) == LOG
    assert reader.hole_bytes == hole


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_read_as_utf8(read_all: ReadAll, encoding: str) -> None:
    text = "GET /straße?q=\U0001f600 200\r\n" * 30_000
    chunks, reader = read_all(("\ufeff" + text).encode(encoding))
    assert b"".join(chunks) == text.encode()
    assert reader.position == reader.size


def test_utf16_of_an_odd_number_of_bytes_loses_no_line(read_all: ReadAll) -> None:
    chunks, _ = read_all("\ufeffone\ntwo\n".encode("utf-16-le") + b"x")
    assert b"".join(chunks).decode() == "one\ntwo\n\ufffd"


@pytest.mark.parametrize(
    ("data", "problem", "said"),
    [
        (b"", SourceProblem.EMPTY, "is empty"),
        (b"\xef\xbb\xbf", SourceProblem.EMPTY, "is empty"),
        (b"\xd4\xc3\xb2\xa1" + bytes(100), SourceProblem.BINARY, "a packet capture"),
        (b"SQLite format 3\0" + bytes(100), SourceProblem.BINARY, "an SQLite database"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), SourceProblem.BINARY, "an image"),
        (b"PK\x03\x04" + bytes(100), SourceProblem.BINARY, "a zip archive; extract it first"),
        (bytes(257) + b"ustar" + bytes(300), SourceProblem.BINARY, "a tar archive; extract it first"),
        (bytes(5000), SourceProblem.BINARY, "holds nothing but NUL bytes"),
        (bytes(600_000), SourceProblem.BINARY, "holds nothing but NUL bytes"),
        (
            bytes(range(256)) * 40,
            SourceProblem.BINARY,
            "11% of its first bytes are control bytes (text: under 8%)",
        ),
        ("\ufefflog".encode("utf-32-le"), SourceProblem.BINARY, "UTF-32 text; convert it with `iconv"),
    ],
)
def test_what_is_no_log_is_refused_by_what_it_looks_like(
    read_all: ReadAll, data: bytes, problem: SourceProblem, said: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read_all(data)
    assert caught.value.problem is problem
    assert said in str(caught.value)


def test_a_log_with_a_few_hostile_bytes_is_no_binary_file(read_all: ReadAll) -> None:
    data = LOG + b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 300
    assert b"".join(read_all(data)[0]) == data


def test_a_file_that_vanished_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.log"
    with pytest.raises(
        SourceError, match=r"gone\.log: no such file; it may have been rotated away"
    ) as caught:
        read_chunks(Input(str(path), path, ""), pool=BufferPool())
    assert caught.value.problem is SourceProblem.MISSING


def test_a_file_that_is_emptied_while_it_is_read_is_not_taken_to_have_ended(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(LOG * 20)
    pool = BufferPool(100_000)
    with read_chunks(Input(str(path), path, ""), pool=pool, line_bytes=1_000) as reader:
        read = next(reader).length
        os.truncate(path, 0)
        for chunk in reader:
            read += chunk.length
            pool.release(chunk.buffer)
    gone = len(LOG) * 20 - read
    assert gone > 500_000
    assert reader.truncated is not None
    assert reader.truncated.startswith(f"the file became shorter while it was read: {gone:,} bytes")


def test_a_file_that_grows_while_it_is_read_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(LOG)
    with read_chunks(Input(str(path), path, ""), pool=BufferPool(2_000), line_bytes=1_000) as reader:
        with path.open("ab") as stream:
            stream.write(LOG)
        assert next(reader).length
    assert reader.truncated is None


def test_chunks_must_have_room_for_a_line(make_input: Callable[[bytes], Input]) -> None:
    with pytest.raises(ValueError, match="line_bytes = 100: must be from 1 to chunk_bytes - 1 = 99"):
        read_chunks(make_input(LOG), pool=BufferPool(100), line_bytes=100)


class TestSample:
    def test_shows_whole_lines_and_takes_nothing_away(self, make_input: Callable[[bytes], Input]) -> None:
        pool = BufferPool()
        reader = read_chunks(make_input(LOG * 20), pool=pool)
        sample = reader.sample()
        shown = bytes(sample.buffer[: sample.length])
        assert (LOG * 20).startswith(shown)
        assert shown.endswith(b"\n")
        assert len(shown) > 200_000
        sample.buffer[:] = 0
        assert b"".join(bytes(chunk.buffer[: chunk.length]) for chunk in reader) == LOG * 20

    def test_of_a_short_file_is_the_file(self, make_input: Callable[[bytes], Input]) -> None:
        with read_chunks(make_input(b"one\ntwo"), pool=BufferPool()) as reader:
            sample = reader.sample()
        assert bytes(sample.buffer[: sample.length]) == b"one\ntwo"

    def test_behind_a_byte_order_mark_is_still_whole_lines(
        self, make_input: Callable[[bytes], Input]
    ) -> None:
        with read_chunks(make_input(b"\xef\xbb\xbf" + LOG * 20), pool=BufferPool()) as reader:
            sample = reader.sample()
        assert bytes(sample.buffer[: sample.length]).endswith(b"\n")

    def test_can_be_made_shorter(self, make_input: Callable[[bytes], Input]) -> None:
        with read_chunks(make_input(b"one\ntwo\nthree\n"), pool=BufferPool()) as reader:
            sample = reader.sample(limit=10)
        assert bytes(sample.buffer[: sample.length]) == b"one\ntwo\n"

    def test_of_an_endless_line_is_its_beginning(self, make_input: Callable[[bytes], Input]) -> None:
        with read_chunks(make_input(b"x" * 1_000_000), pool=BufferPool()) as reader:
            sample = reader.sample()
        assert sample.length == 256 << 10

    def test_of_a_pipe_leaves_the_pipe_whole(self) -> None:
        reading, writing = os.pipe()
        writer = threading.Thread(target=lambda: _write_and_close(writing, LOG * 30))
        writer.start()
        path = Path(f"/dev/fd/{reading}")
        reader = read_chunks(Input(str(path), path, ""), pool=BufferPool())
        assert reader.size is None
        assert reader.sample().length > 200_000
        assert b"".join(bytes(chunk.buffer[: chunk.length]) for chunk in reader) == LOG * 30
        writer.join()
        os.close(reading)


class TestStandardInput:
    STDIN = Input("-", None, "-")

    def test_is_read_and_stays_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LOG)))
        reader = read_chunks(self.STDIN, pool=BufferPool())
        chunks = [bytes(chunk.buffer[: chunk.length]) for chunk in reader]
        assert chunks == [LOG]
        assert not sys.stdin.buffer.closed

    def test_may_be_compressed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import gzip

        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(LOG))))
        assert [bytes(c.buffer[: c.length]) for c in read_chunks(self.STDIN, pool=BufferPool())] == [LOG]

    def test_that_is_closed_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        with pytest.raises(
            SourceError, match=r"^-: standard input is closed; pipe a log into it or name a file$"
        ):
            read_chunks(self.STDIN, pool=BufferPool())

    def test_that_is_a_terminal_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stdin = io.TextIOWrapper(io.BytesIO())
        monkeypatch.setattr(stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(SourceError, match="is a terminal"):
            read_chunks(self.STDIN, pool=BufferPool())


def test_a_failing_disk_ends_the_reading_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingDisk(io.BytesIO):
        def readinto(self, view: memoryview) -> int:  # type: ignore[override] # a memoryview is all it gets
            if self.tell() >= 100_000:
                raise OSError(5, "Input/output error")
            return super().readinto(view[:50_000])

    stdin = io.TextIOWrapper(FailingDisk(LOG * 10))
    monkeypatch.setattr(sys, "stdin", stdin)
    reader = read_chunks(Input("-", None, "-"), pool=BufferPool())
    delivered = b"".join(bytes(c.buffer[: c.length]) for c in reader)
    assert len(delivered) >= 100_000
    assert (LOG * 10).startswith(delivered)
    assert reader.truncated == "reading failed: Input/output error"


def _write_and_close(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
