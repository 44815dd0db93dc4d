"""What goes wrong at the edge, on its second and third day."""

import numpy as np
from office_network.book import ICMP, UDP
from office_network.quiet import HOUR, MINUTE, strangers

from other_networks.common import (
    REJ,
    S0,
    SF,
    TUESDAY,
    WEDNESDAY,
    Columns,
    bulk,
    clock,
    clockwork,
    lose,
    refuse,
)
from other_networks.edge import Edge, resolve, share


def searches(here: Edge) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin, who = clock(TUESDAY, 13, 30), int(here.homes[18])  # a camera that looks for others
    many = strangers(book, 12_000)
    luck = draw.random(12_000)
    book.add(
        begin + np.arange(12_000) * 0.1,
        who,
        many,
        np.where(luck < 0.8, 23, 2323),
        took=0,
        state=np.where(luck < 0.02, SF, np.where(luck < 0.1, REJ, S0)),
    )
    net.trouble("telnet-sweep", [who], begin, begin + 1200, "port_scan")
    begin, who = clock(TUESDAY, 14, 20), book.host("185.224.128.9")
    ports = draw.permutation(np.arange(1, 6001))
    book.add(
        begin + np.arange(6000) * 0.05,
        who,
        hosts["web"],
        ports,
        took=0,
        state=np.where(np.isin(ports, (80, 443)), SF, S0),
    )
    net.trouble("vertical", [who], begin, begin + 300, "port_scan")
    begin, who = clock(TUESDAY, 9), int(here.students[12])
    at = clockwork(draw, begin, begin + 7 * HOUR, 80, 0.3)
    book.add(
        at,
        who,
        book.hosts([f"10.50.200.{draw.integers(1, 60)}" for _ in at]),
        draw.choice(np.arange(20, 9000), len(at), replace=False),
        took=0,
        state=np.where(draw.random(len(at)) < 0.4, REJ, S0),
    )
    net.trouble("slow-scan", [who], begin, begin + 7 * HOUR, "port_scan")
    begin, who = clock(WEDNESDAY, 11, 50), int(here.students[40])  # a worm
    targets = book.hosts([f"10.50.{n}.{i}" for n in (10, 11, 100, 200) for i in range(1, 120)])
    known = np.isin(targets, np.concatenate([here.students, here.staff, [hosts["files"]]]))
    at = begin + np.arange(len(targets)) * 1.5
    good = known & (draw.random(len(targets)) < 0.4)
    book.add(
        at,
        who,
        targets,
        445,
        took=np.where(good, 8, 0),
        out=np.where(good, 1_400_000, 0),
        back=np.where(good, 9000, 0),
        state=np.where(good, SF, np.where(known, REJ, S0)),
    )
    sick = targets[good][:4]
    for one in sick.tolist():
        book.add(
            begin + 300 + np.arange(len(targets)) * 1.2,
            one,
            targets,
            445,
            took=0,
            state=np.where(good, SF, S0),
        )
    net.trouble(
        "worm", [who, *sick.tolist()], begin, begin + 900, "port_scan new_destination behavioral_anomaly"
    )


def passwords(here: Edge) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin, many = clock(TUESDAY, 16, 30), strangers(book, 50)
    for who in many.tolist():
        at = begin + np.sort(draw.uniform(0, 1800, 45))
        book.add(at, who, hosts["shell"], 22, took=draw.uniform(1, 3, 45), out=1700, back=2100, service="ssh")
    net.trouble("ssh-many", many.tolist(), begin, begin + 1800, "brute_force", anyone=True)
    begin, who = clock(WEDNESDAY, 1), book.host("45.141.84.120")
    at = begin + np.sort(draw.uniform(0, 2 * HOUR, 3000))
    book.add(at, who, hosts["rdp"], 3389, took=draw.uniform(1, 2, 3000), out=1500, back=1800, service="rdp")
    net.trouble("rdp-guessing", [who], begin, begin + 2 * HOUR, "brute_force")
    begin, who = clock(WEDNESDAY, 13, 20), int(here.students[55])
    at = begin + np.sort(draw.uniform(0, 900, 300))
    book.add(at, who, hosts["files"], 22, took=draw.uniform(1, 3, 300), out=1700, back=2100, service="ssh")
    net.trouble("ssh-inside", [who], begin, begin + 900, "brute_force")


