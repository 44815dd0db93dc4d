"""Kernels run as kept machine code: for the arguments that come, and only for the source that it was made from."""

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core.errors import NumbaError
from numpy.typing import NDArray
from tests.patience import PATIENCE_S

from vedette.kernels.compile import INTERPRETED, kernel, subkernel
from vedette.kernels.function import Kernel

only_compiled = pytest.mark.skipif(INTERPRETED, reason="about machine code")


@subkernel
def _twice(value: int) -> int:
    return 2 * value


@kernel
def total(values: NDArray[Any], weight: int, bias: float) -> float:
    found = bias
    for i in range(values.shape[0]):
        found += _twice(values[i]) * weight
    return found


@kernel
def count_above(values: NDArray[Any], least: int) -> int:
    found = 0
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            found += values[i, j] > least
    return found


@kernel
def any_above(values: NDArray[Any], least: int) -> bool:
    found = False
    for i in range(values.shape[0]):
        found = found or values[i] > least
    return found


@kernel
def fill(values: NDArray[Any], value: int) -> None:
    for i in range(values.shape[0]):
        values[i] = value


TYPES = st.sampled_from([np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64])


@given(st.lists(st.tuples(TYPES, st.lists(st.integers(0, 100), max_size=9)), min_size=1, max_size=6))
def test_a_kernel_takes_arrays_of_whatever_type_comes_next(calls: list[tuple[Any, list[int]]]) -> None:
    for kind, values in calls:
        assert total(np.array(values, dtype=kind), 3, 0.5) == 6 * sum(values) + 0.5


def test_results_keep_their_types() -> None:
    values = np.arange(5)
    assert any_above(values, 3) is True
    assert any_above(values, 9) is False
    assert isinstance(count_above(values.reshape(1, 5), 2), int)
    assert fill(values, 7) is None  # type: ignore[func-returns-value] # this is what is tested
    assert values.tolist() == [7] * 5


def test_numbers_of_numpy_are_numbers() -> None:
    values = np.arange(4)
    assert total(values, np.int32(2), np.float32(0.25)) == 24.25
    assert total(values, True, 1) == 13


@given(st.integers(0, 5), st.integers(0, 7), st.sampled_from([1, 2, -1]), st.booleans(), st.integers(-1, 30))
def test_arrays_that_are_not_contiguous_are_read_as_they_are(
    rows: int, columns: int, step: int, turned: bool, least: int
) -> None:
    grid = np.arange(42, dtype=np.int64).reshape(6, 7)[:rows, ::step][:, :columns]
    view = grid.T if turned else grid
    assert count_above(view, least) == int((view > least).sum())


def test_an_array_spread_over_more_dimensions_is_read_as_it_is() -> None:
    assert count_above(np.broadcast_to(np.arange(3), (4, 3)), 0) == 8


@only_compiled
def test_what_is_no_array_is_refused_and_not_read() -> None:
    assert any_above(np.arange(3), 1) is True
    for wrong in (None, "text", object(), 5):
        with pytest.raises((TypeError, NumbaError)):
            any_above(wrong, 1)  # type: ignore[arg-type] # this is what is tested


@kernel
def both(values: NDArray[Any]) -> tuple[int, int]:
    return _twice(values[0]), _twice(3)


def test_a_kernel_that_machine_code_cannot_be_made_for_calls_what_others_call() -> None:
    assert both(np.array([4, 5])) == (8, 6)
    assert total(np.array([4, 5]), 2, 0.5) == 36.5
    assert both(np.array([5, 5])) == (10, 6)


def test_threads_may_meet_a_kernel_that_is_not_ready() -> None:
    arrays = [np.full(100, i, dtype=kind) for i in range(8) for kind in (np.int64, np.int32, np.uint8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda values: [any_above(values, 3) for _ in range(50)], arrays))
    assert found == [[bool(values[0] > 3)] * 50 for values in arrays]


PROGRAM = """
import sys
import numpy as np
from vedette.kernels.compile import kernel, subkernel

ADDED = {added}

@subkernel
def helper(value):
    return value + ADDED

@kernel
def main(values):
    return helper(values[0])

print(main(np.arange(3)), "numba" in sys.modules)
"""


OUT_OF_BOUNDS = """
import numpy as np
from vedette.kernels.compile import kernel, subkernel

@subkernel
def mark(values, at):
    values[at] += 1

@kernel
def main(values, upto):
    for at in range(upto):
        mark(values, at)
    return upto

values = np.zeros(3, np.int64)
print(main(values, 3))
try:
    main(values, 4)
except IndexError as error:
    print(error, values.tolist())
print(main(values.astype(np.int32), 2))
"""


def run(cache: Path, added: int, program: str = PROGRAM, *, checked: bool = False) -> str:
    """What the program prints: its result, and whether it needed the compiler."""
    path = cache.parent / "program.py"
    path.write_text(textwrap.dedent(program.format(added=added)))
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(cache),
        "VEDETTE_KERNELS": "compile",
        "NUMBA_BOUNDSCHECK": str(int(checked)),
    }
    return subprocess.run(
        [sys.executable, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    ).stdout.strip()


@pytest.mark.own_mode
def test_code_is_kept_for_the_next_run_and_made_anew_when_its_source_changes(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run(cache, 1) == "1 True"
    assert run(cache, 1) == "1 False"
    assert run(cache, 5) == "5 True"
    assert run(cache, 1) == "1 False"


@pytest.mark.own_mode
def test_with_bounds_checked_an_index_out_of_them_is_told_and_the_kernel_is_not_run_again(
    tmp_path: Path,
) -> None:
    for _ in range(2):
        told = run(tmp_path / "cache", 0, OUT_OF_BOUNDS, checked=True).splitlines()
        assert told == ["3", "__main__.main: an index is out of bounds [2, 2, 2]", "2"]


@pytest.mark.own_mode
def test_checked_code_and_unchecked_are_kept_apart(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run(cache, 1) == "1 True"
    assert run(cache, 1, checked=True) == "1 True"
    assert run(cache, 1, checked=True) == "1 False"
    assert run(cache, 1) == "1 False"


@pytest.mark.own_mode
def test_kept_code_that_is_damaged_or_another_users_to_write_is_made_anew(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run(cache, 1)
    (kept,) = (cache / "kernels").glob("__main__.main-*.bin")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-100] + bytes(100))
    assert run(cache, 1) == "1 True"
    assert run(cache, 1) == "1 False"
    kept.chmod(0o666)
    assert run(cache, 1) == "1 True"


@only_compiled
def test_nothing_is_kept_where_nothing_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file where a directory should be")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "taken"))

    def first(values: NDArray[Any]) -> int:
        return int(values[0])

    assert Kernel(first)(np.arange(3, 5)) == 3


@only_compiled
def test_a_subkernel_that_python_calls_gives_the_same_without_the_compiler() -> None:
    assert _twice(21) == 42
    assert "dispatcher" not in vars(_kept_from_the_compiler)
    assert _kept_from_the_compiler(4) == 5


@subkernel
def _kept_from_the_compiler(value: int) -> int:
    return value + 1
