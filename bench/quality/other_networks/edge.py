"""Three days at the edge of a small provider: homes behind it, a campus, and public servers of both.

What is honest and looks like trouble: games of sixty packets a second over UDP for hours, video over QUIC, file
sharing that asks thousands of peers of which half are gone, telephones that register by the minute, tunnels that stay
for days, a mail server that half of all others keep waiting, cameras that upload all day, devices that report by the
clock, and strangers at every public address.
"""

from dataclasses import dataclass

import numpy as np
from office_network.book import UDP, Book, Ints
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

HOMES, STUDENTS, STAFF = 140, 90, 40
EVENING, NOON = 20.5, 13.0
SERVERS = {
    "dns1": "192.0.2.53",
    "dns2": "192.0.2.54",
    "names": "192.0.2.55",
    "mail": "192.0.2.25",
    "web": "192.0.2.80",
    "ntp": "192.0.2.123",
    "sip": "192.0.2.60",
    "shell": "192.0.2.22",
    "rdp": "192.0.2.70",
    "vpn": "192.0.2.94",
    "cache": "192.0.2.90",
    "db": "10.50.200.10",
    "files": "10.50.200.20",
    "app": "10.50.200.30",
    "monitor": "10.50.200.5",
    "scanner": "10.50.200.9",
    "monitor2": "10.50.200.6",
}


@dataclass
class Edge:
    """Who is there."""

    net: Network
    hosts: dict[str, int]
    homes: Ints
    homes6: Ints
    students: Ints
    staff: Ints
    sites: Ints
    sites6: Ints
    video: Ints
    games: Ints
    exchangers: Ints


def edge(seed: int, days: int = 3) -> Edge:
    """The network of a seed, without a connection yet."""
    draw = np.random.default_rng(2000 + seed)
    book = Book(draw)
    own = ["10.50.0.0/16", "100.64.0.0/16", "192.0.2.0/24", "2001:db8:ed6e::/48", "fe80::/10"]
    return Edge(
        Network(book, days, own),
        {name: book.host(at) for name, at in SERVERS.items()},
        book.hosts([f"100.64.{1 + i // 100}.{10 + i % 100}" for i in range(HOMES)]),
        book.hosts([f"2001:db8:ed6e:{0x100 + i:x}::{draw.integers(2, 0xFFFF):x}" for i in range(HOMES)]),
        book.hosts([f"10.50.{10 + i // 60}.{20 + i % 60}" for i in range(STUDENTS)]),
        book.hosts([f"10.50.100.{10 + i}" for i in range(STAFF)]),
        strangers(book, 2500),
        book.hosts(
            [
                f"2a00:{draw.integers(0x1000, 0x4FFF):x}:{i:x}::{draw.integers(1, 0xFFFF):x}"
                for i in range(2500)
            ]
        ),
        strangers(book, 60),
        strangers(book, 80),
        strangers(book, 900),
    )


