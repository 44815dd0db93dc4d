"""A model of how clients of one service behave, with all that judging by it takes."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.features import ClientTable, FeatureError, matrix, named
from vedette.detectors.learned.forest import Forest
from vedette.detectors.learned.tail import Tail
from vedette.kernels.forest import INNER, LEAVES
from vedette.schema.errors import VedetteError

_ROUTE_BITS: Final = 63
_MOST_TREES: Final = 1_000
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error)
LARGEST: Final = 32 << 20
"""Bytes of the largest model that is read."""


class ModelError(VedetteError):
    """Bytes that are no model, or not one that this program can use."""


class Checked(msgspec.Struct, frozen=True):
    """What a model's own check found, on the latest part of its sample, which it was not fitted to.

    Attributes:
        rows, sessions: Of that part.
        stability: Population stability index of its scores against those it was fitted to.
        separation: Area under the ROC curve of rows drawn at random from the features' ranges against its rows.
    """

    rows: int
    sessions: int
    stability: float
    separation: float


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a model besides its trees.

    Attributes:
        service: Whose clients. minutes: Length of a window.
        start, end: Event time of the rows it was fitted to, microseconds UTC. rows, sessions: How many.
        windows: Tail of single windows' scores. sessions_tail: Tail of sessions' evidence.
        low, mid, high: Quantiles 0.05, 0.5, 0.95 of each feature.
        seed: Of the fit. versions: Of the libraries that fitted it.
    """

    service: str
    minutes: float
    start: int
    end: int
    rows: int
    sessions: int
    names: tuple[str, ...]
    usual_path: float
    windows: Tail
    sessions_tail: Tail
    low: tuple[float, ...]
    mid: tuple[float, ...]
    high: tuple[float, ...]
    checked: Checked
    seed: int
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class ClientModel:
    """An isolation forest over windows of clients, calibrated.

    Attributes:
        rarity: float64 (63,), see `ClientTable`.
    """

    card: Card
    forest: Forest
    rarity: NDArray[np.float64]

    def rows(self, sums: NDArray[np.int64], time: int) -> NDArray[np.float32]:
        """Features of a window's clients: sums of the window, int64 (k, Client), and its end, microseconds."""
        times = np.full(len(sums), time, dtype=np.int64)
        return matrix(named(self.card.names), ClientTable(sums, times, self.rarity, self.card.minutes))

    def surprise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """-log10 of the share of usual windows that are isolated as quickly, float64 (k,)."""
        return self.card.windows.surprise(self.forest.score(rows))


def write_model(model: ClientModel) -> bytes:
    """A model as a zip of plain arrays (NPY) and a card (JSON): nothing in it is code. Equal models, equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("card.json"), msgspec.json.encode(model.card, order="sorted"))
        forest = model.forest
        for name, array in (
            ("feature", forest.feature),
            ("threshold", forest.threshold),
            ("cover", forest.cover),
            ("length", forest.length),
            ("rarity", model.rarity),
        ):
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def read_model(content: bytes) -> ClientModel:
    """What `write_model` gave.

    Raises:
        ModelError: It is no such thing, is damaged, or looks at features that this program does not have.
    """
    if content[:1] == b"\x80" or content[:2] == b"(d":
        raise ModelError(
            "a pickle, which can run code when it is read: only models written by Vedette are taken"
        )
    if len(content) > LARGEST:
        raise ModelError(f"{len(content)} bytes: at most {LARGEST} are read")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            card = msgspec.json.decode(_member(archive, "card.json"), type=Card)
            feature, threshold, cover, length, rarity = (
                _array(archive, name) for name in ("feature", "threshold", "cover", "length", "rarity")
            )
    except (*_DAMAGED, KeyError, ValueError, EOFError, OSError, NotImplementedError) as error:
        raise ModelError(f"no model, or a damaged one: {str(error)[:200]}") from error
    try:
        named(card.names)
    except FeatureError as error:
        raise ModelError(f"{error}: train it again with this program") from error
    trees = len(feature)
    shapes = {
        "feature": (feature, np.uint8, (trees, INNER)),
        "threshold": (threshold, np.float32, (trees, INNER)),
        "cover": (cover, np.float32, (trees, INNER)),
        "length": (length, np.float64, (trees, LEAVES)),
        "rarity": (rarity, np.float64, (_ROUTE_BITS,)),
    }
    for name, (array, dtype, shape) in shapes.items():
        if array.dtype != dtype or array.shape != shape:
            raise ModelError(
                f"array {name} is {array.dtype} of shape {array.shape}: must be {np.dtype(dtype)} {shape}"
            )
    # A kernel reads rows at these places.
    if not 0 < trees <= _MOST_TREES or int(feature.max()) >= len(card.names):
        raise ModelError(
            f"{trees} trees that look at feature {int(feature.max(initial=0))} of {len(card.names)}"
        )
    if not (np.isfinite(length).all() and np.isfinite(rarity).all() and not np.isnan(threshold).any()):
        raise ModelError("its numbers are not all finite")
    if not card.usual_path > 0:
        raise ModelError(f"usual path of {card.usual_path}: must be positive")
    forest = Forest(card.names, feature, threshold, cover, length, card.usual_path)
    return ClientModel(card, forest, rarity)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    entry = archive.getinfo(name)
    if entry.file_size > LARGEST:
        raise ValueError(f"{name} has {entry.file_size} bytes unpacked: at most {LARGEST} are read")
    return archive.read(entry)


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.load(io.BytesIO(_member(archive, f"{name}.npy")), allow_pickle=False)
    return np.ascontiguousarray(array)
