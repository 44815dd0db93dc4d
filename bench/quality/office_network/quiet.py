"""Days of an office and its few servers on which nothing is wrong.

Eighty people with their own hours, their programs, and the machines that work for them. What is honest and looks like
trouble is here on purpose: monitoring that asks every host each minute, backups of tens of gigabytes by night,
builds, configuration by SSH of all servers at once, updates that peers hand each other, laptops that are gone while
others ask for them, and the strangers who knock at every public address.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from office_network.book import ICMP, ICMP6, STATES, UDP, Book, Ints

BEGIN = 1_772_409_600
"""2026-03-02 00:00 UTC, a Monday."""
MINUTE, HOUR, DAY = 60, 3600, 86_400
PEOPLE, DEVELOPERS, REMOTE = 80, 25, 15
SITES = 1500
Floats = NDArray[np.float64]


@dataclass
class Office:
    """Who is there, and when."""

    book: Book
    days: int
    people: Ints
    people6: Ints
    remote: Ints
    servers: dict[str, int]
    printers: Ints
    runners: Ints
    shifts: list[tuple[int, float, float]]
    """Person, came, went: once a day."""
    sites: Ints
    sites6: Ints
    popularity: Floats
    known: Ints

    def there(self, person: int, at: Floats) -> NDArray[np.bool_]:
        """When somebody is in."""
        inside = np.zeros(len(at), bool)
        for who, came, went in self.shifts:
            if who == person:
                inside |= (at >= came) & (at < went)
        return inside


SERVERS = {
    "dc1": "10.20.10.10",
    "dc2": "10.20.10.11",
    "files": "10.20.10.20",
    "print": "10.20.10.21",
    "mail": "10.20.10.30",
    "git": "10.20.10.40",
    "db1": "10.20.10.50",
    "db2": "10.20.10.51",
    "app1": "10.20.10.60",
    "app2": "10.20.10.61",
    "app3": "10.20.10.62",
    "wiki": "10.20.10.63",
    "terminal": "10.20.10.70",
    "jump": "10.20.10.71",
    "monitor": "10.20.10.5",
    "scanner": "10.20.10.6",
    "backup": "10.20.10.7",
    "guests": "10.20.99.1",
}
PUBLIC = {
    "web": "198.51.100.10",
    "vpn": "198.51.100.2",
    "mx": "198.51.100.25",
    "ssh": "198.51.100.22",
    "rdp": "198.51.100.70",
    "names": "198.51.100.53",
}


def public_address(draw: np.random.Generator) -> str:
    while True:
        first = int(draw.integers(11, 200))
        if first not in (100, 127, 169, 172, 192, 198):
            return f"{first}.{draw.integers(0, 256)}.{draw.integers(0, 256)}.{draw.integers(1, 255)}"


def strangers(book: Book, count: int) -> Ints:
    return book.hosts([public_address(book.draw) for _ in range(count)])


def office(seed: int, days: int = 3) -> Office:
    """The office of a seed, without a connection yet."""
    draw = np.random.default_rng(seed)
    book = Book(draw)
    people = book.hosts([f"10.20.1.{10 + i}" for i in range(PEOPLE)])
    people6 = book.hosts([f"2001:db8:20:1::{10 + i:x}" for i in range(PEOPLE)])
    remote = book.hosts([f"10.20.50.{10 + i}" for i in range(REMOTE)])
    servers = {name: book.host(at) for name, at in (SERVERS | PUBLIC).items()}
    printers = book.hosts([f"10.20.5.{11 + i}" for i in range(5)])
    runners = book.hosts([f"10.20.10.{41 + i}" for i in range(4)])
    sites = strangers(book, SITES)
    sites6 = book.hosts(
        [f"2a00:{draw.integers(0x1000, 0x4FFF):x}:{i:x}::{draw.integers(1, 0xFFFF):x}" for i in range(SITES)]
    )
    weight = 1 / np.arange(1, SITES + 1) ** 0.9
    shifts = []
    for day in range(days):
        for person in range(PEOPLE):
            if draw.random() < 0.06:  # ill, or on leave
                continue
            came = BEGIN + day * DAY + draw.normal(8.6, 0.6) * HOUR
            shifts.append((person, came, came + max(3, draw.normal(8.7, 0.8)) * HOUR))
    known = np.concatenate([people, np.array([servers[name] for name in SERVERS]), printers, runners])
    return Office(
        book,
        days,
        people,
        people6,
        remote,
        servers,
        printers,
        runners,
        shifts,
        sites,
        sites6,
        weight / weight.sum(),
        known,
    )


def times(draw: np.random.Generator, begin: float, end: float, per_hour: float) -> Floats:
    """Of a Poisson process."""
    return np.sort(draw.uniform(begin, end, draw.poisson(max(0.0, (end - begin) / HOUR * per_hour))))


def sizes(
    draw: np.random.Generator, count: int, median: float, spread: float = 1.5, most: float = 2e9
) -> Ints:
    return np.minimum(draw.lognormal(np.log(median), spread, count), most).astype(np.int64)


def ask_names(here: Office, at: Floats, who: int | Ints) -> None:
    """Questions for A and AAAA, and what the resolvers ask for them in turn."""
    draw, book, count = here.book.draw, here.book, len(at)
    first, second = here.servers["dc1"], here.servers["dc2"]
    asked = np.where(draw.random(count) < 0.85, first, second)
    took = draw.lognormal(np.log(0.004), 1.2, count)
    for kind in range(2):
        book.add(
            at + kind * 0.0002,
            who,
            asked,
            53,
            protocol=UDP,
            took=took,
            out=draw.integers(28, 60, count),
            back=draw.integers(60, 300, count),
            service="dns",
        )
    missed = draw.random(count) < 0.3
    at, asked, count = at[missed], asked[missed], int(missed.sum())
    authority = here.sites[draw.integers(0, SITES, count)]
    silent = draw.random(count) < 0.01
    book.add(
        at + 0.001,
        asked,
        authority,
        53,
        protocol=UDP,
        took=draw.lognormal(np.log(0.025), 0.6, count),
        out=draw.integers(40, 70, count),
        back=np.where(silent, 0, draw.integers(80, 900, count)),
        state=np.where(silent, STATES.index("S0"), 0),
        service="dns",
    )


def acknowledged(out: Ints, back: Ints, failed: NDArray[np.bool_]) -> dict[str, Ints]:
    """Packets of QUIC: every tenth is acknowledged at the rarest."""
    sent, got = out // 1200 + 3, back // 1200 + 3
    return {
        "packets_out": np.maximum(sent, got // 10),
        "packets_in": np.where(failed, 0, np.maximum(got, sent // 10)),
    }


def browse(here: Office, who: int, who6: int | None, begin: float, end: float, pages: float) -> None:
    """Pages of a dozen connections: TCP and QUIC, IPv4 and IPv6, some raced, reset, half open or refused."""
    draw, book = here.book.draw, here.book
    at = times(draw, begin, end, pages)
    if not len(at):
        return
    ask_names(here, np.repeat(at, 3) + draw.exponential(0.3, 3 * len(at)), who)
    each = draw.poisson(6, len(at)) + 1
    at = np.repeat(at, each) + draw.exponential(0.8, each.sum())
    count = len(at)
    site = draw.choice(SITES, count, p=here.popularity)
    six = (site % 5 < 2) & (draw.random(count) < 0.95) if who6 is not None else np.zeros(count, bool)
    client = np.where(six, who6 if who6 is not None else who, who)
    server = np.where(six, here.sites6[site], here.sites[site])
    quic = (site % 3 == 0) & (draw.random(count) < 0.7)
    luck = draw.random(count)
    state = np.select(
        [luck < 0.78, luck < 0.88, luck < 0.94, luck < 0.985, luck < 0.993, luck < 0.998],
        [STATES.index(name) for name in ("SF", "RSTO", "RSTR", "S1", "S3", "S0")],
        STATES.index("REJ"),
    )
    state = np.where(quic, np.where(luck < 0.01, STATES.index("S0"), 0), state)
    took = np.minimum(draw.lognormal(np.log(12), 1.3, count), 900)
    out, back = sizes(draw, count, 1800, 1.0, 5e7), sizes(draw, count, 9000, 1.8)
    big = draw.random(count) < 0.002
    out = np.where(big, sizes(draw, count, 2e7, 1.0, 3e8), out)
    failed = (state == STATES.index("S0")) | (state == STATES.index("REJ"))
    for is_quic, protocol, service in ((True, UDP, "quic"), (False, 6, "ssl")):
        of = quic == is_quic
        book.add(
            at[of],
            client[of],
            server[of],
            443,
            protocol=protocol,
            took=np.where(failed[of], 0.5, took[of]),
            out=out[of],
            back=back[of],
            state=state[of],
            service=service,
            **acknowledged(out[of], back[of], failed[of]) if is_quic else {},
        )
    raced = six & (draw.random(count) < 0.05)
    book.add(
        at[raced] + 0.25,
        who,
        here.sites[site[raced]],
        443,
        took=0.3,
        out=0,
        back=0,
        state=np.where(draw.random(raced.sum()) < 0.5, STATES.index("RSTO"), STATES.index("S0")),
    )
    plain = draw.random(count) < 0.02
    book.add(
        at[plain],
        who,
        here.sites[site[plain]],
        80,
        took=0.2,
        out=300,
        back=sizes(draw, int(plain.sum()), 2000),
        service="http",
    )


def keep_open(
    here: Office, who: int, begin: float, end: float, mean_h: float, server: int, port: int, rate: float
) -> None:
    """A connection that stays (WebSocket, IMAP IDLE, SSH), made anew when it breaks; `rate` is bytes a second."""
    draw, at = here.book.draw, begin
    while at < end:
        took = min(draw.exponential(mean_h * HOUR), end - at)
        here.book.add(
            at,
            who,
            server,
            port,
            took=took,
            out=2000 + rate * took,
            back=5000 + 2 * rate * took,
            service="ssl",
        )
        at += took + draw.exponential(5) + 0.5


def domain(here: Office, who: int, begin: float, end: float) -> None:
    """What a workstation says to its domain: at logon, every ninety minutes, and for files and paper."""
    draw, book, servers = here.book.draw, here.book, here.servers
    first = servers["dc1"] if draw.random() < 0.7 else servers["dc2"]
    for at in np.concatenate(
        [[begin], np.arange(begin + draw.uniform(60, 120) * MINUTE, end, draw.uniform(80, 100) * MINUTE)]
    ):
        burst = 8 if at == begin else 3
        book.add(
            at + np.sort(draw.random(burst)),
            who,
            first,
            88,
            took=0.01,
            out=1500,
            back=1600,
            service="krb_tcp",
        )
        book.add(
            at + 1 + draw.random(burst), who, first, 389, took=1.5, out=4000, back=9000, service="ldap_tcp"
        )
        book.add(at + draw.random(2), who, first, 389, protocol=UDP, took=0.002, out=200, back=180)
        book.add(at + 2 + draw.random(2), who, first, 135, took=0.5, out=700, back=600, service="dce_rpc")
        book.add(at + 2 + draw.random(2), who, first, 49667, took=2, out=3000, back=2500, service="dce_rpc")
        book.add(at + 2.5, who, first, 445, took=20, out=9000, back=60_000, service="smb")
    keep_open(here, who, begin + 20, end, 5, servers["files"], 445, 60)
    at = times(draw, begin, end, 3)
    book.add(
        at,
        who,
        servers["files"],
        445,
        took=draw.exponential(40, len(at)),
        out=sizes(draw, len(at), 2e5, 2),
        back=sizes(draw, len(at), 1e6, 2),
        service="smb",
    )
    at = times(draw, begin, end, 0.4)
    book.add(
        at, who, servers["print"], 445, took=8, out=sizes(draw, len(at), 8e5, 1), back=9000, service="smb"
    )
    book.add(
        at + 4,
        servers["print"],
        here.printers[draw.integers(0, 5, len(at))],
        9100,
        took=12,
        out=sizes(draw, len(at), 1e6, 1),
        back=400,
    )
    at = times(draw, begin, end, 40)
    port = np.array([443, 443, 8443, 443])[draw.integers(0, 4, len(at))]
    apps = np.array([servers[name] for name in ("app1", "app2", "app3", "wiki")])[
        draw.integers(0, 4, len(at))
    ]
    book.add(
        at,
        who,
        apps,
        port,
        took=draw.exponential(6, len(at)),
        out=sizes(draw, len(at), 2000, 1),
        back=sizes(draw, len(at), 15_000, 1.4),
        service="ssl",
    )


def chatter(here: Office, who: int, who6: int, name: str, begin: float, end: float) -> None:
    """DHCP, NTP, mDNS, SSDP, LLMNR, NetBIOS, neighbours: what a host says without being asked to."""
    draw, book = here.book.draw, here.book
    dc = here.servers["dc1"]
    book.add(
        begin - 30,
        book.host("0.0.0.0"),
        book.host("255.255.255.255"),
        67,
        protocol=UDP,
        source_port=68,
        took=3,
        out=900,
        back=0,
        state="S0",
        service="dhcp",
    )
    renew = np.arange(begin + 4 * HOUR, end, 4 * HOUR)
    book.add(renew, who, dc, 67, protocol=UDP, source_port=68, took=0.01, out=320, back=320, service="dhcp")
    book.add(
        np.arange(begin + draw.uniform(0, 1024), end, 1024),
        who,
        dc,
        123,
        protocol=UDP,
        source_port=123,
        took=0.001,
        out=48,
        back=48,
        service="ntp",
    )
    spoken = (
        (5353, "224.0.0.251", who, 12, 5353),
        (5353, "ff02::fb", who6, 12, 5353),
        (1900, "239.255.255.250", who, 10, None),
        (5355, "224.0.0.252", who, 4, None),
        (137, "10.20.1.255", who, 5, 137),
        (138, "10.20.1.255", who, 5, 138),
    )
    for port, group, speaker, rate, source_port in spoken:
        at = times(draw, begin, end, rate)
        book.add(
            at,
            speaker,
            book.host(group),
            port,
            protocol=UDP,
            took=draw.exponential(2, len(at)),
            out=draw.integers(40, 800, len(at)),
            back=0,
            state="S0",
            source_port=source_port,
            service="dns" if port in (5353, 5355) else "-",
        )
    at = times(draw, begin, end, 8)
    book.add(
        at,
        who6,
        book.host("fe80::1"),
        136,
        protocol=ICMP6,
        source_port=135,
        took=0.001,
        out=24,
        back=24,
        state="OTH",
    )
    del name


def calls(here: Office) -> None:
    """Meetings at full and half hours: media over UDP to a service, and each tries the others first."""
    draw, book = here.book.draw, here.book
    media = book.hosts([f"52.112.{draw.integers(0, 255)}.{draw.integers(1, 255)}" for _ in range(30)])
    for day in range(here.days):
        for slot in range(18, 35):
            start = BEGIN + day * DAY + slot * HOUR / 2
            present = np.array([who for who, came, went in here.shifts if came < start < went - HOUR])
            for _ in range(draw.poisson(2.5)):
                if len(present) < 8:
                    continue
                members = draw.choice(present, draw.integers(2, 9), replace=False)
                relay, took = media[draw.integers(30)], float(draw.choice([25, 28, 50, 58])) * MINUTE
                for who in members:
                    at, stay = start + draw.normal(20, 60), took + draw.normal(0, 60)
                    for port, rate in ((3479, 6_000), (3480, 120_000)):
                        sent, got = rate * stay * draw.uniform(0.6, 1.3), rate * stay * draw.uniform(0.8, 2)
                        book.add(
                            at,
                            here.people[who],
                            relay,
                            port,
                            protocol=UDP,
                            took=stay,
                            out=sent,
                            back=got,
                            packets_out=int(sent / 900) + 1,
                            packets_in=int(got / 900) + 1,
                        )
                    others = here.people[members[members != who]]
                    book.add(
                        at + draw.random(len(others)),
                        here.people[who],
                        others,
                        draw.integers(50000, 50060, len(others)),
                        protocol=UDP,
                        took=2,
                        out=400,
                        back=np.where(draw.random(len(others)) < 0.6, 400, 0),
                        state="S0",
                        service="-",
                        packets_out=4,
                        packets_in=0,
                    )


def monitoring(here: Office) -> None:
    """Every known host each minute: a ping and a connection, whether it is on or not; agents; SNMP of printers."""
    draw, book, monitor = here.book.draw, here.book, here.servers["monitor"]
    end = BEGIN + here.days * DAY
    ports = {
        here.servers[name]: port
        for name, port in (
            ("dc1", 389),
            ("dc2", 389),
            ("files", 445),
            ("print", 445),
            ("mail", 25),
            ("git", 22),
            ("db1", 5432),
            ("db2", 5432),
            ("app1", 443),
            ("app2", 443),
            ("app3", 443),
            ("wiki", 443),
            ("terminal", 3389),
            ("jump", 22),
            ("scanner", 443),
            ("backup", 10001),
            ("guests", 443),
        )
    }
    person = {int(host): number for number, host in enumerate(here.people)}
    for host in here.known:
        host = int(host)
        if host == monitor:
            continue
        at = (
            BEGIN
            + draw.uniform(0, 60)
            + np.arange(0, here.days * DAY, MINUTE)
            + draw.normal(0, 0.05, here.days * 1440)
        )
        up = here.there(person[host], at) if host in person else np.ones(len(at), bool)
        port = ports.get(host, 135 if host in person else 9100 if host in here.printers else 22)
        book.add(
            at,
            monitor,
            host,
            0,
            protocol=ICMP,
            source_port=8,
            took=0.001,
            out=56,
            back=np.where(up, 56, 0),
            state="OTH",
            packets_in=up,
        )
        state = np.where(up, 0, STATES.index("S0"))
        book.add(
            at + 0.5,
            monitor,
            host,
            port,
            took=np.where(up, 0.01, 0),
            out=20,
            back=np.where(port in (22, 25), 40, 0),
            state=state,
        )
        if host not in person and host not in here.printers:
            book.add(
                at + 0.7,
                monitor,
                host,
                9100 if port != 9100 else 9101,
                took=0.05,
                out=180,
                back=draw.integers(20_000, 40_000, len(at)),
                service="http",
            )
    for printer in here.printers:
        at = np.arange(BEGIN + draw.uniform(0, 300), end, 300)
        book.add(at, here.servers["print"], printer, 161, protocol=UDP, took=0.02, out=90, back=120)


def backups(here: Office) -> None:
    """At ten in the evening servers to the backup server, at one from there to the cloud; some laptops at noon."""
    draw, book, servers = here.book.draw, here.book, here.servers
    cloud = book.hosts([f"52.218.{draw.integers(0, 255)}.{draw.integers(1, 255)}" for _ in range(8)])
    laptop_cloud = book.hosts([f"20.60.{draw.integers(0, 255)}.{draw.integers(1, 255)}" for _ in range(4)])
    growth = draw.uniform(0.9, 1.1, here.days)
    for day in range(here.days):
        night = BEGIN + day * DAY
        for number, name in enumerate(
            ("files", "mail", "git", "db1", "db2", "app1", "app2", "app3", "wiki", "dc1", "dc2")
        ):
            much = {"files": 40e9, "mail": 12e9, "db1": 20e9, "db2": 20e9}.get(name, 2e9) * growth[day]
            at = night + 22 * HOUR + number * 6 * MINUTE + draw.uniform(0, 20)
            book.add(at, servers[name], servers["backup"], 10001, took=much / 80e6, out=much, back=much / 400)
        parts = int(55e9 * growth[day] / 64e6)
        begins = night + HOUR + np.arange(parts) * 64e6 / 12e6 / 1.0 + draw.normal(0, 1, parts)
        book.add(
            begins,
            servers["backup"],
            cloud[draw.integers(0, 8, parts)],
            443,
            took=draw.normal(21, 2, parts),
            out=64e6,
            back=9000,
            service="ssl",
        )
        for who, came, went in here.shifts:
            if who % 4 == 0:
                at = came + draw.uniform(0.5, 1.5) * HOUR
                much = float(sizes(draw, 1, 1.5e8, 0.8, 1.5e9)[0])
                book.add(
                    at,
                    here.people[who],
                    laptop_cloud[who % 4],
                    443,
                    took=much / 4e6,
                    out=much,
                    back=much / 100,
                    service="ssl",
                )
            del went


def builds(here: Office) -> None:
    """Developers fetch every few minutes; a push starts jobs on all runners, which clone and download."""
    draw, book, git = here.book.draw, here.book, here.servers["git"]
    images = here.sites[draw.integers(0, 200, 6)]
    for who, came, went in here.shifts:
        if who >= DEVELOPERS:
            continue
        every = draw.uniform(3, 8) * MINUTE
        at = np.arange(came + draw.uniform(0, every), went, every)
        book.add(
            at,
            here.people[who],
            git,
            22,
            took=draw.uniform(0.4, 1.5, len(at)),
            out=3600,
            back=sizes(draw, len(at), 5000, 0.6),
            service="ssh",
        )
        at = times(draw, came, went, 0.6)
        book.add(
            at,
            here.people[who],
            git,
            22,
            took=3,
            out=sizes(draw, len(at), 30_000, 1.5),
            back=5000,
            service="ssh",
        )
        for push in at:
            for runner in here.runners:
                jobs = int(draw.integers(2, 9))
                begins = np.repeat(push + 4 + draw.exponential(6, jobs), 4) + draw.uniform(0, 6, jobs * 4)
                book.add(
                    begins,
                    runner,
                    git,
                    22,
                    took=draw.uniform(0.5, 5, len(begins)),
                    out=4000,
                    back=np.where(draw.random(len(begins)) < 0.7, 8000, sizes(draw, len(begins), 3e6, 1)),
                    service="ssh",
                )
                book.add(
                    push + 20 + draw.exponential(10, 6),
                    runner,
                    images[draw.integers(0, 6, 6)],
                    443,
                    took=draw.uniform(3, 20, 6),
                    out=5000,
                    back=sizes(draw, 6, 2e7, 1.5),
                    service="ssl",
                )
                ask_names(here, push + 18 + draw.exponential(10, 8), int(runner))
    servers = [
        here.servers[name]
        for name in ("files", "git", "db1", "db2", "app1", "app2", "app3", "wiki", "mail", "backup")
    ]
    for day in range(here.days):
        for hour in (10.0, 14.25):
            start = BEGIN + day * DAY + hour * HOUR + draw.uniform(0, 600)
            for server in [*servers, *map(int, here.runners)]:
                book.add(
                    start + np.sort(draw.uniform(0, 90, 6)),
                    here.servers["jump"],
                    server,
                    22,
                    took=2,
                    out=9000,
                    back=6000,
                    service="ssh",
                )


def updates(here: Office) -> None:
    """Tuesdays: hundreds of megabytes for each workstation, half of it from neighbours; servers in the morning."""
    draw, book = here.book.draw, here.book
    sources = book.hosts([f"13.107.{draw.integers(0, 255)}.{draw.integers(1, 255)}" for _ in range(6)])
    mirrors = here.sites[draw.integers(0, 100, 3)]
    for day in range(here.days):
        for name in ("files", "git", "db1", "db2", "app1", "app2", "app3", "wiki", "jump", "backup"):
            at = BEGIN + day * DAY + 6.5 * HOUR + draw.uniform(0, HOUR)
            book.add(
                at + np.sort(draw.uniform(0, 20, 4)),
                here.servers[name],
                mirrors[draw.integers(0, 3, 4)],
                443,
                took=5,
                out=3000,
                back=sizes(draw, 4, 3e6, 1),
                service="ssl",
            )
        if day % 7 != 1:
            continue
        for who, came, went in here.shifts:
            at = came + draw.uniform(0.3, 4) * HOUR
            begins = at + np.sort(draw.exponential(200, 12))
            book.add(
                begins,
                here.people[who],
                sources[draw.integers(0, 6, 12)],
                443,
                took=draw.uniform(10, 90, 12),
                out=20_000,
                back=sizes(draw, 12, 2.5e7, 0.7),
                service="ssl",
            )
            peers = draw.choice(PEOPLE, 8, replace=False)
            peers = peers[peers != who]
            state = np.where(draw.random(len(peers)) < 0.75, 0, STATES.index("S0"))
            book.add(
                at + draw.exponential(200, len(peers)),
                here.people[who],
                here.people[peers],
                7680,
                took=30,
                out=9000,
                back=sizes(draw, len(peers), 1e7, 1),
                state=state,
            )
            del went


def visitors(here: Office) -> None:
    """The public web site, mail from outside, people at home behind the VPN, and guests behind one address."""
    draw, book, servers = here.book.draw, here.book, here.servers
    people = strangers(book, 3000)
    for day in range(here.days):
        for hour in range(24):
            start = BEGIN + day * DAY + hour * HOUR
            at = times(draw, start, start + HOUR, 900 * (0.3 + np.exp(-((hour - 15) ** 2) / 30)))
            each = draw.poisson(3, len(at)) + 1
            who = np.repeat(people[draw.integers(0, len(people), len(at))], each)
            at = np.repeat(at, each) + draw.exponential(1, each.sum())
            luck = draw.random(len(at))
            state = np.select(
                [luck < 0.85, luck < 0.93, luck < 0.97, luck < 0.99],
                [STATES.index(name) for name in ("SF", "RSTO", "S1", "RSTR")],
                STATES.index("S0"),
            )
            book.add(
                at,
                who,
                servers["web"],
                np.where(draw.random(len(at)) < 0.05, 80, 443),
                took=draw.exponential(15, len(at)),
                out=sizes(draw, len(at), 1500, 0.8),
                back=sizes(draw, len(at), 20_000, 1.5),
                state=state,
                service="ssl",
            )
            web = at[::3]
            book.add(
                web + 0.02, servers["web"], servers["app1"], 8443, took=2, out=2000, back=9000, service="ssl"
            )
            at = times(draw, start, start + HOUR, 60)
            book.add(
                at,
                people[draw.integers(0, 300, len(at))],
                servers["mx"],
                25,
                took=draw.exponential(4, len(at)),
                out=sizes(draw, len(at), 20_000, 1.5),
                back=900,
            )
            book.add(
                at + 2,
                servers["mx"],
                servers["mail"],
                25,
                took=0.5,
                out=sizes(draw, len(at), 20_000, 1.5),
                back=700,
            )
            asking = times(draw, start, start + HOUR, 200)
            book.add(
                asking,
                people[draw.integers(0, 500, len(asking))],
                servers["names"],
                53,
                protocol=UDP,
                took=0.001,
                out=45,
                back=draw.integers(80, 250, len(asking)),
                service="dns",
            )
        homes = strangers(book, REMOTE)
        for number in range(REMOTE):
            came = BEGIN + day * DAY + draw.normal(8.4, 0.5) * HOUR
            went = came + draw.normal(8.5, 0.7) * HOUR
            book.add(
                came,
                homes[number],
                servers["vpn"],
                51820,
                protocol=UDP,
                took=went - came,
                out=(went - came) * 3000,
                back=(went - came) * 9000,
            )
            who = int(here.remote[number])
            browse(here, who, None, came, went, 12)
            domain(here, who, came + 5, went)
        begin, end = BEGIN + day * DAY + 8 * HOUR, BEGIN + day * DAY + 19 * HOUR
        browse(here, servers["guests"], None, begin, end, 250)


def strangers_knocking(here: Office) -> None:
    """What every public network hears all day: SYNs at random doors, sweeps of the whole /28, passwords at SSH."""
    draw, book = here.book.draw, here.book
    block = book.hosts([f"198.51.100.{i}" for i in (*range(1, 15), 22, 25, 53, 70)])
    ports = np.array(
        [
            22,
            23,
            80,
            443,
            445,
            1433,
            2323,
            3306,
            3389,
            5060,
            5432,
            5900,
            6379,
            8080,
            8443,
            8888,
            9200,
            37215,
            52869,
            60023,
        ]
    )
    closed = np.array([STATES.index("S0"), STATES.index("REJ")])
    end = BEGIN + here.days * DAY
    at = times(draw, BEGIN, end, 350)  # one or two knocks
    many = strangers(book, 2500)
    book.add(
        at,
        many[draw.integers(0, len(many), len(at))],
        block[draw.integers(0, len(block), len(at))],
        np.where(
            draw.random(len(at)) < 0.7, ports[draw.integers(0, 20, len(at))], draw.integers(1, 65535, len(at))
        ),
        took=0,
        state=closed[(draw.random(len(at)) < 0.2).astype(int)],
    )
    sweepers = times(
        draw, BEGIN, end, 4
    )  # the whole block at one port, as engines that search the internet do
    for start, who in zip(sweepers, strangers(book, len(sweepers)), strict=True):
        port = int(ports[draw.integers(0, 20)])
        order = draw.permutation(block)
        book.add(
            start + np.sort(draw.uniform(0, draw.choice([1, 60, 3000]), len(order))),
            who,
            order,
            port,
            took=0,
            state="S0",
        )
    curious = times(draw, BEGIN, end, 0.5)  # many doors of one host
    for start, who in zip(curious, strangers(book, len(curious)), strict=True):
        count = int(draw.integers(20, 300))
        book.add(
            start + np.sort(draw.uniform(0, 3600, count)),
            who,
            block[draw.integers(len(block))],
            draw.integers(1, 65535, count),
            took=0,
            state="S0",
        )
    guessers = times(draw, BEGIN, end, 3)
    for start, who in zip(guessers, strangers(book, len(guessers)), strict=True):
        count, every = int(draw.integers(1, 40)), draw.uniform(6, 90)
        at = start + np.cumsum(draw.exponential(every, count))
        book.add(
            at,
            who,
            here.servers["ssh"],
            22,
            took=draw.uniform(1, 4, count),
            out=1900,
            back=2300,
            service="ssh",
        )


def own_scanner(here: Office) -> None:
    """Their own vulnerability scanner: Tuesday at four in the morning, the servers, a thousand ports each."""
    draw, book = here.book.draw, here.book
    if here.days < 2:
        return
    start = BEGIN + DAY + 4 * HOUR
    for number, name in enumerate(name for name in SERVERS if name not in ("scanner", "guests")):
        at = start + number * 4 * MINUTE + np.sort(draw.uniform(0, 200, 1000))
        book.add(
            at,
            here.servers["scanner"],
            here.servers[name],
            draw.permutation(np.arange(1, 1001)),
            took=0.001,
            state=np.where(draw.random(1000) < 0.01, 0, STATES.index("REJ")),
        )


def quiet_days(here: Office) -> None:
    """Everything that belongs there."""
    draw, book, servers = here.book.draw, here.book, here.servers
    office365 = book.hosts([f"40.97.{draw.integers(0, 255)}.{draw.integers(1, 255)}" for _ in range(10)])
    chats = book.hosts([f"3.68.{draw.integers(0, 255)}.{draw.integers(1, 255)}" for _ in range(8)])
    for who, came, went in here.shifts:
        host, host6 = int(here.people[who]), int(here.people6[who])
        lunch = came + (went - came) * draw.uniform(0.4, 0.55)
        browse(here, host, host6, came, lunch, draw.uniform(8, 40))
        browse(here, host, host6, lunch + 0.7 * HOUR, went, draw.uniform(8, 40))
        domain(here, host, came, went)
        chatter(here, host, host6, book.names[host], came, went)
        keep_open(here, host, came + 60, went, 3, int(chats[who % 8]), 443, 30)
        keep_open(here, host, came + 40, went, 1.5, int(office365[who % 10]), 443, 100)
        keep_open(here, host, came + 50, went, 2, servers["mail"], 993, 40)
        every = float(draw.choice([60, 300, 900]))  # a program that reports home by the clock
        at = np.arange(came + draw.uniform(0, every), went, every)
        book.add(
            at + draw.normal(0, every * 0.02, len(at)),
            host,
            here.sites[who * 7 % 300],
            443,
            took=0.4,
            out=draw.integers(900, 1100, len(at)),
            back=draw.integers(3000, 3400, len(at)),
            service="ssl",
        )
        if who < DEVELOPERS:
            keep_open(here, host, came + 600, went, 4, servers["jump"], 22, 20)
    end = BEGIN + here.days * DAY
    for name in ("app1", "app2", "app3", "wiki", "git", "db1", "db2", "mail", "jump", "backup", "dc1", "dc2"):
        at = np.arange(BEGIN + draw.uniform(0, 1024), end, 1024)
        book.add(
            at,
            servers[name],
            here.sites[3],
            123,
            protocol=UDP,
            source_port=123,
            took=0.02,
            out=48,
            back=48,
            service="ntp",
        )
        ask_names(here, times(draw, BEGIN, end, 60), servers[name])
    for name in ("app1", "app2", "app3", "wiki"):
        for base in ("db1", "db2"):
            for _ in range(10):
                keep_open(
                    here, servers[name], BEGIN + draw.uniform(0, 600), end, 2, servers[base], 5432, 3000
                )
            at = times(draw, BEGIN, end, 300)
            book.add(
                at,
                servers[name],
                servers[base],
                5432,
                took=0.2,
                out=2500,
                back=sizes(draw, len(at), 9000, 1.2),
            )
    keep_open(here, servers["db1"], BEGIN, end, 20, servers["db2"], 5432, 20_000)
    at = np.arange(BEGIN + 15, end, 15 * MINUTE)
    book.add(at, servers["dc2"], servers["dc1"], 49670, took=4, out=40_000, back=60_000, service="dce_rpc")
    calls(here)
    monitoring(here)
    backups(here)
    builds(here)
    updates(here)
    visitors(here)
    strangers_knocking(here)
    own_scanner(here)
