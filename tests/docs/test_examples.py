"""What the pages show is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, console_blocks

BLOCKS = {page.relative_to(ROOT).as_posix(): blocks for page in PAGES if (blocks := console_blocks(page))}
_TIMING = re.compile(r"^  speed .*$", re.MULTILINE)


def _same(text: str) -> str:
    """An output without what differs from run to run."""
    return _TIMING.sub("  speed", text).rstrip()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As in a terminal 80 wide, with this interpreter's `vedette` first on the path."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VEDETTE_")}
    scripts = str(Path(sys.executable).parent)
    return kept | {
        "PATH": f"{scripts}{os.pathsep}{kept.get('PATH', '')}",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
    }


@pytest.mark.parametrize("page", list(BLOCKS))
def test_commands_run_as_a_page_shows_them(page: str, tmp_path: Path, environment: dict[str, str]) -> None:
    for block in BLOCKS[page]:
        for example in block.examples:
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", example.command],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            told = f"{page}:{block.line}: $ {example.command}\n{done.stdout}{done.stderr}"
            assert done.returncode == example.status, told
            if example.exact:
                assert _same(done.stdout) == _same(example.output), told


def test_the_readme_shows_what_the_sample_gives() -> None:
    shown = [e for b in BLOCKS["README.md"] for e in b.examples if e.exact]
    assert [e.command for e in shown] == ["vedette scan --sample"]
