"""Three days of a cloud network as its flow logs tell them: pods that come and go behind a load balancer.

What is honest and looks like trouble: agents that report to a service outside by the clock, health checks every few
seconds, five questions to DNS for each name, scrapes of pods that are gone, jobs with a new address each five minutes,
backups of tens of gigabytes, builds that fetch gigabytes, replication and queues whose connections stay for days.
"""

from dataclasses import dataclass, field

import numpy as np
from office_network.book import ICMP, STATES, UDP, Book, Ints
from office_network.quiet import BEGIN, DAY, HOUR, MINUTE, sizes, strangers, times

from other_networks.common import (
    REJ,
    RSTO,
    RSTR,
    S0,
    S1,
    SF,
    TUESDAY,
    WEDNESDAY,
    Floats,
    Network,
    bulk,
    clock,
    clockwork,
    daily,
    knocks,
    stays,
)

ROLES = {"web": 12, "app": 14, "orders": 6, "worker": 8, "dns": 2, "ingress": 2, "prom": 1, "cache-proxy": 2}
SERVES = {"web": 8080, "app": 50051, "orders": 7000, "worker": 9000, "ingress": 8443, "cache-proxy": 6380}
PEAK = 15.0
SERVERS = {
    "lb1": "10.0.1.10",
    "lb2": "10.0.2.10",
    "nat": "10.0.0.5",
    "resolver": "10.0.0.2",
    "bastion": "10.0.0.20",
    "api": "10.0.3.10",
    "db1": "10.0.4.10",
    "db2": "10.0.4.11",
    "warehouse": "10.0.4.20",
    "cache1": "10.0.5.10",
    "cache2": "10.0.5.11",
    "queue1": "10.0.5.20",
    "queue2": "10.0.5.21",
    "queue3": "10.0.5.22",
    "search": "10.0.5.30",
    "scanner": "10.0.7.9",
    "ci": "10.0.8.5",
    "ntp": "169.254.169.123",
    "lb1-6": "2001:db8:c10d:1::10",
    "lb2-6": "2001:db8:c10d:2::10",
}


@dataclass(frozen=True)
class Pod:
    """A pod, its addresses, and when it lives."""

    role: str
    at: int
    at6: int
    node: int
    begin: float
    end: float


@dataclass
class Cloud:
    """Who is there, and when."""

    net: Network
    hosts: dict[str, int]
    nodes: Ints
    runners: Ints
    pods: list[Pod] = field(default_factory=list)
    clients: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    clients6: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    store: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    partners: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    agents: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    office: int = 0

    def of(self, role: str) -> list[Pod]:
        """All pods of a role."""
        return [pod for pod in self.pods if pod.role == role]

    def some(self, role: str, at: Floats, *, six: bool = False) -> Ints:
        """A pod of the role that lives at each time."""
        pods, draw = self.of(role), self.net.book.draw
        found = np.zeros(len(at), np.int64)
        begin, end = np.array([pod.begin for pod in pods]), np.array([pod.end for pod in pods])
        where = np.array([pod.at6 if six else pod.at for pod in pods])
        for first in range(0, len(at), 20_000):
            now = at[first : first + 20_000, None]
            key = np.where((now >= begin) & (now < end), draw.random((len(now), len(pods))), -1.0)
            found[first : first + 20_000] = where[key.argmax(axis=1)]
        return found


def place_pods(here: Cloud) -> None:
    """Each pod restarts now and then, and all at a deploy; on Tuesday evening there are twice as many."""
    draw, book, end = here.net.book.draw, here.net.book, BEGIN + here.net.days * DAY
    free = iter(draw.permutation(np.arange(10, 16_000)).tolist())
    deploys = [clock(TUESDAY, 11), clock(WEDNESDAY, 15, 10), clock(BEGIN, 14, 30)]

    def start(role: str, begin: float, until: float) -> None:
        number = next(free)
        node = int(draw.integers(0, len(here.nodes)))
        name = f"10.0.{64 + number // 256}.{number % 256}"
        at6 = book.host(f"2001:db8:c10d:{64 + node:x}::{number:x}")
        here.pods.append(Pod(role, book.host(name), at6, node, begin, until))

    for role, count in ROLES.items():
        for _ in range(count):
            at = BEGIN - 3600.0
            cuts = sorted(
                [one + draw.uniform(0, 240) for one in deploys if role not in ("dns", "prom")]
                + list(times(draw, BEGIN, end, 0.01))
            )
            for cut in (*cuts, end + 3600):
                start(role, at, cut + 20)
                at = cut
    for role in ("web", "app", "orders", "cache-proxy"):
        for _ in range(ROLES[role]):
            start(role, clock(TUESDAY, 18) + draw.uniform(0, 300), clock(TUESDAY, 22) + draw.uniform(0, 300))
    for at in np.arange(BEGIN + 60, end, 300):
        start("job", at + draw.uniform(0, 10), at + draw.uniform(60, 200))


