"""Writes the present output of commands into the pages that show it exactly: `python -m tests.docs.paste`."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs.pages import PAGES

_BLOCK = re.compile(r"^```console(?P<words>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def environment() -> dict[str, str]:
    """As in a terminal 80 wide, with this interpreter's `vedette` first on the path."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VEDETTE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"PATH": path, "COLUMNS": "80", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}


def _rewritten(text: str, place: str) -> str:
    """A page whose exact blocks show what their commands print, all commands of the page run in turn in a directory."""

    def run(block: re.Match[str]) -> str:
        commands = re.sub(r"\\\n\s*", "", block["body"])
        printed = [_output(line[2:], place) for line in commands.splitlines() if line.startswith("$ ")]
        if "exact" not in block["words"].split():
            return block[0]
        head, _, _ = block["body"].partition("\n")
        return f"```console{block['words']}\n{head}\n{printed[0].rstrip()}\n```"

    return _BLOCK.sub(run, text)


def _output(command: str, place: str) -> str:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=place,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.stdout


if __name__ == "__main__":
    for page in PAGES:
        text = page.read_text()
        if not any("exact" in block["words"].split() for block in _BLOCK.finditer(text)):
            continue
        with tempfile.TemporaryDirectory() as place:
            fresh = _rewritten(text, place)
        if fresh != text:
            page.write_text(fresh)
