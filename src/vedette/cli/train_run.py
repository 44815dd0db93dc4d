"""Read logs as a scan does, and fit a model to the whole of each service's sample."""

from contextlib import closing
from pathlib import Path

from vedette.cli.options import ScanOptions
from vedette.cli.survey import configured, survey
from vedette.config.learned import MOST_WARMUP
from vedette.detectors.learned.training import Refused
from vedette.engine.model_files import save_model
from vedette.report.shown import shown
from vedette.schema.errors import VedetteError


def train_on_logs(options: ScanOptions, directory: Path | None) -> int:
    """Train, keep and tell; returns how many models were kept.

    Raises:
        VedetteError: An input or option is wrong, or nothing can be written.
    """
    config = configured(options)
    if directory is None:
        if config.learned.models is None:
            raise VedetteError(
                "say where models are kept: --models DIR, or learned.models in the configuration"
            )
        directory = Path(config.learned.models)
    # The warm-up goes on to the end: a model rests on the whole log.
    learned = config.learned.model_copy(update={"enabled": True, "warmup": MOST_WARMUP, "models": None})
    done = survey(options, config.model_copy(update={"learned": learned}))
    kept = 0
    with closing(done.training):
        for member in done.engine.members:
            for service, outcome in member.train_now().items():
                if isinstance(outcome, Refused):
                    print(f"{shown(service)}: no model {member.name}: {outcome.reason}")
                    continue
                number = save_model(directory, member.name, outcome)
                print(f"{shown(service)}: model {member.name} {number:04}, {outcome.summary()}")
                kept += 1
    return kept
