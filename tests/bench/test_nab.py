"""The NAB scorer against what is published, and against cases worked by hand."""

import json
import math

import nab
import nab_others
import numpy as np
import pytest

STANDARD = nab.Profile("standard", 1.0, 1.0, 0.11)
MISSING = not (nab.DATA / nab.ARCHIVE).exists()


def series(rows: int = 1000, windows: tuple[tuple[int, int], ...] = ((500, 599),)) -> nab.Series:
    return nab.Series("one", np.arange(rows, dtype=np.int64), np.zeros(rows), windows)


def scores(rows: int, *detections: int) -> np.ndarray:
    out = np.zeros(rows)
    out[list(detections)] = 1.0
    return out


def s(y: float) -> float:
    return 2 / (1 + math.exp(5 * y)) - 1


@pytest.mark.skipif(MISSING, reason="NAB's data is not in ../shared/data/nab")
@pytest.mark.parametrize(
    ("name", "detector"),
    [
        ("windowedGaussian", nab_others.windowed_gaussian),
        ("relativeEntropy", nab_others.relative_entropy),
    ],
)
def test_published_scores_of_two_detectors_come_out_to_the_digits(name, detector):
    corpus = nab.load()
    published = json.loads((nab.DATA / "final_results.json").read_text())[name]
    found = [detector(one) for one in corpus]
    for profile in nab.profiles():
        assert nab.judge(corpus, found, profile).score == pytest.approx(published[profile.name], abs=2e-6)


def test_a_detection_in_the_first_row_of_a_window_is_perfect():
    assert nab.judge([series()], [scores(1000, 500)], STANDARD).score == pytest.approx(100.0)


def test_only_the_earliest_detection_of_a_window_counts():
    late = nab.judge([series()], [scores(1000, 550)], STANDARD)
    both = nab.judge([series()], [scores(1000, 550, 580)], STANDARD)
    assert late.score == both.score
    expected = (s(-(599 - 550 + 1) / 100) / s(-1.0) + 1.0) / 2.0
    assert late.score == pytest.approx(100 * expected)


def test_a_false_alarm_costs_more_the_further_behind_a_window_it_is():
    one = series()
    costs = []
    for row in (605, 660, 950):
        found = nab.judge([one], [scores(1000, 500, row)], STANDARD)
        costs.append(100.0 - found.score)
    assert costs[0] == pytest.approx(100 * 0.11 * -s(6 / 99) / 2)
    assert costs[0] < costs[1] < costs[2] == pytest.approx(100 * 0.11 / 2)


def test_rows_on_probation_are_not_judged():
    assert nab.probation(1000) == 150
    assert nab.probation(22_695) == 750
    found = nab.judge([series()], [scores(1000, 10, 149, 500)], STANDARD)
    assert (found.score, found.false) == (pytest.approx(100.0), 0)


def test_no_detections_score_nothing_and_one_threshold_serves_all_files():
    assert nab.judge([series()], [np.zeros(1000)], STANDARD, threshold=0.5).score == 0.0
    # What finds one file's window is a false alarm for the other at the same threshold.
    two = [series(), series()]
    found = nab.judge(two, [scores(1000, 500) * 0.4, scores(1000, 200) * 0.4], STANDARD)
    assert found.score == pytest.approx(100 * (2.0 - 0.11) / 4)
