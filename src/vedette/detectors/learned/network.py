"""A causal transformer over tokens as ONNX: written from its weights, and checked before it is run.

The graph is written out here and not exported by PyTorch: equal weights give equal bytes, exporting takes no further
package, and what a model file may contain is a short list.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.walks import WINDOW

if TYPE_CHECKING:
    from onnx import NodeProto

_OPSET: Final = 17
_IR: Final = 8
_MOST_NODES: Final = 2_000
_OPERATIONS: Final = frozenset(
    (
        *("Gather", "GatherElements", "Add", "Mul", "MatMul", "Relu", "Softmax", "LogSoftmax", "Reshape"),
        *("Transpose", "LayerNormalization", "Squeeze", "Unsqueeze", "Split", "ReduceSum", "Shape", "Slice"),
    )
)
"""What a network may be made of: none of these reads a file, loops, or makes room by what it is given."""

Weights = Mapping[str, NDArray[np.float32]]


def write_network(weights: Weights, *, heads: int) -> bytes:
    """A network as ONNX, from the weights that `vedette.detectors.learned.transformer.fit_network` gives.

    Inputs: `tokens` and `targets`, int64 (b, w), w at most WINDOW. Outputs: `surprise` and `entropy`, float32 (b, w),
    -log10 of the probability of each target, and the mean of that over all tokens by the network itself;
    `log_probability`, float32 (b, w, vocabulary), natural.
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
    constants["none"], constants["zeros"] = np.zeros(1, dtype=np.int64), np.zeros(2, dtype=np.int64)
    constants["twice"] = np.ones(2, dtype=np.int64)
    constants["last_axis"] = np.array([2], dtype=np.int64)
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
        held = node("Add", [held, linear(f"{name}whole", "project")], f"{name}attended")
        wide = node("Relu", [linear(normed(held, "between"), "widen")], f"{name}wide")
        held = node("Add", [held, linear(wide, "narrow")], f"{name}done")
    node("LayerNormalization", [held, "after.scale", "after.shift"], "last", axis=-1, epsilon=1e-5)
    node("MatMul", ["last", "tokens_of"], "likely")
    node("Add", ["likely", "frequency"], "alone")
    node("Gather", ["follows", "tokens"], "following")
    node("Add", ["alone", "following"], "logits")
    node("LogSoftmax", ["logits"], "log_probability", axis=-1)
    node("Unsqueeze", ["targets", "last_axis"], "asked")
    node("GatherElements", ["log_probability", "asked"], "given", axis=2)
    node("Squeeze", ["given", "last_axis"], "natural")
    node("Mul", ["natural", "to_digits"], "surprise")
    node("Softmax", ["logits"], "probability", axis=-1)
    node("Mul", ["probability", "log_probability"], "weighed")
    node("ReduceSum", ["weighed", "last_axis"], "summed", keepdims=0)
    node("Mul", ["summed", "to_digits"], "entropy")
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "sequence",
        [tensor(name, TensorProto.INT64, ["b", "w"]) for name in ("tokens", "targets")],
        [
            tensor("surprise", TensorProto.FLOAT, ["b", "w"]),
            tensor("entropy", TensorProto.FLOAT, ["b", "w"]),
            tensor("log_probability", TensorProto.FLOAT, ["b", "w", vocabulary]),
        ],
        [numpy_helper.from_array(value, name) for name, value in sorted(constants.items())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def check_network(content: bytes, vocabulary: int) -> None:
    """Refuse what is no network as `write_network` writes them, over so many tokens.

    Raises:
        ModelError: It has other inputs, operations or sizes, or numbers that are not finite.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(content)
        weights = {
            tensor.name: onnx.numpy_helper.to_array(tensor)
            for tensor in model.graph.initializer
            if tensor.data_location == onnx.TensorProto.DEFAULT
        }
    except (DecodeError, ValueError, TypeError) as error:
        raise ModelError(f"no network: {str(error)[:200]}") from error
    graph = model.graph
    others = {node.op_type for node in graph.node} - _OPERATIONS
    if others or model.functions or any(node.domain for node in graph.node):
        raise ModelError(f"a network with {', '.join(sorted(others)) or 'functions'}: no operation of ours")
    if len(graph.node) > _MOST_NODES or len(weights) != len(graph.initializer):
        raise ModelError(f"a network of {len(graph.node)} nodes, or with weights outside its file")
    names = [value.name for value in graph.input], [value.name for value in graph.output]
    if names != (["tokens", "targets"], ["surprise", "entropy", "log_probability"]):
        raise ModelError("a network with other inputs or outputs than tokens and targets, and their surprise")
    token = weights.get("token")
    if token is None or token.ndim != 2 or len(token) != vocabulary:
        raise ModelError(f"a network that does not know {vocabulary} tokens, as its card does")
    if not all(np.isfinite(value).all() for value in weights.values() if value.dtype == np.float32):
        raise ModelError("its numbers are not all finite")
