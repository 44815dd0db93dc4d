"""Read whole lines with what they say, and write copies with incidents in them."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.config import Config
from vedette.engine.choosing import Chooser, enricher
from vedette.enrich.enrich import Enriched
from vedette.explain.numbers import size as sized
from vedette.inject.facts import Parse
from vedette.inject.menu import Change, Made
from vedette.inject.plan import InjectError, Planned
from vedette.inject.rewrite import locate
from vedette.parsers.format import Parser
from vedette.schema.errors import VedetteError
from vedette.sources import BufferPool, Input, Reader, read_chunks

_CHUNK = 4 << 20
_POOL = 3


class Piece(msgspec.Struct, frozen=True):
    """A stretch of one input: its bytes, and its requests with service and route."""

    source: Input
    text: bytes
    first_line: int
    enriched: Enriched

    def lines(self) -> list[bytes]:
        """The lines without their ends."""
        return self.text.removesuffix(b"\n").split(b"\n")


class Files:
    """The inputs of a log, to be read several times.

    Attributes:
        parsers: For each input by name, what reads single lines of it; known once it has been walked over.
    """

    def __init__(self, inputs: Sequence[Input], config: Config) -> None:
        self.inputs = list(inputs)
        self.parsers: dict[str, Parse] = {}
        self._config = config
        self._choose = Chooser(config)

    def walk(self) -> Iterator[Piece]:
        """All pieces, input after input.

        Raises:
            VedetteError: An input cannot be read or understood.
        """
        pool = BufferPool(_CHUNK, _POOL)
        enrich = enricher(self._config)
        for source in list(self.inputs):
            try:
                reader, parser = self._open(source, pool)
            except VedetteError:
                # Nobody named a file that was found in a directory and is no access log.
                if not source.found:
                    raise
                self.inputs.remove(source)
                continue
            with reader:
                for chunk in reader:
                    text = chunk.buffer[: chunk.length].tobytes()
                    parsed = parser.parse(chunk)
                    yield Piece(source, text, chunk.first_line, enrich.apply(parsed.requests))
                    pool.release(chunk.buffer)

    def _open(self, source: Input, pool: BufferPool) -> tuple[Reader, Parser]:
        reader = read_chunks(source, pool=pool, line_bytes=min(self._config.limits.line_bytes, _CHUNK - 1))
        try:
            parser = self._choose(reader.sample()).open(source.name)
            if source.name not in self.parsers:
                # One of its own, that has seen the header: trying lines out must not confuse the other.
                probing = self._choose(reader.sample()).open(source.name)
                probing.parse(reader.sample())
                self.parsers[source.name] = probing.parse
        except VedetteError:
            reader.close()
            raise
        return reader, parser


class Copy(msgspec.Struct):
    """One copy of a log, with incidents.

    Attributes:
        incidents: What is put in. group: The inputs that new lines go to, by their group.
        touched: Lines added, changed and left out, by incident.
    """

    incidents: Sequence[tuple[Planned, Made]]
    group: str
    touched: list[int] = msgspec.field(default_factory=list)

    def write(self, files: Files, place: Path) -> list[Input]:
        """Write the copy under a directory; returns its inputs, under the names of the originals.

        Raises:
            InjectError: There is no room.
        """
        self.touched = [len(made.added) for _, made in self.incidents]
        waiting = sorted(line for _, made in self.incidents for line in made.added)
        last = [source for source in files.inputs if source.group == self.group][-1]
        chance = [np.random.default_rng(planned.seed) for planned, _ in self.incidents]
        written: list[Input] = []
        stream = None
        current: Input | None = None
        try:
            for piece in files.walk():
                if piece.source is not current:
                    if stream is not None:
                        if current is last:
                            stream.writelines(line + b"\n" for _, line in waiting)
                            waiting = []
                        stream.close()
                    current = piece.source
                    path = place / f"{len(written)}.log"
                    written.append(replace(current, path=path))
                    stream = path.open("wb", buffering=1 << 18)
                assert stream is not None  # noqa: S101 -- the first piece opened it
                due = waiting if current.group == self.group else []
                stream.write(self._changed(files, piece, due, chance))
            if stream is not None and current is last:
                stream.writelines(line + b"\n" for _, line in waiting)
        finally:
            if stream is not None:
                stream.close()
        return written

    def _changed(
        self,
        files: Files,
        piece: Piece,
        waiting: list[tuple[int, bytes]],
        chance: Sequence[np.random.Generator],
    ) -> bytes:
        """A piece's bytes with what happens in it; lines that were put in are taken from `waiting`."""
        requests = piece.enriched.requests
        if not len(requests):
            return piece.text
        first, last = int(requests.time.min()), int(requests.time.max())
        changes = [
            (number, planned, made.change)
            for number, (planned, made) in enumerate(self.incidents)
            if made.change is not None and planned.start <= last and planned.end > first
        ]
        if not changes and not (waiting and waiting[0][0] <= last):
            return piece.text
        lines: list[bytes | None] = list(piece.lines())
        for number, planned, change in changes:
            rows = _rows(piece, planned, change)
            rows = rows[chance[number].random(len(rows)) < change.share]
            places = (requests.line[rows] - piece.first_line).tolist()
            self.touched[number] += _apply(files.parsers[piece.source.name], lines, places, change)
        # A new line goes before the first that is later than it, in the order in which the log is written.
        reached = np.maximum.accumulate(requests.time)
        count = int(np.searchsorted([time for time, _ in waiting], last, side="right")) if waiting else 0
        rows_after = np.searchsorted(reached, [time for time, _ in waiting[:count]], side="right")
        ends = requests.line - piece.first_line
        text: list[bytes] = []
        at = 0
        for row, (_, line) in zip(rows_after.tolist(), waiting[:count], strict=True):
            stop = int(ends[row]) if row < len(ends) else len(lines)
            text.extend(kept for kept in lines[at:stop] if kept is not None)
            at = max(at, stop)
            text.append(line)
        text.extend(kept for kept in lines[at:] if kept is not None)
        del waiting[:count]
        return b"\n".join(text) + b"\n" if text else b""


