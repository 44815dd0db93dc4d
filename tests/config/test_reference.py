"""The reference page says what the tree holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vedette.config.options import Section
from vedette.config.problems import section_in
from vedette.config.reference import config_reference
from vedette.config.tree import Config

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "config.md"
REMAKE = "python -c 'from vedette.config.reference import config_reference as page; print(page(), end=\"\")'"


def keys(kind: type[Section], path: str = "") -> Iterator[tuple[str, str | None]]:
    for name, info in kind.model_fields.items():
        inner = section_in(info)
        if inner is not None:
            yield f"{path}{name}", inner.__doc__
            yield from keys(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}", info.description


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == config_reference(), (
        f"stale; remake it with: {REMAKE} > docs/reference/config.md"
    )


@pytest.mark.parametrize(("key", "meaning"), list(keys(Config)))
def test_every_key_has_a_meaning_that_is_a_sentence(key: str, meaning: str | None) -> None:
    assert meaning, key
    assert meaning.endswith("."), key


def test_every_number_has_a_unit() -> None:
    rows = [line.split(" | ") for line in config_reference().splitlines() if line.startswith("| `")]
    numbers = [row for row in rows if row[1].strip("`").replace(".", "").isdigit()]
    assert len(numbers) > 20
    assert [row[0] for row in numbers if not row[2].strip()] == []
