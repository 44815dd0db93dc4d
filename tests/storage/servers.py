"""Real servers for the tests of storage: made in a directory of their own, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_S
from tests.ports import port_for_a_server


def postgresql_programs() -> Path | None:
    """Where PostgreSQL's programs lie; Debian keeps them off the path."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found := shutil.which("initdb"):
        places.insert(0, Path(found).resolve())
    return places[0].parent if places else None


class PostgreSQL:
    """A server of our own, reached through a socket in its directory."""

    def __init__(self, programs: Path, place: Path, *settings: str) -> None:
        self._programs = programs
        self._place = place
        self._settings = settings
        # It refuses to run as root.
        self._user = _other_user()
        if self._user is not None:
            os.chown(place, self._user, -1)
        self._call(
            "initdb",
            "-D",
            str(place / "data"),
            "-U",
            "vedette",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
        )
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://vedette@/postgres?host={self._place}"

    def start(self) -> None:
        options = ["-c", f"unix_socket_directories={self._place}", "-c", "listen_addresses="]
        for setting in self._settings:
            options += ["-c", setting]
        where = ["-D", str(self._place / "data"), "-l", str(self._place / "log")]
        self._call("pg_ctl", "start", "-w", *where, "-o", " ".join(options))

    def stop(self, how: str = "immediate") -> None:
        """`immediate`: as if it were killed."""
        self._call("pg_ctl", "-D", str(self._place / "data"), "-w", "-m", how, "stop")

    def call(self, sql: str) -> str:
        return self._call("psql", "-h", str(self._place), "-U", "vedette", "-d", "postgres", "-Atc", sql)

    def _call(self, program: str, *arguments: str) -> str:
        ran = subprocess.run(
            [str(self._programs / program), *arguments],
            user=self._user,
            cwd=self._place,
            stdin=subprocess.DEVNULL,
            # pg_ctl's server would keep a pipe open.
            stdout=subprocess.PIPE if program == "psql" else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return (ran.stdout or b"").decode()


def _other_user() -> int | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    return None


@contextmanager
def postgresql(*settings: str) -> Iterator[PostgreSQL]:
    """A server, or a skipped test where none is installed."""
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    pytest.importorskip("psycopg", reason="no psycopg here: pip install 'vedette[postgres]'")
    # Not in pytest's directory: the server's user may not look into that.
    place = Path(tempfile.mkdtemp(prefix="vedette-pg-", dir="/tmp"))
    server = None
    try:
        server = PostgreSQL(programs, place, *settings)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(place)


class MongoDB:
    """A MongoDB-compatible server of our own (SecantusDB: MongoDB itself is in no package of PyPI's or Debian's)."""

    def __init__(self, place: Path, *options: str) -> None:
        self._port = port_for_a_server()
        self._command = [sys.executable, "-m", "secantus", "--host", "127.0.0.1", "--port", str(self._port)]
        self._command += ["--storage-path", str(place), "--cache-size", "64M", *options]
        self._place = place
        self.start()

    def url(self, database: str) -> str:
        return f"mongodb://127.0.0.1:{self._port}/{database}"

    def start(self, *options: str) -> None:
        self._log = (self._place.parent / "log").open("ab")
        self._process = subprocess.Popen(
            [*self._command, *options], stdout=self._log, stderr=subprocess.STDOUT, cwd=self._place.parent
        )
        import pymongo

        with pymongo.MongoClient[Any](
            self.url(""), serverSelectionTimeoutMS=int(PATIENCE_S * 1000)
        ) as client:
            client.admin.command("hello")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()


@contextmanager
def mongodb(*options: str) -> Iterator[MongoDB]:
    """A server, or a skipped test where none is installed."""
    if find_spec("pymongo") is None:
        pytest.skip("no pymongo here: pip install 'vedette[mongodb]'")
    if find_spec("secantus") is None:
        pytest.skip("no MongoDB-compatible server here: pip install secantusdb")
    with tempfile.TemporaryDirectory(prefix="vedette-mongo-") as place:
        server = MongoDB(Path(place) / "data", *options)
        try:
            yield server
        finally:
            server.stop()
