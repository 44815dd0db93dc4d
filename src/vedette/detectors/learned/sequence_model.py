"""A model of what comes next in a client's session, with all that judging by it takes."""

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.archive import read_archive, write_archive
from vedette.detectors.learned.card import Card, ModelError
from vedette.detectors.learned.drift import Population
from vedette.detectors.learned.tail import Tail
from vedette.detectors.learned.tokens import PAD, UNKNOWN, Vocabulary
from vedette.detectors.learned.walks import WINDOW, Chunks

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MOST_VOCABULARY: Final = 1_024
"""Tokens that a model knows, the most frequent; rarer ones count as unknown."""
_BATCH: Final = 256
"""Windows scored at once: their activations stay within a few megabytes."""


class SequenceChecked(msgspec.Struct, frozen=True):
    """What a model's own check found, on the latest sessions, which it was not fitted to.

    Attributes:
        requests, sessions: Of that part.
        stability: Population stability index of its tokens against those that the model was fitted to.
        separation: Area under the ROC curve of the same sessions with their tokens drawn by chance, against them.
        surprise: Mean surprise of a request (-log10 of what the model gave it). expected: What the model expected it
            to be. by_frequency: The same if only how frequent each token is were known.
        unknown: Share of requests that are in no vocabulary.
    """

    requests: int
    sessions: int
    stability: float
    separation: float
    surprise: float
    expected: float
    by_frequency: float
    unknown: float


class SequenceCard(Card, frozen=True, kw_only=True):
    """What is known about a model of sequences besides its network.

    Attributes:
        vocabulary: Texts of the tokens. width, heads, layers: Size of the network.
        sessions_tail: Tail of the highest score that each session had.
        counts: How often each token came, of those beside the vocabulary, too. scores: Highest scores of sessions that
            it was not fitted to. Both tell drift; models that were written by earlier versions have none.
    """

    vocabulary: tuple[str, ...]
    width: int
    heads: int
    layers: int
    sessions_tail: Tail
    checked: SequenceChecked
    counts: tuple[int, ...] = ()
    scores: Population | None = None


class SequenceModel:
    """A transformer over sessions, calibrated; ONNX Runtime computes it.

    Args:
        card: What it rests on. network: The network as ONNX.

    Attributes:
        vocabulary: Its tokens.
    """

    def __init__(self, card: SequenceCard, network: bytes) -> None:
        self.card = card
        self.network = network
        self.vocabulary = Vocabulary(card.vocabulary)
        self._session: InferenceSession | None = None

    def surprise(self, windows: Chunks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How surprising each judged request is, and how surprising the model expected it to be.

        -log10 of what the model gave the request, and the mean of that over all that it held possible (the entropy);
        float64 (t,) each, in the requests' order.
        """
        n = len(windows.inputs)
        if not n:
            return np.zeros(0), np.zeros(0)
        # Many sessions begin alike: each beginning is computed once.
        whole = np.concatenate([windows.inputs, windows.targets[:, -1:]], axis=1).astype(np.int16)
        _, first, same = np.unique(
            whole.view(np.dtype((np.void, whole.itemsize * whole.shape[1]))).ravel(),
            return_index=True,
            return_inverse=True,
        )
        # Short ones together: nothing beyond the latest request is computed.
        until = np.where(windows.targets != PAD, np.arange(1, WINDOW + 1), 1).max(axis=1)[first]
        order = np.argsort(until, kind="stable")
        found = np.zeros((2, len(first), WINDOW), dtype=np.float64)
        for start in range(0, len(first), _BATCH):
            some = order[start : start + _BATCH]
            wide = self._width(int(until[some[-1]]))
            fed = {
                "tokens": windows.inputs[first[some], :wide],
                "targets": windows.targets[first[some], :wide],
            }
            found[:, some, :wide] = self._run(["surprise", "entropy"], fed)
        seen, expected = found[:, same[windows.row], windows.column]
        return seen, expected

    def excess(self, windows: Chunks) -> NDArray[np.float64]:
        """By how much each judged request is more surprising than the model expected, float64 (t,); see `beyond`."""
        return beyond(windows, *self.surprise(windows))

    def expected(self, inputs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities of what comes after each place of some windows, float64 (b, WINDOW, vocabulary)."""
        fed = {"tokens": inputs, "targets": np.full(inputs.shape, PAD, dtype=np.int64)}
        return np.exp(self._run(["log_probability"], fed)[0].astype(np.float64))

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, {}, {"network.onnx": self.network})

    def summary(self) -> str:
        """See `Model`."""
        card, checked = self.card, self.card.checked
        return (
            f"from {card.rows:,} requests in {card.sessions:,} sessions, {len(card.vocabulary)} tokens; "
            f"stability {checked.stability:.3f}, separation {checked.separation:.3f}, surprise "
            f"{checked.surprise:.3f} (by frequency {checked.by_frequency:.3f})"
        )

    def _width(self, wanted: int) -> int:
        """Requests that the network is asked about at once; those of earlier versions take whole windows only."""
        fixed = self._loaded().get_inputs()[0].shape[1]
        return fixed if isinstance(fixed, int) else wanted

    def _loaded(self) -> "InferenceSession":
        if self._session is None:
            self._session = _session(self.network)
        return self._session

    def _run(self, outputs: list[str], fed: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        return list(self._loaded().run(outputs, fed))


def beyond(windows: Chunks, seen: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Surprise beyond what was expected, float64 (t,); 0 for requests that the model does not know.

    Of these it cannot tell after what they are usual. Where a site has got a new page, everybody who went there would
    be odd, step by step, and who is odd is not learned from.

    Args:
        seen, expected: See `SequenceModel.surprise`.
    """
    known = windows.targets[windows.row, windows.column] != UNKNOWN
    return np.where(known, seen - expected, 0.0)


def _session(network: bytes) -> "InferenceSession":
    """A session of ONNX Runtime on one thread: the engine's own thread waits for it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common class of their own but this
        raise ModelError(f"no network that ONNX Runtime takes: {str(error)[:200]}") from error


def read_sequence_model(content: bytes) -> SequenceModel:
    """What `SequenceModel.to_bytes` gave.

    Raises:
        ModelError: It is no such thing, is damaged, or is no network of the kind that Vedette writes.
    """
    from vedette.detectors.learned.network import check_network

    card, _, contents = read_archive(content, SequenceCard, (), ("network.onnx",))
    if len(card.vocabulary) > MOST_VOCABULARY or len(set(card.vocabulary)) != len(card.vocabulary):
        raise ModelError(
            f"a vocabulary of {len(card.vocabulary)} tokens: must be at most {MOST_VOCABULARY}, each once"
        )
    known = len(Vocabulary(card.vocabulary))
    if len(card.counts) not in (0, known):
        raise ModelError(f"counts of {len(card.counts)} tokens: must be {known}")
    check_network(contents["network.onnx"], known)
    return SequenceModel(card, contents["network.onnx"])
