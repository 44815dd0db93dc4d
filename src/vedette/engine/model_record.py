"""Which model was at work from when, as a service wrote it down; a replay follows it.

`DIR/<member>/<service>/uses.json` lists the uses, oldest first, by the first digits of the SHA-256 of the model's
bytes; the models themselves lie beside it, as `vedette.engine.model_files` writes them, the latest ones.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from vedette.detectors.learned.course import DIGITS
from vedette.detectors.learned.plan import Recorded
from vedette.engine.model_files import (
    ASKED,
    USES,
    ModelFileError,
    load_fitting,
    make_folder,
    model_folder,
    model_folders,
    model_numbers,
    put_to_work,
    read_file,
    read_manifest,
    replace_file,
)
from vedette.schema.learned import ModelUse

MOST_USES: Final = 100
"""That are told of: two years of weeks."""
_LARGEST: Final = 1 << 20


class _Uses(msgspec.Struct, frozen=True):
    """What `uses.json` holds. `sha256`: of the uses, as compact JSON."""

    service: str
    uses: tuple[ModelUse, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """The record that a service wrote of its models.

    Args:
        directory: `models` of the service's own directory.

    Raises:
        ModelFileError: There is no record.
    """

    directory: Path

    def __post_init__(self) -> None:
        if not any(self.directory.glob(f"*/*/{USES}")):
            raise ModelFileError(
                f"{self.directory}: holds no record of models at work: give `models` of the directory in which "
                "vedette serve keeps its files"
            )

    def of(self, member: str, span_us: int) -> dict[str, tuple[Recorded, ...]]:
        """A member's uses by service, the oldest first.

        Raises:
            ModelFileError: A model or the list is damaged or altered, or windows have another length.
        """
        found = {}
        for folder in sorted((self.directory / member).glob("*")):
            known = _read(folder / USES)
            if known is not None:
                numbers = {read_manifest(folder, n).sha256[:DIGITS]: n for n in sorted(model_numbers(folder))}
                found[known.service] = tuple(
                    Recorded(use, load_fitting(folder, numbers[use.model], span_us))
                    if use.model in numbers
                    else Recorded(use, None)
                    for use in known.uses
                )
        return found


def write_uses(directory: Path, member: str, service: str, uses: Sequence[ModelUse]) -> None:
    """Write down which models were at work from when, and name the last as current.

    What the list told of earlier times than these is kept.

    Raises:
        ModelFileError: It cannot be written.
    """
    folder = model_folder(directory, member, service)
    # Where the directory was lost and the store was not, there is none: the model at work is known, and not kept.
    make_folder(folder)
    numbers = {read_manifest(folder, n).sha256[:DIGITS]: n for n in sorted(model_numbers(folder))}
    try:
        before = _read(folder / USES)
    except ModelFileError:
        # A list that cannot be read tells nothing; the next one is whole again.
        before = None
    told = tuple(use for use in before.uses if _since(use) < _since(uses[0])) if before is not None else ()
    told = (*told, *uses)[-MOST_USES:]
    if before is None or told != before.uses:
        content = msgspec.json.encode(_Uses(service, told, _digest(told)))
        replace_file(folder / USES, msgspec.json.format(content) + b"\n")
    latest = numbers.get(told[-1].model)
    if latest is not None and not (folder / ASKED).is_file():
        put_to_work(folder, latest)


def uses_of(directory: Path, member: str, service: str) -> dict[str, ModelUse]:
    """The latest use of each model, by the first digits of its SHA-256; empty where no service made them.

    Raises:
        ModelFileError: The list is damaged or altered.
    """
    known = _read(model_folder(directory, member, service) / USES)
    return {} if known is None else {use.model: use for use in known.uses}


def prune(directory: Path, member: str, service: str, most: int) -> None:
    """Remove all but the latest models, and the one at work.

    Raises:
        ModelFileError: A file cannot be removed.
    """
    folder = model_folder(directory, member, service)
    known = _read(folder / USES)
    at_work = known.uses[-1].model if known is not None and known.uses else ""
    for number in sorted(model_numbers(folder))[:-most]:
        if read_manifest(folder, number).sha256[:DIGITS] == at_work:
            continue
        for suffix in ("json", "model"):
            try:
                (folder / f"{number:04}.{suffix}").unlink(missing_ok=True)
            except OSError as error:
                raise ModelFileError(f"{error.filename}: cannot be removed: {error.strerror}") from error


def asked_for(directory: Path, member: str, span_us: int) -> dict[str, tuple[Path, Recorded]]:
    """Models of a member that somebody went back to, by service, each with the file that asks for it.

    Raises:
        ModelFileError: One is damaged or altered, or there is none of that number.
    """
    found = {}
    for folder in model_folders(directory / member):
        if (folder / ASKED).is_file():
            text = read_file(folder / ASKED, 32).strip()
            number = int(text) if text.isdigit() else 0
            model = load_fitting(folder, number, span_us)
            manifest = read_manifest(folder, number)
            use = ModelUse(None, manifest.sha256[:DIGITS], "")
            found[manifest.service] = folder / ASKED, Recorded(use, model)
    return found


def _since(use: ModelUse) -> int:
    return -1 if use.since is None else use.since


def _digest(uses: Sequence[ModelUse]) -> str:
    return hashlib.sha256(msgspec.json.encode(uses)).hexdigest()


def _read(path: Path) -> _Uses | None:
    if not path.is_file():
        return None
    try:
        known = msgspec.json.decode(read_file(path, _LARGEST), type=_Uses)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ModelFileError(
            f"{path}: no record of models at work: {error}: remove it, and the service begins a new one"
        ) from error
    if _digest(known.uses) != known.sha256 or not known.uses:
        raise ModelFileError(f"{path}: is not what was written: remove it, and the service begins a new one")
    return known
