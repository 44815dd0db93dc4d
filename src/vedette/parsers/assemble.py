"""Assembly: the fields that a tokeniser found, converted once for a whole chunk into columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.lines.origins import strip_origins
from vedette.kernels.lines.ports import strip_ports
from vedette.kernels.lines.request_line import complete_targets, split_request_lines, target_room
from vedette.kernels.lines.written_apart import DATED, date_clocks, decode_percents
from vedette.kernels.text.hashing import new_secret
from vedette.kernels.text.intern import intern, slots_for
from vedette.kernels.text.numbers import durations, go_durations, whole_numbers
from vedette.kernels.text.times import (
    ANY_LAYOUT,
    DAY_MONTH_YEAR,
    MISSING,
    UNREADABLE,
    YEAR_MONTH_DAY,
    calendar_times,
    epoch_times,
)
from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat, Tokens
from vedette.parsers.local_time import to_utc
from vedette.schema.chunk import PADDING, Chunk, Parsed, SkipReason, Skips
from vedette.schema.requests import NOT_RECORDED, Coded, RequestFlag, Requests, Vocabulary

LAYOUTS: Mapping[TimeFormat, int] = {
    TimeFormat.CLF: DAY_MONTH_YEAR,
    TimeFormat.HAPROXY: DAY_MONTH_YEAR,
    TimeFormat.ISO8601: YEAR_MONTH_DAY,
    TimeFormat.DATE_THEN_TIME: YEAR_MONTH_DAY,
    TimeFormat.ANY: ANY_LAYOUT,
}
_NEWLINE = ord("\n")
EPOCH_UNITS: Mapping[TimeFormat, int] = {
    TimeFormat.EPOCH_SECONDS: 0,
    TimeFormat.EPOCH_MILLISECONDS: -3,
    TimeFormat.EPOCH_MICROSECONDS: -6,
    TimeFormat.EPOCH_NANOSECONDS: -9,
}
DURATION_UNITS: Mapping[DurationUnit, int] = {
    DurationUnit.SECONDS: 0,
    DurationUnit.MILLISECONDS: -3,
    DurationUnit.MICROSECONDS: -6,
    DurationUnit.NANOSECONDS: -9,
}


class Assembler:
    """Turns tokens into requests; keeps scratch space between the chunks of one source.

    Everything in the `Parsed` it returns is new and belongs to the caller, except the chunk's buffer, which
    the texts point into. Nothing of the `Tokens` is kept (but `skips`), so a tokeniser may reuse its arrays
    for its next chunk; assembly may overwrite them (it fills in METHOD, TARGET and PROTOCOL from REQUEST).

    What a tokeniser has to know:

    * TIME is without brackets or quotes. A line without TIME, or with one that does not read, becomes a
      skip (`NO_TIME`, `BAD_TIME`).
    * REQUEST, where given, decides METHOD, TARGET and PROTOCOL. A row that ends up with neither method nor
      target is flagged `NOT_HTTP`.
    * QUERY, where given, is joined to the target with `?` in the buffer's tail, from `Tokens.tail` on, unless
      the target has a query already.
    * STATUS outside 100..999 counts as not recorded, as do negative sizes and durations. A number that does
      not read flags its row `REPAIRED`.
    * PEER stays as logged: reading addresses is enrichment's work. Only where `Conventions.peer_has_port` is
      the port taken off, because each connection has another; `[2001:db8::7]:443` becomes `2001:db8::7`.
    * TARGET stays as logged. Only where `Conventions.target_has_origin` are scheme and host taken off, and where
      `target_is_relative` the slash put before it.
    * What `Conventions.encoded` names is percent-decoded.
    * DATE, where given, is put before a TIME that is a clock.

    Args:
        secret: Two int64 that key the hash tables; fresh ones by default. No output depends on them.
    """

    def __init__(self, secret: tuple[int, int] | None = None) -> None:
        self._secret = secret or new_secret()
        self._resize(0)

    def _resize(self, rows: int) -> None:
        self._slots = np.empty(slots_for(rows), dtype=np.int64)
        self._first_start = np.empty(rows, dtype=np.int64)
        self._first_length = np.empty(rows, dtype=np.int32)

    def assemble(self, chunk: Chunk, tokens: Tokens, conventions: Conventions) -> Parsed:
        """Convert the tokens of one chunk. Never raises for what the lines hold."""
        time, unreadable = read_times(chunk.buffer, tokens, conventions)
        if unreadable:
            tokens, time = _drop_untimed(chunk, tokens, time)
        rows = len(tokens.line)
        if rows > len(self._first_start):
            self._resize(rows + rows // 4)
        if conventions.peer_has_port:
            strip_ports(chunk.buffer, tokens.start[Field.PEER], tokens.length[Field.PEER])
        for field in conventions.encoded:
            free = tokens.tail or chunk.length + PADDING
            encoded = tokens.start[field], tokens.length[field]
            tokens.tail = decode_percents(chunk.buffer, chunk.length, free, *encoded)
        flags = tokens.flags.copy()
        buffer = _complete_targets(chunk, tokens, conventions, flags)
        requests = Requests(
            source=chunk.source,
            line=tokens.line.copy(),
            time=time,
            status=_statuses(buffer, tokens, flags),
            bytes_in=_sizes(buffer, tokens, Field.BYTES_IN, flags),
            bytes_out=_sizes(buffer, tokens, Field.BYTES_OUT, flags),
            duration=read_durations(buffer, tokens, conventions.duration, flags),
            flags=flags,
            peer=self._coded(buffer, tokens, Field.PEER),
            forwarded=self._coded(buffer, tokens, Field.FORWARDED),
            method=self._coded(buffer, tokens, Field.METHOD),
            target=self._coded(buffer, tokens, Field.TARGET),
            protocol=self._coded(buffer, tokens, Field.PROTOCOL),
            user_agent=self._coded(buffer, tokens, Field.USER_AGENT),
            referer=self._coded(buffer, tokens, Field.REFERER),
            service=self._coded(buffer, tokens, Field.SERVICE),
            buffer=buffer,
            raw_start=tokens.raw_start.copy(),
            raw_length=tokens.raw_length.copy(),
            template=self._coded(buffer, tokens, Field.ROUTE)
            if _present(tokens.start[Field.ROUTE])
            else None,
        )
        shape = None if tokens.shape is None else tokens.shape.copy()
        return Parsed(requests, tokens.skips, tokens.lines, shape=shape)

    def _coded(self, buffer: NDArray[np.uint8], tokens: Tokens, field: Field) -> Coded:
        start, length = tokens.start[field], tokens.length[field]
        if len(start) == 1 and start.item(0) >= 0:
            # One text is told from no other; a service that judges line by line has it so each time.
            return Coded(np.zeros(1, dtype=np.int32), Vocabulary(buffer, start.copy(), length.copy()))
        if not _present(start):
            return Coded.nothing(len(start), buffer)
        ids = np.empty(len(start), dtype=np.int32)
        first_start, first_length = self._first_start, self._first_length
        count = intern(buffer, start, length, *self._secret, self._slots, ids, first_start, first_length)
        return Coded(ids, Vocabulary(buffer, first_start[:count].copy(), first_length[:count].copy()))


def _present(start: NDArray[np.int64]) -> bool:
    """Whether any row has the field."""
    return len(start) > 0 and (start.item(0) >= 0 or (len(start) > 1 and bool((start >= 0).any())))


def _filled(count: int, value: float, kind: type[np.generic]) -> NDArray[Any]:
    """An array of one value, in a fourth of the time that `np.full` takes for a few."""
    array = np.empty(count, dtype=kind)
    array.fill(value)
    return array


def read_times(
    buffer: NDArray[np.uint8], tokens: Tokens, conventions: Conventions
) -> tuple[NDArray[np.int64], int]:
    """The time of each row, int64 (n,), microseconds since the epoch, and how many rows have none."""
    start, length = tokens.start[Field.TIME], tokens.length[Field.TIME]
    if _present(tokens.start[Field.DATE]):
        buffer, start, length = _dated(buffer, tokens)
    time = np.empty(len(start), dtype=np.int64)
    layout = LAYOUTS.get(conventions.time)
    if layout is None:
        return time, epoch_times(buffer, start, length, EPOCH_UNITS[conventions.time], time)
    if not conventions.zone:
        return time, calendar_times(buffer, start, length, layout, conventions.utc_offset, time)
    bad = calendar_times(buffer, start, length, layout, 0, time)
    # Times that say their own zone are the same whatever it is elsewhere.
    moved = np.empty(len(start), dtype=np.int64)
    calendar_times(buffer, start, length, layout, 3600, moved)
    without = np.flatnonzero(moved != time)
    time[without] = to_utc(time[without], conventions.zone)
    return time, bad


def _dated(
    buffer: NDArray[np.uint8], tokens: Tokens
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int32]]:
    """The times with their days before them, where these are logged apart: a buffer of their own, and the spans."""
    start, length = tokens.start[Field.TIME].copy(), tokens.length[Field.TIME].copy()
    free = len(buffer)
    wide = np.empty(free + len(start) * DATED + PADDING, dtype=np.uint8)
    wide[:free] = buffer
    wide[free:] = _NEWLINE
    date_clocks(wide, free, tokens.start[Field.DATE], tokens.length[Field.DATE], start, length)
    return wide, start, length


def _drop_untimed(chunk: Chunk, tokens: Tokens, time: NDArray[np.int64]) -> tuple[Tokens, NDArray[np.int64]]:
    """Count rows without a readable time as skips, and keep the others."""
    for code, reason in ((MISSING, SkipReason.NO_TIME), (UNREADABLE, SkipReason.BAD_TIME)):
        skip_rows(chunk, tokens, np.flatnonzero(time == code), reason)
    kept = np.flatnonzero(time > UNREADABLE)
    starts, lengths = tokens.start[:, : len(kept)], tokens.length[:, : len(kept)]
    for field in Field:
        if _present(tokens.start[field]):
            starts[field] = tokens.start[field].take(kept)
            lengths[field] = tokens.length[field].take(kept)
    return (
        Tokens(
            starts,
            lengths,
            tokens.line[kept],
            tokens.raw_start[kept],
            tokens.raw_length[kept],
            tokens.flags[kept],
            tokens.skips,
            tokens.lines,
            tokens.tail,
            None if tokens.shape is None else tokens.shape[kept],
        ),
        time[kept],
    )


def skip_rows(chunk: Chunk, tokens: Tokens, rows: NDArray[np.intp], reason: SkipReason) -> None:
    """Count rows, int64 (k,) in order, as lines that are no requests, the first few as samples; takes none away."""
    sampled = rows[: Skips.SAMPLES_PER_REASON].tolist()
    for row in sampled:
        start = int(tokens.raw_start[row])
        shown = min(int(tokens.raw_length[row]), Skips.SAMPLE_BYTES)
        tokens.skips.add(reason, int(tokens.line[row]), chunk.buffer[start : start + shown].tobytes())
    if len(rows) > len(sampled):
        tokens.skips.counts[reason] += len(rows) - len(sampled)


def _complete_targets(
    chunk: Chunk, tokens: Tokens, conventions: Conventions, flags: NDArray[np.uint16]
) -> NDArray[np.uint8]:
    """Fill in METHOD, TARGET and PROTOCOL from request lines and queries; the buffer spans now refer to."""
    start, length = tokens.start, tokens.length
    if _present(start[Field.REQUEST]):
        split_request_lines(
            chunk.buffer,
            start[Field.REQUEST],
            length[Field.REQUEST],
            start[Field.METHOD],
            length[Field.METHOD],
            start[Field.TARGET],
            length[Field.TARGET],
            start[Field.PROTOCOL],
            length[Field.PROTOCOL],
            int(RequestFlag.NOT_HTTP),
            int(RequestFlag.NO_PROTOCOL),
            int(RequestFlag.SPACE_IN_TARGET),
            int(RequestFlag.METHOD_CASE),
            flags,
        )
    if conventions.target_has_origin:
        strip_origins(chunk.buffer, start[Field.TARGET], length[Field.TARGET])
    empty = (start[Field.METHOD] < 0) & (start[Field.TARGET] < 0)
    if empty.any():
        flags[empty] |= np.uint16(RequestFlag.NOT_HTTP)
    relative = conventions.target_is_relative
    if not (relative or _present(start[Field.QUERY])):
        return chunk.buffer
    spans = (start[Field.QUERY], length[Field.QUERY], start[Field.TARGET], length[Field.TARGET])
    room = target_room(relative, *spans)
    free = tokens.tail or chunk.length + PADDING
    buffer = chunk.buffer
    if free + room + PADDING > len(buffer):
        # Rare: unescaped text and joined targets together outgrow the tail. A result may not depend on that.
        buffer = np.zeros(free + room + PADDING, dtype=np.uint8)
        buffer[:free] = chunk.buffer[:free]
    complete_targets(buffer, free, relative, *spans)
    return buffer


def _statuses(buffer: NDArray[np.uint8], tokens: Tokens, flags: NDArray[np.uint16]) -> NDArray[np.int16]:
    start, length = tokens.start[Field.STATUS], tokens.length[Field.STATUS]
    if not _present(start):
        return np.zeros(len(start), dtype=np.int16)
    read = np.empty(len(start), dtype=np.int64)
    whole_numbers(buffer, start, length, 1000, 0, int(RequestFlag.REPAIRED), read, flags)
    read[(read < 100) | (read > 999)] = 0
    return read.astype(np.int16)


LARGEST_SIZE = 1 << 40
"""Bytes that one request or answer may say it has, a tebibyte; sums of eight million such stay within int64."""


def _sizes(
    buffer: NDArray[np.uint8], tokens: Tokens, field: Field, flags: NDArray[np.uint16]
) -> NDArray[np.int64]:
    start, length = tokens.start[field], tokens.length[field]
    if not _present(start):
        return _filled(len(start), NOT_RECORDED, np.int64)
    sizes = np.empty(len(start), dtype=np.int64)
    whole_numbers(buffer, start, length, LARGEST_SIZE, NOT_RECORDED, int(RequestFlag.REPAIRED), sizes, flags)
    return sizes


def read_durations(
    buffer: NDArray[np.uint8], tokens: Tokens, unit: DurationUnit, flags: NDArray[np.uint16]
) -> NDArray[np.float64]:
    """The duration of each row, float64 (n,), seconds; NaN where not recorded, and where the text is none.

    Args:
        flags: uint16 (n,), receives `RequestFlag.REPAIRED` for the latter.
    """
    start, length = tokens.start[Field.DURATION], tokens.length[Field.DURATION]
    if not _present(start):
        return _filled(len(start), np.nan, np.float64)
    seconds = np.empty(len(start), dtype=np.float64)
    power = DURATION_UNITS.get(unit)
    if power is None:
        go_durations(buffer, start, length, int(RequestFlag.REPAIRED), seconds, flags)
    else:
        durations(buffer, start, length, power, int(RequestFlag.REPAIRED), seconds, flags)
    return seconds
