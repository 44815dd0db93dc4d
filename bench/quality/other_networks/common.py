"""What both networks are made with: rhythms of the day, sizes, and whom an event concerns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from office_network.book import ICMP, STATES, UDP, Book, Ints
from office_network.quiet import BEGIN, DAY, HOUR, strangers, times
from office_network.troubles import Trouble

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[np.generic]]
S0, REJ, SF, RSTO, RSTR, S1, SHR = (
    STATES.index(name) for name in ("S0", "REJ", "SF", "RSTO", "RSTR", "S1", "SHR")
)
MONDAY, TUESDAY, WEDNESDAY = BEGIN, BEGIN + DAY, BEGIN + 2 * DAY
WHOLE = ("traffic_spike", "traffic_drop", "protocol_anomaly", "high_latency", "packet_loss")
"""What may be said of a network as a whole."""


def clock(day: float, hour: int, minute: float = 0) -> float:
    """A time of day, as seconds since 1970."""
    return day + hour * HOUR + minute * 60


@dataclass
class Network:
    """One network: its connections, what goes wrong in it, and what only looks like it.

    Attributes:
        own: Its networks, as `network.own_networks` is told.
        after: What events do to connections that are not theirs: told all columns, says which rows stay.
    """

    book: Book
    days: int
    own: list[str]
    troubles: list[Trouble] = field(default_factory=list)
    harmless: list[Trouble] = field(default_factory=list)
    after: list[Callable[[Columns, np.random.Generator], NDArray[np.bool_]]] = field(default_factory=list)

    def trouble(
        self,
        name: str,
        who: Sequence[int | str],
        begin: float,
        end: float,
        types: str,
        *,
        anyone: bool = False,
    ) -> None:
        """What was just added goes wrong; `types` by spaces."""
        self.troubles.append(self._event(name, who, begin, end, types.split(), anyone))

    def event(self, name: str, who: Sequence[int | str], begin: float, end: float, types: str = "") -> None:
        """What was just added is harmless; `types` of a whole network may be said by its cause, too."""
        self.harmless.append(self._event(name, who, begin, end, types.split() or list(WHOLE), True))

    def _event(
        self, name: str, who: Sequence[int | str], begin: float, end: float, types: list[str], anyone: bool
    ) -> Trouble:
        names = frozenset(one if isinstance(one, str) else self.book.names[one] for one in who)
        return Trouble(name, begin, end, names, frozenset(types), anyone)


def daily(
    draw: np.random.Generator, begin: float, end: float, per_hour: float, peak: float, low: float = 0.3
) -> Floats:
    """Of a Poisson process with one wave a day: `per_hour` at its `peak` hour, and `low` of that half a day away."""
    at = times(draw, begin, end, per_hour)
    wave = (1 + np.cos((at - BEGIN - peak * HOUR) / DAY * 2 * np.pi)) / 2
    return at[draw.random(len(at)) < low + (1 - low) * wave]


def clockwork(
    draw: np.random.Generator, begin: float, end: float, every: float, jitter: float = 0.0
) -> Floats:
    """Each `every` seconds, give or take a share."""
    at = np.arange(begin + draw.uniform(0, every), end, every)
    return at + draw.uniform(-jitter, jitter, len(at)) * every


def stays(
    book: Book, who: int, target: int, port: int, begin: float, end: float, mean: float, rate: float
) -> None:
    """Connections that stay for `mean` seconds, one after the other, with `rate` bytes a second each way."""
    draw, at = book.draw, begin
    while at < end:
        took = min(draw.exponential(mean) + 5, end - at)
        book.add(
            at, who, target, port, took=took, out=900 + rate * took, back=1500 + rate * took, service="ssl"
        )
        at += took + draw.exponential(1.0) + 0.1


def bulk(
    book: Book,
    who: int,
    targets: Ints,
    port: int,
    begin: float,
    end: float,
    total: float,
    part: float,
    *,
    upload: bool,
    protocol: int = 6,
) -> None:
    """So many bytes in parts of about `part`, each over one connection."""
    draw = book.draw
    count = max(1, int(total / part))
    size = (draw.uniform(0.7, 1.3, count) * part).astype(np.int64)
    took = np.maximum(0.5, (end - begin) / count * draw.uniform(0.8, 3, count))
    at = np.sort(draw.uniform(begin, end, count))
    few = size // 400
    book.add(
        at,
        who,
        targets[draw.integers(0, len(targets), count)],
        port,
        protocol=protocol,
        took=np.minimum(took, end - at + 1),
        out=size if upload else few,
        back=few if upload else size,
        packets_out=size // 1250 + 8 if upload else size // 12_000 + 8,
        packets_in=size // 12_000 + 8 if upload else size // 1250 + 8,
        service="quic" if protocol == UDP else "ssl",
    )


KNOCKED = np.array(
    [
        *(
            21,
            22,
            23,
            25,
            80,
            81,
            110,
            139,
            443,
            445,
            1433,
            1723,
            2222,
            2323,
            3306,
            3389,
            5060,
            5432,
            5555,
            5900,
        ),
        *(6379, 7547, 8080, 8081, 8443, 8888, 9200, 11211, 27017, 37215),
    ]
)


def knocks(net: Network, block: Ints, per_hour: float, open_: dict[int, tuple[int, ...]]) -> None:
    """Strangers: SYNs, sweeps of a port, searches of a host, UDP probes, and what bounces back of floods elsewhere."""
    draw, book, begin, end = net.book.draw, net.book, BEGIN, BEGIN + net.days * DAY
    many = strangers(book, 4000)

    def state(target: Ints, port: Ints) -> Ints:
        is_open = np.zeros(len(target), bool)
        for host, ports in open_.items():
            is_open |= (target == host) & np.isin(port, ports)
        return np.where(is_open, np.where(draw.random(len(target)) < 0.5, RSTO, SF), S0)

    at = times(draw, begin, end, per_hour)
    port = np.where(
        draw.random(len(at)) < 0.75,
        KNOCKED[draw.integers(0, len(KNOCKED), len(at))],
        draw.integers(1, 65535, len(at)),
    )
    to = block[draw.integers(0, len(block), len(at))]
    who = many[np.minimum(draw.zipf(1.4, len(at)), len(many)) - 1]
    book.add(at, who, to, port, took=0.02, state=state(to, port), packets_out=1)
    for sweep in times(draw, begin, end, per_hour / 60):
        to = draw.permutation(block)
        port = np.full(len(to), draw.choice(KNOCKED))
        lasts = draw.lognormal(np.log(30), 1.5)
        book.add(
            sweep + np.sort(draw.uniform(0, lasts, len(to))),
            many[draw.integers(0, len(many))],
            to,
            port,
            took=0.02,
            state=state(to, port),
            packets_out=1,
        )
    for search in times(draw, begin, end, per_hour / 500):
        count = int(draw.integers(8, 40))
        port = draw.choice(KNOCKED, count)
        to = np.full(count, draw.choice(block))
        book.add(
            search + np.sort(draw.uniform(0, 90, count)),
            many[draw.integers(0, len(many))],
            to,
            port,
            took=0.02,
            state=state(to, port),
            packets_out=1,
        )
    at = times(draw, begin, end, per_hour / 6)
    book.add(
        at,
        many[draw.integers(0, len(many), len(at))],
        block[draw.integers(0, len(block), len(at))],
        draw.choice([53, 123, 161, 389, 1900, 5060, 11211, 19, 3702], len(at)),
        protocol=UDP,
        took=0,
        out=draw.integers(8, 60, len(at)),
        back=0,
        state="S0",
    )
    at = times(draw, begin, end, per_hour / 8)  # answers to SYNs that nobody here sent
    book.add(
        at,
        block[draw.integers(0, len(block), len(at))],
        many[draw.integers(0, 60, len(at))],
        draw.choice([80, 443, 25565, 22], len(at)),
        took=0,
        state=np.full(len(at), SHR),
        packets_out=0,
        packets_in=1,
    )
    at = times(draw, begin, end, per_hour / 20)
    book.add(
        at,
        many[draw.integers(0, len(many), len(at))],
        block[draw.integers(0, len(block), len(at))],
        0,
        protocol=ICMP,
        source_port=8,
        took=0.001,
        out=56,
        back=56,
        state="OTH",
    )


def silence(columns: Columns, of: NDArray[np.bool_], tries: int = 3) -> None:
    """These asked, and got no answer: in place."""
    tcp = columns["protocol"] == 6
    columns["state"][of & tcp] = S0
    for name in ("packets_in", "bytes_in"):
        columns[name][of] = 0
    columns["bytes_out"][of & tcp] = 0
    columns["packets_out"][of & tcp], columns["took"][of & tcp] = tries, 3.0


def refuse(columns: Columns, of: NDArray[np.bool_]) -> None:
    """These were refused: in place."""
    columns["state"][of] = REJ
    for name in ("packets_in", "packets_out"):
        columns[name][of] = 1
    for name in ("bytes_in", "bytes_out"):
        columns[name][of] = 0
    columns["took"][of] = 0.001


def lose(columns: Columns, of: NDArray[np.bool_], draw: np.random.Generator, share: float) -> None:
    """These cross a line that loses packets: in place."""
    luck = draw.random(len(of))
    tcp = columns["protocol"] == 6
    lost = of & (luck < share)
    silence(columns, lost & tcp, 4)
    quiet = lost & ~tcp
    columns["packets_in"][quiet] = columns["bytes_in"][quiet] = 0
    columns["took"][of & ~lost] *= 2.5
    columns["sent_again"][of & ~lost & tcp & (draw.random(len(of)) < 0.7)] = True
