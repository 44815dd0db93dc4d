"""What the tests of storage share. A module with `EVERY_STORE = True` runs over all kinds of store."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.storage.servers import MongoDB, PostgreSQL, mongodb, postgresql
from vedette.storage import LiveStore, Store, open_live_store, open_store

_NUMBERS = count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "url" in metafunc.fixturenames and getattr(metafunc.module, "EVERY_STORE", False):
        metafunc.parametrize("url", ["sqlite", "postgresql", "mongodb"], indirect=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """One for all tests of a process. What it writes need not survive the machine."""
    with postgresql("fsync=off", "max_connections=50") as server:
        yield server


@pytest.fixture(scope="session")
def mongodb_server() -> Iterator[MongoDB]:
    """One for all tests of a process; a single server, without replicas and transactions."""
    with mongodb("--standalone") as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty store; SQLite if nobody asks for another."""
    kinds: dict[str, Callable[[], str]] = {
        "sqlite": lambda: f"sqlite:///{tmp_path / 'v.db'}",
        "postgresql": lambda: new_schema(request.getfixturevalue("postgresql_server")),
        "mongodb": lambda: request.getfixturevalue("mongodb_server").url(f"t{next(_NUMBERS)}"),
    }
    return kinds[getattr(request, "param", "sqlite")]()


def new_schema(server: PostgreSQL) -> str:
    name = f"t{next(_NUMBERS)}"
    server.call(f"CREATE SCHEMA {name}")
    return f"{server.url}&options=-csearch_path%3D{name}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def live(url: str) -> Iterator[LiveStore]:
    with open_live_store(url) as opened:
        yield opened
