"""What windows are told of a batch's rows, and what they tell of them."""

import msgspec
import numpy as np
from numpy.typing import NDArray


class Judged(msgspec.Struct):
    """What is known about a batch's rows besides what was logged.

    Attributes:
        service: int32 (n,), service numbers.
        types: int64 (n,), bit per signature type of hostile rows, 0 elsewhere. decisive: bool (n,), hostile
            beyond doubt.
        agent_kind: uint8, one per distinct user agent. declared_bot: which kind number is a declared bot.
        unknown_agent: kind number of rows without a user agent.
    """

    service: NDArray[np.int32]
    types: NDArray[np.int64]
    decisive: NDArray[np.bool_]
    agent_kind: NDArray[np.uint8]
    declared_bot: int
    unknown_agent: int


class Placed(msgspec.Struct):
    """Where each row of a batch went.

    Attributes:
        window: int64 (n,). late: uint8 (n,). route: int64 (n,), route numbers.
    """

    window: NDArray[np.int64]
    late: NDArray[np.uint8]
    route: NDArray[np.int64]
