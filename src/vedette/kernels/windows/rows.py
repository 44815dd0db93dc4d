"""What the sums of windows need of each row, in one pass over a batch."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints, Ints32
from vedette.kernels.compile import kernel


@kernel
def cut_time(time: Ints, span: int, parts: int, window: Ints, second: Bytes) -> None:
    """Say in which window each row is, and in which part of it.

    Rows come nearly in order of time, so that few of them need a division.

    Args:
        time: int64 (n,), microseconds. span: Of a window, microseconds.
        parts: Into how many each window is cut.
        window: int64 (n,), receives numbers of windows. second: uint8 (n,), receives parts, from 0.
    """
    number = 0
    begin = 0
    known = 0
    part = 0
    for row in range(time.shape[0]):
        moment = time[row]
        if row == 0 or moment != known:
            known = moment
            if moment < begin or moment >= begin + span:
                number = moment // span
                begin = number * span
            part = (moment - begin) * parts // span
        window[row] = number
        second[row] = part


@kernel
def mark_rows(
    method: Ints32,
    of_method: Bytes,
    agent: Ints32,
    kind: Bytes,
    declared_bot: int,
    referer: Ints32,
    status: NDArray[np.int16],
    decisive: Bytes,
    route: Ints,
    login_of: Bytes,
    asset_of: Bytes,
    bit_of: Bytes,
    marks: Bytes,
    kinds: Bytes,
    asset: Bytes,
    bit: Bytes,
) -> None:
    """Write the marks that `add_groups` and `add_clients` count.

    Args:
        method, agent, referer: int32 (n,), ids; -1 where not recorded.
        of_method: uint8 (methods + 1,), 1 of a method that changes something, 64 of HEAD, 0 of others; the last for
            rows without one.
        kind: uint8 (agents + 1,), kinds of user agents, of which `declared_bot` is one; the last for rows without one.
        status: int16 (n,). decisive: uint8 (n,), attacks.
        route: int64 (n,), numbers of routes, negative where there is none.
        login_of, asset_of, bit_of: uint8, by number of a route.
        marks: uint8 (n,), receives the bits that `add_groups` names.
        kinds, asset, bit: uint8 (n,), receive the agent's kind, and what is known of the route.
    """
    methods = of_method.shape[0] - 1
    agents = kind.shape[0] - 1
    for row in range(method.shape[0]):
        mark = int(of_method[method[row] if method[row] >= 0 else methods])
        writes = mark == 1
        kinds[row] = kind[agent[row] if agent[row] >= 0 else agents]
        answer = status[row]
        if answer != 404:
            mark &= 1
        failed = answer == 401
        asset[row] = 0
        bit[row] = 0
        number = route[row]
        login = False
        if number >= 0:
            asset[row] = asset_of[number]
            bit[row] = bit_of[number]
            login = login_of[number] != 0 and writes
            # A refused or failed credential check. A 403 counts only as the answer to credentials that were sent.
            failed = failed or (login and answer >= 400 and answer < 500 and answer != 404)
        if referer[row] < 0:
            mark |= 2
        if decisive[row] != 0:
            mark |= 4
        if agent[row] >= 0 and kinds[row] == declared_bot:
            mark |= 8
        if login:
            mark |= 16
        if failed:
            mark |= 32
        marks[row] = mark
