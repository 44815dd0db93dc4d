"""An engine's whole memory as bytes, and back: so that a killed process goes on as if undisturbed.

Layout: `MAGIC`, 16 bytes of BLAKE2b over all that follows, the header's length (4 bytes, little endian), the header
(MessagePack), the parts (MessagePack, zstd level 1). What each part holds is its class's affair; see
`vedette.schema.state`. Nothing of it is ever unpickled.

Each part rests on some of the configuration. A part whose foundations have changed begins anew, and says why; the
others go on.
"""

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from vedette import __version__
from vedette.engine.engine import Engine
from vedette.enrich.enrich import Enricher
from vedette.schema.errors import VedetteError
from vedette.schema.findings import Coverage
from vedette.schema.state import StateError, check, decode, encode

MAGIC: Final = b"vedette state\n"
FORMAT: Final = 2
LARGEST: Final = 1 << 30
"""Bytes of the largest state that is unpacked."""
_DIGEST: Final = 16
_LENGTH: Final = 4
_LEVEL: Final = 1
"""Of zstd. Measured on the states of bench/snapshot.py: zlib 1 takes four times as long and packs worse."""

_MAP_OF_TWO: Final = b"\x82"

Settings = dict[str, str | int]


class SnapshotError(VedetteError):
    """Bytes that are no snapshot, or one that this program cannot read."""


@dataclass(frozen=True, slots=True)
class Anew:
    """A part of an engine's memory that could not be kept.

    Attributes:
        part: Its name. reason: What was changed, in one sentence.
    """

    part: str
    reason: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a snapshot.

    Attributes:
        anew: Parts that begin anew.
        extra: What the caller had put beside the engine's state.
    """

    anew: list[Anew]
    extra: dict[str, bytes] = field(default_factory=dict)


class _Header(msgspec.Struct, frozen=True):
    """What is known before anything is unpacked."""

    format: int
    version: str
    """Of the program that wrote it."""
    settings: Settings
    size: int
    """Bytes of the parts, unpacked."""


class _Core(msgspec.Struct, frozen=True, array_like=True):
    """What the engine holds itself."""

    services: list[str]
    last: int | None
    heard: int | None
    idle: int
    windows_closed: int


class _Covered(msgspec.Struct, frozen=True, array_like=True):
    """The engine's own counts of `Coverage`."""

    start: int | None
    end: int | None
    windows: int
    insufficient_data: int
    insufficient_by: dict[str, int]
    capped: dict[str, int]
    processed: list[tuple[str, int]]


class _Parts(msgspec.Struct, frozen=True):
    """Everything, part by part."""

    parts: dict[str, bytes]
    extra: dict[str, bytes]


_FOUNDATIONS: Final[Mapping[str, Sequence[str]]] = {
    "services": ("services",),
    "place in time": ("span",),
    "open windows": ("services", "span", "login_routes", "most_routes", "most_clients"),
    "evidence": ("services", "span"),
    "hostile rows": ("services", "span", "signatures"),
    "history of clients": ("services", "span", "most_suspects"),
    "routes": ("slug_values",),
    "entities": ("most_entities", "most_services"),
    "baselines": ("most_entities", "most_services", "span", "baselines", "timezone"),
    "detectors": ("most_entities", "most_services", "span"),
    "thresholds": ("span", "alarm"),
    "sampling": ("span",),
    "habits": ("most_profiles",),
    "trails": ("services", "span", "login_routes", "most_routes", "most_clients"),
    "statements": (),
    "exceptions": (),
    "everyday requests": (),
    "names": (),
    "coverage": (),
}
"""The parts, in the order in which they are taken back, and the settings that each rests on. Of settings whose name
begins with `most_` a larger one does no harm."""


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
    body, size = packed(pieces(engine, enricher, dict(extra or {})))
    header = msgspec.msgpack.encode(_Header(FORMAT, __version__, _settings(engine, enricher), size))
    rest = len(header).to_bytes(_LENGTH, "little") + header + body
    return MAGIC + hashlib.blake2b(rest, digest_size=_DIGEST).digest() + rest


def pieces(engine: Engine, enricher: Enricher, extra: Mapping[str, bytes]) -> Iterator[bytes]:
    """What encoding `_Parts` gives, piece by piece, so that no two parts are there at once."""
    parts = makers(engine, enricher)
    encode_one = msgspec.msgpack.encode
    yield _MAP_OF_TWO + encode_one("parts") + _map_head(len(parts))
    for name, made in parts.items():
        content = made()
        yield encode_one(name) + _bytes_head(len(content))
        yield content
    yield encode_one("extra") + encode_one(extra)


def _map_head(entries: int) -> bytes:
    """How MessagePack begins a map."""
    return bytes([0x80 | entries]) if entries < 16 else b"\xde" + entries.to_bytes(2, "big")


