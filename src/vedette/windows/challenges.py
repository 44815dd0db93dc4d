"""Whose 401 was only a question: who are you?

Git over HTTP, registries of images, WebDAV, NTLM and many libraries ask without credentials first, are refused with
401, and ask again with them. Such a refusal is half of a conversation, and no failed login.
"""

from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.windows.layout import Client
from vedette.windows.summary import ClientRows

ASKED_TWICE: Final = 2
"""Refusals before an answer at most: NTLM refuses twice, once for who asks and once for the proof."""


def questions(sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the failed logins of each client, those that sent no credentials to a login route, int64 (k,).

    Args:
        sums: int64 (k, Client).
    """
    failures = sums[:, Client.LOGIN_FAILURES]
    return np.asarray(failures - np.minimum(failures, sums[:, Client.LOGIN_POSTS]))


def without_challenges(clients: ClientRows, refused: NDArray[np.int64] | None = None) -> ClientRows:
    """A window's clients, of whose failed logins those are left out that were answered when asked again.

    They are, where every route that the client asked for let it in too, and it was let in often enough. Who guesses is
    hardly ever let in where he guesses; what else he asks for does not count for it, nor do logins that were sent, but
    for those that cannot have been refused: an app whose token has expired is refused, gets a new one, and asks again.

    Args:
        clients: Of a window. refused: How many logins each service refused at most, int64 (services,), where known.
    """
    asked = questions(clients.sums)
    if refused is not None:
        asked = _beside_logins(clients, asked, refused)
    rows = np.flatnonzero(asked)
    if not len(rows):
        return clients
    sums = clients.sums[rows]
    let_in = sums[:, Client.REQUESTS] - sums[:, Client.STATUS_4XX] + sums[:, Client.STATUS_404]
    everywhere = (sums[:, Client.ROUTES] & ~sums[:, Client.LET_IN]) == 0
    rows = rows[everywhere & (asked[rows] <= ASKED_TWICE * let_in)]
    if not len(rows):
        return clients
    of_all = clients.sums.copy()
    of_all[rows, Client.LOGIN_FAILURES] -= asked[rows]
    return replace(clients, sums=of_all)


def _beside_logins(
    clients: ClientRows, asked: NDArray[np.int64], refused: NDArray[np.int64]
) -> NDArray[np.int64]:
    """What was only asked, int64 (k,), where some of the logins that were sent were let in.

    No more of them can have failed than the service refused: they are taken to be of those who may have failed most.

    Args:
        clients: (k,). asked: int64 (k,), as `questions` has it. refused: int64 (services,).
    """
    failures = clients.sums[:, Client.LOGIN_FAILURES]
    sent = failures - asked
    rows = np.flatnonzero(sent)
    if not len(rows):
        return asked
    order = rows[np.lexsort((-sent[rows], clients.service[rows]))]
    service = clients.service[order]
    before = np.cumsum(sent[order]) - sent[order]
    first = np.searchsorted(service, service)
    let_in = order[before - before[first] >= refused[service]]
    every = asked.copy()
    every[let_in] = failures[let_in]
    return every
