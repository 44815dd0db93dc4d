"""Compressed input: every compression, any number of members, and damage anywhere."""

import bz2
import gzip
import io
import lzma
import random
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vedette.sources.discover import Input
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.files import Reader, read_chunks
from vedette.sources.gzip_member import HEADER_BYTES
from vedette.sources.long_lines import LINE_BYTES
from vedette.sources.pool import BufferPool

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ReadAll = Callable[..., tuple[list[bytes], Reader]]

_random = random.Random(3)
LOG = b"".join(
    b'192.0.2.%d - - [01/May/2024:10:%02d:00 +0000] "GET /p/%d HTTP/1.1" 200 %d\n'
    % (_random.randrange(256), i // 60 % 60, _random.randrange(10**6), _random.randrange(10**5))
    for i in range(6000)
)
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    # With the checksum that the `zstd` program writes.
    "zstd": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}
PACKED = {name: pack(LOG) for name, pack in COMPRESSIONS.items()}
SMALL = LOG[:4000]
SMALL_GZIP = gzip.compress(SMALL, mtime=0)

reuses_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def outcome(read_all: ReadAll, data: bytes) -> tuple[bytes, str]:
    """What is read of an input, and what is said about it; nothing but `SourceError` may be raised."""
    try:
        chunks, reader = read_all(data)
    except SourceError as error:
        return b"", str(error)
    return b"".join(chunks), reader.truncated or ""


each_compression = pytest.mark.parametrize("name", COMPRESSIONS)


@each_compression
def test_is_known_by_its_content_and_read_whole(read_all: ReadAll, name: str) -> None:
    chunks, reader = read_all(PACKED[name])
    assert b"".join(chunks) == LOG
    assert reader.truncated is None
    assert reader.position == reader.size


@each_compression
def test_concatenated_members_are_one_text(read_all: ReadAll, name: str) -> None:
    pack = COMPRESSIONS[name]
    data = pack(LOG[:1000]) + pack(b"") + pack(LOG[1000:1001]) + pack(LOG[1001:])
    chunks, reader = read_all(data)
    assert b"".join(chunks) == LOG
    assert reader.truncated is None


@each_compression
def test_zero_bytes_after_a_member_are_padding(read_all: ReadAll, name: str) -> None:
    pack = COMPRESSIONS[name]
    chunks, reader = read_all(pack(LOG[:1000]) + bytes(20_000) + pack(LOG[1000:]) + bytes(512))
    assert b"".join(chunks) == LOG
    assert reader.truncated is None


@each_compression
def test_what_follows_the_last_member_is_left_out_and_told(read_all: ReadAll, name: str) -> None:
    chunks, reader = read_all(PACKED[name] + b"plain text\n")
    assert b"".join(chunks) == LOG
    assert reader.truncated is not None
    assert f"what follows is not {name} data; it was left out" in reader.truncated


