"""A model's file that lies is refused in one sentence, before it takes room; what is taken is computed with safely."""

import io
import json
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.detectors.learned import made, test_values, walked

from vedette.detectors.learned import drift
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.flood_model import shipped_model
from vedette.detectors.learned.kinds import read_model, train
from vedette.detectors.learned.network import Size, weight_shapes
from vedette.detectors.learned.order_model import OrderCard
from vedette.detectors.learned.pair_training import fit_pair_model
from vedette.detectors.learned.sequence_model import SequenceCard, SequenceModel, read_sequence_model
from vedette.detectors.learned.tail import Tail
from vedette.detectors.learned.training import Job, Refused

HOSTILE: list[Any] = [
    *(0, -1, 1e308, -1e308, 5e-324, 2**62, -(2**63), 10**30, 10**400, [], [0.0], {}, "x" * 5_000, None),
    *("../../etc", [1e308] * 101, [5.0, 1.0, 3.0], [[]]),
]
SIZE = Size(8, 2, 1)


def sequence_model() -> SequenceModel:
    """A transformer whose weights are drawn by chance: nothing is fitted, and no library needed."""
    pairs = fit_pair_model(walked.job())
    assert not isinstance(pairs, Refused)
    draw = np.random.default_rng(1)
    shapes = weight_shapes(len(pairs.vocabulary), SIZE)
    told = {name: getattr(pairs.card, name) for name in OrderCard.__struct_fields__}
    card = SequenceCard(**told, width=SIZE.width, heads=SIZE.heads, layers=SIZE.layers)
    return SequenceModel(
        card, {n: draw.normal(0, 0.1, shape).astype(np.float32) for n, shape in shapes.items()}
    )


def values_model(member: str) -> bytes:
    sample = test_values.sample().to_state()
    return bytes(train(Job(member, "shop", sample, test_values.SPAN, 1)).to_bytes())  # type: ignore[union-attr]


