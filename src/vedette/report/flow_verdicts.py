"""One JSON object per flow, for programs that want to know about flows."""

from typing import BinaryIO, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import address
from vedette.engine.flow_verdicts import TYPES, FlowVerdicts
from vedette.report.moments import iso
from vedette.report.verdicts import SCORE_DIGITS
from vedette.schema.flows import Flow, Protocol

_NAMES: Final = {one.value: one.name.lower() for one in Protocol}


def write_verdicts(
    stream: BinaryIO, rows: NDArray[np.int64], verdicts: FlowVerdicts, *, include_clean: bool
) -> None:
    """Write verdicts as JSON lines, in the order of the flows.

    Args:
        rows: int64 (n, KEPT), whole flows. include_clean: Whether those that nothing is said of are written too.
    """
    if not include_clean:
        told = np.flatnonzero(verdicts.types)
        rows, verdicts = rows[told], FlowVerdicts(verdicts.score[told], verdicts.types[told])
    lines = [
        msgspec.json.encode(
            {
                "flow": _flow(row),
                "is_anomaly": types != 0,
                "score": round(score, SCORE_DIGITS),
                "types": [kind.value for place, kind in enumerate(TYPES) if types >> place & 1],
            }
        )
        for row, score, types in zip(
            rows.tolist(), verdicts.score.tolist(), verdicts.types.tolist(), strict=True
        )
    ]
    stream.write(b"".join(line + b"\n" for line in lines))


def _flow(row: list[int]) -> dict[str, object]:
    protocol = row[Flow.PROTOCOL]
    return {
        "start": iso(row[Flow.START]),
        "end": iso(row[Flow.END]),
        "protocol": _NAMES.get(protocol, str(protocol)),
        "client": address(row[Flow.CLIENT_HIGH], row[Flow.CLIENT_LOW]),
        "client_port": row[Flow.CLIENT_PORT],
        "server": address(row[Flow.SERVER_HIGH], row[Flow.SERVER_LOW]),
        "server_port": row[Flow.SERVER_PORT],
        "packets_out": row[Flow.PACKETS_OUT],
        "packets_in": row[Flow.PACKETS_IN],
        "bytes_out": row[Flow.BYTES_OUT],
        "bytes_in": row[Flow.BYTES_IN],
    }
