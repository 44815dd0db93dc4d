"""What the tests of storage share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vedette.storage import Store, open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'v.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened
