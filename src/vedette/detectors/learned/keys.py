"""Numbers of clients and of their sessions."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.windows.mixing import mix

_SEED: Final = 0x5E5510A1
"""Public: the same log must give the same sample in every process."""


def address_keys(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The part of a client's number that is its address's, uint64 (k,)."""
    return mix(mix(high, _SEED) ^ low, _SEED)


def service_keys(service: NDArray[np.int32]) -> NDArray[np.uint64]:
    """The part that is its service's."""
    return mix(service.astype(np.uint64), _SEED)


def session_keys(client: NDArray[np.uint64], session: int) -> NDArray[np.uint64]:
    """A number for each client's session, uint64 (k,).

    Args:
        client: From `address_keys` and `service_keys`. session: Its number, `window // SESSION_WINDOWS`.
    """
    return mix(client, session)
