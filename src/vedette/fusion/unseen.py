"""How many attacks look to every member like what is harmless.

Calibrations rest on attacks of the kinds that members were made for: there, hardly one is met with silence by all, so
that silence speaks against an attack by odds of hundreds. Of attacks of other kinds, some say nothing to anybody, and
that they all say nothing is one fact and not one of each member. So of attacks, a share is held to be indistinguishable
from the harmless, whatever the members were fitted to (`fusing.fuse`).
"""

import math

import numpy as np
from numpy.typing import NDArray

_HALVINGS = 60


def share_unseen(evidence: NDArray[np.float64]) -> float:
    """The share of attacks that are like the harmless, which makes these attacks likeliest, 0..1.

    Of the mixture (1 - u) f + u g, where f / g is the exponential of the evidence: f is how attacks of known kinds
    look, g how the harmless does. The likelihood is concave in u, so its slope is followed to where it is zero.

    Args:
        evidence: float64 (n,), what members say together of attacks that neither they nor their calibrations were
            fitted to; see `fusing.fuse`, without the prior.

    Raises:
        ValueError: There is none, or one is NaN.
    """
    if not len(evidence) or np.isnan(evidence).any():
        msg = f"evidence of {len(evidence)} attacks, {int(np.isnan(evidence).sum())} of it NaN: some is needed, no NaN"
        raise ValueError(msg)
    odds = np.exp(np.asarray(evidence, dtype=np.float64))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        slope = math.fsum((1.0 - odds) / ((1.0 - middle) * odds + middle))
        low, high = (middle, high) if slope > 0.0 else (low, middle)
    return 0.5 * (low + high)
