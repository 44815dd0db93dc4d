"""Quantiles are those of numpy, which imports masked arrays to find them."""

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.windows.quantiles import quantile, quantiles

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=5)
NUMBERS = st.lists(st.floats(-1e9, 1e9, width=32), min_size=1, max_size=30)


@given(NUMBERS, SHARES)
def test_quantiles_are_numpys(numbers: list[float], shares: list[float]) -> None:
    for kind in (np.float64, np.int64):
        values = np.array(numbers).astype(kind)
        assert np.array_equal(quantiles(values, shares), np.quantile(values, shares))
        assert quantile(values, shares[0]) == np.quantile(values, shares[0])


@given(NUMBERS, SHARES)
def test_quantiles_of_columns_are_numpys(numbers: list[float], shares: list[float]) -> None:
    values = np.array(numbers, dtype=np.float32)
    rows: NDArray[np.float32] = np.stack([values, values[::-1] * np.float32(0.1)], axis=1)
    assert np.array_equal(quantiles(rows, shares), np.quantile(rows, shares, axis=0))


def test_masked_arrays_are_not_imported() -> None:
    asked = (
        "import numpy as np, sys; from vedette.windows.quantiles import quantile; quantile(np.arange(9), 0.3)"
    )
    asked += "; sys.exit('numpy.ma' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
