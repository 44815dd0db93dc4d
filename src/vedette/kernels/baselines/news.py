"""From how rare each point is to its score: what is new stands out, what goes on is held, what repeats steps back."""

from typing import Final

from vedette.kernels.arrays import Floats
from vedette.kernels.compile import kernel

HELD, SHADE, SINCE, OPEN = 0, 1, 2, 3
NEWS_STATE: Final = 4
"""Surprise held, the last news' strength, points since then, and whether an anomaly still goes on."""


@kernel
def tell_news(
    surprise: Floats, novelty: Floats, settings: Floats, state: Floats, score: Floats, anomalous: Floats
) -> None:
    """Score each point.

    Args:
        surprise: float64 (n,), -log10 of the tail probability under the baseline, >= 0.
        novelty: float64 (n,), -log10 of how rare it is to be so unlike all before, >= 0.
        settings: float64 (7,): least novelty, least surprise, points in the shade of news, by what factor news in
            the shade must be stronger, share of a held surprise that is left a point later, the held surprise
            that scores half way to news, and the score from which a point is anomalous.
        state: float64 (NEWS_STATE,).
        score: float64 (n,), filled: 0..1, above a half for news.
        anomalous: float64 (n,), filled: 1 from an anomalous point on until the held surprise is below the least,
            else 0.
    """
    least, rare, shade, stronger, left, half, threshold = (
        settings[0], settings[1], settings[2], settings[3], settings[4], settings[5], settings[6],
    )  # fmt: skip
    for i in range(surprise.shape[0]):
        held = state[HELD] * left
        held = surprise[i] if surprise[i] > held else held
        state[HELD] = held
        state[SINCE] += 1.0
        shaded = state[SINCE] <= shade
        told = surprise[i] >= rare and novelty[i] > (state[SHADE] * stronger if shaded else 0.0)
        strength = least * held / (held + half)
        if told:
            if not shaded or novelty[i] > state[SHADE]:
                state[SHADE] = novelty[i]
                state[SINCE] = 0.0
            if novelty[i] > least:
                strength = novelty[i]
        score[i] = strength / (strength + least)
        if score[i] >= threshold:
            state[OPEN] = 1.0
        elif held < rare:
            state[OPEN] = 0.0
        anomalous[i] = state[OPEN]
