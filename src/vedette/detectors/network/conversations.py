"""The conversations that a statement about an address rests on: the largest of its window, as evidence."""

from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import address, halves
from vedette.schema.anomaly import Anomaly, EntityKind
from vedette.schema.flows import Flow, Protocol
from vedette.windows.contacts import FlowWindow

_NAMES: Final = {one.value: one.name.lower() for one in Protocol}
_FEW: Final = 20
"""Named clients whose conversations are looked for."""
_ENDS: Final = (EntityKind.CLIENT, EntityKind.HOST)


def with_conversations(anomaly: Anomaly, window: FlowWindow, most: int) -> Anomaly:
    """A statement with up to `most` of its conversations among its details, those of most bytes first.

    A conversation is all that a client had to do with a port of a server in the window. Of a host, those with the
    clients that are named are taken, if any is; of a statement that names a server and its port, those with that one,
    if there are any. A statement about a whole network, or about a window of which nobody
    is known any more, is left as it is.
    """
    contacts = window.contacts
    if not most or anomaly.entity.kind not in _ENDS or not len(contacts):
        return anomaly
    if (who := halves(anomaly.entity.value)) is None:
        return anomaly
    theirs = _of_client(contacts, who)
    if anomaly.entity.kind is EntityKind.HOST:
        to = (contacts[:, Flow.SERVER_LOW] == who[1]) & (contacts[:, Flow.SERVER_HIGH] == who[0])
        named = {own for text in anomaly.clients[:_FEW] if (own := halves(text)) is not None} - {who}
        if named:
            to &= np.logical_or.reduce([_of_client(contacts, own) for own in named])
        theirs = to if to.any() else theirs
    if (server := halves(str(anomaly.details.get("server", "")))) is not None and "port" in anomaly.details:
        to = (
            theirs
            & (contacts[:, Flow.SERVER_LOW] == server[1])
            & (contacts[:, Flow.SERVER_HIGH] == server[0])
        )
        to &= contacts[:, Flow.SERVER_PORT] == anomaly.details["port"]
        theirs = to if to.any() else theirs
    rows = np.flatnonzero(theirs)
    if not len(rows):
        return anomaly
    size = contacts[rows, Flow.BYTES_OUT] + contacts[rows, Flow.BYTES_IN]
    rows = rows[np.argsort(-size, kind="stable")]
    told = [_told(row) for row in contacts[rows[:most]].tolist()]
    details = {**anomaly.details, "conversations": told, "conversations_in_all": len(rows)}
    return msgspec.structs.replace(anomaly, details=details)


def _of_client(contacts: NDArray[np.int64], who: tuple[int, int]) -> NDArray[np.bool_]:
    high, low = contacts[:, Flow.CLIENT_HIGH], contacts[:, Flow.CLIENT_LOW]
    found: NDArray[np.bool_] = (low == who[1]) & (high == who[0])
    return found


def _told(row: list[int]) -> dict[str, Any]:
    protocol = row[Flow.PROTOCOL]
    return {
        "client": address(row[Flow.CLIENT_HIGH], row[Flow.CLIENT_LOW]),
        "server": address(row[Flow.SERVER_HIGH], row[Flow.SERVER_LOW]),
        "server_port": row[Flow.SERVER_PORT],
        "protocol": _NAMES.get(protocol, str(protocol)),
        "opened": row[Flow.OPENED],
        "succeeded": row[Flow.SUCCEEDED],
        "failed": row[Flow.FAILED],
        "packets_out": row[Flow.PACKETS_OUT],
        "packets_in": row[Flow.PACKETS_IN],
        "bytes_out": row[Flow.BYTES_OUT],
        "bytes_in": row[Flow.BYTES_IN],
        "syn_out": row[Flow.SYN_OUT],
        "fin_out": row[Flow.FIN_OUT],
        "reset_in": row[Flow.RESET_IN],
    }
