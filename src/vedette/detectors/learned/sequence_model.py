"""A model of what comes next in a client's session, with all that judging by it takes."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.archive import read_archive, write_archive
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.order_model import OrderCard, OrderModel, check_vocabulary
from vedette.detectors.learned.tokens import PAD
from vedette.detectors.learned.walks import WINDOW, Chunks

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_BATCH: Final = 256
"""Windows scored at once: their activations stay within a few megabytes."""


class SequenceCard(OrderCard, frozen=True, kw_only=True):
    """What is known about a transformer besides its network.

    Attributes:
        width, heads, layers: Size of the network.
    """

    width: int
    heads: int
    layers: int


class SequenceModel(OrderModel):
    """A transformer over sessions, calibrated; ONNX Runtime computes it.

    Args:
        card: What it rests on. network: The network as ONNX.
    """

    def __init__(self, card: OrderCard, network: bytes) -> None:
        super().__init__(card)
        self.network = network
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

    def expected(self, inputs: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `OrderModel`."""
        fed = {"tokens": inputs, "targets": np.full(inputs.shape, PAD, dtype=np.int64)}
        return np.exp(self._run(["log_probability"], fed)[0].astype(np.float64))

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, {}, {"network.onnx": self.network})

    def calibrated(self, card: OrderCard) -> "SequenceModel":
        """See `OrderModel`."""
        return SequenceModel(card, self.network)

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
    known = check_vocabulary(card)
    check_network(contents["network.onnx"], known)
    return SequenceModel(card, contents["network.onnx"])
