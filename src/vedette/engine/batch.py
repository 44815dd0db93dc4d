"""What an engine is given, and what it says of it at once."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.hits import SignatureHits
from vedette.schema.requests import Requests
from vedette.windows.judged import Placed


class RowVerdicts(msgspec.Struct):
    """What signatures said of a batch's rows at once; anomalies of windows come later.

    Only of the rows that were looked at, if not all were: see `vedette.engine.sampling`.

    Attributes:
        hits: What was said of each. types: int64 (n,), bit per type.
        placed: Where the rows went.
        suspect: uint32 (n,), the suspect that a row belongs to (`detectors.parameters`), 0 for none.
        everyday: bool (n,), rows that would be attacks, but are what the site is asked every day; None for none.
    """

    hits: SignatureHits
    types: NDArray[np.int64]
    placed: Placed
    suspect: NDArray[np.uint32]
    everyday: NDArray[np.bool_] | None = None

    @property
    def score(self) -> NDArray[np.float32]:
        """Probability of each to be an attack, float32 (n,); worked out when asked, which most scans never do."""
        return self.hits.scores()


class Batch(msgspec.Struct):
    """An enriched batch.

    Attributes:
        requests: With client and route set.
        service: int32 (n,), numbers into `services`, which only grows.
        agent_kind: uint8, an `AgentKind` for each distinct user agent.
        hits: What the engine's scanner says of it, if that was asked before.
        weighed: Whether what is everyday was taken from that already (`vedette.engine.weighing`).
        everyday: See `RowVerdicts`; of a batch that is weighed.
    """

    requests: Requests
    service: NDArray[np.int32]
    services: list[str]
    agent_kind: NDArray[np.uint8]
    hits: SignatureHits | None = None
    weighed: bool = False
    everyday: NDArray[np.bool_] | None = None
