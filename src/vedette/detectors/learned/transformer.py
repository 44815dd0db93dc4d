"""A causal transformer over tokens, fitted by PyTorch (Vaswani et al. 2017, the decoder's half).

It begins from what follows what (`vedette.detectors.learned.pairs`) and learns what is more likely than that, and less.
By itself it gives steps that nobody ever took the probability of similar ones, and misses who takes them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.network import Size, weight_shapes
from vedette.detectors.learned.pairs import counted_pairs, pairs_of
from vedette.detectors.learned.tokens import PAD
from vedette.detectors.learned.walks import WINDOW

if TYPE_CHECKING:
    import torch

_BATCH: Final = 32
_SORTED: Final = 16
"""Batches that are filled together, each with windows of about one length: most sessions are short."""
_PASSES: Final = 8
"""Times that each window is seen; `docs/explanation/sequences.md` has others measured."""
_LEAST_STEPS: Final = 200
_MOST_STEPS: Final = 800
"""Twice as many, on 65,536 requests: a surprise 0.002 lower, for twice the time."""
_LOOK_EVERY: Final = 50
"""Steps from one look at what is held back to the next."""
_PATIENCE: Final = 5
"""Looks without a better one after which fitting ends."""
_RATE: Final = 3e-3
_DROPOUT: Final = 0.25
_DECAY: Final = 0.01
_COUNTED: Final = ("frequency", "follows")
"""Weights that are counted, not learned."""


REFERENCE: Final = Size(width=256, heads=8, layers=4)
"""What tests and benches hold the small one against; `docs/explanation/sequences.md` has both measured."""
SMALL: Final = Size(width=48, heads=4, layers=1)
"""What is used."""


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

    pairs = pairs_of(counted_pairs(inputs, targets, vocabulary))
    weights = _begin(vocabulary, size)
    learned = [value.requires_grad_() for name, value in weights.items() if name not in _COUNTED]
    weights["frequency"] = torch.from_numpy(pairs.frequency)
    weights["follows"] = torch.from_numpy(pairs.follows)
    less = torch.from_numpy((pairs.without - pairs.follows)[inputs, targets])
    steps = min(_MOST_STEPS, max(_LEAST_STEPS, _PASSES * len(inputs) // _BATCH))
    optimizer = torch.optim.AdamW(learned, lr=_RATE, weight_decay=_DECAY, fused=True)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=_RATE, total_steps=steps)
    fed, wanted = torch.from_numpy(inputs), torch.from_numpy(targets)
    length = np.where(targets != PAD, np.arange(1, WINDOW + 1), 1).max(axis=1)
    batches = _batches(length, np.random.default_rng(seed))
    later = torch.from_numpy(held_back[0]), torch.from_numpy(held_back[1])
    best, kept, since = np.inf, _copied(weights), 0
    for step in range(1, steps + 1):
        chosen = next(batches)
        rows, until = torch.from_numpy(chosen), int(length[chosen].max())
        optimizer.zero_grad()
        asked = fed[rows, :until], wanted[rows, :until]
        _loss(weights, *asked, size, dropout=_DROPOUT, less=less[rows, :until]).backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        pace.step()
        if step % _LOOK_EVERY and step != steps:
            continue
        with torch.no_grad():
            loss = float(_loss(weights, *later, size))
        if loss < best:
            best, kept, since = loss, _copied(weights), 0
        else:
            since += 1
            if since >= _PATIENCE:
                break
    return kept


def _batches(length: NDArray[np.int64], draw: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    """Rows to be fitted to together, all of them once before any comes again; without end.

    Args:
        length: int64 (n,), of each row.
    """
    while True:
        order = draw.permutation(len(length))
        made: list[NDArray[np.intp]] = []
        for start in range(0, len(order), _BATCH * _SORTED):
            part = order[start : start + _BATCH * _SORTED]
            part = part[np.argsort(length[part], kind="stable")]
            made += [part[at : at + _BATCH] for at in range(0, len(part), _BATCH)]
        for number in draw.permutation(len(made)).tolist():
            yield made[number]


def log_probability(
    weights: dict[str, NDArray[np.float32]], inputs: NDArray[np.int64], size: Size
) -> NDArray[np.float32]:
    """What PyTorch makes of a network, float32 (b, WINDOW, vocabulary): the reference for what ONNX Runtime does."""
    import torch

    held = {name: torch.from_numpy(value) for name, value in weights.items()}
    with torch.no_grad():
        tokens = torch.from_numpy(inputs)
        found = torch.log_softmax(_logits(held, tokens, _states(held, tokens, size)), dim=-1)
    return np.asarray(found.numpy(), dtype=np.float32)


def _begin(vocabulary: int, size: Size) -> "dict[str, torch.Tensor]":
    import torch

    def begun(name: str, shape: tuple[int, ...]) -> "torch.Tensor":
        if name.endswith(".scale"):
            return torch.ones(shape)
        if name.endswith((".bias", ".shift")) or name in _COUNTED:
            return torch.zeros(shape)
        drawn: torch.Tensor = torch.randn(shape) * 0.02
        return drawn

    return {name: begun(name, shape) for name, shape in weight_shapes(vocabulary, size).items()}


def _states(
    weights: "dict[str, torch.Tensor]", tokens: "torch.Tensor", size: Size, dropout: float = 0.0
) -> "torch.Tensor":
    """What is known after each token, (b, w, width); w is `WINDOW` at most."""
    from torch.nn import functional as nn

    def normed(of: "torch.Tensor", name: str) -> "torch.Tensor":
        return nn.layer_norm(of, (size.width,), weights[f"{name}.scale"], weights[f"{name}.shift"])

    def dropped(of: "torch.Tensor") -> "torch.Tensor":
        return nn.dropout(of, dropout) if dropout else of

    (b, w), heads = tokens.shape, size.heads
    held = dropped(nn.embedding(tokens, weights["token"]) + weights["place"][:w])
    for layer in range(size.layers):
        name = f"{layer}."
        parts = normed(held, f"{name}before") @ weights[f"{name}attend"] + weights[f"{name}attend.bias"]
        q, k, v = (part.view(b, w, heads, -1).transpose(1, 2) for part in parts.split(size.width, dim=2))
        mixed = nn.scaled_dot_product_attention(q, k, v, is_causal=True)
        mixed = mixed.transpose(1, 2).reshape(b, w, size.width)
        held = held + dropped(mixed @ weights[f"{name}project"] + weights[f"{name}project.bias"])
        wide = nn.relu(
            normed(held, f"{name}between") @ weights[f"{name}widen"] + weights[f"{name}widen.bias"]
        )
        held = held + dropped(wide @ weights[f"{name}narrow"] + weights[f"{name}narrow.bias"])
    return normed(held, "after")


def _logits(
    weights: "dict[str, torch.Tensor]", tokens: "torch.Tensor", states: "torch.Tensor"
) -> "torch.Tensor":
    """Of what comes next, (.., vocabulary), where each token led to a state."""
    return states @ weights["token"].T + weights["frequency"] + weights["follows"][tokens]


def _loss(
    weights: "dict[str, torch.Tensor]",
    tokens: "torch.Tensor",
    targets: "torch.Tensor",
    size: Size,
    *,
    dropout: float = 0.0,
    less: "torch.Tensor | None" = None,
) -> "torch.Tensor":
    """Mean surprise of the targets that count.

    Args:
        less: Added to what stands for each target: it must not be known by itself.
    """
    from torch.nn import functional as nn

    counts = targets != PAD
    logits = _logits(weights, tokens[counts], _states(weights, tokens, size, dropout)[counts])
    asked = targets[counts]
    if less is not None:
        logits = logits.scatter_add(1, asked[:, None], less[counts][:, None])
    return nn.cross_entropy(logits, asked)


def _copied(weights: "dict[str, torch.Tensor]") -> dict[str, NDArray[np.float32]]:
    return {name: value.detach().numpy().copy() for name, value in weights.items()}