def resolve(here: Edge, at: Floats, who: Ints) -> None:
    """Questions to the provider's resolvers, and theirs to the world."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    asked = np.where(draw.random(len(at)) < 0.8, hosts["dns1"], hosts["dns2"])
    book.add(
        at,
        who,
        asked,
        53,
        protocol=UDP,
        took=draw.lognormal(np.log(0.004), 1.2, len(at)),
        out=draw.integers(28, 60, len(at)),
        back=draw.integers(60, 300, len(at)),
        service="dns",
    )
    missed = draw.random(len(at)) < 0.3
    at, asked = at[missed], asked[missed]
    silent = draw.random(len(at)) < 0.02
    book.add(
        at + 0.001,
        asked,
        here.sites[draw.integers(0, len(here.sites), len(at))],
        53,
        protocol=UDP,
        took=0.03,
        out=draw.integers(40, 70, len(at)),
        back=np.where(silent, 0, draw.integers(80, 900, len(at))),
        state=np.where(silent, S0, SF),
        service="dns",
    )


def browse(here: Edge, who: Ints, six: Ints | None, at: Floats) -> None:
    """Pages: each of `at` is one, of anybody."""
    draw, book = here.net.book.draw, here.net.book
    person = draw.integers(0, len(who), len(at))
    resolve(here, np.repeat(at, 2) - 0.05, np.repeat(who[person], 2))
    many = draw.poisson(3, len(at)) + 1
    at, person = np.repeat(at, many) + draw.exponential(0.8, many.sum()), np.repeat(person, many)
    count = len(at)
    site = np.minimum(draw.zipf(1.2, count), 10**6) % len(here.sites)
    over6 = (site % 5 < 2) if six is not None else np.zeros(count, bool)
    client = np.where(over6, six[person], who[person]) if six is not None else who[person]
    server = np.where(over6, here.sites6[site], here.sites[site])
    quic = (site % 3 == 0) & (draw.random(count) < 0.75)
    luck = draw.random(count)
    state = np.select(
        [luck < 0.8, luck < 0.89, luck < 0.95, luck < 0.985, luck < 0.996], [SF, RSTO, RSTR, S1, S0], REJ
    )
    out, back = sizes(draw, count, 1800, 1.1, 1e8), sizes(draw, count, 12_000, 1.9, 1e9)
    took = np.minimum(draw.lognormal(np.log(12), 1.3, count), 900)
    for of, protocol, service in ((quic, UDP, "quic"), (~quic, 6, "ssl")):
        how = np.where(luck[of] < 0.01, S0, SF) if protocol == UDP else state[of]
        more = {}
        if protocol == UDP:
            failed = how == S0
            sent, got = out[of] // 1200 + 3, back[of] // 1200 + 3
            more = {
                "packets_out": np.maximum(sent, got // 10),
                "packets_in": np.where(failed, 0, np.maximum(got, sent // 10)),
            }
        book.add(
            at[of],
            client[of],
            server[of],
            443,
            protocol=protocol,
            took=took[of],
            out=out[of],
            back=back[of],
            state=how,
            service=service,
            **more,
        )


def stream(here: Edge, who: int, begin: float, end: float) -> None:
    """Video over QUIC, in connections of some minutes."""
    draw, at = here.net.book.draw, begin
    while at < end:
        took = min(draw.uniform(120, 1200), end - at)
        size = int(took * draw.uniform(4e5, 9e5))
        here.net.book.add(
            at,
            who,
            int(draw.choice(here.video)),
            443,
            protocol=UDP,
            took=took,
            out=size // 60,
            back=size,
            packets_out=size // 11_000,
            packets_in=size // 1230,
            service="quic",
        )
        at += took * draw.uniform(0.9, 1)


def share(here: Edge, who: int, begin: float, end: float, per_hour: float) -> None:
    """File sharing: peers of which half are gone, from one UDP port."""
    draw, book = here.net.book.draw, here.net.book
    peers = strangers(book, 700)
    at = times(draw, begin, end, per_hour)
    answered = draw.random(len(at)) < 0.5
    book.add(
        at,
        who,
        peers[draw.integers(0, 700, len(at))],
        draw.integers(1025, 65535, len(at)),
        protocol=UDP,
        took=draw.exponential(20, len(at)),
        out=sizes(draw, len(at), 400, 2, 2e7),
        back=np.where(answered, sizes(draw, len(at), 3000, 2.5, 2e8), 0),
        state=np.where(answered, SF, S0),
        source_port=51413,
    )
    at = times(draw, begin, end, per_hour / 8)
    luck = draw.random(len(at))
    book.add(
        at,
        who,
        peers[draw.integers(0, 700, len(at))],
        draw.integers(1025, 65535, len(at)),
        took=draw.exponential(200, len(at)),
        out=sizes(draw, len(at), 2e5, 2, 5e7),
        back=sizes(draw, len(at), 2e6, 2, 2e8),
        state=np.where(luck < 0.45, S0, np.where(luck < 0.55, REJ, SF)),
    )


def home_things(here: Edge) -> None:
    """Each home's things: evenings before videos and games, devices by the clock, telephones, tunnels, sharing."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    end = BEGIN + here.net.days * DAY
    clouds = strangers(book, 12)
    for number, who in enumerate(here.homes.tolist()):
        for day in range(here.net.days):
            midnight = BEGIN + day * DAY
            if draw.random() < 0.55:
                begin = midnight + draw.normal(19.5, 1.2) * HOUR
                stream(
                    here,
                    int(here.homes6[number]) if number % 3 else who,
                    begin,
                    begin + draw.uniform(0.5, 3) * HOUR,
                )
            if number % 6 == 0 and draw.random() < 0.8:
                begin = midnight + draw.normal(18.5, 2) * HOUR
                while draw.random() < 0.8:
                    took = draw.uniform(600, 2400)
                    packets = int(took * draw.uniform(30, 64))
                    book.add(
                        begin,
                        who,
                        int(draw.choice(here.games)),
                        int(draw.choice([27015, 3074, 7777, 30_120])),
                        protocol=UDP,
                        took=took,
                        out=packets * 80,
                        back=packets * 160,
                        packets_out=packets,
                        packets_in=packets,
                    )
                    begin += took + draw.uniform(20, 200)
        if number % 2 == 0:  # a thing that keeps a connection to its maker, and one that reports
            stays(book, who, int(clouds[number % 4]), 8883, BEGIN + draw.uniform(0, 900), end, 14 * HOUR, 15)
            at = clockwork(draw, BEGIN, end, float([300, 600, 900][number % 3]), 0.01)
            book.add(at, who, clouds[4 + number % 5], 443, took=0.4, out=1100, back=900, service="ssl")
        if number % 9 == 0:  # a camera
            stays(book, who, int(clouds[9 + number % 2]), 443, BEGIN + 30, end, 2 * HOUR, 18_000)
        if number % 3 == 0:  # a telephone
            at = clockwork(draw, BEGIN, end, 120, 0.02)
            book.add(
                at, who, hosts["sip"], 5060, protocol=UDP, took=0.03, out=600, back=500, source_port=5060
            )
            for call in daily(draw, BEGIN, end, 0.4, 17):
                took = draw.exponential(200) + 5
                packets = int(took * 50)
                book.add(
                    call,
                    who,
                    hosts["sip"],
                    int(draw.integers(10_000, 20_000)) & ~1,
                    protocol=UDP,
                    took=took,
                    out=packets * 172,
                    back=packets * 172,
                    packets_out=packets,
                    packets_in=packets,
                )
        if number % 8 == 1:  # a tunnel to work
            port, far = (
                (51820, 4500, 1194)[number % 3],
                int(clouds[11]) if number % 16 == 1 else hosts["vpn"],
            )
            for day in range(here.net.days):
                begin = BEGIN + day * DAY + draw.normal(8.5, 0.7) * HOUR
                took = draw.uniform(6, 10) * HOUR
                size = int(draw.lognormal(np.log(8e8), 1))
                book.add(
                    begin,
                    who,
                    far,
                    port,
                    protocol=UDP,
                    took=took,
                    out=size // 8,
                    back=size,
                    packets_out=size // 3000,
                    packets_in=size // 1100,
                )
        if number in (12, 55, 88):
            share(here, who, BEGIN, end, 150)
        at = clockwork(draw, BEGIN, end, 1024, 0.1)
        book.add(at, who, hosts["ntp"], 123, protocol=UDP, took=0.01, out=48, back=48, service="ntp")


