"""`vedette formats` as a command."""

import json

import pytest

from vedette.cli.main import run
from vedette.parsers.registry import ALIASES, formats


def test_every_format_is_listed_with_its_aliases(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["formats", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [f.name for f in formats()]
    assert {alias: row["name"] for row in rows for alias in row["aliases"]} == dict(ALIASES)
    assert all(row["description"] for row in rows)


def test_the_table_begins_each_format_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["formats"]) == 0
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line and line[0] != " "]
    assert set(words) >= {f.name for f in formats()}