def cloud(seed: int, days: int = 3) -> Cloud:
    """The network of a seed, without a connection yet."""
    draw = np.random.default_rng(1000 + seed)
    book = Book(draw)
    own = ["10.0.0.0/16", "2001:db8:c10d::/48", "169.254.0.0/16", "fe80::/10", "127.0.0.0/8"]
    hosts = {name: book.host(at) for name, at in SERVERS.items()}
    nodes = book.hosts([f"10.0.16.{10 + i}" for i in range(12)])
    here = Cloud(Network(book, days, own), hosts, nodes, book.hosts([f"10.0.8.{10 + i}" for i in range(4)]))
    here.clients = strangers(book, 9000)
    here.clients6 = book.hosts(
        [
            f"2a02:{draw.integers(0x1000, 0x4FFF):x}:{i:x}:{draw.integers(1, 0xFFF):x}::{i + 7:x}"
            for i in range(3500)
        ]
    )
    here.store = book.hosts([f"52.216.{draw.integers(0, 250)}.{draw.integers(1, 250)}" for _ in range(24)])
    here.partners = strangers(book, 40)
    here.agents = book.hosts([f"35.241.17.{i}" for i in range(20, 28)])
    here.office = book.host("81.2.69.144")
    place_pods(here)
    return here


def outward(here: Cloud, at: Floats, who: Ints, to: Ints, took: Floats, out: Ints, back: Ints) -> None:
    """Through the NAT gateway, which is seen as well."""
    draw, book = here.net.book.draw, here.net.book
    state = np.where(draw.random(len(at)) < 0.03, RSTO, SF)
    for source, delay in ((who, 0.0), (here.hosts["nat"], 0.0004)):
        book.add(at + delay, source, to, 443, took=took, out=out, back=back, state=state, service="ssl")


def names(here: Cloud, at: Floats, who: Ints) -> None:
    """Four questions that find nothing, by the search list, and two that do; the cluster's DNS asks the network's."""
    draw, book = here.net.book.draw, here.net.book
    for number in range(6):
        book.add(
            at + number * 0.0006,
            who,
            here.some("dns", at),
            53,
            protocol=UDP,
            took=0.0008,
            out=draw.integers(40, 90, len(at)),
            back=draw.integers(80, 200, len(at)),
            service="dns",
        )
    passed = at[draw.random(len(at)) < 0.35]
    book.add(
        passed + 0.002,
        here.some("dns", passed),
        here.hosts["resolver"],
        53,
        protocol=UDP,
        took=0.002,
        out=draw.integers(35, 60, len(passed)),
        back=draw.integers(80, 300, len(passed)),
        service="dns",
    )


