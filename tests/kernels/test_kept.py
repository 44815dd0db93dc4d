"""It is remembered that all kernels of some work are kept, until something that they are made from changes."""

from pathlib import Path

import pytest

from vedette.kernels import kept
from vedette.kernels.kept import are_kept, remember_kept


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    processors = tmp_path / "cpuinfo"
    processors.write_text("model name : a\nflags : b c\ncpu MHz : 1\n\nmodel name : a\n")
    monkeypatch.setattr(kept, "_PROCESSORS", processors)
    return tmp_path


def test_what_was_remembered_is_known_and_nothing_else() -> None:
    assert not are_kept(["text"])
    remember_kept(["text", "json"])
    assert are_kept(["text"])
    assert are_kept(["json", "text"])
    assert not are_kept(["text", "capture"])


def test_kernels_that_check_their_indices_are_others_and_never_compiled_beforehand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remember_kept(["text"])
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert not are_kept(["text"])
    remember_kept(["json"])
    monkeypatch.delenv("NUMBA_BOUNDSCHECK")
    assert are_kept(["text"])
    assert not are_kept(["json"])


@pytest.mark.parametrize(
    ("now", "known"),
    [
        ("model name : a\nflags : b c\ncpu MHz : 2\n", True),
        ("model name : a\nflags : b\n", False),
        ("model name : z\nflags : b c\n", False),
    ],
)
def test_another_processor_has_none_of_it(directory: Path, now: str, known: bool) -> None:
    remember_kept(["text"])
    (directory / "cpuinfo").write_text(now)
    assert are_kept(["text"]) is known


def test_other_sources_have_none_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "vedette"
    for room in ("kernels/text", "schema"):
        (package / room).mkdir(parents=True)
        (package / room / "one.py").write_text("1\n")
    monkeypatch.setattr(kept, "__file__", str(package / "kernels" / "kept.py"))
    remember_kept(["text"])
    assert are_kept(["text"])
    for changed in ("schema/one.py", "kernels/text/one.py"):
        (package / changed).write_text("22\n")
        assert not are_kept(["text"])
        remember_kept(["text"])
        assert are_kept(["text"])


def test_a_processor_that_is_not_told_is_no_known_one(directory: Path) -> None:
    (directory / "cpuinfo").unlink()
    remember_kept(["text"])
    assert not are_kept(["text"])


def test_what_others_could_have_written_does_not_count(directory: Path) -> None:
    remember_kept(["text"])
    (directory / "kernels" / "kept-text.txt").chmod(0o666)
    assert not are_kept(["text"])