@each_compression
def test_an_empty_member_alone_is_an_empty_input(read_all: ReadAll, name: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_all(COMPRESSIONS[name](b""))
    assert caught.value.problem is SourceProblem.EMPTY


@each_compression
@reuses_fixture
@given(share=st.floats(0.2, 0.999))
def test_an_incomplete_file_gives_what_could_be_read_and_says_so(
    read_all: ReadAll, name: str, share: float
) -> None:
    data = PACKED[name]
    text, said = outcome(read_all, data[: int(len(data) * share)])
    assert LOG.startswith(text)
    assert f"the {name} data ends early: the file is incomplete" in said


def test_a_gzip_cut_at_every_byte_gives_what_zlib_gives(read_all: ReadAll) -> None:
    for end in range(2, len(SMALL_GZIP)):
        data = SMALL_GZIP[:end]
        # A decoder may need a few bytes more to be sure of the last symbols.
        least = zlib.decompressobj(31).decompress(data[:-8])
        text, said = outcome(read_all, data)
        assert SMALL.startswith(text)
        assert text.startswith(least)
        assert "the gzip data ends early: the file is incomplete" in said


def test_a_wrong_checksum_is_told_after_the_text(read_all: ReadAll) -> None:
    data = bytearray(SMALL_GZIP)
    data[-8] ^= 1
    chunks, reader = read_all(bytes(data))
    assert b"".join(chunks) == SMALL
    assert reader.truncated is not None
    assert "its checksum does not match its text" in reader.truncated


def test_a_wrong_size_is_told_after_the_text(read_all: ReadAll) -> None:
    data = bytearray(SMALL_GZIP)
    data[-1] ^= 1
    chunks, reader = read_all(bytes(data))
    assert b"".join(chunks) == SMALL
    assert reader.truncated is not None
    assert "its size does not match its text" in reader.truncated


@each_compression
@reuses_fixture
@given(at=st.floats(0, 0.9999), flip=st.integers(1, 255))
@example(at=0.0, flip=1)
def test_damage_anywhere_never_raises_anything_else(
    read_all: ReadAll, name: str, at: float, flip: int
) -> None:
    data = bytearray(PACKED[name])
    data[int(len(data) * at)] ^= flip
    text, said = outcome(read_all, bytes(data))
    assert text == LOG or said


def test_damage_deep_in_a_gzip_keeps_the_text_well_before_it(read_all: ReadAll) -> None:
    text = LOG * 5
    data = bytearray(gzip.compress(text))
    middle = len(data) // 2
    data[middle : middle + 64] = b"\xff" * 64
    chunks, reader = read_all(bytes(data))
    assert len(b"".join(chunks)) > len(text) * 0.4
    assert b"".join(chunks)[: len(text) * 4 // 10] == text[: len(text) * 4 // 10]
    assert reader.truncated is not None
    assert reader.truncated.startswith("damaged gzip data before byte ")


def test_every_optional_part_of_a_gzip_header_is_passed_over(read_all: ReadAll) -> None:
    body = gzip.compress(SMALL)[10:]
    head = b"\x1f\x8b\x08" + bytes([2 | 4 | 8 | 16]) + bytes(6)
    extra = len(LOG[:300]).to_bytes(2, "little") + LOG[:300]
    assert b"".join(read_all(head + extra + b"name\0" + b"comment\0" + b"\0\0" + body)[0]) == SMALL


def test_a_gzip_header_without_end_is_damage(read_all: ReadAll) -> None:
    head = b"\x1f\x8b\x08\x08" + bytes(6)
    with pytest.raises(SourceError, match=f"a header of more than {HEADER_BYTES} bytes"):
        read_all(head + b"n" * 1_000_000)


def test_compressed_data_in_compressed_data_is_refused(read_all: ReadAll) -> None:
    with pytest.raises(SourceError, match="gzip data inside compressed data; decompress it once first"):
        read_all(gzip.compress(gzip.compress(LOG)))


def test_a_tar_in_gzip_is_refused(read_all: ReadAll) -> None:
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        member = tarfile.TarInfo("access.log")
        member.size = len(LOG)
        tar.addfile(member, io.BytesIO(LOG))
    with pytest.raises(SourceError, match="a tar archive; extract it first"):
        read_all(out.getvalue())


@each_compression
def test_a_bomb_of_one_line_is_a_cut_line(read_all: ReadAll, name: str) -> None:
    chunks, reader = read_all(COMPRESSIONS[name](b"a log\n" + b"x" * 30_000_000))
    assert sum(map(len, chunks)) == len(b"a log\n") + (1 << 20)
    assert reader.cut_bytes == 30_000_000 - (1 << 20)


def test_memory_does_not_grow_with_what_a_bomb_unpacks_to(make_input: Callable[[bytes], Input]) -> None:
    bomb = gzip.compress(b"a log\n" + (b"x" * 999 + b"\n") * 40_000)
    pool = BufferPool(2 * LINE_BYTES, limit=1)
    tracemalloc.start()
    try:
        with read_chunks(make_input(bomb), pool=pool) as reader:
            for chunk in reader:
                pool.release(chunk.buffer)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reader.bytes > 40_000_000
    assert peak < 8_000_000


def test_an_xz_that_wants_too_much_memory_is_refused(read_all: ReadAll) -> None:
    data = bytearray(lzma.compress(LOG, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]))
    # The block header's one filter: LZMA2 (0x21), its length, the dictionary size: 40 is 4 GiB - 1.
    at = data.index(b"\x21\x01", 12)
    data[at + 2] = 40
    data[20:24] = zlib.crc32(data[12:20]).to_bytes(4, "little")
    with pytest.raises(SourceError, match="Memory usage limit exceeded"):
        read_all(bytes(data))


def test_a_zstd_that_wants_too_much_memory_is_refused(read_all: ReadAll) -> None:
    pack = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 30})
    with pytest.raises(SourceError, match="requires too much memory"):
        read_all(pack.compress(LOG) + pack.flush())