def carried_off(here: Edge) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin, who = clock(WEDNESDAY, 3, 40), hosts["app"]
    bulk(book, who, strangers(book, 1), 443, begin, begin + HOUR, 1.8e10, 1.2e8, upload=True)
    net.trouble("theft-fast", [who], begin, begin + 1.1 * HOUR, "data_exfiltration")
    begin, end, who = clock(TUESDAY, 9, 30), clock(WEDNESDAY, 21), hosts["db"]
    at = clockwork(draw, begin, end, 1800, 0.1)
    book.add(
        at,
        who,
        book.host("31.216.145.5"),
        443,
        took=60,
        out=draw.integers(25e6, 35e6, len(at)),
        back=40_000,
        service="ssl",
    )
    net.trouble("theft-slow", [who], begin, end, "data_exfiltration new_destination beaconing")
    begin, who = clock(WEDNESDAY, 15, 20), int(here.students[70])
    at = begin + np.sort(draw.uniform(0, 1500, 15_000))
    for delay, source, target in (
        (0, who, hosts["dns1"]),
        (0.001, hosts["dns1"], book.host("78.128.112.30")),
    ):
        book.add(
            at + delay,
            source,
            target,
            53,
            protocol=UDP,
            took=0.03,
            out=draw.integers(140, 230, len(at)),
            back=draw.integers(150, 400, len(at)),
            service="dns",
        )
    net.trouble("dns-tunnel", [who], begin, begin + 1500, "tunnel data_exfiltration behavioral_anomaly")
    begin, who = clock(TUESDAY, 22, 30), int(here.homes[101])
    book.add(
        begin,
        who,
        book.host("178.62.77.3"),
        0,
        protocol=ICMP,
        source_port=8,
        took=2400,
        out=20_000_000,
        back=35_000_000,
        state="OTH",
        packets_out=30_000,
        packets_in=30_000,
    )
    net.trouble("icmp-tunnel", [who], begin, begin + 2400, "tunnel data_exfiltration behavioral_anomaly")


def called_home(here: Edge) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin, end, who = clock(TUESDAY, 11), clock(WEDNESDAY, 23), int(here.staff[7])
    at = begin + np.cumsum(600 * draw.uniform(0.8, 1.2, 400))
    at = at[at < end]
    resolve(here, at[::10] - 1, np.full(len(at[::10]), who))
    book.add(
        at,
        who,
        book.host("193.42.32.84"),
        443,
        took=0.7,
        out=draw.integers(500, 900, len(at)),
        back=draw.integers(200, 500, len(at)),
        service="ssl",
    )
    net.trouble("beacon", [who], begin, end, "beaconing")
    begin, end, who = clock(TUESDAY, 19), clock(WEDNESDAY, 8), int(here.students[3])
    book.add(begin, who, book.host("199.247.27.41"), 3333, took=end - begin, out=1_000_000, back=2_600_000)
    net.trouble("miner", [who], begin, end, "long_lived_connection new_destination beaconing")
    begin = clock(WEDNESDAY, 14)
    book.add(
        begin + np.arange(8) * 400.0,
        hosts["db"],
        book.host("94.232.40.6"),
        4443,
        took=5,
        out=3000,
        back=200_000,
    )
    net.trouble("db-calls-out", [hosts["db"]], begin, begin + HOUR, "new_destination beaconing")
    begin, who = clock(TUESDAY, 15, 30), int(here.homes[64])
    count = 4000
    luck = draw.random(count)
    book.add(
        begin + np.sort(draw.uniform(0, 2400, count)),
        who,
        strangers(book, 1500)[draw.integers(0, 1500, count)],
        25,
        took=3,
        out=np.where(luck < 0.6, 9000, 0),
        back=np.where(luck < 0.6, 900, 0),
        state=np.where(luck < 0.6, SF, np.where(luck < 0.85, S0, REJ)),
    )
    net.trouble(
        "spam", [who], begin, begin + 2400, "port_scan new_destination behavioral_anomaly unusual_pattern"
    )
    begin, who = clock(TUESDAY, 17, 20), int(here.staff[22])
    share(here, who, begin, begin + 2400, 9000)
    net.trouble(
        "sharing-at-work",
        [who],
        begin,
        begin + 2400,
        "port_scan behavioral_anomaly new_destination data_exfiltration",
    )


