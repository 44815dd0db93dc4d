"""Golden logs: each JSON format's lines against what they say.

`<format>.log` (or `<format>.<variant>.log`) holds the lines, `<format>.json` beside it the requests expected.
"""

import json
import math
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from vedette.parsers.json_formats import json_formats
from vedette.schema.chunk import Chunk, Parsed
from vedette.schema.requests import RequestFlag

GOLDEN = Path(__file__).parent.parent / "golden" / "formats"
FORMATS = {known.name: known for known in json_formats()}
LOGS = sorted(path for path in GOLDEN.glob("*.log") if path.name.split(".")[0] in FORMATS)
TEXTS = ("peer", "forwarded", "method", "target", "protocol", "user_agent", "referer", "service")


def rows(parsed: Parsed) -> list[dict[str, Any]]:
    requests = parsed.requests
    result = []
    for i in range(len(requests)):
        row: dict[str, Any] = {
            name: int(getattr(requests, name)[i])
            for name in ("line", "time", "status", "bytes_in", "bytes_out")
        }
        duration = float(requests.duration[i])
        row["duration"] = None if math.isnan(duration) else pytest.approx(duration, rel=1e-15)
        row["flags"] = [flag.name for flag in RequestFlag(int(requests.flags[i]))]
        for name in TEXTS:
            text = getattr(requests, name)[i]
            row[name] = None if text is None else text.decode()
        result.append(row)
    return result


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)
def test_golden_logs_are_read_as_written(log: Path) -> None:
    text = log.read_bytes()
    parsed = FORMATS[log.name.split(".")[0]].open(log.name).parse(Chunk.of(text))
    wanted = json.loads(log.with_suffix(".json").read_text())
    assert rows(parsed) == wanted["requests"]
    assert {reason.value: count for reason, count in parsed.skips.counts.items()} == wanted["skipped"]
    assert parsed.lines == text.count(b"\n")


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)
def test_each_golden_log_fits_its_own_format_best_and_none_before_it(log: Path) -> None:
    sample = Chunk.of(log.read_bytes())
    scores = {name: known.score(sample) for name, known in FORMATS.items()}
    name = log.name.split(".")[0]
    assert scores[name] > 0.5
    assert scores[name] == max(scores.values())
    assert all(scores[before] < 0.1 for before in takewhile(lambda known: known != name, FORMATS))


@pytest.mark.parametrize("log", LOGS, ids=lambda path: path.stem)
def test_where_a_chunk_ends_changes_no_row(log: Path) -> None:
    text = log.read_bytes()
    known = FORMATS[log.name.split(".")[0]]
    whole = rows(known.open("x").parse(Chunk.of(text)))
    parser, parts, number = known.open("x"), [], 1
    for line in text.splitlines(keepends=True):
        parts += rows(parser.parse(Chunk.of(line, first_line=number)))
        number += 1
    assert parts == whole


def test_every_json_format_has_a_golden_log() -> None:
    assert {path.name.split(".")[0] for path in LOGS} == set(FORMATS)
