"""Secrets are not kept, and only the right one opens."""

import pytest

from vedette.server.keys import (
    InvalidKeyError,
    basic_credentials,
    is_password_of,
    is_secret_of,
    is_user,
    make_key,
    make_user,
)


def test_a_key_opens_with_its_secret_alone() -> None:
    key, secret = make_key("shipper-1", ("ingest",), 1)
    _, other = make_key("shipper-1", ("ingest",), 1)
    assert secret != other
    assert is_secret_of(secret, key)
    for wrong in (other, secret[:-1], secret + "A", "", "vdt_shipper-1_", key.digest):
        assert not is_secret_of(wrong, key)
    assert not is_secret_of(secret, None)


def test_neither_secret_nor_password_is_in_what_is_kept() -> None:
    key, secret = make_key("k", ("read",), 1)
    user = make_user("u", "correct horse battery", ("read",), 1)
    assert secret.rpartition("_")[2] not in key.digest
    assert "correct" not in user.digest
    assert make_user("u", "correct horse battery", ("read",), 1).digest != user.digest


def test_a_password_opens_its_user_alone() -> None:
    user = make_user("u", "correct horse battery", ("read",), 1)
    key, secret = make_key("k", ("read",), 1)
    assert is_user(user)
    assert not is_user(key)
    assert is_password_of("correct horse battery", user)
    assert not is_password_of("correct horse batter", user)
    assert not is_password_of("correct horse battery", None)
    assert not is_password_of(secret, key)
    assert not is_secret_of(secret, user)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a" * 41, "a b", "ä", "a\n"])
def test_a_name_that_would_not_read_back_is_refused(name: str) -> None:
    with pytest.raises(InvalidKeyError, match="name = "):
        make_key(name, ("read",), 1)


def test_wrong_scopes_and_short_passwords_are_refused() -> None:
    with pytest.raises(InvalidKeyError, match="ingest, read, admin"):
        make_key("k", ("write",), 1)
    with pytest.raises(InvalidKeyError, match="ingest, read, admin"):
        make_key("k", (), 1)
    with pytest.raises(InvalidKeyError, match="12 to 1024"):
        make_user("u", "short", ("read",), 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("YW5uOnNlY3JldA==", ("ann", "secret")),
        ("YW5uOmE6Yg==", ("ann", "a:b")),
        ("w6RubjrDpA==", ("änn", "ä")),
        ("YW5u", None),
        ("!", None),
        ("/w==", None),
    ],
)
def test_basic_credentials_are_read(value: str, expected: tuple[str, str] | None) -> None:
    assert basic_credentials(value) == expected
