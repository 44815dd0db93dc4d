"""Windows of twenty seconds of simulated sites: quiet, crowded, faulty, and flooded in many shapes.

Nothing here has seen a recording of a real attack. A run is a site of its own: its rate, its number of services, how
much it can bear, whether its log names clients or the proxy before them, whether it tells response times.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.flood_features import Compared, Pasts, Slices, matrix
from vedette.simulate.injection import parse_injections
from vedette.simulate.rows import SECOND, Rows, ends
from vedette.simulate.run import Run
from vedette.simulate.serving import load_at

SLICE = 20 * SECOND
FLOODS = ("ddos", "ddos_distributed", "ddos_pulsed", "ddos_slow")
CROWD = "traffic_spike"
OTHERS = (
    "latency_spike", "error_spike", "traffic_drop", "deploy", "bot_activity", "scanner", "brute_force",
    "credential_stuffing", "data_exfiltration", "rate_limit_abuse", "slow_scan",
)  # fmt: skip
MOSTLY = 0.25
"""Share of a window's requests from which a flood's window is one, and a crowd's a crowd's."""
HARDLY = 0.02
"""Share below which a window is neither; between the two it is left out: nobody could say."""
LEAST = 10
"""Requests of windows that are looked at: fewer drown nothing."""
QUIET = "quiet"
OVERRUN = "overrun_crowd"
"""A crowd that brings a site down whose log names the proxy: nobody could tell it from a flood. Not learned."""
SATURATED = 3.2
"""Load from which the simulated site is at its limit."""
START = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Made:
    """Windows of runs.

    Attributes:
        rows: float32 (n, features). kind: Name of what each is, `QUIET` or an incident.
        run: int64 (n,), number of the run. proxied: bool (n,), the log names a proxy instead of clients.
        window: int64 (n,), number of the minute of a service that each is a third of.
    """

    rows: NDArray[np.float32]
    kind: NDArray[np.str_]
    run: NDArray[np.int64]
    proxied: NDArray[np.bool_]
    window: NDArray[np.int64]

    @property
    def flooded(self) -> NDArray[np.bool_]:
        """Which are a flood's."""
        return np.isin(self.kind, FLOODS)

    def select(self, chosen: NDArray[np.bool_]) -> "Made":
        """Some of the windows."""
        return Made(
            self.rows[chosen],
            self.kind[chosen],
            self.run[chosen],
            self.proxied[chosen],
            self.window[chosen],
        )


def together(parts: list[Made]) -> Made:
    """All windows of several runs."""
    return Made(
        *(
            np.concatenate([getattr(p, n) for p in parts])
            for n in ("rows", "kind", "run", "proxied", "window")
        )
    )


def simulate(first: int, runs: int) -> Made:
    """Windows of so many runs, numbered from `first` on; a number is a seed."""
    return together([one_run(number) for number in range(first, first + runs)])


def one_run(number: int) -> Made:
    """A site of its own for an hour and a half, with three incidents in it."""
    draw = np.random.default_rng(number)
    minutes = 90
    rate = float(np.exp(draw.uniform(np.log(1.0), np.log(60.0))))
    names = []
    for place in range(3):
        sort = draw.random()
        name = str(draw.choice(FLOODS)) if sort < 0.5 else CROWD if sort < 0.75 else str(draw.choice(OTHERS))
        strength = float(np.exp(draw.uniform(np.log(0.3), np.log(3.0))))
        lasts = int(draw.integers(2, 9))
        names.append(f"{name}@+{25 + 22 * place}m+{lasts}m*{strength:.2f}")
    run = Run(
        seed=number,
        start=START + timedelta(minutes=int(draw.integers(0, 7 * 24 * 60))),
        seconds=minutes * 60,
        rate=rate,
        services=int(draw.choice([1, 1, 2, 4])),
        clients=None,
        injections=parse_injections(",".join(names)),
        attack_share=0.0,
    )
    # How much the site can bear: the load that its requests are answered under, against what the simulation has.
    bears = float(np.exp(draw.uniform(np.log(0.3), np.log(3.0))))
    proxied, timed = bool(draw.random() < 0.3), bool(draw.random() < 0.75)
    # Some servers refuse what they cannot answer, others let everyone wait, however long.
    waits = float(draw.uniform(0.2, 3.0)) if draw.random() < 0.4 else None
    run.world.load = np.maximum(1.0 + (run.world.load - 1.0) * bears, 0.05)
    sums = _Sums(run, waits)
    for rows in run.rows():
        sums.add(rows)
    return sums.windows(number, names, proxied=proxied, timed=timed, draw=draw)


