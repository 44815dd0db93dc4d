"""What the pages show is what happens."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, console_blocks
from tests.docs.paste import environment
from tests.patience import PATIENCE_S

BLOCKS = {page.relative_to(ROOT).as_posix(): blocks for page in PAGES if (blocks := console_blocks(page))}
_TIMING = re.compile(r"^  speed .*$", re.MULTILINE)


def _same(text: str) -> str:
    """An output without what differs from run to run."""
    return _TIMING.sub("  speed", text).rstrip()


@pytest.mark.parametrize("page", list(BLOCKS))
def test_commands_run_as_a_page_shows_them(page: str, tmp_path: Path) -> None:
    for block in BLOCKS[page]:
        for example in block.examples:
            done = subprocess.run(
                ["bash", "-o", "pipefail", "-c", example.command],
                cwd=tmp_path,
                env=environment(),
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            told = f"{page}:{block.line}: $ {example.command}\n{done.stdout}{done.stderr}"
            assert done.returncode == example.status, told
            if example.exact:
                assert _same(done.stdout) == _same(example.output), (
                    f"stale; python -m tests.docs.paste\n{told}"
                )


def test_the_readme_shows_what_the_sample_gives() -> None:
    shown = [e for b in BLOCKS["README.md"] for e in b.examples if e.exact]
    assert [e.command for e in shown] == ["vedette scan --sample"]
