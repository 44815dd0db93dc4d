"""Read logs, captures and flow logs as a scan does, and fit a model to the whole of each sample."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from vedette.config import Config
from vedette.config.learned import MOST_WARMUP
from vedette.detectors.learned.card import Model
from vedette.detectors.learned.kinds import train_here
from vedette.detectors.learned.training import Refused
from vedette.detectors.network.behaviour import AddressBehaviour
from vedette.engine.model_files import save_model
from vedette.replay.flow_inputs import part_inputs
from vedette.replay.flow_scan import FlowScan, in_order, requests_file
from vedette.replay.interrupt import graceful_interrupt
from vedette.replay.options import ScanOptions
from vedette.replay.run import inputs
from vedette.replay.survey import configured, survey
from vedette.report.shown import shown
from vedette.schema.errors import VedetteError
from vedette.sources import Input

Outcomes = Mapping[str, Model | Refused]
"""Of a member, by service."""


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
    config = config.model_copy(update={"learned": learned})
    found, history = inputs(options)
    found.inputs, traffic = part_inputs(found.inputs)
    kept = 0
    with ExitStack() as stack:
        if traffic:
            http = requests_file(traffic, stack)
            members, requests = _watched(traffic, config, http, progress=options.progress)
            kept += _keep(directory, ((member.member, member.train_now()) for member in members))
            found.inputs += requests
        if found.inputs or not traffic:
            done = survey(options, config, found=found, history=history)
            with closing(done.training):
                kept += _keep(
                    directory, ((member.name, member.train_now()) for member in done.engine.members)
                )
    return kept


def _watched(
    traffic: Sequence[Input], config: Config, http: Path | None, *, progress: bool
) -> tuple[list[AddressBehaviour], list[Input]]:
    """What has seen captures and flow logs, and the requests in captures, which are written to `http`."""
    with graceful_interrupt() as interrupted:
        begun = partial(
            FlowScan, traffic, config, interrupted, http=http, progress=progress, trainer=train_here
        )
        scan, findings = in_order(begun)
    if findings.coverage.interrupted or scan.engine is None:
        raise KeyboardInterrupt
    return scan.engine.members, scan.requests_input()


def _keep(directory: Path, outcomes: Iterable[tuple[str, Outcomes]]) -> int:
    """Keep the models that came of it, and tell; returns how many there are."""
    kept = 0
    for member, by_service in outcomes:
        for service, outcome in by_service.items():
            if isinstance(outcome, Refused):
                print(f"{shown(service)}: no model {member}: {outcome.reason}")
                continue
            number = save_model(directory, member, outcome)
            print(f"{shown(service)}: model {member} {number:04}, {outcome.summary()}")
            kept += 1
    return kept
