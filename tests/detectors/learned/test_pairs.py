"""What follows what is told as an interpolated bigram."""

import numpy as np
import pytest

from vedette.detectors.learned.pairs import counted_pairs, pairs_of
from vedette.detectors.learned.tokens import PAD


def softmax(of: np.ndarray) -> np.ndarray:
    return np.exp(of) / np.exp(of).sum(axis=-1, keepdims=True)


def test_what_is_told_is_the_discounted_share_and_the_rest_by_frequency():
    inputs, targets = np.array([[1, 3, 3, 3, 4]]), np.array([[3, 3, 3, 4, PAD]])
    pairs = pairs_of(counted_pairs(inputs, targets, 5))
    share = np.array([0.5, 0.5, 0.5, 3.5, 1.5]) / 6.5
    np.testing.assert_allclose(np.exp(pairs.frequency), share, rtol=1e-6)
    # After 3: itself twice, 4 once; 0.75 of each is taken off and given by frequency.
    after = softmax(pairs.frequency + pairs.follows)[3]
    expected = (np.array([0, 0, 0, 1.25, 0.25]) + 1.5 * share) / 3
    np.testing.assert_allclose(after, expected, rtol=1e-5)
    # After what was never followed by anything, by frequency alone.
    np.testing.assert_allclose(softmax(pairs.frequency + pairs.follows)[4], share, rtol=1e-5)


def test_a_pair_that_came_once_is_not_known_without_itself():
    pairs = pairs_of(counted_pairs(np.array([[3, 4, 3]]), np.array([[4, 3, PAD]]), 5))
    assert pairs.follows[3, 4] > 0
    assert pairs.without[3, 4] == 0
    twice = pairs_of(counted_pairs(np.array([[3, 4, 3, 4]]), np.array([[4, 3, 4, PAD]]), 5))
    assert twice.without[3, 4] == pytest.approx(np.log1p(0.25 / (0.75 * 2.5 / 5.5)), rel=1e-5)