WRITTEN: dict[str, Callable[[], bytes]] = {
    "forest": lambda: train(made.job()).to_bytes(),  # type: ignore[union-attr]
    "markov": lambda: fit_pair_model(walked.job()).to_bytes(),  # type: ignore[union-attr]
    "ddos": lambda: shipped_model().to_bytes(),
    "response_time": lambda: values_model("response_time"),
    "transformer": lambda: sequence_model().to_bytes(),
}


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(of: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in of.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def places(told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Of everything that a card says; of lists, the first two."""
    if path:
        yield path
    if isinstance(told, dict):
        for name in told:
            yield from places(told[name], (*path, name))
    elif isinstance(told, list):
        for number in range(min(len(told), 2)):
            yield from places(told[number], (*path, number))


def with_lie(told: Any, path: tuple[Any, ...], lie: Any) -> bytes:
    changed = json.loads(json.dumps(told))
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = lie
    return json.dumps(changed).encode()


def compute(model: Any) -> None:
    """What judging by a model does with its card; a warning is an error here."""
    card = model.card
    assert isinstance(model.summary(), str)
    assert 1 <= round(card.minutes * 60e6) < 2**62
    assert -(2**62) <= card.start <= card.end <= 2**62
    for name in card.__struct_fields__:
        told = getattr(card, name)
        if isinstance(told, Tail):
            assert np.isfinite(told.surprise(np.array([-1e6, 0.0, 1.0, 1e6]))).all()
            assert np.isfinite([told.critical(1.0), told.critical(40.0), told.band().mid]).all()
        for population in told if isinstance(told, tuple) else (told,):
            if isinstance(population, drift.Population):
                assert np.isfinite(population.index(np.zeros(5)))
    if isinstance(card, OrderCard):
        tokens = np.arange(len(model.vocabulary))
        if not isinstance(model, SequenceModel):
            assert np.isfinite(model.excess(walked.windows_on(tokens))).all()
        if card.counts:
            counts = np.array(card.counts, dtype=np.int64)
            assert np.isfinite(drift.index_of_counts(*drift.most_frequent(counts, np.ones_like(counts))))


@pytest.mark.parametrize("member", WRITTEN)
def test_whatever_a_card_says_is_refused_or_can_be_computed_with(member: str) -> None:
    whole = parts(WRITTEN[member]())
    told = json.loads(whole["card.json"])
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compute(read_model(member, packed(whole)))
        for path in places(told):
            for lie in HOSTILE:
                try:
                    model = read_model(member, packed(whole | {"card.json": with_lie(told, path, lie)}))
                except ModelError as error:
                    said.append(str(error))
                    continue
                try:
                    compute(model)
                except (ArithmeticError, AssertionError, ValueError, Warning) as error:
                    raise AssertionError(f"{path} = {str(lie)[:40]}: {error!r}") from error
    assert len(said) > 300
    assert not [text for text in said if "\n" in text or len(text) > 600]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"width": 10**9}, r"a network of width 1000000000, 2 heads and 1 layers: must be at most 512 wide"),
        ({"layers": 10**9}, r"of 1 to 8 layers"),
        ({"layers": 0}, r"of 1 to 8 layers"),
        ({"heads": 3}, r"of heads that part the width evenly"),
        ({"heads": 0}, r"of heads that part the width evenly"),
        ({"width": -8}, r"a network of width -8"),
        ({"width": 16}, r"array token is float32 of shape \(11, 8\): must be float32 \(11, 16\)"),
        ({"layers": 2}, r"it has no 1\.attend\.npy: must have one"),
        ({"vocabulary": []}, r"counts of 11 tokens: must be 3"),
    ],
)  # fmt: skip
def test_a_network_of_another_size_than_its_card_says_is_refused(told: dict[str, Any], said: str) -> None:
    whole = parts(sequence_model().to_bytes())
    card = json.loads(whole["card.json"]) | told
    tracemalloc.start()
    with pytest.raises(ModelError, match=said):
        read_sequence_model(packed(whole | {"card.json": json.dumps(card).encode()}))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 << 20


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("token", np.full((11, 8), np.nan, np.float32), r"array token holds what is not within 1000 of 0"),
        ("follows", np.full((11, 11), np.inf, np.float32), r"array follows holds"),
        ("0.attend", np.full((8, 24), -1001, np.float32), r"array 0\.attend holds"),
        ("frequency", np.zeros(12), r"array frequency is float64"),
        ("place", np.zeros((20, 8, 1), np.float32), r"array place is float32 of shape \(20, 8, 1\)"),
        ("0.narrow", np.zeros((0, 8), np.float32), r"array 0\.narrow is float32 of shape \(0, 8\)"),
        ("after.scale", np.array(["x"] * 8), r"array after\.scale is <U1"),
    ],
)  # fmt: skip
def test_weights_that_lie_are_refused(name: str, array: np.ndarray, said: str) -> None:
    whole = parts(sequence_model().to_bytes())
    assert f"{name}.npy" in whole
    with pytest.raises(ModelError, match=said):
        read_sequence_model(packed(whole | {f"{name}.npy": npy(array)}))


def test_a_network_beside_the_weights_is_not_looked_at() -> None:
    """What is computed is written from the weights: no file says it."""
    model = sequence_model()
    again = read_sequence_model(packed(parts(model.to_bytes()) | {"network.onnx": b"\x00" * 100}))
    assert again.to_bytes() == model.to_bytes()


def test_the_largest_weights_that_are_taken_give_finite_scores() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    model = sequence_model()
    draw = np.random.default_rng(2)
    extreme = {n: (1e3 * draw.choice([-1, 1], a.shape)).astype(np.float32) for n, a in model.weights.items()}
    read = read_sequence_model(SequenceModel(model.card, extreme).to_bytes())
    token = draw.integers(0, len(model.vocabulary), 60)
    assert np.isfinite(read.excess(walked.windows_on(token))).all()


@pytest.mark.parametrize("member", WRITTEN)
def test_a_file_that_ends_early_is_refused(member: str) -> None:
    content = WRITTEN[member]()
    for size in (0, 1, 21, 22, 100, len(content) // 2, len(content) - 1):
        with pytest.raises(ModelError, match="no model, or a damaged one"):
            read_model(member, content[:size])


def test_a_model_of_another_member_is_refused() -> None:
    content = {member: write() for member, write in WRITTEN.items()}
    for member in content:
        for other, of_other in content.items():
            if other != member:
                with pytest.raises(ModelError):
                    read_model(member, of_other)
    with pytest.raises(ModelError, match=r"it has no pair\.npy"):
        read_model("markov", content["transformer"])
