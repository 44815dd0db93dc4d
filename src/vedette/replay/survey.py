"""Run the engine over logs for commands that print something else than a scan's report."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from vedette.config import Config
from vedette.replay.interrupt import graceful_interrupt
from vedette.replay.kernel_mode import choose_kernel_mode
from vedette.replay.options import ScanOptions
from vedette.replay.run import inputs
from vedette.schema.findings import Findings
from vedette.sources import Discovery

if TYPE_CHECKING:
    from vedette.engine.engine import Engine
    from vedette.engine.training import TrainingProcesses
    from vedette.replay.verdict_spool import VerdictSpool


class Survey(msgspec.Struct, frozen=True):
    """What was found, and the engine that found it, with its last state.

    Attributes:
        training: Fits the engine's models, to be closed by whoever has more fitted.
        spool: What verdicts need of each row, to be closed by the caller; None where it was not asked for.
    """

    findings: Findings
    engine: "Engine"
    training: "TrainingProcesses"
    spool: "VerdictSpool | None" = None


def configured(options: ScanOptions) -> Config:
    """The configuration of a command that reads logs."""
    return Config.load(options.config, environment=os.environ, overrides=options.overrides())


def survey(
    options: ScanOptions,
    config: Config,
    *,
    found: Discovery | None = None,
    history: Discovery | None = None,
    prepare: Callable[["Engine"], None] | None = None,
    spooled: bool = False,
) -> Survey:
    """Look through logs as `vedette scan` would, and write nothing.

    Args:
        options: What to read. config: How. found: What to read instead. history: What to learn from first then.
        prepare: Called with the engine before it sees anything.
        spooled: Whether to keep what verdicts need.

    Raises:
        VedetteError: An input, option or format is wrong.
        KeyboardInterrupt: It was interrupted: half a log answers nothing that these commands are asked.
    """
    if found is None:
        found, history = inputs(options)
    history = history or Discovery()
    choose_kernel_mode([*history.inputs, *found.inputs], foreseen=True)
    # Not before the choice: these import kernels.
    from vedette.replay.scanning import DisorderError, Scan
    from vedette.replay.verdict_spool import VerdictSpool

    with graceful_interrupt() as interrupted:
        for patient in (False, True):
            with ExitStack() as stack:
                spool = stack.enter_context(VerdictSpool()) if spooled else None
                scan = Scan(options, config, found, history, interrupted, patient=patient, needs_all=True)
                stack.callback(scan.close)
                engine = scan.build()
                if prepare is not None:
                    prepare(engine)
                try:
                    findings = scan.examine(engine, spool)
                except DisorderError:
                    continue
                if findings.coverage.interrupted:
                    raise KeyboardInterrupt
                stack.pop_all()
                return Survey(findings, engine, scan.training, spool)
    raise AssertionError("a patient scan does not complain of disorder")