def _bytes_head(size: int) -> bytes:
    """How MessagePack begins bytes."""
    if size < 1 << 8:
        return b"\xc4" + size.to_bytes(1, "big")
    return b"\xc5" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xc6" + size.to_bytes(4, "big")


def restore(engine: Engine, enricher: Enricher, content: bytes) -> Restored:
    """Take a snapshot into an engine and an enricher that have seen nothing.

    Args:
        engine, enricher: As configured now. After an error they are to be thrown away.
        content: From `snapshot`.

    Raises:
        SnapshotError: Damaged, cut off, no snapshot at all, or of a later format.
    """
    header, packed = _open(content)
    now = _settings(engine, enricher)
    changed = {
        name: f"{name} was {_short(header.settings.get(name))} and is {_short(value)}"
        for name, value in now.items()
        if not _holds(name, header.settings.get(name), value)
    }
    try:
        state = decode(b"\0" + _decompress(packed, header.size), _Parts, "snapshot")
        kept = {
            part: state.parts[part]
            for part, rests_on in _FOUNDATIONS.items()
            if part in state.parts and not any(name in changed for name in rests_on)
        }
        _take(engine, enricher, kept)
    except ValueError as error:
        raise _refusal(str(error)) from error
    anew = [
        Anew(part, "; ".join(changed[name] for name in rests_on if name in changed))
        for part, rests_on in _FOUNDATIONS.items()
        if part not in kept and part in state.parts
    ]
    return Restored(anew, state.extra)


def _settings(engine: Engine, enricher: Enricher) -> Settings:
    """The configuration that parts of a state rest on."""
    settings = engine.settings
    habits = engine.habits
    return {
        "span": settings.windows.span,
        "services": enricher.namer.about,
        "login_routes": _digest(settings.windows.login_routes),
        "most_routes": settings.windows.routes,
        "most_clients": settings.windows.client_slots,
        "most_suspects": settings.suspects,
        "most_entities": settings.entities,
        "most_services": settings.services,
        "most_profiles": 0 if habits is None else habits.profiles.capacity,
        "slug_values": str(settings.slug_values),
        "signatures": _digest([rule.id for rule in engine.scanner.rules]),
        "baselines": f"min_windows={settings.min_windows}",
        "timezone": settings.zone,
        "alarm": type(engine.thresholds).__name__,
    }


def _holds(name: str, old: str | int | None, new: str | int) -> bool:
    if name.startswith("most_") and isinstance(old, int) and isinstance(new, int):
        return old <= new
    return old == new


def _short(value: str | int | None) -> str:
    return "not told" if value is None else str(value)[:80]


def _digest(texts: Sequence[str]) -> str:
    joined = "\x1f".join(texts).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(joined, digest_size=8).hexdigest()


def parts_of(engine: Engine, enricher: Enricher) -> dict[str, bytes]:
    """An engine's state, part by part."""
    return {name: made() for name, made in makers(engine, enricher).items()}


def makers(engine: Engine, enricher: Enricher) -> dict[str, Callable[[], bytes]]:
    """What makes each part."""
    coverage = engine.coverage
    core = _Core(list(engine.services), *engine.place, engine.windows_closed)
    covered = _Covered(
        coverage.start,
        coverage.end,
        coverage.windows,
        coverage.insufficient_data,
        dict(sorted(coverage.insufficient_by.items())),
        dict(sorted(coverage.capped.items())),
        [(name, count) for name, count in zip(engine.services, engine.processed, strict=False) if count],
    )
    parts: dict[str, Callable[[], bytes]] = {
        "services": enricher.to_state,
        "place in time": lambda: encode(core),
        "open windows": engine.windower.to_state,
        "evidence": engine.collector.book.to_state,
        "hostile rows": engine.collector.hostile.to_state,
        "history of clients": engine.history.to_state,
        "routes": engine.slugs.to_state,
        "entities": engine.book.to_state,
        "baselines": engine.metrics.to_state,
        "detectors": lambda: encode({detector.name: detector.to_state() for detector in engine.detectors}),
        "thresholds": engine.thresholds.to_state,
        "statements": engine.stated.to_state,
        "sampling": engine.sampling.to_state,
        "names": engine.names.to_state,
        "coverage": lambda: encode(covered),
    }
    if engine.habits is not None:
        parts["habits"] = engine.habits.to_state
    if engine.trails is not None:
        parts["trails"] = engine.trails.to_state
    if engine.exceptions is not None:
        parts["exceptions"] = engine.exceptions.to_state
    if engine.everyday is not None:
        parts["everyday requests"] = engine.everyday.to_state
    return parts


