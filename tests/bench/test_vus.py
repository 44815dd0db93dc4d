"""VUS-PR against cases worked by hand."""

import numpy as np
import pytest
import vus


def label(*spans: tuple[int, int], rows: int = 20) -> np.ndarray:
    out = np.zeros(rows, dtype=bool)
    for first, last in spans:
        out[first : last + 1] = True
    return out


def test_a_perfect_score_has_volume_one_without_buffers():
    truth = label((5, 7))
    assert vus.vus_pr(truth.astype(float), truth, reach=0, thresholds=20) == pytest.approx(1.0)


def test_a_case_worked_by_hand():
    """Ten rows, row 4 labelled, scores falling from row 4 outwards on its right: 4, 5, then the rest.

    Reach 2: a buffer of one row on each side, of weight sqrt(1 - 1/2) = w. At thresholds at every row: row 4 alone
    is predicted first: found 1, recall 1 / (1 + 0) = 1, all segments met, precision 1: the curve has reached
    recall 1 and gains nothing after. Where row 5 comes first: found w, recall w / (1 + w / 2), precision w;
    then row 4: found 1 + w, recall min(1, (1 + w) / (1 + w / 2)) = 1, precision (1 + w) / 2.
    """
    truth = label((4, 4), rows=10)
    w = 0.5**0.5
    first = np.array([0, 0, 0, 0, 9, 8, 0, 0, 0, 0], dtype=float)
    second = np.array([0, 0, 0, 0, 8, 9, 0, 0, 0, 0], dtype=float)
    # Reaches 0 and 1 have no buffer: one row is right, then half of two are.
    plain, behind = 1.0, 0.5
    assert vus.vus_pr(first, truth, 2, 10) == pytest.approx((plain + plain + 1.0) / 3)
    recall = w / (1 + w / 2)
    buffered = recall * w + (1 - recall) * (1 + w) / 2
    assert vus.vus_pr(second, truth, 2, 10) == pytest.approx((behind + behind + buffered) / 3)


def test_segments_that_are_never_met_hold_recall_back():
    truth = label((3, 5), (12, 14))
    score = label((3, 5)).astype(float)
    # All of one segment: half of the rows and half of the segments, then everything at the precision of chance.
    assert vus.vus_pr(score, truth, 0, 20) == pytest.approx(0.25 + 0.75 * 6 / 20)


def test_a_constant_score_has_the_volume_of_its_precision():
    truth = label((3, 5))
    assert vus.vus_pr(np.ones(20), truth, 0, 20) == pytest.approx(3 / 20)
    assert np.isnan(vus.vus_pr(np.ones(20), label(), 5))


def test_the_longest_reach_is_the_period():
    at = np.arange(4000)
    assert vus.period(np.sin(2 * np.pi * at / 50)) == 50
    assert vus.period(np.zeros(500)) == 125


def test_best_f1_and_average_precision():
    truth = label((0, 1), rows=4)
    score = np.array([4.0, 2.0, 3.0, 1.0])
    assert vus.average_precision(score, truth) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert vus.best_f1(score, truth) == (pytest.approx(0.8), 2.0)
    assert vus.adjusted_f1(score, truth) == pytest.approx(1.0)
