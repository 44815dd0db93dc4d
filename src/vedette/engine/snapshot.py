"""An engine's whole memory as bytes, and back: so that a killed process goes on as if undisturbed.

The parts (`vedette.engine.memory`) are a map in MessagePack, sealed (`vedette.engine.sealed`).

Each part rests on some of the configuration. A part whose foundations have changed begins anew, and says why; the
others go on. So does one that another build kept otherwise, if the others mean as much without it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from vedette.engine.engine import Engine
from vedette.engine.memory import DetectorMemoryError, memory_of, settings_of
from vedette.engine.sealed import SnapshotError, refusal, seal, unpacked, unseal
from vedette.enrich.enrich import Enricher
from vedette.schema.state import decode

_MAP_OF_TWO: Final = b"\x82"


class Anew(msgspec.Struct, frozen=True):
    """A part of an engine's memory that could not be kept.

    Attributes:
        part: Its name. reason: What was changed, in one sentence.
    """

    part: str
    reason: str


class RefusedPartError(SnapshotError):
    """A part was kept otherwise by another build, and the others mean as much without it.

    Attributes:
        anew: It.
    """

    def __init__(self, anew: Anew) -> None:
        super().__init__(f"{anew.part}: {anew.reason}")
        self.anew = anew


class Restored(msgspec.Struct, frozen=True):
    """What became of a snapshot.

    Attributes:
        anew: Parts that begin anew.
        extra: What the caller had put beside the engine's state.
    """

    anew: list[Anew]
    extra: dict[str, bytes] = msgspec.field(default_factory=dict)


class _Parts(msgspec.Struct, frozen=True):
    """Everything, part by part."""

    parts: dict[str, bytes]
    extra: dict[str, bytes]


def snapshot(engine: Engine, enricher: Enricher, extra: Mapping[str, bytes] | None = None) -> bytes:
    """Everything that shapes what an engine will say, as bytes. Equal states give equal bytes.

    Args:
        engine: Between two batches; not a leader. enricher: Names the services of its batches.
        extra: What the caller needs besides: its parsers' states, say.

    Raises:
        ValueError: The engine has followers, which are no part of a service.
    """
    if engine.followers:
        raise ValueError("an engine that others follow has no snapshot: they would be lost")
    return seal(pieces(engine, enricher, dict(extra or {})), settings_of(engine, enricher))


def pieces(engine: Engine, enricher: Enricher, extra: Mapping[str, bytes]) -> Iterator[bytes]:
    """What encoding `_Parts` gives, piece by piece, so that no two parts are there at once."""
    parts = [(name, kept) for name, _, kept in memory_of(engine, enricher) if kept is not None]
    encode_one = msgspec.msgpack.encode
    yield _MAP_OF_TWO + encode_one("parts") + _map_head(len(parts))
    for name, kept in parts:
        content = kept.to_state()
        yield encode_one(name) + _bytes_head(len(content))
        yield content
    yield encode_one("extra") + encode_one(extra)


def parts_of(engine: Engine, enricher: Enricher) -> dict[str, bytes]:
    """An engine's state, part by part, all at once: for tests and benches, that look at single parts."""
    parts = memory_of(engine, enricher)
    return {part.name: part.kept.to_state() for part in parts if part.kept is not None}


def restore(engine: Engine, enricher: Enricher, content: bytes, refused: Sequence[Anew] = ()) -> Restored:
    """Take a snapshot into an engine and an enricher that have seen nothing.

    Args:
        engine, enricher: As configured now. After an error they are to be thrown away.
        content: From `snapshot`.
        refused: Parts that begin anew whatever the snapshot holds: from earlier `RefusedPartError`s.

    Raises:
        RefusedPartError: Another build kept a part otherwise, without which the others can be taken back.
        SnapshotError: Damaged, cut off, no snapshot at all, or of a later format.
    """
    header, body = unseal(content)
    changed = {
        name: f"{name} was {_short(header.settings.get(name))} and is {_short(value)}"
        for name, value in settings_of(engine, enricher).items()
        if not _holds(name, header.settings.get(name), value)
    }
    try:
        state = decode(b"\0" + unpacked(body, header.size), _Parts, "snapshot")
        anew = [
            Anew(part.name, "; ".join(changed[name] for name in part.rests_on if name in changed))
            for part in memory_of(engine, enricher)
            if part.name in state.parts and not changed.keys().isdisjoint(part.rests_on)
        ]
    except ValueError as error:
        raise refusal(str(error)) from error
    anew += refused
    try:
        _take(engine, enricher, state.parts, header.version, without={part.part for part in anew})
    except ValueError as error:
        # Its digest was right: these are the bytes that were written.
        raise refusal(
            f"written by a build of Vedette {header.version[:40]!r} that kept it otherwise ({error})",
            remedy="go on with that build",
        ) from error
    return Restored(anew, state.extra)


_ALONE = frozenset(
    {"routes", "baselines", "thresholds", "habits", "trails", "everyday requests", "history of clients"}
)
"""Parts without which the others mean as much."""


def _take(
    engine: Engine, enricher: Enricher, parts: Mapping[str, bytes], version: str, *, without: set[str]
) -> None:
    """Take parts back. Those whose foundations hold are all there, or the snapshot is damaged."""
    taken = parts.keys() - without
    for part in memory_of(engine, enricher, taken, without):
        if part.name not in taken or part.kept is None:
            continue
        try:
            part.kept.from_state(parts[part.name])
        except ValueError as error:
            name = error.detector if isinstance(error, DetectorMemoryError) else part.name
            if name == part.name and name not in _ALONE:
                raise
            raise RefusedPartError(
                Anew(
                    name,
                    f"Vedette {version[:40]} wrote it otherwise ({error}): what it remembers is forgotten",
                )
            ) from error
    engine.services = enricher.namer.names


def _holds(name: str, old: str | int | None, new: str | int) -> bool:
    """Whether a setting is one that what rested on the old one may rest on."""
    if name.startswith("most_") and isinstance(old, int) and isinstance(new, int):
        return old <= new
    return old == new


def _short(value: str | int | None) -> str:
    return "not told" if value is None else str(value)[:80]


def _map_head(entries: int) -> bytes:
    """How MessagePack begins a map."""
    return bytes([0x80 | entries]) if entries < 16 else b"\xde" + entries.to_bytes(2, "big")


def _bytes_head(size: int) -> bytes:
    """How MessagePack begins bytes."""
    if size < 1 << 8:
        return b"\xc4" + size.to_bytes(1, "big")
    return b"\xc5" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xc6" + size.to_bytes(4, "big")