def visitors(here: Cloud) -> None:
    """Clients to the balancers, the balancers to web pods, and on: app, database, cache."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    begin, end = BEGIN, BEGIN + here.net.days * DAY
    at = daily(draw, begin, end, 7500, PEAK)
    six = draw.random(len(at)) < 0.3
    rank = lambda count: np.minimum(draw.zipf(1.25, len(at)), 10**6) % count  # noqa: E731
    luck, second = draw.random(len(at)), draw.random(len(at)) < 0.5
    client = np.where(six, here.clients6[rank(3500)], here.clients[rank(9000)])
    lb = np.where(
        six,
        np.where(second, hosts["lb2-6"], hosts["lb1-6"]),
        np.where(second, hosts["lb2"], hosts["lb1"]),
    )
    state = np.select([luck < 0.86, luck < 0.92, luck < 0.97, luck < 0.99], [SF, RSTO, RSTR, S1], S0)
    book.add(
        at,
        client,
        lb,
        np.where(draw.random(len(at)) < 0.06, 80, 443),
        took=np.minimum(draw.lognormal(np.log(8), 1.4, len(at)), 3600),
        out=sizes(draw, len(at), 2200, 1.0, 5e7),
        back=sizes(draw, len(at), 16_000, 1.6, 4e8),
        state=state,
        service="ssl",
    )
    for role, target, per_hour, took, out, back in (
        (None, "web", 2600, 25.0, 30_000, 150_000),
        ("web", "app", 1900, 40.0, 20_000, 60_000),
        ("app", "orders", 700, 12.0, 6000, 9000),
        ("web", "cache-proxy", 900, 5.0, 3000, 20_000),
    ):
        at = daily(draw, begin, end, per_hour, PEAK)
        source = (
            np.where(draw.random(len(at)) < 0.5, hosts["lb1"], hosts["lb2"])
            if role is None
            else here.some(role, at)
        )
        book.add(
            at,
            source,
            here.some(target, at),
            SERVES[target],
            took=np.minimum(draw.lognormal(np.log(took), 1.0, len(at)), 900),
            out=sizes(draw, len(at), out, 1.2, 2e7),
            back=sizes(draw, len(at), back, 1.4, 2e8),
            service="http",
        )
    for role, server, port, per_hour, took, out, back in (
        ("app", "db1", 5432, 900, 0.12, 1500, 9000),
        ("app", "db2", 5432, 600, 0.12, 1100, 14_000),
        ("orders", "db1", 5432, 500, 0.08, 2500, 2500),
        ("app", "cache1", 6379, 1500, 0.02, 500, 2000),
        ("cache-proxy", "cache2", 6379, 700, 0.02, 500, 4000),
        ("worker", "search", 9200, 400, 0.15, 5000, 20_000),
    ):
        at = daily(draw, begin, end, per_hour, PEAK)
        book.add(
            at,
            here.some(role, at),
            hosts[server],
            port,
            took=draw.lognormal(np.log(took), 0.5, len(at)),
            out=sizes(draw, len(at), out, 1.0, 1e7),
            back=sizes(draw, len(at), back, 1.2, 1e8),
        )
    at = daily(draw, begin, end, 900, PEAK)
    names(here, at, here.some("app", at))
    at = daily(draw, begin, end, 500, PEAK)
    names(here, at, here.some("worker", at))
    at = daily(draw, begin, end, 450, PEAK)  # payments, mail, maps
    which = np.minimum(draw.zipf(1.6, len(at)), 40) - 1
    outward(
        here,
        at,
        here.some("app", at),
        here.partners[which],
        draw.lognormal(0, 0.8, len(at)),
        sizes(draw, len(at), 2500, 0.8, 1e6),
        sizes(draw, len(at), 6000, 1.0, 1e7),
    )
    at = daily(draw, begin, end, 350, PEAK)  # files of users, to and from the store
    up = draw.random(len(at)) < 0.3
    outward(
        here,
        at,
        here.some("worker", at),
        here.store[draw.integers(0, 24, len(at))],
        draw.lognormal(0.5, 0.8, len(at)),
        np.where(up, sizes(draw, len(at), 6e5, 1.5, 3e8), 2000),
        np.where(up, 3000, sizes(draw, len(at), 8e5, 1.5, 5e8)),
    )
    at = daily(draw, begin, end, 120, PEAK)  # over IPv6, which needs no NAT
    book.add(
        at,
        here.some("app", at, six=True),
        here.clients6[:30][draw.integers(0, 30, len(at))],
        443,
        took=draw.lognormal(0, 0.8, len(at)),
        out=2000,
        back=sizes(draw, len(at), 9000, 1.0, 1e7),
        service="ssl",
    )


def each_pod(here: Cloud) -> None:
    """What every pod has: health checks, a scraper, queues that stay; and what still asks for it when it is gone."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    end = BEGIN + here.net.days * DAY
    for pod in here.pods:
        begin, until = max(BEGIN, pod.begin + 15), min(pod.end, end)
        if until <= begin:
            continue
        if pod.role in ("web", "ingress"):
            for lb in ("lb1", "lb2"):
                at = clockwork(draw, begin, until, 20, 0.02)
                book.add(
                    at, hosts[lb], pod.at, SERVES[pod.role], took=0.004, out=120, back=180, service="http"
                )
                if pod.end < end:
                    book.add(
                        pod.end + np.arange(3) * 20.0, hosts[lb], pod.at, SERVES[pod.role], took=5, state="S0"
                    )
        if pod.role in ("job", "dns", "prom"):
            if pod.role == "job":
                book.add(
                    begin + 1, pod.at, hosts["db2"], 5432, took=until - begin - 1, out=9000, back=900_000
                )
                outward(
                    here,
                    np.array([begin + 5.0]),
                    np.array([pod.at]),
                    here.store[:1],
                    np.array([20.0]),
                    np.array([2_500_000]),
                    np.array([4000]),
                )
                names(here, begin + draw.uniform(0, 40, 4), np.full(4, pod.at))
            continue
        prom = here.of("prom")[0].at
        stays(book, prom, pod.at, 9090, begin, until, 1.5 * HOUR, 60)
        if pod.end < end:
            book.add(pod.end + np.arange(4) * 15.0 + 3, prom, pod.at, 9090, took=7, state="S0")
        if pod.role in ("orders", "worker"):
            for queue in ("queue1", "queue2", "queue3"):
                stays(book, pod.at, hosts[queue], 9092, begin, until, 9 * HOUR, 900)
        if pod.role in ("app", "orders"):
            for db in ("db1", "db2"):
                stays(book, pod.at, hosts[db], 5432, begin, until, 0.5 * HOUR, 3000)
            stays(book, pod.at, hosts["cache1"], 6379, begin, until, 4 * HOUR, 2000)
    for who, to, port, rate in (
        ("db2", "db1", 5432, 90_000),
        ("cache2", "cache1", 6379, 30_000),
        ("queue1", "queue2", 9093, 50_000),
        ("queue2", "queue3", 9093, 50_000),
        ("queue3", "queue1", 9093, 50_000),
        ("warehouse", "db2", 5432, 9000),
    ):
        stays(book, hosts[who], hosts[to], port, BEGIN + 5, end, 20 * HOUR, rate)


