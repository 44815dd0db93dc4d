"""Each text format's log under tests/golden/formats is recognised and read as its .json says.

`VEDETTE_GOLDEN=write` writes the .json files anew; read the difference before it is committed.
"""

import json
import os
from pathlib import Path

import pytest
from tests.parsers.lines import chunk, parse_all

from vedette.parsers.registry import formats
from vedette.parsers.sniff import sniff

LOGS = sorted(
    path
    for path in (Path(__file__).parents[1] / "golden" / "formats").glob("*.log")
    if "-json" not in path.stem
)
"""The JSON formats have a test of their own."""


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_a_format_s_log_is_recognised_and_read(log: Path) -> None:
    text = log.read_bytes()
    choice = sniff(chunk(text), formats())
    rows, skips, lines = parse_all(choice.open("test.log"), [text])
    read = {
        "format": choice.format.name,
        "wrapper": None if choice.wrapper is None else choice.wrapper.name,
        "lines": lines,
        "skipped": skips,
        "rows": rows,
    }
    expected = log.with_suffix(".json")
    if os.environ.get("VEDETTE_GOLDEN") == "write":
        expected.write_text(json.dumps(read, indent=1) + "\n")
    assert read == json.loads(expected.read_text())


def test_there_is_a_log_for_each_text_format() -> None:
    named = {f.name for f in formats() if not f.name.endswith("-json")}
    assert named <= {log.stem for log in LOGS}