def _rows(piece: Piece, planned: Planned, change: Change) -> NDArray[np.intp]:
    """Rows of the incident's time, service and route."""
    enriched = piece.enriched
    requests = enriched.requests
    mask = (requests.time >= planned.start) & (requests.time < planned.end)
    if planned.service not in enriched.services:
        return np.zeros(0, dtype=np.intp)
    mask &= enriched.service == enriched.services.index(planned.service)
    if change.route is not None and requests.route is not None:
        wanted = change.route.encode()
        ids = [number for number, text in enumerate(requests.route.vocabulary) if text == wanted]
        mask &= np.isin(requests.route.ids, ids)
    return np.flatnonzero(mask)


def _apply(parse: Parse, lines: list[bytes | None], places: Sequence[int], change: Change) -> int:
    """Change lines in place; returns how many."""
    if change.field is None:
        for place in places:
            lines[place] = None
        return len(places)
    changed = 0
    templates = locate(parse, [lines[place] or b"" for place in places], [change.field])
    for place, template in zip(places, templates, strict=True):
        if template is not None and change.field in template.spots:
            lines[place] = template.filled(
                {change.field: change.value(getattr(template.facts, change.field))}
            )
            changed += 1
    return changed


def check_room(place: Path, size: int) -> None:
    """See that a copy fits.

    Raises:
        InjectError: It does not.
    """
    free = shutil.disk_usage(place).free
    if free < 1.5 * size:
        raise InjectError(
            f"{place}: {sized(free)} free: a copy of the log takes up to {sized(1.5 * size)}: make room, "
            "or set TMPDIR to a directory that has it"
        )
