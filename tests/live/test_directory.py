"""A service's own files are its own, and found again."""

from pathlib import Path

import pytest

from vedette.live.directory import StateDirectoryError, own_store, state_directory


def place(tmp_path: Path, store: str | None) -> Path:
    return state_directory(None, {"XDG_STATE_HOME": str(tmp_path)}, store)


def test_it_is_where_such_things_belong(tmp_path: Path) -> None:
    assert place(tmp_path, None) == tmp_path / "vedette"
    assert state_directory(None, {"STATE_DIRECTORY": f"{tmp_path}/a:{tmp_path}/b"}) == tmp_path / "a"
    assert state_directory(None, {"HOME": str(tmp_path)}) == tmp_path / ".local" / "state" / "vedette"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert own_store(tmp_path) == f"sqlite:///{tmp_path}/vedette.db"


def test_what_is_configured_is_taken_as_it_is(tmp_path: Path) -> None:
    assert state_directory(str(tmp_path / "x"), {}, "sqlite:///a.db") == tmp_path / "x"


def test_services_with_other_stores_share_nothing(tmp_path: Path) -> None:
    stores = [
        None,
        f"sqlite:///{tmp_path}/a.db",
        f"sqlite:///{tmp_path}/b.db",
        "postgresql://u@db.example/vedette",
        "postgresql://u@db.example/other",
        "mongodb://db.example/vedette",
    ]
    assert len({place(tmp_path, store) for store in stores}) == len(stores)


def test_one_store_is_one_however_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place(tmp_path, "sqlite:///a.db") == place(tmp_path, f"sqlite:///{tmp_path}/a.db")
    one = place(tmp_path, "postgresql://u:old@DB.example:5432/vedette?password_file=x")
    assert one == place(tmp_path, "postgresql+psycopg://v:new@db.example:5432/vedette")
    assert "old" not in str(one)


def test_one_that_cannot_be_made_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateDirectoryError, match=r"live\.directory"):
        state_directory(str(tmp_path / "file" / "x"), {})
