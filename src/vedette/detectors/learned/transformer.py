"""A causal transformer over tokens, fitted by PyTorch (Vaswani et al. 2017, the decoder's half)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.tokens import PAD
from vedette.detectors.learned.walks import WINDOW

if TYPE_CHECKING:
    import torch

_BATCH: Final = 32
_PASSES: Final = 17
"""Times that each window is seen. With a third of that the network knows too little; with three times as much it knows
by heart what its clients did: `docs/explanation/sequences.md` has both measured."""
_LEAST_STEPS: Final = 400
_MOST_STEPS: Final = 3_000
_LOOK_EVERY: Final = 100
"""Steps from one look at what is held back to the next."""
_PATIENCE: Final = 5
"""Looks without a better one after which fitting ends."""
_RATE: Final = 3e-3
_DROPOUT: Final = 0.25
_DECAY: Final = 0.01


@dataclass(frozen=True, slots=True)
class Size:
    """Of a network."""

    width: int
    heads: int
    layers: int


REFERENCE: Final = Size(width=256, heads=8, layers=4)
SMALL: Final = Size(width=64, heads=4, layers=2)
"""What is used; `docs/explanation/learned.md` has both measured."""


def fit_network(
    inputs: NDArray[np.int64],
    targets: NDArray[np.int64],
    held_back: tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    vocabulary: int,
    size: Size,
    seed: int,
) -> dict[str, NDArray[np.float32]]:
    """Fit a network to windows of sessions; imports PyTorch, which computes on one thread from then on.

    Args:
        inputs, targets: int64 (n, WINDOW); targets that are `PAD` do not count.
        held_back: The same of other sessions, which tell when to stop.
        seed: The same gives the same network, on the same machine and libraries.

    Returns:
        Weights by name, float32.
    """
    import torch

    # Sums in another order are other sums.
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _fitted(inputs, targets, held_back, vocabulary, size, seed)


def _fitted(
    inputs: NDArray[np.int64],
    targets: NDArray[np.int64],
    held_back: tuple[NDArray[np.int64], NDArray[np.int64]],
    vocabulary: int,
    size: Size,
    seed: int,
) -> dict[str, NDArray[np.float32]]:
    import torch

    weights = _begin(vocabulary, size)
    # As frequent as they are: the network learns the rest.
    counts = np.bincount(targets[targets != PAD], minlength=vocabulary) + 0.5
    weights["frequency"] = torch.tensor(np.log(counts / counts.sum()), dtype=torch.float32)
    for value in weights.values():
        value.requires_grad_()
    steps = min(_MOST_STEPS, max(_LEAST_STEPS, _PASSES * len(inputs) // _BATCH))
    optimizer = torch.optim.AdamW(list(weights.values()), lr=_RATE, weight_decay=_DECAY)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=_RATE, total_steps=steps)
    draw = np.random.default_rng(seed)
    fed, wanted = torch.from_numpy(inputs), torch.from_numpy(targets)
    best, kept, since = np.inf, _copied(weights), 0
    for step in range(1, steps + 1):
        rows = torch.from_numpy(draw.integers(0, len(inputs), _BATCH))
        optimizer.zero_grad()
        _loss(_logits(weights, fed[rows], size, dropout=_DROPOUT), wanted[rows]).backward()
        torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0)
        optimizer.step()
        pace.step()
        if step % _LOOK_EVERY and step != steps:
            continue
        with torch.no_grad():
            found = _logits(weights, torch.from_numpy(held_back[0]), size)
            loss = float(_loss(found, torch.from_numpy(held_back[1])))
        if loss < best:
            best, kept, since = loss, _copied(weights), 0
        else:
            since += 1
            if since >= _PATIENCE:
                break
    return kept


def log_probability(
    weights: dict[str, NDArray[np.float32]], inputs: NDArray[np.int64], size: Size
) -> NDArray[np.float32]:
    """What PyTorch makes of a network, float32 (b, WINDOW, vocabulary): the reference for what ONNX Runtime does."""
    import torch

    held = {name: torch.from_numpy(value) for name, value in weights.items()}
    with torch.no_grad():
        found = torch.log_softmax(_logits(held, torch.from_numpy(inputs), size), dim=-1)
    return np.asarray(found.numpy(), dtype=np.float32)


def _begin(vocabulary: int, size: Size) -> "dict[str, torch.Tensor]":
    import torch

    width, deep = size.width, 4 * size.width

    def drawn(*shape: int) -> Any:
        return torch.randn(*shape) * 0.02

    weights = {
        "token": drawn(vocabulary, width),
        "place": drawn(WINDOW, width),
        "frequency": torch.zeros(vocabulary),
    }
    norms = ["after"]
    for layer in range(size.layers):
        shapes = {
            "attend": (width, 3 * width),
            "project": (width, width),
            "widen": (width, deep),
            "narrow": (deep, width),
        }
        for name, shape in shapes.items():
            weights[f"{layer}.{name}"] = drawn(*shape)
            weights[f"{layer}.{name}.bias"] = torch.zeros(shape[1])
        norms += [f"{layer}.before", f"{layer}.between"]
    for name in norms:
        weights[f"{name}.scale"], weights[f"{name}.shift"] = torch.ones(width), torch.zeros(width)
    return weights


def _logits(
    weights: "dict[str, torch.Tensor]", tokens: "torch.Tensor", size: Size, dropout: float = 0.0
) -> "torch.Tensor":
    from torch.nn import functional as nn

    def normed(of: "torch.Tensor", name: str) -> "torch.Tensor":
        return nn.layer_norm(of, (size.width,), weights[f"{name}.scale"], weights[f"{name}.shift"])

    def dropped(of: "torch.Tensor") -> "torch.Tensor":
        return nn.dropout(of, dropout) if dropout else of

    held = dropped(weights["token"][tokens] + weights["place"])
    b, heads = len(tokens), size.heads
    for layer in range(size.layers):
        name = f"{layer}."
        parts = normed(held, f"{name}before") @ weights[f"{name}attend"] + weights[f"{name}attend.bias"]
        q, k, v = (part.view(b, WINDOW, heads, -1).transpose(1, 2) for part in parts.split(size.width, dim=2))
        mixed = nn.scaled_dot_product_attention(q, k, v, is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(b, WINDOW, size.width)
        held = held + dropped(mixed @ weights[f"{name}project"] + weights[f"{name}project.bias"])
        wide = nn.relu(
            normed(held, f"{name}between") @ weights[f"{name}widen"] + weights[f"{name}widen.bias"]
        )
        held = held + dropped(wide @ weights[f"{name}narrow"] + weights[f"{name}narrow.bias"])
    return normed(held, "after") @ weights["token"].T + weights["frequency"]


def _loss(logits: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
    from torch.nn import functional as nn

    return nn.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)


def _copied(weights: "dict[str, torch.Tensor]") -> dict[str, NDArray[np.float32]]:
    return {name: value.detach().numpy().copy() for name, value in weights.items()}
