"""Nothing that a user can meet is undocumented, and nothing documented has gone."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, anchors, links, prose
from vedette.cli.reference import cli_reference
from vedette.detectors.signatures.rules import REQUEST_TYPES
from vedette.explain.formulas import formula_names
from vedette.parsers.registry import ALIASES, formats
from vedette.schema.anomaly import AnomalyType
from vedette.schema.chunk import SkipReason

REFERENCE = ROOT / "docs" / "reference"
SOURCE = ROOT / "src" / "vedette"
_NAME = re.compile(r"^\| `([\w-]+)`", re.MULTILINE)
_OF_OURS = re.compile(r"`(vedette(?:\.\w+)+)`")


def _listed(page: str) -> list[str]:
    """First cells of a page's tables."""
    return _NAME.findall((REFERENCE / page).read_text())


def test_the_page_on_the_command_line_is_up_to_date() -> None:
    remake = "python -m vedette.cli.reference > docs/reference/cli.md"
    assert (REFERENCE / "cli.md").read_text() == cli_reference(), f"stale; remake it with: {remake}"


def test_every_anomaly_type_is_described_and_no_other() -> None:
    assert sorted(_listed("anomaly-types.md")) == sorted(t.value for t in AnomalyType)


def test_every_type_of_the_signatures_stands_among_the_requests() -> None:
    page = (REFERENCE / "anomaly-types.md").read_text()
    requests = page.partition("## In requests")[2].partition("\n## ")[0]
    assert set(_NAME.findall(requests)) == {t.value for t in REQUEST_TYPES}


def test_every_formula_is_described() -> None:
    page = (REFERENCE / "formulas.md").read_text()
    assert [name for name in formula_names() if f"`{name}`" not in page and f"`{name}(" not in page] == []


def test_every_format_is_described_and_no_other() -> None:
    page = (REFERENCE / "formats.md").read_text()
    table = page.partition("## By name")[2].partition("\n## ")[0]
    assert _NAME.findall(table) == [f.name for f in formats()]
    assert [alias for alias in ALIASES if f"`{alias}`" not in table] == []


def test_every_reason_to_skip_a_line_is_described() -> None:
    page = (REFERENCE / "formats.md").read_text()
    table = page.partition("## Lines that are skipped")[2]
    assert sorted(_NAME.findall(table)) == sorted(r.value for r in SkipReason)


def test_every_room_stands_in_the_layout() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Layout")[2].partition("\n## ")[0]
    named = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert named == {place.parent.name for place in SOURCE.glob("*/__init__.py")}


def _is_there(name: str) -> bool:
    """Whether a module is there, and what is named of it stands in it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        place = SOURCE.parent.joinpath(*parts[:end])
        for module in (place.with_suffix(".py"), place / "__init__.py"):
            if module.exists():
                text = module.read_text()
                return all(re.search(rf"\b{part}\b", text) for part in parts[end:])
    return False


def test_every_name_of_ours_that_is_referred_to_is_there() -> None:
    texts = [*PAGES, *SOURCE.rglob("*.py")]
    named = {(path, name) for path in texts for name in _OF_OURS.findall(path.read_text())}
    assert len(named) > 100
    gone = [(path.relative_to(ROOT).as_posix(), name) for path, name in named if not _is_there(name)]
    assert [each for each in gone if not each[1].endswith(".yaml")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), target
        if anchor:
            assert anchor in anchors(place), target


def test_every_page_can_be_reached_from_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    reached = {(index.parent / target.partition("#")[0]).resolve() for target in links(index)}
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - {index}
    assert pages - reached == set()


_FIGURE = re.compile(
    r"\d(?:\.\d+)? ?(?:[Mk] )?(?:lines|rows|requests)(?:/s| per second| a second)|\d ?M lines/s"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_published_speed_names_the_script_that_prints_it(page: Path) -> None:
    for section in re.split(r"^#+ ", prose(page), flags=re.MULTILINE):
        if _FIGURE.search(section):
            assert "bench/" in section, section
