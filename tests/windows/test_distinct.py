"""Distinct values are those of numpy, which imports masked arrays to find them."""

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.windows.distinct import distinct_codes, distinct_rows, distinct_values, is_among

VALUES = st.lists(st.integers(-3, 3))
ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)))


@given(VALUES)
def test_values_are_numpys(values: list[int]) -> None:
    array = np.array(values, dtype=np.int64)
    assert np.array_equal(distinct_values(array), np.unique(array))
    assert np.array_equal(distinct_values(array.astype(np.float64)), np.unique(array.astype(np.float64)))


@given(ROWS)
def test_rows_are_numpys(rows: list[tuple[int, int, int]]) -> None:
    array = np.array(rows, dtype=np.int64).reshape(-1, 3)
    assert distinct_rows(array) == len(set(rows)) == len(np.unique(array, axis=0))


@given(st.lists(st.integers(0, 40)), st.sampled_from([41, 100_000]))
def test_codes_are_numpys_counted_or_sorted(codes: list[int], past: int) -> None:
    array = np.array(codes, dtype=np.int64)
    values, place = distinct_codes(array, past)
    expected, of_each = np.unique(array, return_inverse=True)
    assert np.array_equal(values, expected)
    assert np.array_equal(place, of_each)


@given(VALUES, VALUES)
def test_membership_is_numpys(values: list[int], wanted: list[int]) -> None:
    found = is_among(np.array(values, dtype=np.int64), np.array(wanted, dtype=np.int64))
    assert np.array_equal(found, np.isin(np.array(values, dtype=np.int64), np.array(wanted, dtype=np.int64)))


def test_a_scan_does_without_masked_arrays() -> None:
    code = (
        "import sys; from vedette.cli.main import run; run(['scan', '--sample', '-q']);"
        "print('numpy.ma' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines()[-1] == "False", ended.stdout + ended.stderr