def campus(here: Edge) -> None:
    """Staff and students, their files and calls; SMB and a database within."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    for day in range(here.net.days):
        midnight = BEGIN + day * DAY
        for who in here.staff.tolist():
            came = midnight + draw.normal(8.6, 0.6) * HOUR
            stays(book, who, hosts["files"], 445, came, came + 8.5 * HOUR, 2 * HOUR, 900)
            stays(book, who, hosts["mail"], 993, came + 9, came + 8.5 * HOUR, 1.5 * HOUR, 100)
            at = times(draw, came, came + 8.5 * HOUR, 6)
            book.add(
                at, who, hosts["app"], 443, took=2, out=3000, back=sizes(draw, len(at), 4e4, 1), service="ssl"
            )
        at = daily(draw, midnight, midnight + DAY, 900, NOON, 0.1)
        book.add(
            at, hosts["app"], hosts["db"], 5432, took=0.1, out=1500, back=sizes(draw, len(at), 9000, 1, 1e7)
        )
        at = times(draw, midnight + 8 * HOUR, midnight + 20 * HOUR, 4)  # calls in groups, over UDP
        for begin in at:
            took = draw.uniform(600, 3600)
            for who in draw.choice(here.staff, int(draw.integers(2, 6)), replace=False):
                size = int(took * 1.1e5)
                book.add(
                    begin + draw.uniform(0, 60),
                    int(who),
                    int(here.video[0]),
                    8801,
                    protocol=UDP,
                    took=took,
                    out=size,
                    back=size * 2,
                    packets_out=size // 900,
                    packets_in=size // 500,
                )
    end = BEGIN + here.net.days * DAY
    at = clockwork(draw, BEGIN, end, 60, 0.01)
    for name, port in (
        ("web", 443),
        ("mail", 25),
        ("files", 445),
        ("db", 5432),
        ("app", 443),
        ("dns1", 22),
        ("shell", 22),
    ):
        book.add(at + draw.random(len(at)), hosts["monitor"], hosts[name], port, took=0.02, out=80, back=200)


def mail(here: Edge) -> None:
    """In from everybody, out to exchangers that keep new senders waiting; lists of senders asked by DNS."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    begin, end = BEGIN, BEGIN + here.net.days * DAY
    at = daily(draw, begin, end, 400, NOON)
    senders = here.exchangers[np.minimum(draw.zipf(1.3, len(at)), 10**6) % 900]
    book.add(
        at,
        senders,
        hosts["mail"],
        25,
        took=draw.lognormal(1, 0.8, len(at)),
        out=sizes(draw, len(at), 30_000, 1.3, 2e7),
        back=1200,
    )
    for _ in range(4):
        book.add(
            at + 0.2,
            hosts["mail"],
            hosts["dns1"],
            53,
            protocol=UDP,
            took=0.02,
            out=draw.integers(45, 80, len(at)),
            back=draw.integers(90, 200, len(at)),
            service="dns",
        )
    at = daily(draw, begin, end, 160, NOON)
    luck = draw.random(len(at))
    target = here.exchangers[np.minimum(draw.zipf(1.15, len(at)), 10**6) % 900]
    book.add(
        at,
        hosts["mail"],
        target,
        25,
        took=draw.lognormal(1, 0.8, len(at)),
        out=sizes(draw, len(at), 30_000, 1.5, 2e7),
        back=1500,
        state=np.where(luck < 0.05, S0, np.where(luck < 0.07, REJ, SF)),
    )
    again = at[luck < 0.07]
    for wait in (900, 3600):
        book.add(
            again + wait,
            hosts["mail"],
            target[luck < 0.07],
            25,
            took=3,
            out=9000,
            back=900,
            state=np.where(draw.random(len(again)) < 0.5, S0, SF),
        )


