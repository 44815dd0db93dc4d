"""What goes wrong in the office: each trouble with its time, who does it, to whom, and what it ought to be called."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from office_network.book import ICMP, STATES, UDP
from office_network.quiet import BEGIN, DAY, HOUR, MINUTE, Office, ask_names, sizes, strangers

TUESDAY, WEDNESDAY = BEGIN + DAY, BEGIN + 2 * DAY
S0, REJ, SF = (STATES.index(name) for name in ("S0", "REJ", "SF"))


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong, and how it is to be recognised.

    Attributes:
        culprits: Addresses that do it; of a fault the address that suffers from it.
        types: Any of which names it.
        anyone: Spoofed or many: nobody in particular can be named, and whom it hits is as good.
    """

    name: str
    begin: float
    end: float
    culprits: frozenset[str]
    types: frozenset[str]
    anyone: bool = False


Made = tuple[Sequence[str], float, float, Sequence[str], bool]
"""Culprits, begin, end, types, anyone."""


def person(here: Office, last: int) -> int:
    return int(here.people[last - 10])


def sweep(here: Office) -> Made:
    draw, begin, who = here.book.draw, WEDNESDAY + 9 * HOUR + 10 * MINUTE, person(here, 21)
    targets = here.book.hosts([f"10.20.{net}.{last}" for net in (1, 5, 10, 30) for last in range(1, 255)])
    known = np.isin(targets, here.known)
    here.book.add(
        begin + np.arange(len(targets)) / 20,
        who,
        targets,
        445,
        took=0,
        state=np.where(known, np.where(draw.random(len(targets)) < 0.4, SF, REJ), S0),
    )
    return ["10.20.1.21"], begin, begin + 60, ["port_scan"], False


def vertical(here: Office) -> Made:
    draw, begin = here.book.draw, WEDNESDAY + 9 * HOUR + 40 * MINUTE
    ports = draw.permutation(np.arange(1, 10_001))
    here.book.add(
        begin + np.arange(10_000) * 0.018,
        person(here, 52),
        here.servers["files"],
        ports,
        took=0.001,
        state=np.where(np.isin(ports, (135, 139, 445, 5985)), SF, REJ),
    )
    return ["10.20.1.52"], begin, begin + 180, ["port_scan"], False


def ssh_guessing(here: Office) -> Made:
    draw, begin = here.book.draw, WEDNESDAY + 10 * HOUR + 5 * MINUTE
    who = here.book.host("91.240.118.7")
    here.book.add(
        begin + np.sort(draw.uniform(0, 900, 2000)),
        who,
        here.servers["ssh"],
        22,
        took=draw.uniform(1, 4, 2000),
        out=1900,
        back=2300,
        service="ssh",
    )
    here.book.add(
        begin + 905, who, here.servers["ssh"], 22, took=1200, out=300_000, back=8_000_000, service="ssh"
    )
    return ["91.240.118.7"], begin, begin + 2105, ["brute_force"], False


def rdp_spray(here: Office) -> Made:
    draw, begin = here.book.draw, WEDNESDAY + 10 * HOUR + 45 * MINUTE
    many = strangers(here.book, 60)
    for who in many:
        here.book.add(
            begin + np.sort(draw.uniform(0, 1200, 40)),
            who,
            here.servers["rdp"],
            3389,
            took=draw.uniform(1, 3, 40),
            out=1500,
            back=1800,
            service="rdp",
        )
    return [here.book.names[who] for who in many], begin, begin + 1200, ["brute_force"], True


def udp_scan(here: Office) -> Made:
    draw, begin, who, to = (
        here.book.draw,
        WEDNESDAY + 11 * HOUR + 15 * MINUTE,
        person(here, 61),
        here.servers["db1"],
    )
    at = begin + np.arange(2000) * 0.2
    here.book.add(
        at, who, to, draw.permutation(np.arange(1, 2001)), protocol=UDP, took=0, out=8, back=0, state="S0"
    )
    here.book.add(
        begin,
        to,
        who,
        3,
        protocol=ICMP,
        source_port=3,
        took=400,
        out=2000 * 36,
        back=0,
        state="OTH",
        packets_out=400,
    )
    return ["10.20.1.61"], begin, begin + 400, ["port_scan"], False


