"""Keys are made, listed and revoked; the secret is shown once."""

import io
from pathlib import Path

import pytest

from vedette.cli.main import run
from vedette.server.keys import is_password_of, is_secret_of
from vedette.storage.open import open_live_store


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'v.db'}"


def kept(store: str) -> dict[str, object]:
    with open_live_store(store) as found:
        return {key.name: key for key in found.keys()}  # noqa: SIM118 -- a store is no mapping


def test_a_key_is_printed_alone_and_only_its_digest_kept(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["key", "create", "shipper", "--scope", "ingest", "--expires", "90d", "--store", store]) == 0
    told = capsys.readouterr()
    secret = told.out.strip()
    assert "\n" not in secret
    assert "may ingest" in told.err
    assert told.err.endswith(f"; kept in {store}\n")
    key = kept(store)["shipper"]
    assert is_secret_of(secret, key)  # type: ignore[arg-type]
    assert run(["key", "list", "--store", store]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("shipper  key  ingest  made ")
    assert secret not in listed


def test_a_revoked_key_stays_listed_and_its_name_may_be_taken_again(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["key", "create", "a", "--store", store])
    assert run(["key", "create", "a", "--store", store]) == 2
    assert "revoke it first" in capsys.readouterr().err
    assert run(["key", "revoke", "a", "--store", store]) == 0
    run(["key", "list", "--store", store])
    assert "revoked" in capsys.readouterr().out
    assert run(["key", "create", "a", "--store", store]) == 0
    with open_live_store(store) as found:
        assert [line.action for line in found.audits().items] == ["key create", "key revoke", "key create"]


def test_a_user_has_a_password(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert run(["key", "create", "ann", "--password", "--scope", "admin", "--store", store]) == 0
    assert is_password_of("correct horse battery", kept(store)["ann"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "A"], "name = 'A'"),
        (["create", "a", "--expires", "soon"], "--expires soon: must be days or weeks"),
        (["revoke", "nobody"], "there is no key of that name"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], said: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(store)
    assert run(["key", *arguments, "--store", store]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", [["list"], ["revoke", "shipper"]])
def test_a_store_that_does_not_exist_is_said_and_not_made_by_looking(
    command: list[str], store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["key", *command, "--store", store]) == 2
    assert "there is no file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
