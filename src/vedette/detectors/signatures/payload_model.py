"""The payload model: a linear model over the grams of a decoded value, beside the rules.

It finds what no rule was written for, because an attack's letters and marks seldom come together otherwise. It is read
from a file of an open form: a line that names the form, a line of JSON that says what follows and how its bytes must
hash, and the weights as signed bytes. `bench/payload_model/train.py` makes it.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.kernels.requests.grams import LONGEST, SHORTEST, SYMBOLS, WINDOW, list_grams, score_each
from vedette.kernels.requests.word_shapes import PER_BYTE
from vedette.schema.errors import VedetteError

MAGIC = b"vedette payload model 3\n"
SLOTS = 1 << 16
"""Weights of each row; grams share them by their hash."""
MOST_KINDS = 16
LARGEST = 2 * 1024 * 1024
"""Bytes of the largest file that is read."""


class ModelError(VedetteError):
    """A file that holds no payload model; the message says what is wrong with it."""


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slots: int
    kinds: tuple[str, ...]
    scale: float
    bias: float
    talk_scale: float
    talk_bias: float
    sha256: str
    trained_on: str


class Gram(msgspec.Struct, frozen=True):
    """What one gram adds to a value's score.

    Attributes:
        text: Its symbols, as they stand in the value; `^` and `$` are its edges.
        times: How often it stands there.
        amount: What it adds in all, in log-odds.
    """

    text: str
    times: int
    amount: float


class PayloadModel(msgspec.Struct, frozen=True, eq=False):
    """A fitted model.

    Attributes:
        weights: int8 (1 + kinds, SLOTS). Row 0 tells attacks from the rest, the others one kind from the others.
        scale: Log-odds of one unit of row 0.
        bias: Log-odds of a value without grams.
        kinds: Names of the kinds, as `AnomalyType` has them.
        trained_on: What it was fitted to, in words.
        talk: int8 (2, SLOTS), weights that tell attacks from what people write about them, of values with or without a
            mark; of grams, and of words and shapes (`kernels.requests.word_shapes`); asked only where a rule hit.
            talk_scale, talk_bias: As the others.
    """

    weights: NDArray[np.int8]
    scale: float
    bias: float
    kinds: tuple[str, ...]
    trained_on: str = ""
    talk: NDArray[np.int8] = msgspec.field(default_factory=lambda: np.zeros((2, SLOTS), dtype=np.int8))
    talk_scale: float = 1.0
    talk_bias: float = 0.0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PayloadModel) and self.dumped() == other.dumped()

    def __hash__(self) -> int:
        return hash(self.dumped())

    @classmethod
    def rounded(
        cls,
        coefficients: NDArray[np.float64],
        bias: float,
        apart: NDArray[np.float64],
        kinds: tuple[str, ...],
        trained_on: str = "",
    ) -> "PayloadModel":
        """A model of coefficients (SLOTS,) and (kinds, SLOTS), each row rounded to a signed byte of its own scale.

        The largest thousandth of the coefficients is clipped, so that the others keep their difference.
        """
        rows = np.vstack([coefficients, apart])
        largest = np.quantile(np.abs(rows[0][rows[0] != 0]), 0.999)
        other = np.quantile(np.abs(rows[1:][rows[1:] != 0]), 0.999)
        scales = np.array([largest] + [other] * len(apart)) / 127
        weights = np.clip(np.rint(rows / scales[:, None]), -127, 127).astype(np.int8)
        return cls(weights, float(scales[0]), bias, kinds, trained_on)

    def told_from_talk(self, coefficients: NDArray[np.float64], bias: float) -> "PayloadModel":
        """The same, with coefficients (2, SLOTS) that tell attacks from talk, rounded as in `rounded`."""
        scale = float(np.quantile(np.abs(coefficients[coefficients != 0]), 0.999)) / 127
        talk = np.clip(np.rint(coefficients / scale), -127, 127).astype(np.int8)
        return replace(self, talk=talk, talk_scale=scale, talk_bias=bias)

    def dumped(self) -> bytes:
        """The model as a file holds it."""
        body = self.weights.tobytes() + self.talk.tobytes()
        header = _Header(
            self.weights.shape[1],
            self.kinds,
            self.scale,
            self.bias,
            self.talk_scale,
            self.talk_bias,
            hashlib.sha256(body).hexdigest(),
            self.trained_on,
        )
        return MAGIC + msgspec.json.encode(header) + b"\n" + body

    def unit(self, log_odds: float) -> float:
        """The sum over root that a score in log-odds comes from."""
        return (log_odds - self.bias) / self.scale

    def talk_unit(self, log_odds: float) -> float:
        """The same of what tells attacks from talk."""
        return (log_odds - self.talk_bias) / self.talk_scale

    def score(self, value: bytes, *, query: bool = False) -> float | None:
        """Log-odds of a decoded value (or the worst value of a query); None if it holds no mark to go by."""
        (found,) = self.windows([(value, query)])
        return None if found is None else found[0]

    def windows(self, texts: Sequence[tuple[bytes, bool]]) -> list[tuple[float, bytes] | None]:
        """Log-odds of decoded texts, and the window of each that they are of; None where there is no score.

        Args:
            texts: Each with whether it is a query.
        """
        joined = np.frombuffer(b"".join(text + b"\0\n" for text, _ in texts), dtype=np.uint8)
        ends = np.cumsum([len(text) + 2 for text, _ in texts], dtype=np.int64)
        split = np.array([query for _, query in texts], dtype=np.int64)
        score, span = np.empty(len(texts)), np.empty((len(texts), 2), dtype=np.int64)
        best, window = np.empty(1), np.empty(2, dtype=np.int64)
        score_each(SYMBOLS, joined, ends, split, self.weights, roots(), best, window, score, span)
        return [
            None if found < -1e8 else (found * self.scale + self.bias, text[first:past])
            for (text, _), found, (first, past) in zip(texts, score.tolist(), span.tolist(), strict=True)
        ]

    def explain(self, window: bytes, *, most: int = 8) -> tuple[list[Gram], float]:
        """What a window's score is made of: the grams that add most to it, and the sum of all others with the bias.

        The amounts add up to the score.
        """
        grams = self._grams(window[:WINDOW])
        shown = sorted(grams, key=lambda gram: (-gram.amount, gram.text))[:most]
        shown = [gram for gram in shown if gram.amount > 0]
        return shown, self.bias + sum(gram.amount for gram in grams) - sum(gram.amount for gram in shown)

    def _grams(self, window: bytes) -> list[Gram]:
        """The grams of a window, alike ones together."""
        text = np.frombuffer(window + b"\0", dtype=np.uint8)
        room = 3 * (WINDOW + 2)
        slot, size, last = (np.zeros(room, dtype=np.int64) for _ in range(3))
        count = list_grams(SYMBOLS, text, 0, len(window), self.weights.shape[1], slot, size, last)
        shown = (
            "^"
            + "".join(chr(byte) if 32 <= byte < 127 else "\N{REPLACEMENT CHARACTER}" for byte in window)
            + "$"
        )
        together: dict[str, tuple[int, int]] = {}
        for number in range(count):
            past = int(last[number]) + 2
            gram = shown[past - int(size[number]) : past]
            times, total = together.get(gram, (0, 0))
            together[gram] = times + 1, total + int(self.weights[0, slot[number]])
        share = self.scale * float(roots()[count])
        return [Gram(gram, times, total * share) for gram, (times, total) in together.items()]


PACKAGED = PayloadModel(np.zeros((2, SLOTS), dtype=np.int8), 1.0, 0.0, ("",))
"""Stands for the package's model, which is not read before it is needed."""


