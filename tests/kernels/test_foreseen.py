"""What scans will need is known beforehand, and compiled before they ask."""

from pathlib import Path

import pytest
from tests.kernels.foresee import used

from vedette.kernels.compile import CHECKED, INTERPRETED
from vedette.kernels.foreseen import READS, Foreseen, compile_all, foreseen, processes_for, uncompiled

only_compiled = pytest.mark.skipif(INTERPRETED or CHECKED, reason="about machine code")


@pytest.mark.own_mode
@pytest.mark.parametrize("reads", READS)
def test_what_is_foreseen_is_what_scans_ask_for(reads: str, tmp_path: Path) -> None:
    expected = {(each.kernel, each.kinds) for each in foreseen() if reads in each.reads}
    assert set(used(reads, tmp_path)) == expected, (
        "write it anew: python -m tests.kernels.foresee > src/vedette/kernels/foreseen.json"
    )


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Foreseen]:
    """Two kernels that are compiled in no time, none of them kept yet."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    names = ("requests.parameters.insert_slot", "requests.parameters.hash_of")
    return [each for each in uncompiled(("text",)) if each.kernel in names]


@only_compiled
def test_what_was_compiled_is_not_compiled_again(quick: list[Foreseen]) -> None:
    before = len(uncompiled(("text",)))
    told: list[int] = []
    compile_all(quick, 2, tell=told.append)
    assert len(quick) == 2
    assert told[-1] == 2
    assert len(uncompiled(("text",))) == before - 2


@only_compiled
def test_nothing_is_compiled_once_work_was_interrupted(quick: list[Foreseen]) -> None:
    compile_all(quick, 1, lambda: True)
    assert set(quick) <= set(uncompiled(("text",)))


@only_compiled
def test_what_cannot_be_compiled_is_left_for_its_call_to_tell(
    quick: list[Foreseen], capfd: pytest.CaptureFixture[str]
) -> None:
    compile_all([Foreseen("requests.parameters.insert_slot", ("f",), ("text",))], 1)
    assert set(quick) <= set(uncompiled(("text",)))
    assert capfd.readouterr() == ("", "")


def test_few_kernels_are_not_worth_many_processes() -> None:
    [first, *_] = foreseen()
    assert processes_for([first]) == processes_for([first] * 5) == 1
