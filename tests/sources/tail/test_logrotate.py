"""The real logrotate, in the ways in which it is configured."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from vedette.sources.tail import Follow, Tail

PROGRAM = shutil.which("logrotate", path="/usr/sbin:/usr/local/sbin:/usr/bin:/sbin")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs logrotate: apt-get install logrotate")
SECOND = 1_000_000


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize(
    "how",
    [
        "create",
        "copytruncate",
        "create\n  compress",
        "create\n  compress\n  delaycompress",
        "copytruncate\n  compress",
        "create\n  dateext\n  dateformat -%Y%m%d-%s",
        "copytruncate\n  dateext\n  dateformat -%Y%m%d-%s\n  compress",
        "nocreate\n  extension .log",
    ],
)
def test_every_line_is_read_once(tmp_path, how, stops):
    log = tmp_path / "access.log"
    log.touch()
    rules = tmp_path / "rules"
    rules.write_text(f"{log} {{\n  rotate 50\n  {how}\n}}\n")
    rules.chmod(0o600)
    tmp_path.chmod(0o755)
    written, lines, now = 0, [], 1_750_000_000 * SECOND
    dice = random.Random(how)
    follow = [Follow((str(tmp_path / "access*"),))]

    def started(position):
        tail = Tail(follow, lambda: now)
        tail.open(position)
        return tail

    tail, position = started(None), None
    for turn in range(12):
        with log.open("ab") as file:
            for _ in range(dice.randrange(1, 50)):
                written += 1
                file.write(b"%07d %s\n" % (written, b"x" * dice.randrange(60)))
        if stops and turn % 3 == 1:
            tail.close()
            tail = None
        if dice.random() < 0.7 and turn:
            rotate(tmp_path, rules)
        if stops and turn % 3 == 2 and tail is None:
            tail = started(position)
        if tail is not None:
            now += SECOND
            while deliveries := tail.take(1 << 20):
                lines += [line for d in deliveries for line in d.lines.splitlines()]
                position = deliveries[-1].position
    now += 700 * SECOND
    tail = tail or started(position)
    while deliveries := tail.take(1 << 20):
        lines += [line for d in deliveries for line in d.lines.splitlines()]
    assert [int(line[:7]) for line in lines] == list(range(1, written + 1))
    assert tail.status().dropped == {}
    tail.close()


def rotate(directory: Path, rules: Path) -> None:
    done = subprocess.run(
        [str(PROGRAM), "--force", "--state", directory / "state", rules],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    # Dates have a second's resolution: twice in one, nothing is rotated.
    assert done.returncode == 0 or "already exists" in done.stderr, done.stderr
