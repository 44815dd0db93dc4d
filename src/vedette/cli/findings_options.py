"""Options that say which anomaly is meant and where it stands, the same for every command about one."""

from pathlib import Path
from typing import Annotated

import typer

FindingsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where it stands: what `vedette scan --json FILE` wrote; - for standard input.",
        show_default=False,
    ),
]
StoreUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Or the store that it is kept in: sqlite:///vedette.db.", show_default=False
    ),
]
