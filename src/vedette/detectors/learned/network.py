"""A causal transformer over tokens as ONNX, written from its weights.

The graph is written out here and not exported by PyTorch: exporting takes further packages. A model's file holds the
weights, as plain arrays; the network that is run is written from them by whoever reads it, so that no file says what is
computed.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.walks import WINDOW

if TYPE_CHECKING:
    from onnx import NodeProto

_OPSET: Final = 17
_IR: Final = 8

Weights = Mapping[str, NDArray[np.float32]]


class Size(msgspec.Struct, frozen=True):
    """Of a network."""

    width: int
    heads: int
    layers: int


def weight_shapes(vocabulary: int, size: Size) -> dict[str, tuple[int, ...]]:
    """The weights of a network over so many tokens: their names and shapes, in the order in which they are drawn."""
    width, deep = size.width, 4 * size.width
    shapes: dict[str, tuple[int, ...]] = {
        "token": (vocabulary, width),
        "place": (WINDOW, width),
        "frequency": (vocabulary,),
        "follows": (vocabulary, vocabulary),
    }
    norms = ["after"]
    for layer in range(size.layers):
        of_layer = {
            "attend": (width, 3 * width),
            "project": (width, width),
            "widen": (width, deep),
            "narrow": (deep, width),
        }
        for name, shape in of_layer.items():
            shapes[f"{layer}.{name}"] = shape
            shapes[f"{layer}.{name}.bias"] = shape[1:]
        norms += [f"{layer}.before", f"{layer}.between"]
    for name in norms:
        shapes[f"{name}.scale"] = shapes[f"{name}.shift"] = (width,)
    return shapes


def write_network(weights: Weights, *, heads: int) -> bytes:
    """A network as ONNX, from the weights that `vedette.detectors.learned.transformer.fit_network` gives.

    Inputs: `tokens`, int64 (b, w), w at most WINDOW; `at`, int64 (t,), the places in them, row by row, after which
    something is asked, and `targets`, int64 (t,), what. Outputs: `surprise` and `entropy`, float32 (t,), -log10 of the
    probability of each target, and the mean of that over all tokens by the network itself; `log_probability`, float32
    (t, vocabulary), natural. What attends to other places is computed for all of them, all else for those asked about.
    """
    from onnx import TensorProto, helper, numpy_helper

    vocabulary, width = weights["token"].shape
    layers = sum(name.endswith(".attend") for name in weights)
    each = width // heads
    constants: dict[str, NDArray[Any]] = {name: np.asarray(value) for name, value in weights.items()}
    constants["mask"] = np.triu(np.full((WINDOW, WINDOW), -1e9, dtype=np.float32), 1)
    constants["scale"] = np.array(each**-0.5, dtype=np.float32)
    constants["split_shape"] = np.array([0, 0, heads, each], dtype=np.int64)
    constants["whole_shape"] = np.array([0, 0, width], dtype=np.int64)
    constants["flat_shape"] = np.array([-1, width], dtype=np.int64)
    constants["row_shape"] = np.array([-1], dtype=np.int64)
    constants["none"], constants["zeros"] = np.zeros(1, dtype=np.int64), np.zeros(2, dtype=np.int64)
    constants["twice"] = np.ones(2, dtype=np.int64)
    constants["last_axis"] = np.array([1], dtype=np.int64)
    constants["to_digits"] = np.array(-1.0 / np.log(10.0), dtype=np.float32)
    constants["tokens_of"] = np.ascontiguousarray(weights["token"].T)
    nodes: list[NodeProto] = []

    def node(operation: str, inputs: list[str], output: str, **settings: Any) -> str:
        nodes.append(helper.make_node(operation, inputs, output.split(), **settings))
        return output

    node("Gather", ["token", "tokens"], "told")
    # As wide as what is asked.
    node("Shape", ["tokens"], "wide", start=1, end=2)
    node("Slice", ["place", "none", "wide", "none"], "places")
    node("Mul", ["wide", "twice"], "square")
    node("Slice", ["mask", "zeros", "square"], "masks")
    held = node("Add", ["told", "places"], "held")
    for layer in range(layers):
        name = f"{layer}."

        def normed(of: str, which: str, name: str = name) -> str:
            inputs = [of, f"{name}{which}.scale", f"{name}{which}.shift"]
            return node("LayerNormalization", inputs, f"{name}{which}.normed", axis=-1, epsilon=1e-5)

        def linear(of: str, which: str, name: str = name) -> str:
            product = node("MatMul", [of, f"{name}{which}"], f"{name}{which}.product")
            return node("Add", [product, f"{name}{which}.bias"], f"{name}{which}.sum")

        node("Split", [linear(normed(held, "before"), "attend")], f"{name}q {name}k {name}v", axis=2)
        for part, turn in (("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])):
            node("Reshape", [name + part, "split_shape"], f"{name}{part}.split")
            node("Transpose", [f"{name}{part}.split"], f"{name}{part}.heads", perm=turn)
        node("MatMul", [f"{name}q.heads", f"{name}k.heads"], f"{name}likeness")
        node("Mul", [f"{name}likeness", "scale"], f"{name}scaled")
        node("Add", [f"{name}scaled", "masks"], f"{name}masked")
        node("Softmax", [f"{name}masked"], f"{name}attention", axis=-1)
        node("MatMul", [f"{name}attention", f"{name}v.heads"], f"{name}mixed")
        node("Transpose", [f"{name}mixed"], f"{name}turned", perm=[0, 2, 1, 3])
        node("Reshape", [f"{name}turned", "whole_shape"], f"{name}whole")
        whole = f"{name}whole"
        if layer == layers - 1:
            whole, held = (
                node("Gather", [node("Reshape", [of, "flat_shape"], f"{of}.flat"), "at"], f"{of}.at")
                for of in (whole, held)
            )
        held = node("Add", [held, linear(whole, "project")], f"{name}attended")
        wide = node("Relu", [linear(normed(held, "between"), "widen")], f"{name}wide")
        held = node("Add", [held, linear(wide, "narrow")], f"{name}done")
    node("LayerNormalization", [held, "after.scale", "after.shift"], "last", axis=-1, epsilon=1e-5)
    node("MatMul", ["last", "tokens_of"], "likely")
    node("Add", ["likely", "frequency"], "alone")
    node("Reshape", ["tokens", "row_shape"], "token_row")
    node("Gather", ["token_row", "at"], "token_at")
    node("Gather", ["follows", "token_at"], "following")
    node("Add", ["alone", "following"], "logits")
    node("LogSoftmax", ["logits"], "log_probability", axis=-1)
    node("Unsqueeze", ["targets", "last_axis"], "asked")
    node("GatherElements", ["log_probability", "asked"], "given", axis=1)
    node("Squeeze", ["given", "last_axis"], "natural")
    node("Mul", ["natural", "to_digits"], "surprise")
    node("Exp", ["log_probability"], "probability")
    node("Mul", ["probability", "log_probability"], "weighed")
    node("ReduceSum", ["weighed", "last_axis"], "summed", keepdims=0)
    node("Mul", ["summed", "to_digits"], "entropy")
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "sequence",
        [
            tensor("tokens", TensorProto.INT64, ["b", "w"]),
            *(tensor(name, TensorProto.INT64, ["t"]) for name in ("at", "targets")),
        ],
        [
            *(tensor(name, TensorProto.FLOAT, ["t"]) for name in ("surprise", "entropy")),
            tensor("log_probability", TensorProto.FLOAT, ["t", vocabulary]),
        ],
        [numpy_helper.from_array(value, name) for name, value in sorted(constants.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    content: bytes = model.SerializeToString(deterministic=True)
    return content