def slow_scan(here: Office) -> Made:
    draw, begin = here.book.draw, TUESDAY + 10 * HOUR
    at = begin + np.arange(360) * 60 + draw.uniform(-5, 5, 360)
    here.book.add(
        at,
        person(here, 38),
        here.servers["db1"],
        draw.permutation(np.arange(1, 1025))[:360],
        took=0.001,
        state="REJ",
    )
    return ["10.20.1.38"], begin, begin + 6 * HOUR, ["port_scan"], False


def dns_tunnel(here: Office) -> Made:
    draw, begin, who = here.book.draw, WEDNESDAY + 11 * HOUR + 40 * MINUTE, person(here, 44)
    at = begin + np.sort(draw.uniform(0, 1200, 24_000))
    here.book.add(
        at,
        who,
        here.servers["dc1"],
        53,
        protocol=UDP,
        took=0.03,
        out=draw.integers(150, 230, 24_000),
        back=draw.integers(200, 500, 24_000),
        service="dns",
    )
    here.book.add(
        at + 0.001,
        here.servers["dc1"],
        here.book.host("45.77.12.9"),
        53,
        protocol=UDP,
        took=0.025,
        out=draw.integers(150, 230, 24_000),
        back=draw.integers(200, 500, 24_000),
        service="dns",
    )
    return ["10.20.1.44"], begin, begin + 1200, ["tunnel", "data_exfiltration", "behavioral_anomaly"], False


def icmp_tunnel(here: Office) -> Made:
    begin, who = WEDNESDAY + 12 * HOUR + 10 * MINUTE, person(here, 29)
    here.book.add(
        begin,
        who,
        here.book.host("37.59.40.12"),
        0,
        protocol=ICMP,
        source_port=8,
        took=1500,
        out=30_000_000,
        back=28_000_000,
        state="OTH",
        packets_out=30_000,
        packets_in=30_000,
    )
    return ["10.20.1.29"], begin, begin + 1500, ["tunnel", "data_exfiltration", "behavioral_anomaly"], False


def syn_flood(here: Office) -> Made:
    draw, begin, count = here.book.draw, WEDNESDAY + 12 * HOUR + 50 * MINUTE, 240_000
    many = strangers(here.book, 60_000)
    here.book.add(
        begin + np.sort(draw.uniform(0, 120, count)),
        many[draw.integers(0, len(many), count)],
        here.servers["web"],
        443,
        took=0,
        state="S0",
        source_port=draw.integers(1024, 65535, count),
        packets_out=1,
    )
    return ["198.51.100.10"], begin, begin + 120, ["syn_flood", "ddos_attack"], True


def resolver_abused(here: Office) -> Made:
    draw, begin, count = here.book.draw, WEDNESDAY + 13 * HOUR + 15 * MINUTE, 48_000
    here.book.add(
        begin + np.sort(draw.uniform(0, 480, count)),
        here.book.host("203.0.113.77"),
        here.servers["names"],
        53,
        protocol=UDP,
        took=0.002,
        out=46,
        back=draw.integers(2900, 3400, count),
        service="dns",
        source_port=draw.integers(1024, 65535, count),
        packets_in=3,
    )
    return ["198.51.100.53", "203.0.113.77"], begin, begin + 480, ["amplification"], True


def ntp_reflection(here: Office) -> Made:
    draw, begin = here.book.draw, WEDNESDAY + 13 * HOUR + 45 * MINUTE
    many = strangers(here.book, 800)
    rows = np.repeat(many, 6)
    packets = draw.integers(60, 260, len(rows))
    here.book.add(
        begin + draw.uniform(0, 150, len(rows)),
        here.servers["web"],
        rows,
        123,
        protocol=UDP,
        took=25,
        out=0,
        back=packets * 440,
        packets_out=0,
        packets_in=packets,
        state="SHR",
        source_port=draw.integers(1024, 65535, len(rows)),
        service="ntp",
    )
    return ["198.51.100.10"], begin, begin + 180, ["amplification", "ddos_attack"], True


def torrent(here: Office) -> Made:
    draw, begin, who = here.book.draw, WEDNESDAY + 14 * HOUR + 5 * MINUTE, person(here, 70)
    peers = strangers(here.book, 3000)
    at = begin + np.sort(draw.uniform(0, 2400, 9000))
    answered = draw.random(9000) < 0.55
    here.book.add(
        at,
        who,
        peers[draw.integers(0, 3000, 9000)],
        draw.integers(1025, 65535, 9000),
        protocol=UDP,
        took=0.2,
        out=110,
        back=np.where(answered, 300, 0),
        state=np.where(answered, SF, S0),
        source_port=6881,
    )
    at, luck = begin + np.sort(draw.uniform(0, 2400, 900)), draw.random(900)
    here.book.add(
        at,
        who,
        peers[draw.integers(0, 900, 900)],
        draw.integers(1025, 65535, 900),
        took=draw.exponential(200, 900),
        out=sizes(draw, 900, 4e5, 2, 5e7),
        back=sizes(draw, 900, 2e6, 2, 2e8),
        state=np.where(luck < 0.45, S0, np.where(luck < 0.55, REJ, SF)),
    )
    return (
        ["10.20.1.70"],
        begin,
        begin + 2400,
        ["port_scan", "behavioral_anomaly", "new_destination", "data_exfiltration"],
        False,
    )


