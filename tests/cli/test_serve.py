"""What `vedette serve` sees to before it begins."""

import logging
import os
from pathlib import Path

import pytest

from vedette.cli.serve_run import keep_compiled
from vedette.kernels.cache import kernel_directory


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a service whose user has no home; a file stands where it would be, for root may make any."""
    (tmp_path / "no").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "no" / "home"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    return tmp_path / "vedette"


def test_what_a_user_without_a_home_compiles_is_kept_with_the_service(
    homeless: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep_compiled(homeless)
    assert kernel_directory() == homeless / "cache" / "vedette" / "kernels"
    assert not caplog.messages


def test_a_cache_that_can_be_used_is_used(
    homeless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep_compiled(homeless)
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path)


def test_that_nothing_can_be_kept_is_told(
    homeless: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("vedette"), "propagate", True)
    homeless.touch()
    keep_compiled(homeless)
    assert f"{homeless}/cache/vedette/kernels: what is compiled cannot be kept" in caplog.text
