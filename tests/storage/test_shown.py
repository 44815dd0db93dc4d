"""A store is named to people without what would let them in."""

import pytest

from vedette.storage import StoreError, shown_url


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("sqlite:////var/lib/v.db", "sqlite:////var/lib/v.db"),
        ("postgresql://eve:hunter2@a/x", "postgresql://eve:***@a/x"),
        ("postgresql://eve@a/x?password=hunter2", "postgresql://eve@a/x?password=hidden"),
        ("postgresql://eve@a/x?password_file=%2Frun%2Fp", "postgresql://eve@a/x?password_file=%2Frun%2Fp"),
        (
            "mongodb://eve:hunter2@a:27017,b:27017/x?replicaSet=rs0",
            "mongodb://eve:***@a:27017,b:27017/x?replicaSet=rs0",
        ),
    ],
)
def test_no_password_is_shown(url: str, safe: str) -> None:
    assert shown_url(url) == safe


def test_what_is_no_url_is_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        shown_url("hunter2")
    assert "hunter2" not in str(caught.value)
