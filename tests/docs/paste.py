"""Writes the present output of commands into the pages that show it exactly: `python -m tests.docs.paste`."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import PAGES

_SHOWN = re.compile(
    r"^(?P<head>```console [^\n]*\bexact\b[^\n]*\n\$ (?P<command>[^\n]+)\n).*?^```$", re.MULTILINE | re.DOTALL
)


def environment() -> dict[str, str]:
    """As in a terminal 80 wide, with this interpreter's `vedette` first on the path."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VEDETTE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"PATH": path, "COLUMNS": "80", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


def _output(shown: re.Match[str]) -> str:
    with tempfile.TemporaryDirectory() as place:
        command = ["bash", "-c", shown["command"]]
        done = subprocess.run(
            command, cwd=place, env=environment(), stdout=subprocess.PIPE, text=True, check=False
        )
    return f"{shown['head']}{done.stdout.rstrip()}\n```"


if __name__ == "__main__":
    for page in PAGES:
        text = page.read_text()
        fresh = _SHOWN.sub(_output, text)
        if fresh != text:
            page.write_text(fresh)
