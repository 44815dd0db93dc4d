"""What the tests of storage share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vedette.storage import LiveStore, Store, open_live_store, open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'v.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def live(url: str) -> Iterator[LiveStore]:
    with open_live_store(url) as opened:
        yield opened
