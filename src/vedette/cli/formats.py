"""`vedette formats`: list the log formats that are known."""

import shutil
from textwrap import wrap
from typing import Annotated

import typer

_OTHERS = (
    "Other text logs: give the server's own directive, --log-format '$remote_addr ...' (nginx) or '%h %l ...' "
    "(Apache). "
    "Other JSON lines: say where the fields stand, --field status=response.code. "
    "Lines wrapped by Kubernetes, CRI, Docker, syslog or a log shipper are unwrapped first, whatever their format."
)
_LEAST_WIDTH = 60


def formats(
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the log formats that are known, as `vedette scan --format NAME` takes them.

    Without --format, the one that fits a sample of the log best is taken.
    """
    from vedette.replay.kernel_mode import choose_kernel_mode

    # The list needs no compiled kernel; with nothing to read, they are not loaded.
    choose_kernel_mode([])
    from vedette.parsers.registry import formats as known
    from vedette.schema.format_names import ALIASES

    aliases = {f.name: [alias for alias, name in ALIASES.items() if name == f.name] for f in known()}
    if as_json:
        import json

        rows = [{"name": f.name, "description": f.description, "aliases": aliases[f.name]} for f in known()]
        print(json.dumps(rows, indent=2))
        return
    width = max(_LEAST_WIDTH, shutil.get_terminal_size().columns)
    column = max(map(len, aliases)) + 2
    for known_format in known():
        text = known_format.description
        if others := aliases[known_format.name]:
            text += f" [also: {', '.join(others)}]"
        for number, line in enumerate(wrap(text, width - column)):
            print(f"{'' if number else known_format.name:{column}}{line}")
    print()
    print("\n".join(wrap(_OTHERS, width)))