def nodes(here: Cloud) -> None:
    """Nodes: the cluster's API, agents that report outside by the clock, time, metadata, logs, images."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    end = BEGIN + here.net.days * DAY
    prom = here.of("prom")[0].at
    for node in here.nodes.tolist():
        stays(book, node, hosts["api"], 6443, BEGIN + 2, end, 11 * HOUR, 400)
        stays(book, prom, node, 9100, BEGIN + 3, end, 2 * HOUR, 500)
        stays(book, node, hosts["search"], 9200, BEGIN + 3, end, 0.2 * HOUR, 1500)
        at = clockwork(draw, BEGIN, end, 60, 0.01)
        outward(
            here,
            at,
            np.full(len(at), node),
            here.agents[draw.integers(0, 8, len(at))],
            draw.uniform(0.1, 0.4, len(at)),
            draw.integers(3000, 9000, len(at)),
            draw.integers(400, 700, len(at)),
        )
        at = clockwork(draw, BEGIN, end, 512, 0.05)
        book.add(at, node, hosts["ntp"], 123, protocol=UDP, took=0.0005, out=48, back=48, service="ntp")
    at = clockwork(draw, BEGIN, end, 60)
    for server in (
        "db1",
        "db2",
        "cache1",
        "cache2",
        "queue1",
        "queue2",
        "queue3",
        "search",
        "warehouse",
        "lb1",
        "lb2",
    ):
        port = {"d": 5432, "c": 6379, "q": 9092, "s": 9200, "w": 5432, "l": 443}[server[0]]
        book.add(at + draw.random(len(at)), prom, hosts[server], port, took=0.003, out=80, back=120)
        book.add(
            at + 5,
            prom,
            hosts[server],
            0,
            protocol=ICMP,
            source_port=8,
            took=0.0004,
            out=56,
            back=56,
            state="OTH",
        )
        stays(book, prom, hosts[server], 9100, BEGIN + 3, end, 2 * HOUR, 500)
    for pod in here.pods:  # images
        if pod.begin > BEGIN and pod.role != "job":
            bulk(
                book,
                int(here.nodes[pod.node]),
                here.store[4:8],
                443,
                pod.begin - 10,
                pod.begin,
                draw.uniform(4e7, 3e8),
                6e7,
                upload=False,
            )


def people(here: Cloud) -> None:
    """Engineers over the bastion, playbooks over all nodes, builds in working hours."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    for day in range(here.net.days):
        midnight = BEGIN + day * DAY
        for at in times(draw, midnight + 8 * HOUR, midnight + 18 * HOUR, 3):
            took = float(draw.lognormal(np.log(900), 1))
            book.add(
                at,
                here.office,
                hosts["bastion"],
                22,
                took=took,
                out=3000 + 30 * took,
                back=9000 + 200 * took,
                service="ssh",
            )
            for to in draw.choice(here.nodes, int(draw.integers(1, 4)), replace=False):
                book.add(
                    at + 20,
                    hosts["bastion"],
                    int(to),
                    22,
                    took=took / 2,
                    out=9000,
                    back=60_000,
                    service="ssh",
                )
        playbook = midnight + draw.uniform(9, 16) * HOUR
        for to in (
            *here.nodes.tolist(),
            *(hosts[one] for one in ("db1", "db2", "cache1", "cache2", "search")),
        ):
            for number in range(5):
                book.add(
                    playbook + number * 20 + draw.uniform(0, 8),
                    hosts["bastion"],
                    to,
                    22,
                    took=6,
                    out=40_000,
                    back=15_000,
                    service="ssh",
                )
        for runner in here.runners.tolist():
            stays(book, runner, hosts["ci"], 443, midnight, midnight + DAY, 3 * HOUR, 50)
            for at in times(draw, midnight + 7 * HOUR, midnight + 20 * HOUR, 2.5):
                names(here, at + draw.uniform(0, 60, 25), np.full(25, runner))
                bulk(
                    book,
                    runner,
                    here.partners[:3],
                    443,
                    at,
                    at + 60,
                    draw.lognormal(np.log(1.5e8), 1),
                    2e7,
                    upload=False,
                )
                bulk(
                    book,
                    runner,
                    here.partners[10:22],
                    443,
                    at + 30,
                    at + 150,
                    draw.lognormal(np.log(3e8), 1),
                    3e6,
                    upload=False,
                )
                bulk(
                    book,
                    runner,
                    here.store[8:12],
                    443,
                    at + 200,
                    at + 300,
                    draw.lognormal(np.log(2.5e8), 0.8),
                    5e7,
                    upload=True,
                )
            for at in times(draw, midnight, midnight + 7 * HOUR, 0.1):
                bulk(book, runner, here.partners[:3], 443, at, at + 60, 1e8, 2e7, upload=False)


