"""Models on disk: each with a manifest that says what it is and what its bytes hash to.

`DIR/<member>/<service>/0007.model` is a member's seventh model of a service, `0007.json` its manifest; `current` names
the one at work. Older ones stay, for roll-back.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec

from vedette.detectors.learned.archive import LARGEST
from vedette.detectors.learned.card import Card, Model, ModelError
from vedette.detectors.learned.kinds import KINDS, read_model
from vedette.detectors.learned.member_names import ADDRESS
from vedette.schema.errors import VedetteError

_MANIFEST_BYTES: Final = 1 << 20
_NAME_BYTES: Final = 100
_SAID: Final = 40
USES: Final = "uses.json"
"""Beside models that a service made: which was at work from when."""
ASKED: Final = "asked"
"""Beside them: the number of the one that somebody went back to, until the service has taken it."""


class ModelFileError(VedetteError):
    """A model file that cannot be read, or is not what its manifest says."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a model file is.

    Attributes:
        member: Whose model. sha256: Of the file's bytes. bytes: How many. card: The member's own; see `Card`.
    """

    member: str
    service: str
    sha256: str
    bytes: int
    card: dict[str, Any]


class Kept(msgspec.Struct, frozen=True):
    """A model on disk. `current`: whether it is the one at work."""

    number: int
    manifest: Manifest
    current: bool

    @property
    def card(self) -> Card:
        """What every model's card tells."""
        return msgspec.convert(self.manifest.card, Card)


def save_model(directory: Path, member: str, model: Model) -> int:
    """Write a member's model, and put it to work; returns its number.

    Raises:
        ModelFileError: It cannot be written.
    """
    folder = model_folder(directory, member, model.card.service)
    content = model.to_bytes()
    manifest = Manifest(
        member=member,
        service=model.card.service,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        card=msgspec.to_builtins(model.card),
    )
    number = _write(folder, content, manifest)
    put_to_work(folder, number)
    return number


def keep_model(directory: Path, member: str, service: str, content: bytes) -> int:
    """Write a model that was put to work, unless it is there already; returns its number. It is not made current.

    Raises:
        ModelFileError: It cannot be written, or is no model.
    """
    folder, digest = model_folder(directory, member, service), hashlib.sha256(content).hexdigest()
    for number in model_numbers(folder):
        if read_manifest(folder, number).sha256 == digest:
            return number
    try:
        card = read_model(member, content).card
    except ModelError as error:
        raise ModelFileError(f"{folder}: {error}") from error
    manifest = Manifest(
        member=member, service=service, sha256=digest, bytes=len(content), card=msgspec.to_builtins(card)
    )
    return _write(folder, content, manifest)


def load_models(directory: Path, member: str, span_us: int) -> dict[str, Model]:
    """A member's models at work, by service.

    Args:
        member: Whose. directory: As `save_model` wrote it. span_us: Length of a window now, microseconds.

    Raises:
        ModelFileError: There is no such directory, or a model is damaged, altered, or does not fit.
    """
    if not directory.is_dir():
        raise ModelFileError(
            f"{directory}: no such directory: write one with vedette train PATH --models DIR"
        )
    found = {}
    for folder in model_folders(directory / member):
        model = load_fitting(folder, current_number(folder), span_us)
        found[model.card.service] = model
    return found


def load_fitting(folder: Path, number: int, span_us: int) -> Model:
    """One model, for windows of a length. Raises `ModelFileError`."""
    model = load_model(folder, number)
    if round(model.card.minutes * 60e6) != span_us:
        raise ModelFileError(
            f"{folder}: was trained on windows of {model.card.minutes * 60:g} s, and {_span_of(folder)} is "
            f"{span_us / 1e6:g}: train again"
        )
    return model


def _span_of(folder: Path) -> str:
    """The setting that says how long the windows of a folder's member are."""
    return "network.span_s" if folder.parent.name == ADDRESS else "windows.span_s"


def load_model(folder: Path, number: int) -> Model:
    """One model of a member's and service's folder.

    Raises:
        ModelFileError: It is damaged, altered, or none.
    """
    path, manifest = folder / f"{number:04}.model", read_manifest(folder, number)
    content = read_file(path, LARGEST)
    if content[:1] != b"\x80" and len(content) != manifest.bytes:
        raise ModelFileError(
            f"{path}: has {len(content)} bytes, its manifest says {manifest.bytes}: roll back with vedette models "
            "rollback, or train again"
        )
    digest = hashlib.sha256(content).hexdigest()
    if content[:1] != b"\x80" and digest != manifest.sha256:
        raise ModelFileError(
            f"{path}: its bytes are not those that were written (sha256 {digest[:12]}…, its manifest says "
            f"{manifest.sha256[:12]}…): roll back with vedette models rollback, or train again"
        )
    try:
        model = read_model(manifest.member, content)
    except ModelError as error:
        raise ModelFileError(f"{path}: {error}") from error
    if msgspec.json.decode(msgspec.json.encode(model.card)) != manifest.card:
        raise ModelFileError(f"{path}: is another model than its manifest says: train again")
    return model


