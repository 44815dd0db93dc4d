"""Tails against SciPy's and Python's own integers: those that explain, and those that the kernels compute."""

from fractions import Fraction
from math import comb, inf, log10
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special as oracle
from scipy import stats

from vedette.baselines.formulas import FORMULAS, critical_value, normal_tail, recompute, student_tail
from vedette.kernels.baselines import tails


def test_normal_tail_agrees_with_scipy_out_to_400_sigmas():
    z = np.linspace(-30, 400, 4001)
    expected = -oracle.log_ndtr(-z) / np.log(10)
    for tail in (normal_tail, tails.normal_tail):
        np.testing.assert_allclose([tail(float(x)) for x in z], expected, rtol=1e-10, atol=1e-12)


def test_normal_tail_of_infinity_is_certain_or_impossible():
    for tail in (normal_tail, tails.normal_tail):
        assert (tail(-inf), tail(inf)) == (0.0, inf)


@pytest.mark.parametrize("degrees", [2, 4, 6, 8, 12, 20])
def test_student_tail_agrees_with_scipy(degrees):
    t = np.linspace(-20, 2000, 3001)
    expected = -np.log10(stats.t.sf(t, degrees))
    for tail in (student_tail, tails.student_tail):
        np.testing.assert_allclose([tail(float(x), degrees) for x in t], expected, rtol=1e-9, atol=1e-9)


def test_student_tail_goes_on_where_its_square_is_no_float():
    near, far = tails.student_tail(1e150, 20), tails.student_tail(1e200, 20)
    assert far - near == pytest.approx(20 * 50)


def exact_poisson_tail(x: int, mean: Fraction) -> float:
    """-log10 P(X >= x), summed in exact fractions relative to the first term."""
    term = total = Fraction(1)
    for k in range(x + 1, x + 60):
        term = term * mean / k
        total += term
    log_first = (x * np.log(float(mean)) - float(mean) - oracle.gammaln(x + 1)) / np.log(10)
    return -float(log_first) - log10(float(total))


@pytest.mark.parametrize(("x", "mean"), [(2, 0.001), (5, 0.1), (40, 3.0), (1000, 1.0), (3000, 20.0)])
def test_count_tail_without_dispersion_is_poisson_far_beyond_what_a_float_can_hold(x, mean):
    expected = exact_poisson_tail(x, Fraction(mean))
    assert tails.count_tail_high(float(x), mean, 0.0) == pytest.approx(expected, abs=0.025)


@pytest.mark.parametrize("dispersion", [0.01, 0.1, 1.0, 3.0])
@pytest.mark.parametrize("mean", [0.001, 0.5, 3.0, 50.0, 1e4])
def test_count_tails_agree_with_scipy(mean, dispersion):
    spread = np.sqrt(mean + dispersion * mean**2)
    x = np.unique(np.floor(np.maximum(mean + spread * np.array([-3, -1, 0, 1, 2, 3, 5, 8, 15]), 0)))
    size, share = 1 / dispersion, 1 / (1 + dispersion * mean)
    high = [tails.count_tail_high(float(v), mean, dispersion) for v in x]
    low = [tails.count_tail_low(float(v), mean, dispersion) for v in x]
    upper = np.where(x > 0, oracle.betainc(np.maximum(x, 1), size, 1 - share), 1.0)
    tolerance = 0.09 if dispersion > 1 else 0.03
    np.testing.assert_allclose(high, -np.log10(upper), atol=tolerance)
    np.testing.assert_allclose(low, -stats.nbinom.logcdf(x, size, share) / np.log(10), atol=tolerance)


@given(st.one_of(st.floats(1e-300, 20.0), st.floats(20.0, 1e15)))
def test_log_gamma_agrees_with_scipy(x):
    expected = float(oracle.gammaln(x))
    assert tails.log_gamma(x) == pytest.approx(expected, abs=4e-15 * max(abs(expected), 10.0))


@given(
    n=st.integers(1, 400),
    data=st.data(),
    mean=st.floats(1e-5, 0.99),
    correlation=st.floats(1e-5, 0.5),
)
def test_ratio_tails_agree_with_the_sum_of_scipys_masses(n, data, mean, correlation):
    x = data.draw(st.integers(0, n))
    strength = 1 / correlation - 1
    mass = stats.betabinom.logpmf(np.arange(n + 1), n, mean * strength, (1 - mean) * strength)
    high, low = tails.ratio_tails(float(x), float(n), mean, correlation)
    assert high == pytest.approx(-oracle.logsumexp(mass[x:]) / np.log(10), rel=1e-6, abs=3e-4)
    assert low == pytest.approx(-oracle.logsumexp(mass[: x + 1]) / np.log(10), rel=1e-6, abs=3e-4)