def floods(here: Edge) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin, count = clock(WEDNESDAY, 16, 10), 120_000
    many = strangers(book, 40_000)
    book.add(
        begin + np.sort(draw.uniform(0, 90, count)),
        many[draw.integers(0, len(many), count)],
        hosts["web"],
        443,
        took=0,
        state="S0",
        packets_out=1,
    )
    net.trouble("syn-flood", [hosts["web"]], begin, begin + 90, "syn_flood ddos_attack", anyone=True)
    begin, victim = clock(WEDNESDAY, 22, 10), int(here.homes[24])
    who = np.repeat(strangers(book, 500), 4)
    packets = draw.integers(200, 900, len(who))
    book.add(
        begin + draw.uniform(0, 240, len(who)),
        victim,
        who,
        np.tile([53, 123, 1900, 389], 500),
        protocol=UDP,
        took=20,
        out=0,
        back=packets * 1100,
        packets_out=0,
        packets_in=packets,
        state="SHR",
    )
    net.trouble(
        "amplified", [victim], begin, begin + 260, "amplification ddos_attack traffic_spike", anyone=True
    )
    begin, victim = clock(WEDNESDAY, 6, 30), book.host("146.59.10.8")
    at = begin + np.sort(draw.uniform(0, 900, 36_000))
    book.add(
        at,
        victim,
        hosts["cache"],
        11211,
        protocol=UDP,
        took=0.01,
        out=15,
        back=draw.integers(30_000, 60_000, len(at)),
        packets_out=1,
        packets_in=40,
    )
    net.trouble("reflector", [hosts["cache"], victim], begin, begin + 900, "amplification", anyone=True)
    begin, who = clock(WEDNESDAY, 0, 20), int(here.homes[110])  # floods somebody
    book.add(
        begin,
        who,
        book.host("51.83.200.1"),
        80,
        protocol=UDP,
        took=400,
        out=8_000_000 * 1000,
        back=0,
        state="S0",
        packets_out=8_000_000,
    )
    net.trouble("flooding", [who], begin, begin + 400, "ddos_attack traffic_spike data_exfiltration")
    begin, who = clock(TUESDAY, 5), int(here.homes[45])  # fills the line
    bulk(book, who, strangers(book, 3), 443, begin, begin + HOUR, 1.2e11, 1e9, upload=True)
    net.trouble("noisy-neighbour", [who], begin, begin + 1.1 * HOUR, "data_exfiltration traffic_spike")


def faults(here: Edge) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    slow = clock(WEDNESDAY, 10, 45)

    def db_slow(columns: Columns, _: np.random.Generator) -> np.ndarray:
        of = (
            (columns["start"] >= slow) & (columns["start"] < slow + 1500) & (columns["target"] == hosts["db"])
        )
        columns["took"][of & (columns["target_port"] == 5432)] *= 20
        return np.ones(len(of), bool)

    net.after.append(db_slow)
    net.trouble("db-slow", [hosts["db"]], slow, slow + 1500, "high_latency", anyone=True)
    down = clock(WEDNESDAY, 12, 30)

    def mail_down(columns: Columns, _: np.random.Generator) -> np.ndarray:
        of = (
            (columns["start"] >= down)
            & (columns["start"] < down + 1500)
            & (columns["target"] == hosts["mail"])
        )
        refuse(columns, of & (columns["protocol"] == 6))
        return ~(of & False)

    at = down + np.sort(draw.uniform(0, 1500, 1500))
    book.add(at, here.exchangers[draw.integers(0, 900, 1500)], hosts["mail"], 25, took=0, state="REJ")
    at = down + np.sort(draw.uniform(0, 1500, 1500))
    book.add(at, here.staff[draw.integers(0, len(here.staff), 1500)], hosts["mail"], 993, took=0, state="REJ")
    net.after.append(mail_down)
    net.trouble(
        "mail-down",
        [hosts["mail"]],
        down,
        down + 1500,
        "error_spike protocol_anomaly traffic_drop",
        anyone=True,
    )
    bad, lost = clock(WEDNESDAY, 17, 15), clock(TUESDAY, 20, 15)

    def sides(columns: Columns) -> np.ndarray:
        own = ("10.50.", "100.64.", "192.0.2.", "2001:db8:ed6e")
        within = np.array([name.startswith(own) for name in book.names])
        return within[columns["source"]] != within[columns["target"]]

    def lossy(columns: Columns, luck: np.random.Generator) -> np.ndarray:
        of = (columns["start"] >= bad) & (columns["start"] < bad + 1200)
        lose(columns, of & sides(columns), luck, 0.1)
        return np.ones(len(of), bool)

    def six_lost(columns: Columns, _: np.random.Generator) -> np.ndarray:
        six = np.array([name.startswith("2a00:") for name in book.names])
        of = (columns["start"] >= lost) & (columns["start"] < lost + 1800)
        return ~(of & six[columns["target"]])

    net.after += [lossy, six_lost]
    net.trouble(
        "bad-line", [], bad, bad + 1200, "packet_loss high_latency traffic_drop protocol_anomaly", anyone=True
    )
    net.trouble("route-lost", [], lost, lost + 1800, "traffic_drop protocol_anomaly", anyone=True)
    stop = clock(TUESDAY, 11, 30)

    def no_checks(columns: Columns, _: np.random.Generator) -> np.ndarray:
        of = (columns["start"] >= stop) & (columns["start"] < stop + 2400)
        return ~(of & (columns["source"] == hosts["monitor"]))

    net.after.append(no_checks)
    net.trouble("checks-stop", [hosts["monitor"]], stop, stop + 2400, "traffic_drop", anyone=True)


def troubles(here: Edge) -> None:
    """All of them."""
    searches(here)
    passwords(here)
    carried_off(here)
    called_home(here)
    floods(here)
    faults(here)


__all__ = ["MINUTE", "troubles"]