@cache
def roots() -> NDArray[np.float64]:
    """`1 / sqrt(n)` for each number of grams, or of words and shapes, that a window can have; 0 for none."""
    most = max(LONGEST - SHORTEST + 1, PER_BYTE) * (WINDOW + 2) + 1
    table = np.zeros(most)
    table[1:] = 1 / np.sqrt(np.arange(1, most))
    return table


def load_model(content: bytes) -> PayloadModel:
    """Read a model. Nothing of it is run, and its sizes and hash are checked first.

    Raises:
        ModelError: With what is wrong.
    """
    if len(content) > LARGEST:
        raise ModelError(f"payload model: {len(content)} bytes: at most {LARGEST}")
    if not content.startswith(MAGIC):
        raise ModelError(
            "payload model: does not begin with its name: not a payload model, or of another version"
        )
    line, found, body = content[len(MAGIC) :].partition(b"\n")
    try:
        header = msgspec.json.decode(line, type=_Header)
    except msgspec.MsgspecError as error:
        raise ModelError(f"payload model: its header: {error}") from error
    if not found or header.slots != SLOTS or not 1 <= len(header.kinds) <= MOST_KINDS:
        raise ModelError(
            f"payload model: {header.slots} slots, {len(header.kinds)} kinds: must be {SLOTS}, 1 to {MOST_KINDS}"
        )
    rows = 3 + len(header.kinds)
    if len(body) != rows * SLOTS or hashlib.sha256(body).hexdigest() != header.sha256:
        raise ModelError("payload model: its weights are damaged: install the package again")
    for scale, bias in ((header.scale, header.bias), (header.talk_scale, header.talk_bias)):
        if not 0 < scale < 100 or not -100 < bias < 100:
            raise ModelError(f"payload model: scale {scale}, bias {bias}: no such model")
    weights = np.frombuffer(body, dtype=np.int8).reshape(rows, SLOTS)
    return PayloadModel(
        weights[:-2],
        header.scale,
        header.bias,
        header.kinds,
        header.trained_on,
        weights[-2:],
        header.talk_scale,
        header.talk_bias,
    )


@cache
def packaged() -> PayloadModel:
    """The package's model, read once."""
    return load_model(package_model())


def package_model() -> bytes:
    """The file of the package's model."""
    return (resources.files("vedette.detectors.signatures") / "payload.model").read_bytes()