class _Sums:
    """Sums of each service and twenty seconds of a run."""

    def __init__(self, run: Run, waits: float | None) -> None:
        self._run = run
        self._waits = waits
        world = run.world
        self._first = world.start // SLICE
        self._shape = (len(world.services), -(-world.end // SLICE) - self._first)
        self._sums = {n: np.zeros(self._shape) for n in ("requests", "failed", "time")}
        self._flood: dict[int, NDArray[np.float64]] = {}
        self._clients: list[NDArray[np.int64]] = []

    def add(self, rows: Rows) -> None:
        service = self._run.world.service_of[
            rows["tenant"], np.where(rows["route"] < 0, rows["via"], rows["route"])
        ]
        place = service * self._shape[1] + ends(rows) // SLICE - self._first
        self._count("requests", place, None)
        failed = (rows["status"] >= 500) | (rows["status"] == 429)
        time = rows["duration"] / SECOND
        if self._waits is not None:
            beyond = np.maximum(load_at(self._run.world, rows["start"]) - SATURATED, 0.0)
            # Who is refused is told so in three tenths of the time of an answer.
            time = np.where(rows["status"] == 503, time / 0.3, time) * (1.0 + self._waits * beyond)
            failed &= rows["status"] != 503
        self._count("failed", place, failed)
        self._count("time", place, time)
        for label in np.unique(rows["label"]).tolist():
            if label >= 0:
                of_label = self._flood.setdefault(label, np.zeros(self._shape))
                of_label += np.bincount(place[rows["label"] == label], minlength=of_label.size).reshape(
                    self._shape
                )
        self._clients.append(np.stack([place, rows["client"]]))

    def _count(self, name: str, place: NDArray[np.int64], weights: NDArray[np.generic] | None) -> None:
        size = self._sums[name].size
        self._sums[name] += np.bincount(place, weights, minlength=size).reshape(self._shape)

    def windows(
        self, number: int, names: list[str], *, proxied: bool, timed: bool, draw: np.random.Generator
    ) -> Made:
        """Features of all windows, each held against what came before it."""
        clients, busiest = self._of_clients()
        requests = self._sums["requests"]
        if proxied:
            clients, busiest = np.minimum(requests, 1.0), requests
            if draw.random() < 0.3:
                # Two proxies.
                clients, busiest = np.minimum(requests, 2.0), np.ceil(requests * 0.52)
        mean = np.where(requests > 0, self._sums["time"] / np.maximum(requests, 1), np.nan)
        if not timed:
            mean = np.full_like(mean, np.nan)
        whole = Slices(*(a.ravel() for a in (requests, clients, busiest, self._sums["failed"], mean)))
        kind = self._kinds(names, proxied=proxied)
        flooded = np.isin(kind, FLOODS)
        pasts, parts, kinds, wanted = Pasts(), [], [], []
        services = np.arange(self._shape[0])
        for moment in range(self._shape[1]):
            at = services * self._shape[1] + moment
            part = whole.at(at)
            compared: Compared = pasts.compare(services, part)
            parts.append(matrix(compared))
            pasts.learn(services, part, flooded[:, moment])
            kinds.append(kind[:, moment])
            wanted.append((part.requests >= LEAST) & (kind[:, moment] != "") & (moment >= 45))
        chosen = np.concatenate(wanted)
        n = len(chosen)
        made = Made(
            np.concatenate(parts),
            np.concatenate(kinds),
            np.full(n, number),
            np.full(n, proxied),
            (number * 64 + np.tile(services, self._shape[1])) * 1_000 + np.arange(n) // len(services) // 3,
        )
        return made.select(chosen)

    def _of_clients(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        place, client = np.concatenate(self._clients, axis=1)
        order = np.lexsort((client, place))
        place, client = place[order], client[order]
        fresh = np.ones(len(place), dtype=bool)
        fresh[1:] = (place[1:] != place[:-1]) | (client[1:] != client[:-1])
        starts = np.flatnonzero(fresh)
        count = np.diff(np.append(starts, len(place)))
        size = self._sums["requests"].size
        distinct = np.bincount(place[starts], minlength=size).astype(np.float64)
        busiest = np.zeros(size)
        np.maximum.at(busiest, place[starts], count)
        return distinct.reshape(self._shape), busiest.reshape(self._shape)

    def _kinds(self, names: list[str], *, proxied: bool) -> NDArray[np.str_]:
        """What each window is: an incident that is most of it, or lasts meanwhile; quiet; or "", which is unclear."""
        world = self._run.world
        kind = np.full(self._shape, QUIET, dtype="<U24")
        labels = self._run.labels(with_service=True)
        moments = (self._first + np.arange(self._shape[1])) * SLICE
        total = np.maximum(self._sums["requests"], 1.0)
        for number, (name, label) in enumerate(zip(names, labels, strict=True)):
            name = name.partition("@")[0]
            share = self._flood.get(number, np.zeros(self._shape)) / total
            touched = (moments + SLICE > label.start) & (moments < label.end + SLICE)
            if name in (*FLOODS, CROWD):
                kind[share >= MOSTLY] = name
                kind[(share > HARDLY) & (share < MOSTLY)] = ""
                # Others' windows, and those between two pulses: the site may still be slow from it.
                kind[(share <= HARDLY) & touched[None, :]] = ""
            else:
                kind[:, touched] = name
        if proxied:
            load = world.load[(moments // SECOND - world.rhythm.first).clip(0, len(world.load) - 1)]
            kind[(kind == CROWD) & (load > SATURATED)[None, :]] = OVERRUN
        return kind