def kept_models(directory: Path) -> dict[tuple[str, str], list[Kept]]:
    """All models on disk by service and member, the oldest first.

    Raises:
        ModelFileError: There is no such directory, or a manifest is damaged.
    """
    if not directory.is_dir():
        raise ModelFileError(
            f"{directory}: no such directory: write one with vedette train PATH --models DIR"
        )
    found = {}
    for member in KINDS:
        for folder in model_folders(directory / member):
            current = current_number(folder)
            kept = [Kept(n, read_manifest(folder, n), n == current) for n in sorted(model_numbers(folder))]
            if kept:
                found[kept[0].manifest.service, member] = kept
    return dict(sorted(found.items()))


def roll_back(directory: Path, member: str, service: str, number: int | None = None) -> tuple[int, int]:
    """Put an older model of a member and service to work; returns the numbers of the last one and of that.

    Args:
        number: Which; None for the one before the current one.

    Raises:
        ModelFileError: There is none, or it is damaged.
    """
    folder = model_folder(directory, member, service)
    if not folder.is_dir():
        raise ModelFileError(
            f"{directory}: no model {member} of service {service}: vedette models list names them"
        )
    current = current_number(folder)
    older = [n for n in sorted(model_numbers(folder)) if n < current] if number is None else [number]
    if not older or older[-1] not in model_numbers(folder):
        wanted = "older than the current one" if number is None else f"numbered {number}"
        raise ModelFileError(f"{folder}: no model {wanted}: vedette models list names them")
    load_model(folder, older[-1])
    put_to_work(folder, older[-1])
    if (folder / USES).is_file():
        # A service made them: it takes the older one back when it starts, or reads its configuration again.
        replace_file(folder / ASKED, b"%04d\n" % older[-1])
    return current, older[-1]


def put_to_work(folder: Path, number: int) -> None:
    """Name a model as the one at work. Raises `ModelFileError`."""
    replace_file(folder / "current", b"%04d\n" % number)


def _write(folder: Path, content: bytes, manifest: Manifest) -> int:
    """Write a model and its manifest under the next number."""
    make_folder(folder)
    number = max(model_numbers(folder), default=0) + 1
    replace_file(folder / f"{number:04}.model", content)
    replace_file(folder / f"{number:04}.json", msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    return number


def model_folder(directory: Path, member: str, service: str) -> Path:
    """Where a member's models of a service lie."""
    name = quote(service, safe="", errors="surrogateescape").replace(".", "%2E")
    if len(name) > _NAME_BYTES:
        digest = hashlib.blake2b(service.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        name = f"{name[: _NAME_BYTES - 17]}-{digest}"
    return directory / member / name


def make_folder(folder: Path) -> None:
    """Make one, unless it is there. Raises `ModelFileError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelFileError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def model_folders(directory: Path) -> Iterator[Path]:
    """Of a member's directory: each service's folder."""
    return (folder for folder in sorted(directory.glob("*")) if (folder / "current").exists())


def model_numbers(folder: Path) -> list[int]:
    """Of the models in a folder, in no order."""
    return [int(path.stem) for path in folder.glob("*.json") if path.stem.isascii() and path.stem.isdigit()]


def current_number(folder: Path) -> int:
    """Of the model at work. Raises `ModelFileError`."""
    text = read_file(folder / "current", 32).strip()
    if not text.isdigit():
        raise ModelFileError(
            f"{folder / 'current'}: holds no number: write that of the model to use, like 0001"
        )
    return int(text)


def read_manifest(folder: Path, number: int) -> Manifest:
    """Of one model. Raises `ModelFileError`."""
    path = folder / f"{number:04}.json"
    try:
        manifest = msgspec.json.decode(read_file(path, _MANIFEST_BYTES), type=Manifest)
        service = msgspec.convert(manifest.card, Card).service
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ModelFileError(f"{path}: no manifest of a model: {error}: train again") from error
    said = model_folder(folder.parent.parent, manifest.member, manifest.service)
    if (said.parent.name, said.name) != (folder.parent.name, folder.name) or service != manifest.service:
        raise ModelFileError(
            f"{path}: says that it is of a model {manifest.member[:_SAID]!r} of service {manifest.service[:_SAID]!r}, "
            f"and its card that of {service[:_SAID]!r}: must be those that its folder is called after; train again"
        )
    return manifest


def read_file(path: Path, most: int) -> bytes:
    """A file of so many bytes at most. Raises `ModelFileError`."""
    try:
        # Not waiting for who writes into a pipe of that name.
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ModelFileError(f"{path}: is no regular file: remove it, and train again")
            content = file.read(most + 1)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise ModelFileError(f"{path}: more than {most} bytes: no model is so large")
    return content


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises `ModelFileError`."""
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise ModelFileError(f"{error.filename or path}: cannot be written: {error.strerror}") from error