def quiet_days(here: Cloud) -> None:
    """All of the above, and the strangers."""
    visitors(here)
    each_pod(here)
    nodes(here)
    people(here)
    hosts = here.hosts
    block = np.array([hosts[name] for name in ("lb1", "lb2", "bastion", "nat")])
    knocks(
        here.net,
        block,
        260,
        {hosts["lb1"]: (80, 443), hosts["lb2"]: (80, 443), hosts["bastion"]: (22,)},
    )
    draw, book = here.net.book.draw, here.net.book
    end = BEGIN + here.net.days * DAY
    for who in strangers(book, 150):  # passwords at the bastion, as everywhere
        at = draw.uniform(BEGIN, end) + np.cumsum(draw.exponential(20, int(draw.integers(2, 12))))
        book.add(at, int(who), hosts["bastion"], 22, took=2, out=1500, back=1900, service="ssh")


def harmless(here: Cloud) -> None:
    """What looks like trouble and is none."""
    draw, book, hosts, net = here.net.book.draw, here.net.book, here.hosts, here.net
    for day in range(net.days):
        begin = BEGIN + day * DAY + HOUR + 120
        bulk(
            book, hosts["db2"], here.store[12:20], 443, begin, begin + 50 * MINUTE, 4.5e10, 6.4e7, upload=True
        )
        bulk(
            book,
            hosts["warehouse"],
            here.store[12:20],
            443,
            begin + HOUR,
            begin + 80 * MINUTE,
            8e9,
            6.4e7,
            upload=True,
        )
        net.event(f"backup-{day + 1}", [hosts["db2"], hosts["warehouse"]], begin, begin + 2 * HOUR)
    net.event(
        "autoscaling",
        [
            pod.at
            for pod in here.pods
            if pod.begin > clock(TUESDAY, 17, 59) and pod.begin < clock(TUESDAY, 18, 6)
        ],
        clock(TUESDAY, 18),
        clock(TUESDAY, 22, 10),
    )
    for number, at in enumerate((clock(BEGIN, 14, 30), clock(TUESDAY, 11), clock(WEDNESDAY, 15, 10))):
        net.event(
            f"deploy-{number + 1}", [pod.at for pod in here.pods if at <= pod.begin < at + 300], at, at + 420
        )
    at = clock(WEDNESDAY, 9, 30)  # a second scraper, which finds all ports that pods tell of
    scraper = book.host("10.0.127.200")
    end = BEGIN + net.days * DAY
    for pod in here.pods:
        if pod.end > at and pod.role not in ("job", "dns", "prom"):
            for port in (9090, SERVES[pod.role], 15020):
                tries = clockwork(draw, max(at, pod.begin), min(pod.end, end), 60)
                book.add(
                    tries,
                    scraper,
                    pod.at,
                    port,
                    took=0.02,
                    out=300,
                    back=9000,
                    state="REJ" if port == 15020 else "SF",
                )
    net.event("new-scraper", [scraper], at, end)
    at = clock(TUESDAY, 3)
    live = [pod.at for pod in here.pods if pod.begin < at < pod.end - HOUR]
    for to in (
        *here.nodes.tolist(),
        *live[:40],
        *(hosts[one] for one in ("db1", "db2", "cache1", "bastion", "search")),
    ):
        ports = draw.permutation(np.arange(1, 1001))
        book.add(
            at + np.sort(draw.uniform(0, 2400, 1000)),
            hosts["scanner"],
            to,
            ports,
            took=0.01,
            state=np.where(np.isin(ports, (22, 443)), SF, np.where(draw.random(1000) < 0.6, REJ, S0)),
        )
    net.event("own-scanner", [hosts["scanner"]], at, at + 2400, "port_scan")
    at = clock(WEDNESDAY, 2, 30)
    load = book.hosts([f"34.90.12.{i}" for i in range(10, 18)])
    book.add(
        at + np.sort(draw.uniform(0, 900, 45_000)),
        load[draw.integers(0, 8, 45_000)],
        hosts["lb1"],
        443,
        took=0.8,
        out=900,
        back=14_000,
        service="ssl",
    )
    net.event(
        "load-test",
        [*load.tolist(), hosts["lb1"]],
        at,
        at + 900,
        "ddos_attack traffic_spike protocol_anomaly",
    )
    at = clock(WEDNESDAY, 5)

    def failover(columns: dict[str, np.ndarray], _: np.random.Generator) -> np.ndarray:
        asked = (
            (columns["target"] == hosts["db1"]) & (columns["target_port"] == 5432) & (columns["start"] >= at)
        )
        gone = asked & (columns["start"] < at + 40)
        columns["state"][gone] = REJ
        columns["target"][asked & ~gone & (columns["start"] < at + 3600)] = hosts["db2"]
        return np.ones(len(asked), bool)

    net.after.append(failover)
    net.event("failover", [hosts["db1"], hosts["db2"]], at, at + HOUR)
    at = clock(TUESDAY, 4)
    for node in (
        *here.nodes.tolist(),
        *(hosts[one] for one in ("db1", "db2", "cache1", "cache2", "search", "bastion")),
    ):
        first = at + draw.uniform(0, 1800)
        bulk(book, node, here.partners[30:34], 443, first, first + 90, 6e8, 2e7, upload=False)
    net.event(
        "updates",
        [
            *here.nodes.tolist(),
            *(hosts[one] for one in ("db1", "db2", "cache1", "cache2", "search", "bastion")),
        ],
        at,
        at + 2100,
    )
    at = clock(WEDNESDAY, 10, 20)  # an engineer's copy of yesterday's dump, over the bastion
    book.add(
        at, here.office, hosts["bastion"], 22, took=1500, out=90_000_000, back=7_000_000_000, service="ssh"
    )
    book.add(
        at + 1,
        hosts["bastion"],
        hosts["warehouse"],
        22,
        took=1500,
        out=90_000_000,
        back=7_000_000_000,
        service="ssh",
    )
    net.event("big-download", [here.office, hosts["bastion"], hosts["warehouse"]], at, at + 1600)
    at = clock(WEDNESDAY, 7)  # certificates are renewed: a new place
    outward(
        here,
        at + np.arange(6.0),
        here.some("ingress", at + np.arange(6.0)),
        book.hosts(["172.65.32.248"] * 6),
        np.full(6, 1.0),
        np.full(6, 4000),
        np.full(6, 7000),
    )
    net.event("certificates", ["172.65.32.248"], at, at + 60)


__all__ = ["STATES", "Cloud", "Pod", "cloud", "harmless", "names", "outward", "quiet_days"]
