"""What a format writes apart or encoded is made whole."""

from urllib.parse import unquote_to_bytes

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.lines.written_apart import DATED, date_clocks, decode_percents
from vedette.schema.chunk import PADDING, Chunk

DAY = b"2026-11-24"


def spans(texts: list[bytes | None], after: int = 0) -> tuple[np.ndarray, np.ndarray]:
    start, length, at = [], [], after
    for text in texts:
        start.append(-1 if text is None else at)
        length.append(len(text or b""))
        at += len(text or b"")
    return np.array(start, dtype=np.int64), np.array(length, dtype=np.int32)


days = st.none() | st.just(DAY) | st.binary(max_size=12)
clocks = (
    st.none()
    | st.sampled_from([b"10:00:00", b"10:00:00.5+01:00", b"1795514400.125"])
    | st.binary(max_size=40)
)


@given(st.lists(st.tuples(days, clocks), min_size=1, max_size=6))
def test_a_clock_gets_its_day_and_other_times_stay(rows: list[tuple[bytes | None, bytes | None]]) -> None:
    text = b"".join(day or b"" for day, _ in rows)
    chunk = Chunk.of(text + b"".join(time or b"" for _, time in rows))
    day_spans = spans([day for day, _ in rows])
    start, length = spans([time for _, time in rows], len(text))
    free = len(chunk.buffer)
    buffer = np.concatenate([chunk.buffer, np.zeros(len(rows) * DATED, dtype=np.uint8)])
    date_clocks(buffer, free, *day_spans, start, length)
    for i, (day, time) in enumerate(rows):
        clock = time is not None and 8 <= len(time) <= 32 and time[2:3] == b":"
        wanted = day + b" " + time if clock and time and day is not None and len(day) == 10 else time
        read = None if start[i] < 0 else buffer[start[i] : start[i] + length[i]].tobytes()
        assert read == wanted


texts = st.none() | st.sampled_from([b"a%20b", b"%zz", b"%", b"%2520", b"caf%C3%A9"]) | st.binary(max_size=9)


@given(st.lists(texts, min_size=1, max_size=6), st.lists(texts, max_size=3))
def test_percents_are_decoded_once_or_twice_and_lines_stay(
    raw: list[bytes | None], unescaped: list[bytes | None]
) -> None:
    line = b"".join(text or b"" for text in raw)
    chunk = Chunk.of(line + b"".join(text or b"" for text in unescaped))
    tail = chunk.length + PADDING
    held = b"".join(text or b"" for text in unescaped)
    chunk.buffer[tail : tail + len(held)] = np.frombuffer(held, dtype=np.uint8)
    before = chunk.buffer[: chunk.length].tobytes()
    (a, n), (b, m) = spans(raw), spans(unescaped, tail)
    start, length = np.concatenate([a, b]), np.concatenate([n, m])
    free = decode_percents(chunk.buffer, chunk.length, tail + len(held), start, length)
    assert tail + len(held) <= free <= len(chunk.buffer) - PADDING
    assert chunk.buffer[: chunk.length].tobytes() == before
    for i, text in enumerate([*raw, *unescaped]):
        read = None if start[i] < 0 else chunk.buffer[start[i] : start[i] + length[i]].tobytes()
        if text is None or b"%25" not in text:
            assert read == (None if text is None else unquote_to_bytes(text))
        else:
            assert read in (unquote_to_bytes(unquote_to_bytes(text)), unquote_to_bytes(text))