def miner(here: Office) -> Made:
    begin = WEDNESDAY + 2 * HOUR
    here.book.add(
        begin,
        here.servers["app3"],
        here.book.host("141.94.96.144"),
        3333,
        took=10 * HOUR,
        out=900_000,
        back=2_400_000,
    )
    return (
        ["10.20.10.62"],
        begin,
        begin + 10 * HOUR,
        ["long_lived_connection", "new_destination", "beaconing"],
        False,
    )


def bad_link(_: Office) -> Made:
    """The line outwards loses packets for twenty minutes: written into what is there, see `apply_bad_link`."""
    begin = WEDNESDAY + 14 * HOUR + 55 * MINUTE
    return (
        [],
        begin,
        begin + 20 * MINUTE,
        ["packet_loss", "high_latency", "traffic_drop", "protocol_anomaly"],
        True,
    )


def server_dies(here: Office) -> Made:
    """The file server stops answering for half an hour: see `apply_dead_server`; all ask for it again and again."""
    draw, begin = here.book.draw, WEDNESDAY + 15 * HOUR + 25 * MINUTE
    for who, came, went in here.shifts:
        if came < begin < went:
            at = begin + np.cumsum(draw.exponential(25, 90))
            at = at[at < begin + 30 * MINUTE]
            here.book.add(
                at,
                here.people[who],
                here.servers["files"],
                445,
                took=3,
                state=np.where(at < begin + 1200, S0, REJ),
                packets_out=3,
            )
    return (
        ["10.20.10.20"],
        begin,
        begin + 30 * MINUTE,
        ["error_spike", "protocol_anomaly", "traffic_drop"],
        True,
    )


def newcomer(here: Office) -> Made:
    draw, begin, who = here.book.draw, WEDNESDAY + 16 * HOUR + 5 * MINUTE, here.book.host("10.20.1.200")
    for host in draw.permutation(here.known):
        at = begin + np.sort(draw.uniform(0, 1200, 3))
        here.book.add(
            at[:1], who, int(host), 0, protocol=ICMP, source_port=8, took=0.001, out=56, back=56, state="OTH"
        )
        here.book.add(
            at[1:],
            who,
            int(host),
            draw.choice([445, 139, 80, 135], 2, replace=False),
            took=1,
            out=900,
            back=1100,
        )
    return ["10.20.1.200"], begin, begin + 1200, ["port_scan", "new_destination", "behavioral_anomaly"], False


def lateral(here: Office) -> Made:
    draw, begin, who = here.book.draw, WEDNESDAY + 16 * HOUR + 35 * MINUTE, person(here, 33)
    at = begin
    for host in draw.choice(here.known, 16, replace=False):
        here.book.add(at, who, int(host), 135, took=0.5, out=900, back=700, service="dce_rpc")
        here.book.add(at + 2, who, int(host), 445, took=15, out=2_400_000, back=30_000, service="smb")
        here.book.add(at + 20, who, int(host), 5985, took=40, out=20_000, back=60_000, service="http")
        at += draw.uniform(60, 120)
    return ["10.20.1.33"], begin, at, ["new_destination", "behavioral_anomaly", "port_scan"], False


def storm(here: Office) -> Made:
    begin, culprits = WEDNESDAY + 17 * HOUR + 15 * MINUTE, ["10.20.1.64", "10.20.1.65", "10.20.1.66"]
    for name in culprits:
        here.book.add(
            begin,
            here.book.host(name),
            here.book.host("10.20.1.255"),
            137,
            protocol=UDP,
            source_port=137,
            took=180,
            out=5_000_000 * 50,
            back=0,
            state="S0",
            packets_out=5_000_000,
        )
    return culprits, begin, begin + 180, ["traffic_spike", "ddos_attack"], False


