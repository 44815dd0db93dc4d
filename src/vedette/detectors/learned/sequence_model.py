"""A model of what comes next in a client's session, with all that judging by it takes."""

from typing import TYPE_CHECKING, Final, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.archive import check_arrays, read_archive, write_archive
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.network import Size, Weights, weight_shapes, write_network
from vedette.detectors.learned.order_model import OrderCard, OrderModel, check_vocabulary
from vedette.detectors.learned.tokens import PAD
from vedette.detectors.learned.walks import WINDOW, Chunks

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_BATCH: Final = 64
"""Windows scored at once: what is computed of them stays in a processor's cache. By 256, it takes a tenth longer."""
_MOST_WIDTH: Final = 512
_MOST_LAYERS: Final = 8
_MOST_WEIGHT: Final = 1e3
"""Weights no further from 0 leave every sum of a network within what float32 holds; those that are fitted, and
logarithms of counts, are below 40."""


class SequenceCard(OrderCard, frozen=True, kw_only=True):
    """What is known about a transformer besides its network.

    Attributes:
        width, heads, layers: Size of the network.
    """

    width: int
    heads: int
    layers: int

    @property
    def size(self) -> Size:
        """Of the network."""
        return Size(self.width, self.heads, self.layers)


class SequenceModel(OrderModel):
    """A transformer over sessions, calibrated; ONNX Runtime computes it.

    Args:
        card: What it rests on. weights: Of the network, float32 by name, see `network.weight_shapes`.
    """

    def __init__(self, card: SequenceCard, weights: Weights) -> None:
        super().__init__(card)
        self.card: SequenceCard = card
        self.weights = weights
        self._session: InferenceSession | None = None

    def surprise(self, windows: Chunks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `OrderModel`."""
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
        row = same[windows.row]
        asked = np.zeros((len(first), WINDOW), dtype=np.bool_)
        asked[row, windows.column] = True
        # Short ones together: nothing beyond the latest request is computed.
        until = np.where(windows.targets != PAD, np.arange(1, WINDOW + 1), 1).max(axis=1)[first]
        order = np.argsort(until, kind="stable")
        found = np.zeros((2, len(first), WINDOW), dtype=np.float64)
        for start in range(0, len(first), _BATCH):
            some = order[start : start + _BATCH]
            wide = int(until[some[-1]])
            of, place = np.nonzero(asked[some, :wide])
            at = first[some]
            fed = {
                "tokens": windows.inputs[at, :wide],
                "at": of * wide + place,
                "targets": windows.targets[at[of], place],
            }
            found[:, some[of], place] = self._run(["surprise", "entropy"], fed)
        seen, expected = found[:, row, windows.column]
        return seen, expected

    def expected(self, inputs: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `OrderModel`."""
        at = np.arange(inputs.size)
        fed = {"tokens": inputs, "at": at, "targets": np.full(len(at), PAD, dtype=np.int64)}
        found = np.exp(self._run(["log_probability"], fed)[0].astype(np.float64))
        return found.reshape(*inputs.shape, -1)

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, self.weights)

    def calibrated(self, card: OrderCard) -> "SequenceModel":
        """See `OrderModel`."""
        # It was made from this model's own.
        return SequenceModel(cast("SequenceCard", card), self.weights)

    def _run(self, outputs: list[str], fed: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        if self._session is None:
            self._session = _session(write_network(self.weights, heads=self.card.heads))
        return list(self._session.run(outputs, fed))


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
    card, arrays = read_archive(content, SequenceCard, _names)
    known = check_vocabulary(card)
    shapes = weight_shapes(known, card.size)
    check_arrays(arrays, {name: (np.float32, shape) for name, shape in shapes.items()})
    for name, array in arrays.items():
        if not (np.abs(array) <= _MOST_WEIGHT).all():
            raise ModelError(f"array {name} holds what is not within {_MOST_WEIGHT:g} of 0")
    return SequenceModel(card, arrays)


def _names(card: SequenceCard) -> tuple[str, ...]:
    """Of the arrays that a network of a card's size has."""
    width, heads, layers = msgspec.structs.astuple(card.size)
    if not (0 < width <= _MOST_WIDTH and 0 < layers <= _MOST_LAYERS and heads > 0 and width % heads == 0):
        raise ModelError(
            f"a network of width {width}, {heads} heads and {layers} layers: must be at most {_MOST_WIDTH} wide, of "
            f"heads that part the width evenly, and of 1 to {_MOST_LAYERS} layers"
        )
    return tuple(weight_shapes(0, card.size))