def public_servers(here: Edge) -> None:
    """The world's visitors: web, authoritative names, time."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    begin, end = BEGIN, BEGIN + here.net.days * DAY
    at = daily(draw, begin, end, 900, NOON)
    book.add(
        at,
        here.sites[np.minimum(draw.zipf(1.15, len(at)), 10**6) % 2500],
        hosts["web"],
        443,
        took=draw.lognormal(1, 1.2, len(at)),
        out=1500,
        back=sizes(draw, len(at), 25_000, 1.7, 8e8),
        service="ssl",
    )
    at = daily(draw, begin, end, 1800, 16, 0.6)
    book.add(
        at,
        here.sites[draw.integers(0, 2500, len(at))],
        hosts["names"],
        53,
        protocol=UDP,
        took=0.001,
        out=draw.integers(35, 60, len(at)),
        back=draw.integers(80, 500, len(at)),
        service="dns",
    )
    at = times(draw, begin, end, 2500)
    many = strangers(book, 6000)
    book.add(
        at,
        many[draw.integers(0, 6000, len(at))],
        hosts["ntp"],
        123,
        protocol=UDP,
        took=0.001,
        out=48,
        back=48,
        service="ntp",
    )


def quiet_days(here: Edge) -> None:
    """All of the above, and the strangers."""
    draw, book, hosts = here.net.book.draw, here.net.book, here.hosts
    end = BEGIN + here.net.days * DAY
    browse(here, here.homes, here.homes6, daily(draw, BEGIN, end, 2300, EVENING, 0.12))
    browse(here, here.students, None, daily(draw, BEGIN, end, 900, 15, 0.05))
    browse(here, here.staff, None, daily(draw, BEGIN, end, 500, NOON, 0.03))
    home_things(here)
    campus(here)
    mail(here)
    public_servers(here)
    block = np.concatenate(
        [
            np.unique([hosts[one] for one in SERVERS if SERVERS[one].startswith("192.")]),
            book.hosts([f"192.0.2.{i}" for i in range(100, 160)]),
        ]
    )
    knocks(
        here.net,
        block,
        500,
        {
            hosts["web"]: (80, 443),
            hosts["mail"]: (25, 110, 143),
            hosts["shell"]: (22,),
            hosts["rdp"]: (3389,),
        },
    )
    for who in strangers(book, 200):
        at = draw.uniform(BEGIN, end) + np.cumsum(draw.exponential(25, int(draw.integers(2, 12))))
        book.add(at, int(who), hosts["shell"], 22, took=2, out=1500, back=1900, service="ssh")


def harmless(here: Edge) -> None:
    """What looks like trouble and is none."""
    draw, book, hosts, net = here.net.book.draw, here.net.book, here.hosts, here.net
    store = strangers(book, 8)
    for day in range(net.days):
        begin = BEGIN + day * DAY + 2 * HOUR
        bulk(book, hosts["files"], store, 443, begin, begin + 45 * MINUTE, 2.2e10, 6.4e7, upload=True)
        net.event(f"backup-{day + 1}", [hosts["files"]], begin, begin + HOUR)
    at, mirror = clock(TUESDAY, 18, 40), strangers(book, 10)
    who = draw.choice(here.homes, 70, replace=False)
    for home in who.tolist():
        begin = at + draw.uniform(0, 5400)
        bulk(
            book,
            home,
            mirror,
            443,
            begin,
            begin + draw.uniform(120, 600),
            draw.uniform(0.5e9, 3e9),
            8e7,
            upload=False,
        )
    net.event("updates", who.tolist(), at, at + 2 * HOUR)
    at = clock(WEDNESDAY, 18)
    who = draw.choice(here.homes, 25, replace=False)
    for home in who.tolist():
        begin = at + draw.uniform(0, 1800)
        bulk(
            book,
            home,
            here.games[:6],
            443,
            begin,
            begin + draw.uniform(1800, 5400),
            3.5e10,
            2.5e8,
            upload=False,
        )
    net.event("game-release", who.tolist(), at, at + 2.2 * HOUR)
    at = clock(WEDNESDAY, 10)
    everybody = np.concatenate([here.students[:70], here.staff[:20]])
    for one in everybody.tolist():
        took = 5400 - draw.uniform(0, 300)
        size = int(took * 9e4)
        book.add(
            at + draw.uniform(0, 200),
            one,
            int(here.video[1]),
            8801,
            protocol=UDP,
            took=took,
            out=size // 6,
            back=size * 2,
            packets_out=size // 1500,
            packets_in=size // 500,
        )
    net.event("lecture", everybody.tolist(), at, at + 5500)
    at, one = clock(TUESDAY, 21), int(here.homes[31])
    bulk(book, one, strangers(book, 1), 443, at, at + 1.5 * HOUR, 9e10, 9e9, upload=False)
    net.event("big-download", [one], at, at + 1.6 * HOUR)
    at, one = clock(WEDNESDAY, 8, 30), int(here.homes[77])  # holiday photos, to a place that others use, too
    bulk(book, one, here.sites[:2], 443, at, at + 2 * HOUR, 6e9, 4e7, upload=True)
    net.event("photos", [one], at, at + 2 * HOUR)
    at = clock(TUESDAY, 4)
    for host in [hosts[one] for one in SERVERS] + here.staff[:30].tolist():
        ports = draw.permutation(np.arange(1, 801))
        book.add(
            at + np.sort(draw.uniform(0, 2400, 800)),
            hosts["scanner"],
            host,
            ports,
            took=0.01,
            state=np.where(np.isin(ports, (22, 443)), SF, np.where(draw.random(800) < 0.6, REJ, S0)),
        )
    net.event("own-scanner", [hosts["scanner"]], at, at + 2400, "port_scan")
    at = clock(WEDNESDAY, 9, 5)  # a newsletter to 2,500 readers
    when = at + np.sort(draw.uniform(0, 2400, 2500))
    luck = draw.random(2500)
    book.add(
        when,
        hosts["mail"],
        here.exchangers[np.minimum(draw.zipf(1.1, 2500), 10**6) % 900],
        25,
        took=3,
        out=60_000,
        back=1200,
        state=np.where(luck < 0.04, S0, np.where(luck < 0.06, REJ, SF)),
    )
    net.event("newsletter", [hosts["mail"]], at, at + 2500)
    at, end = clock(TUESDAY, 10), BEGIN + net.days * DAY
    every = clockwork(draw, at, end, 60)
    for host in [hosts[one] for one in SERVERS] + here.staff[:10].tolist():
        for port in (22, 161, 9100):
            protocol = UDP if port == 161 else 6
            answered = host in (hosts["web"], hosts["mail"], hosts["files"], hosts["db"], hosts["app"])
            book.add(
                every[: len(every) if answered else 30],
                hosts["monitor2"],
                host,
                port,
                protocol=protocol,
                took=0.02,
                out=80,
                back=800 if answered else 0,
                state="SF" if answered else "S0",
            )
    net.event("new-monitor", [hosts["monitor2"]], at, end)
    at = clock(WEDNESDAY, 5)

    def resolver_over(columns: dict[str, np.ndarray], _: np.random.Generator) -> np.ndarray:
        of = (columns["start"] >= at) & (columns["start"] < at + 1800)
        columns["target"][of & (columns["target"] == hosts["dns1"]) & (columns["target_port"] == 53)] = hosts[
            "dns2"
        ]
        columns["source"][of & (columns["source"] == hosts["dns1"]) & (columns["target_port"] == 53)] = hosts[
            "dns2"
        ]
        return np.ones(len(of), bool)

    net.after.append(resolver_over)
    net.event("failover", [hosts["dns1"], hosts["dns2"]], at, at + 1800)
    at = clock(WEDNESDAY, 20)  # a match: everybody watches
    who = draw.choice(here.homes, 60, replace=False)
    for home in who.tolist():
        stream(here, home, at + draw.uniform(-300, 600), at + 2 * HOUR)
    net.event("match", who.tolist(), at - 300, at + 2.1 * HOUR)
