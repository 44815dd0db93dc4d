"""`vedette prepare`: compile now what is otherwise compiled when it is first needed."""

from pathlib import Path
from typing import Annotated

import typer


def prepare(
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Configuration, YAML, whose rules are compiled too.", show_default=False
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> int:
    """Compile what scans and the service need, once for this machine: in an image, or before the first large log.

    Inner loops, for the processor that this runs on, and signatures: both are kept in $XDG_CACHE_HOME/vedette or
    ~/.cache/vedette. Takes half a minute on two cores.

    Without it, the first scan of a log of more than 64 MB, and the service when it first starts, do the same.
    """
    from vedette.cli.prepare_run import run

    return run(config, quiet=quiet)
