"""`vedette prepare`: what is compiled when it is needed is compiled beforehand, or one line says why not."""

from pathlib import Path

import pytest

from vedette.cli import prepare_run
from vedette.cli.main import run
from vedette.kernels import foreseen as known
from vedette.kernels.compile import CHECKED, INTERPRETED

only_compiled = pytest.mark.skipif(INTERPRETED or CHECKED, reason="about machine code")


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two kernels that are compiled in no time are all that is known; where they are kept."""
    names = ("requests.parameters.insert_slot", "requests.parameters.hash_of")
    quick = [k for k in known.foreseen() if k.kernel in names]
    for module in (known, prepare_run):
        monkeypatch.setattr(module, "foreseen", lambda: quick)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    return tmp_path / "kernels"


@only_compiled
def test_what_is_prepared_once_is_there_the_next_time(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prepare"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"compiled 2 kernels: 2 are kept in {few} (")
    assert said.err == "compiling 2 kernels, once for this machine: about 5 s\n"
    assert len(list(few.glob("*.bin"))) == 2
    assert run(["prepare"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"nothing to compile: 2 are kept in {few} (")
    assert said.err == ""
    assert run(["prepare", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


@only_compiled
def test_a_place_that_others_may_write_to_is_named(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few.mkdir()
    few.chmod(0o777)
    assert run(["prepare"]) == 2
    assert capsys.readouterr().err == (
        f"vedette: {few}: nothing can be kept there: it has to be a directory of yours that nobody else may write "
        "to: mend it, or set XDG_CACHE_HOME to one that is\n"
    )


@only_compiled
def test_kernels_that_could_not_be_made_are_counted(
    few: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known.sys, "executable", "/bin/false")
    assert run(["prepare", "-q"]) == 2
    assert capsys.readouterr().err.startswith(f"vedette: {few}: 2 of 2 kernels could not be compiled or kept")


def test_nothing_is_prepared_where_kernels_are_interpreted(capsys: pytest.CaptureFixture[str]) -> None:
    if not (INTERPRETED or CHECKED):
        pytest.skip("about VEDETTE_KERNELS=interpret and NUMBA_BOUNDSCHECK=1")
    assert run(["prepare"]) == 2
    assert "nothing is compiled: unset it" in capsys.readouterr().err
