"""Fit a transformer to sessions."""

from typing import Final

import numpy as np

from vedette.detectors.learned.checks import versions
from vedette.detectors.learned.network import Size, Weights
from vedette.detectors.learned.order_model import OrderModel
from vedette.detectors.learned.order_training import Parted, calibrated, counted, grounds, parted_sample
from vedette.detectors.learned.sequence_model import SequenceCard, SequenceModel, read_sequence_model
from vedette.detectors.learned.training import Job, Refused
from vedette.detectors.learned.transformer import SMALL, fit_network

_STOP: Final = 0.1
"""Share of the sessions a model is fitted to that only tell when to stop."""


def fit_sequence_model(job: Job, size: Size = SMALL) -> OrderModel | Refused:
    """Fit, check and calibrate. The same job gives the same model. Imports PyTorch."""
    parted = parted_sample(job)
    if isinstance(parted, Refused):
        return parted
    draw = np.random.default_rng(job.seed)
    weights = _fitted(parted, size, job.seed, draw)
    if isinstance(weights, Refused):
        return weights
    model = SequenceModel(_card(job, parted, size), weights)
    return calibrated(job, parted, model, draw, read_sequence_model)


def _fitted(parted: Parted, size: Size, seed: int, draw: np.random.Generator) -> Weights | Refused:
    """A network fitted to the earlier sessions, but for those by which it stops."""
    stops = draw.random(len(parted.starts)) < _STOP
    fitted, stopping = (parted.windows(~parted.late & part, SequenceModel.depth) for part in (~stops, stops))
    if not len(stopping.row):
        return Refused("too few sessions to tell when to stop fitting")
    return fit_network(
        fitted.inputs, counted(fitted), (stopping.inputs, counted(stopping)),
        vocabulary=len(parted.vocabulary), size=size, seed=seed % 2**31,
    )  # fmt: skip


def _card(job: Job, parted: Parted, size: Size) -> SequenceCard:
    """What is said of a model before it was checked."""
    return SequenceCard(
        **grounds(job, parted),
        width=size.width,
        heads=size.heads,
        layers=size.layers,
        versions=versions("numpy", "torch", "onnx", "onnxruntime"),
    )
