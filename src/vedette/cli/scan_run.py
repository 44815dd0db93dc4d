"""`vedette scan`: inputs to findings to outputs. The driver of the engine over recorded traffic."""

import os

from vedette.cli.kernel_mode import choose_kernel_mode
from vedette.cli.options import ScanOptions
from vedette.config import Config
from vedette.data import sample_path
from vedette.sources import Discovery, Input, discover


def run(options: ScanOptions) -> int:
    """Scan, report, and return the exit status: 0 nothing found, 1 something at or above `--fail-on`.

    Raises:
        VedetteError: An input, option, format or store is wrong.
    """
    config = Config.load(options.config, environment=os.environ, overrides=options.overrides())
    found = _sample() if options.sample else discover(options.paths)
    history = discover(options.baseline_from) if options.baseline_from else Discovery()
    # A log is not its own past: what is scanned is left out of what is learned from.
    scanned = {source.path.resolve() for source in found.inputs if source.path is not None}
    history.inputs = [s for s in history.inputs if s.path is None or s.path.resolve() not in scanned]
    choose_kernel_mode([*history.inputs, *found.inputs])
    # Not before the choice: these import kernels.
    from vedette.cli.scanning import DisorderError, Scan

    try:
        return Scan(options, config, found, history).run()
    except DisorderError:
        return Scan(options, config, found, history, patient=True).run()


def _sample() -> Discovery:
    """The sample under a plain name: where a package is installed says nothing to its reader."""
    path = sample_path()
    return Discovery([Input(path.name, path, path.name)])
