"""Fit a model of floods to a table of labelled windows, and keep it if it passes its own check."""

import os
from pathlib import Path

from vedette.config import Config
from vedette.detectors.learned.flood_training import fit_flood_model
from vedette.detectors.learned.flood_windows import read_windows
from vedette.detectors.learned.member_names import DDOS
from vedette.detectors.learned.training import Refused
from vedette.engine.model_files import save_model
from vedette.report.shown import shown
from vedette.schema.errors import VedetteError


def train_on_windows(table: str, directory: Path | None, config: Path | None) -> bool:
    """Train, keep and tell; returns whether a model was kept.

    Raises:
        VedetteError: The table cannot be read, or nothing can be written.
    """
    if directory is None:
        models = Config.load(config, environment=os.environ).learned.models
        if models is None:
            raise VedetteError(
                "say where models are kept: --models DIR, or learned.models in the configuration"
            )
        directory = Path(models)
    try:
        with Path(table).open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
            windows = read_windows(lines, shown(table))
    except OSError as error:
        raise VedetteError(f"{shown(table)}: cannot be read: {error.strerror}") from error
    outcome = fit_flood_model(windows)
    if isinstance(outcome, Refused):
        print(f"{shown(table)}: no model {DDOS}: {outcome.reason}")
        return False
    number = save_model(directory, DDOS, outcome)
    print(f"every service: model {DDOS} {number:04}, {outcome.summary()}")
    return True
