"""Count what follows what in sessions."""

import numpy as np

from vedette.detectors.learned.checks import versions
from vedette.detectors.learned.order_model import OrderCard, OrderModel
from vedette.detectors.learned.order_training import calibrated, grounds, parted_sample
from vedette.detectors.learned.pair_model import PairModel, read_pair_model
from vedette.detectors.learned.pairs import counted_pairs
from vedette.detectors.learned.training import Job, Refused


def fit_pair_model(job: Job) -> OrderModel | Refused:
    """Fit, check and calibrate. The same job gives the same model."""
    parted = parted_sample(job)
    if isinstance(parted, Refused):
        return parted
    windows = parted.windows(~parted.late, PairModel.depth)
    count = counted_pairs(windows.inputs, windows.targets, len(parted.vocabulary))
    before, after = np.nonzero(count)
    card = OrderCard(**grounds(job, parted), versions=versions("numpy"))
    model = PairModel(card, np.stack([before, after], axis=1).astype(np.int32), count[before, after])
    return calibrated(job, parted, model, np.random.default_rng(job.seed), read_pair_model)