def night_theft(here: Office) -> Made:
    draw, begin = here.book.draw, TUESDAY + 23 * HOUR + 20 * MINUTE
    at = begin + np.sort(draw.uniform(0, 2 * HOUR, 310))
    here.book.add(
        at,
        person(here, 72),
        here.book.host("185.220.7.44"),
        443,
        took=draw.uniform(30, 90, 310),
        out=64_500_000,
        back=30_000,
        service="ssl",
    )
    return ["10.20.1.72"], begin, begin + 2 * HOUR, ["data_exfiltration"], False


def daily_theft(here: Office) -> Made:
    for day in range(here.days):
        here.book.add(
            BEGIN + day * DAY + 3.25 * HOUR,
            here.servers["files"],
            here.book.host("193.29.13.8"),
            443,
            took=600,
            out=300_000_000,
            back=200_000,
            service="ssl",
        )
    return (
        ["10.20.10.20"],
        BEGIN + 3.25 * HOUR,
        BEGIN + (here.days - 1) * DAY + 3.5 * HOUR,
        ["data_exfiltration", "new_destination"],
        False,
    )


def beacon(here: Office) -> Made:
    draw, begin, end = here.book.draw, TUESDAY + 13 * HOUR, WEDNESDAY + 23 * HOUR
    at = begin + np.cumsum(300 * draw.uniform(0.8, 1.2, 450))
    at = at[at < end]
    who = person(here, 47)
    ask_names(here, at[::12], who)
    here.book.add(
        at,
        who,
        here.book.host("45.133.1.60"),
        443,
        took=draw.uniform(0.3, 1.2, len(at)),
        out=draw.integers(600, 900, len(at)),
        back=draw.integers(300, 500, len(at)),
        service="ssl",
    )
    return ["10.20.1.47"], begin, end, ["beaconing"], False


MAKERS: tuple[Callable[[Office], Made], ...] = (
    daily_theft,
    slow_scan,
    beacon,
    night_theft,
    miner,
    sweep,
    vertical,
    ssh_guessing,
    rdp_spray,
    udp_scan,
    dns_tunnel,
    icmp_tunnel,
    syn_flood,
    resolver_abused,
    ntp_reflection,
    torrent,
    bad_link,
    server_dies,
    newcomer,
    lateral,
    storm,
)


def troubles(here: Office, only: Sequence[str] = ()) -> list[Trouble]:
    """Adds them to the office's book, and says what they are; numbers are those of `trouble` of the columns."""
    made = []
    for maker in MAKERS:
        if only and maker.__name__ not in only:
            continue
        here.book.trouble = len(made)
        culprits, begin, end, types, anyone = maker(here)
        made.append(Trouble(maker.__name__, begin, end, frozenset(culprits), frozenset(types), anyone))
    here.book.trouble = -1
    return made


def apply_to_others(here: Office, columns: dict[str, np.ndarray], made: list[Trouble]) -> None:
    """What troubles do to connections that are no part of them: in place."""
    draw = np.random.default_rng(len(columns["start"]))
    start, tcp = columns["start"], columns["protocol"] == 6
    for number, trouble in enumerate(made):
        during = (start >= trouble.begin) & (start < trouble.end) & (columns["trouble"] != number)
        if trouble.name == "server_dies":
            of = during & (columns["target"] == here.servers["files"]) & tcp
            columns["state"][of], columns["packets_in"][of] = S0, 0
            columns["bytes_in"][of] = columns["bytes_out"][of] = 0
            columns["packets_out"][of], columns["took"][of] = 3, 3
            pings = during & (columns["target"] == here.servers["files"]) & ~tcp
            columns["packets_in"][pings] = columns["bytes_in"][pings] = 0
        if trouble.name == "bad_link":
            inside = np.array(
                [name.startswith(("10.", "2001:db8:20", "198.51.100.")) for name in here.book.names]
            )
            across = during & (inside[columns["source"]] != inside[columns["target"]])
            lost = across & tcp & (draw.random(len(start)) < 0.08)
            columns["state"][lost], columns["packets_in"][lost] = S0, 0
            columns["bytes_in"][lost] = columns["bytes_out"][lost] = 0
            columns["packets_out"][lost], columns["took"][lost] = 4, 7
            columns["took"][across & ~lost] *= 3
            columns["sent_again"][across & tcp & ~lost & (draw.random(len(start)) < 0.7)] = True
            silent = across & ~tcp & (draw.random(len(start)) < 0.1)
            columns["packets_in"][silent] = columns["bytes_in"][silent] = 0
