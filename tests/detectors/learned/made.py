"""Clients of a made-up service, as windows hold them."""

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.keys import session_keys
from vedette.detectors.learned.sample import SESSION_WINDOWS, Sample, client_keys
from vedette.detectors.learned.training import Job
from vedette.windows.layout import CLIENT_COLUMNS, Client
from vedette.windows.summary import ClientRows

SPAN = 60_000_000


def people(draw: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Sums of people in a window: pages with what belongs to them, few errors, in bursts."""
    sums = np.zeros((count, CLIENT_COLUMNS), dtype=np.int64)
    pages = draw.integers(1, 6, count)
    assets = draw.poisson(3 * pages)
    sums[:, Client.REQUESTS] = 2 + pages + assets
    sums[:, Client.ASSETS] = assets
    sums[:, Client.NO_REFERER] = 1
    sums[:, Client.STATUS_4XX] = sums[:, Client.STATUS_404] = draw.random(count) < 0.05
    sums[:, Client.BYTES_OUT] = sums[:, Client.REQUESTS] * draw.integers(2_000, 20_000, count)
    sums[:, Client.AGENT_KINDS] = 2
    for row, number in enumerate(pages.tolist()):
        for route in draw.choice(12, number, p=np.arange(12, 0, -1) / 78).tolist():
            sums[row, Client.ROUTES] |= 1 << route
        for second in draw.integers(0, 60, number).tolist():
            sums[row, Client.SECONDS] |= 1 << second
    return sums


def crawlers(draw: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Sums of programs that call themselves browsers: one page after the other, nothing else."""
    sums = np.zeros((count, CLIENT_COLUMNS), dtype=np.int64)
    sums[:, Client.REQUESTS] = sums[:, Client.NO_REFERER] = draw.integers(50, 60, count)
    sums[:, Client.BYTES_OUT] = sums[:, Client.REQUESTS] * 9_000
    sums[:, Client.AGENT_KINDS] = 2
    sums[:, Client.ROUTES] = sums[:, Client.SECONDS] = (1 << 55) - 1
    return sums


def rows_of(sums: NDArray[np.int64], first: int) -> ClientRows:
    """Clients with addresses from a number on."""
    count = len(sums)
    return ClientRows(
        np.zeros(count, np.int32), np.zeros(count, np.uint64), np.arange(first, first + count, dtype=np.uint64), sums
    )  # fmt: skip


def sample(
    windows: int = 240, *, each: int = 8, poison: int = 0, seed: int = 1, first: int = 1_000_000
) -> Sample:
    """What windows leave: every one has new people, and the same crawlers if there are any."""
    draw = np.random.default_rng(seed)
    made = Sample()
    for number in range(first, first + windows):
        for clients in (rows_of(people(draw, each), number * 1000), rows_of(crawlers(draw, poison), 1)):
            client = client_keys(clients)
            keys = session_keys(client, number // SESSION_WINDOWS)
            wanted = made.wants(keys)
            made.add(keys[wanted], client[wanted], number, clients.sums[wanted])
    made.settle()
    return made


def regulars(count: int, windows: int) -> Sample:
    """The same people in every window."""
    draw = np.random.default_rng(1)
    made = Sample()
    for number in range(windows):
        clients = rows_of(people(draw, count), 0)
        client = client_keys(clients)
        made.add(session_keys(client, number // SESSION_WINDOWS), client, number, clients.sums)
    made.settle()
    return made


def job(of: Sample | None = None, seed: int = 1) -> Job:
    """A model to be fitted."""
    return Job("forest", "shop", (sample() if of is None else of).to_state(), SPAN, seed)