def test_ratio_tail_of_large_counts_is_right():
    n, mean, correlation = 200_000, 0.01, 0.0005
    strength = 1 / correlation - 1
    mass = stats.betabinom.logpmf(np.arange(n + 1), n, mean * strength, (1 - mean) * strength)
    for x in (1500, 2500, 6000, 20_000):
        high, _ = tails.ratio_tails(float(x), float(n), mean, correlation)
        assert high == pytest.approx(-oracle.logsumexp(mass[x:]) / np.log(10), rel=1e-5)


def test_binomial_limit_matches_exact_integers():
    high, _ = tails.ratio_tails(9.0, 10.0, 0.5, 1e-6)
    exact = sum(comb(10, k) for k in (9, 10)) / 2**10
    assert high == pytest.approx(-log10(exact), abs=1e-4)


counts = st.fixed_dictionaries(
    {
        "value": st.integers(0, 100_000).map(float),
        "mean": st.floats(1e-3, 1e5),
        "dispersion": st.floats(1e-9, 5.0),
    }
)
ratios = st.integers(1, 3000).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "value": st.integers(0, n).map(float),
            "exposure": st.just(float(n)),
            "mean": st.floats(1e-4, 0.95),
            "correlation": st.floats(1e-5, 0.4),
        }
    )
)


@given(inputs=counts)
def test_count_formula_recomputes_what_the_bank_computes(inputs):
    given_as = [inputs[name] for name in ("value", "mean", "dispersion")]
    high, low = tails.count_tail_high(*given_as), tails.count_tail_low(*given_as)
    assert recompute("count_high", inputs) == pytest.approx(high, rel=1e-9, abs=1e-9)
    assert recompute("count_low", inputs) == pytest.approx(low, rel=1e-9, abs=1e-9)


@given(inputs=ratios)
def test_ratio_formula_recomputes_what_the_bank_computes(inputs):
    high, low = tails.ratio_tails(*(inputs[n] for n in ("value", "exposure", "mean", "correlation")))
    assert recompute("ratio_high", inputs) == pytest.approx(high, rel=1e-5, abs=3e-4)
    assert recompute("ratio_low", inputs) == pytest.approx(low, rel=1e-5, abs=3e-4)


@given(inputs=counts, log10_p=st.floats(1.0, 20.0))
def test_count_line_is_the_smallest_count_that_alarms(inputs, log10_p):
    line = critical_value("count_high", inputs, log10_p)
    assert recompute("count_high", inputs | {"value": line}) >= log10_p
    assert recompute("count_high", inputs | {"value": line - 1}) < log10_p


@given(inputs=ratios, log10_p=st.floats(1.0, 6.0))
def test_ratio_line_is_the_smallest_count_that_alarms_or_all_requests(inputs, log10_p):
    line = critical_value("ratio_high", inputs, log10_p)
    assert line == inputs["exposure"] or recompute("ratio_high", inputs | {"value": line}) >= log10_p
    assert recompute("ratio_high", inputs | {"value": line - 1}) < log10_p


@pytest.mark.parametrize("name", ["log_high", "log_low", "gauge_high", "gauge_low"])
def test_measured_line_is_where_the_surprise_is_reached(name):
    inputs = {"value": 1.0, "location": -1.5, "scale": 0.2, "degrees": 6.0}
    line = critical_value(name, inputs, 5.0)
    assert recompute(name, inputs | {"value": line}) == pytest.approx(5.0, abs=1e-5)


def test_count_line_below_is_zero_where_even_silence_would_not_alarm():
    inputs = {"value": 1.0, "mean": 2.0, "dispersion": 0.1}
    assert critical_value("count_low", inputs, 5.0) == 0.0


def test_unknown_formula_and_wrong_inputs_are_named():
    with pytest.raises(ValueError, match="formula 'nope' is unknown: must be one of count_high"):
        recompute("nope", {})
    with pytest.raises(ValueError, match="formula 'count_high'"):
        recompute("count_high", {"mean": 1.0})


def test_every_formula_is_documented():
    text = (Path(__file__).parents[2] / "docs/reference/formulas.md").read_text()
    assert [name for name in FORMULAS if f"`{name}`" not in text] == []
