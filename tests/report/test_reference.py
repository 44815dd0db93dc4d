"""The reference page and the document cannot drift apart."""

import re
from pathlib import Path
from typing import Any

import pytest

from vedette.report.json import json_schema
from vedette.report.wire import SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n#")[0]


def words(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", text))


@pytest.mark.parametrize(
    ("title", "name", "inner"),
    [
        ("An anomaly", "Anomaly", ["Entity", "Band", "Contribution", "Evidence", "Formula"]),
        ("An incident", "Incident", []),
        ("Coverage", "Coverage", ["SourceCoverage", "SkippedSample"]),
    ],
)
def test_every_field_of_the_document_is_on_its_page(title: str, name: str, inner: list[str]) -> None:
    definitions: dict[str, Any] = json_schema()["$defs"]
    rows = {
        word for row in section(title).splitlines() for word in words(row.split("|")[1] if "|" in row else "")
    }
    assert rows == set(definitions[name]["properties"])
    for part in inner:
        assert set(definitions[part]["properties"]) <= words(section(title))


def test_the_page_names_the_schema() -> None:
    assert f"`{SCHEMA}`" in PAGE