def _take(engine: Engine, enricher: Enricher, kept: Mapping[str, bytes]) -> None:
    """Take parts back. Those whose foundations hold are all there, or the snapshot is damaged."""
    take = kept.get
    if (content := take("services")) is not None:
        enricher.from_state(content)
    names = enricher.namer.names
    if (content := take("place in time")) is not None:
        core = decode(content, _Core, "place in time")
        check(core.idle >= 0, "place in time")
        engine.place = core.last, core.heard, core.idle
        engine.windows_closed = core.windows_closed
        if "services" in kept:
            check(core.services == names[: len(core.services)], "place in time")
    engine.services = names
    if (content := take("open windows")) is not None:
        engine.windower.from_state(content, len(names))
    if (content := take("evidence")) is not None:
        engine.collector.book.from_state(content)
    if (content := take("hostile rows")) is not None:
        engine.collector.hostile.from_state(content, len(names))
    if (content := take("history of clients")) is not None:
        engine.history.from_state(content, len(names))
    if (content := take("routes")) is not None:
        engine.slugs.from_state(content)
    if (content := take("entities")) is not None:
        engine.book.from_state(content)
    if (content := take("baselines")) is not None:
        engine.metrics.from_state(content)
    if (content := take("detectors")) is not None:
        memories = decode(content, dict[str, bytes], "detectors")
        for detector in engine.detectors:
            if detector.name in memories:
                detector.from_state(memories[detector.name])
    if (content := take("sampling")) is not None:
        engine.sampling.from_state(content)
    if (content := take("thresholds")) is not None:
        engine.thresholds.from_state(content)
    if (content := take("habits")) is not None and engine.habits is not None:
        # Suspects of open windows are told by the numbers of windows, services and routes.
        engine.habits.from_state(content, names if "open windows" in kept else None)
    if (content := take("trails")) is not None and engine.trails is not None:
        engine.trails.from_state(content)
    if (content := take("statements")) is not None:
        engine.stated.from_state(content)
    if (content := take("exceptions")) is not None and engine.exceptions is not None:
        engine.exceptions.from_state(content)
    if (content := take("everyday requests")) is not None and engine.everyday is not None:
        engine.everyday.from_state(content)
    if (content := take("names")) is not None:
        engine.names.from_state(content)
    if (content := take("coverage")) is not None:
        covered = decode(content, _Covered, "coverage")
        engine.coverage = Coverage(
            start=covered.start,
            end=covered.end,
            windows=covered.windows,
            insufficient_data=covered.insufficient_data,
            insufficient_by=covered.insufficient_by,
            capped=covered.capped,
        )
        processed = dict(covered.processed)
        engine.processed = [processed.get(name, 0) for name in names]


def _open(content: bytes) -> tuple[_Header, bytes]:
    """The header, and the packed parts."""
    if content[: len(MAGIC)] != MAGIC:
        raise _refusal("these bytes are no snapshot")
    at = len(MAGIC) + _DIGEST
    rest = content[at:]
    if hashlib.blake2b(rest, digest_size=_DIGEST).digest() != content[len(MAGIC) : at]:
        raise _refusal(f"{len(content)} bytes, damaged or cut off")
    length = int.from_bytes(rest[:_LENGTH], "little")
    try:
        header = msgspec.msgpack.decode(rest[_LENGTH : _LENGTH + length], type=_Header)
    except msgspec.MsgspecError as error:
        raise _refusal(f"its header is damaged: {error}") from error
    if header.format != FORMAT:
        raise _refusal(
            f"format {header.format}, of Vedette {header.version[:40]!r}: this program reads format {FORMAT}"
        )
    if not 0 <= header.size <= LARGEST:
        raise _refusal(f"{header.size} bytes unpacked: must be at most {LARGEST}")
    return header, rest[_LENGTH + length :]


def _refusal(problem: str) -> SnapshotError:
    return SnapshotError(f"state of the engine: {problem}: remove it to begin anew, or restore a copy")


def packed(pieces: Iterable[bytes]) -> tuple[bytes, int]:
    """Bytes that come in pieces, as a snapshot holds them, and how many they are unpacked."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    packer = zstd.ZstdCompressor(level=_LEVEL)
    body, size = [], 0
    for piece in pieces:
        size += len(piece)
        body.append(packer.compress(piece))
    body.append(packer.flush())
    return b"".join(body), size


def _decompress(packed: bytes, size: int) -> bytes:
    """The bytes again, if they are so many.

    Raises:
        StateError: They are not.
    """
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    unpacker = zstd.ZstdDecompressor()
    try:
        content = unpacker.decompress(packed, max_length=size + 1)
    except zstd.ZstdError as error:
        raise StateError(f"its parts are damaged: {error}") from error
    if len(content) != size or not unpacker.eof or unpacker.unused_data:
        raise StateError(f"its parts are {len(content)} bytes and not {size}")
    return content
