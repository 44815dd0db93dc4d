"""What goes wrong in the cloud network, on its second and third day."""

import numpy as np
from office_network.book import ICMP, UDP
from office_network.quiet import HOUR, MINUTE, strangers

from other_networks.cloud import Cloud, names
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
    silence,
)


def living(here: Cloud, role: str, begin: float, end: float, *, last: bool = False) -> int:
    """A pod that lives all the time."""
    pods = [pod for pod in here.of(role) if pod.begin < begin and pod.end > end]
    return (pods[-1] if last else pods[0]).at


def searches(here: Cloud) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin = clock(TUESDAY, 9, 20)
    who = living(here, "worker", begin, begin + HOUR)
    ports = draw.permutation(np.arange(1, 4001))
    book.add(
        begin + np.arange(4000) * 0.03,
        who,
        hosts["db1"],
        ports,
        took=0.001,
        state=np.where(ports == 5432, SF, S0),
    )
    net.trouble("vertical", [who], begin, begin + 120, "port_scan")
    begin = clock(TUESDAY, 13, 10)
    who = living(here, "app", begin, begin + HOUR)
    targets = book.hosts([f"10.0.{a}.{b}" for a in range(4, 10) for b in range(1, 255)])
    known = np.isin(targets, [hosts["cache1"], hosts["cache2"]])
    book.add(
        begin + np.arange(len(targets)) * 0.08, who, targets, 6379, took=0, state=np.where(known, SF, S0)
    )
    net.trouble("horizontal", [who], begin, begin + 130, "port_scan")
    begin = clock(TUESDAY, 8)
    at = clockwork(draw, begin, begin + 6 * HOUR, 75, 0.2)
    places = np.concatenate([here.nodes, here.runners, [hosts["search"], hosts["queue1"], hosts["api"]]])
    who = int(here.runners[2])
    book.add(
        at,
        who,
        places[draw.integers(0, len(places), len(at))],
        draw.choice(np.arange(20, 10_000), len(at), replace=False),
        took=0.001,
        state=np.where(draw.random(len(at)) < 0.5, REJ, S0),
    )
    net.trouble("slow-scan", [who], begin, begin + 6 * HOUR, "port_scan")


def passwords(here: Cloud) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin, who = clock(TUESDAY, 16, 10), book.host("92.255.85.3")
    at = begin + np.sort(draw.uniform(0, 1500, 1800))
    book.add(at, who, hosts["bastion"], 22, took=draw.uniform(1, 3, 1800), out=1700, back=2100, service="ssh")
    net.trouble("ssh-outside", [who], begin, begin + 1500, "brute_force")
    begin = clock(WEDNESDAY, 11, 5)
    who = living(here, "web", begin, begin + HOUR)
    at = begin + np.sort(draw.uniform(0, 900, 420))
    book.add(
        at,
        who,
        here.nodes[draw.integers(0, 3, 420)],
        22,
        took=draw.uniform(1, 3, 420),
        out=1700,
        back=2100,
        service="ssh",
    )
    net.trouble("ssh-inside", [who], begin, begin + 900, "brute_force port_scan new_destination")


def carried_off(here: Cloud) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin = clock(WEDNESDAY, 3, 20)
    bulk(
        book,
        hosts["warehouse"],
        book.hosts(["194.165.16.77"]),
        443,
        begin,
        begin + 40 * MINUTE,
        3.2e10,
        9e7,
        upload=True,
    )
    net.trouble("theft-fast", [hosts["warehouse"]], begin, begin + 41 * MINUTE, "data_exfiltration")
    begin, end = clock(TUESDAY, 10), clock(WEDNESDAY, 18)
    at = clockwork(draw, begin, end, 1200, 0.1)
    to = book.host("162.125.66.18")
    book.add(
        at,
        hosts["search"],
        to,
        443,
        took=90,
        out=draw.integers(35e6, 45e6, len(at)),
        back=60_000,
        service="ssl",
    )
    net.trouble("theft-slow", [hosts["search"]], begin, end, "data_exfiltration new_destination beaconing")
    begin = clock(WEDNESDAY, 12, 10)
    who = living(here, "worker", begin, begin + HOUR, last=True)
    at = begin + np.sort(draw.uniform(0, 1200, 14_000))
    relay, far = here.some("dns", at), book.host("45.155.205.12")
    for delay, source, target in ((0, who, relay), (0.001, relay, hosts["resolver"])):
        book.add(
            at + delay,
            source,
            target,
            53,
            protocol=UDP,
            took=0.04,
            out=draw.integers(140, 240, len(at)),
            back=draw.integers(150, 400, len(at)),
            service="dns",
        )
    book.add(at + 0.002, hosts["nat"], far, 53, protocol=UDP, took=0.03, out=190, back=280, service="dns")
    net.trouble("dns-tunnel", [who], begin, begin + 1200, "tunnel data_exfiltration behavioral_anomaly")
    begin, node = clock(WEDNESDAY, 12, 50), int(here.nodes[7])
    book.add(
        begin,
        node,
        book.host("46.4.99.21"),
        0,
        protocol=ICMP,
        source_port=8,
        took=1800,
        out=24_000_000,
        back=22_000_000,
        state="OTH",
        packets_out=26_000,
        packets_in=26_000,
    )
    net.trouble("icmp-tunnel", [node], begin, begin + 1800, "tunnel data_exfiltration behavioral_anomaly")


def called_home(here: Cloud) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin, end = clock(TUESDAY, 12), clock(WEDNESDAY, 23)
    at = begin + np.cumsum(180 * draw.uniform(0.7, 1.3, 1200))
    at = at[at < end]
    book.add(
        at,
        hosts["queue2"],
        book.host("91.92.251.40"),
        443,
        took=draw.uniform(0.2, 0.9, len(at)),
        out=draw.integers(500, 900, len(at)),
        back=draw.integers(200, 500, len(at)),
        service="ssl",
    )
    net.trouble("beacon", [hosts["queue2"]], begin, end, "beaconing new_destination")
    begin, end = clock(TUESDAY, 20, 30), clock(WEDNESDAY, 9)
    node = int(here.nodes[4])
    book.add(begin, node, book.host("51.89.217.80"), 14444, took=end - begin, out=1_100_000, back=2_900_000)
    net.trouble("miner", [node], begin, end, "long_lived_connection new_destination beaconing")
    begin = clock(WEDNESDAY, 13, 40)
    at = begin + np.arange(9) * 420.0
    book.add(
        at, hosts["db1"], book.host("5.188.206.14"), 8443, took=4, out=2_000, back=180_000, service="ssl"
    )
    net.trouble("db-calls-out", [hosts["db1"]], begin, begin + HOUR, "new_destination beaconing")


def floods(here: Cloud) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    begin, count = clock(WEDNESDAY, 16, 5), 150_000
    many = strangers(book, 50_000)
    book.add(
        begin + np.sort(draw.uniform(0, 100, count)),
        many[draw.integers(0, len(many), count)],
        hosts["lb1"],
        443,
        took=0,
        state="S0",
        source_port=draw.integers(1024, 65535, count),
        packets_out=1,
    )
    net.trouble("syn-flood", [hosts["lb1"]], begin, begin + 100, "syn_flood ddos_attack", anyone=True)
    begin = clock(WEDNESDAY, 16, 40)
    who = np.repeat(strangers(book, 600), 5)
    packets = draw.integers(80, 400, len(who))
    book.add(
        begin + draw.uniform(0, 180, len(who)),
        hosts["lb2"],
        who,
        11211,
        protocol=UDP,
        took=20,
        out=0,
        back=packets * 1400,
        packets_out=0,
        packets_in=packets,
        state="SHR",
        source_port=draw.integers(1024, 65535, len(who)),
    )
    net.trouble(
        "amplified",
        [hosts["lb2"]],
        begin,
        begin + 200,
        "amplification ddos_attack traffic_spike",
        anyone=True,
    )
    begin = clock(WEDNESDAY, 17, 20)
    who1 = living(here, "worker", begin, begin + HOUR)
    at = begin + np.sort(draw.uniform(0, 900, 120_000))
    book.add(at, who1, hosts["cache1"], 6379, took=0.01, out=400, back=60_000)
    net.trouble(
        "noisy-neighbour",
        [who1],
        begin,
        begin + 900,
        "ddos_attack traffic_spike behavioral_anomaly suspicious_client",
    )


def faults(here: Cloud) -> None:
    draw, book, net, hosts = here.net.book.draw, here.net.book, here.net, here.hosts
    db = [hosts["db1"], hosts["db2"]]
    slow = clock(TUESDAY, 14, 20)

    def db_slow(columns: Columns, _: np.random.Generator) -> np.ndarray:
        of = (columns["start"] >= slow) & (columns["start"] < slow + 1500)
        of &= (columns["target"] == hosts["db1"]) & (columns["target_port"] == 5432) & (columns["took"] < 5)
        columns["took"][of] *= 15
        return np.ones(len(of), bool)

    net.after.append(db_slow)
    net.trouble("db-slow", db[:1], slow, slow + 1500, "high_latency", anyone=True)
    down = clock(WEDNESDAY, 9, 50)
    orders = {pod.at for pod in here.of("orders")}

    def service_down(columns: Columns, _: np.random.Generator) -> np.ndarray:
        of = (columns["start"] >= down) & (columns["start"] < down + 1200)
        of &= np.isin(columns["target"], list(orders)) & (columns["target_port"] == 7000)
        refuse(columns, of)
        return np.ones(len(of), bool)

    at = down + np.sort(draw.uniform(0, 1200, 9000))  # and all try again
    book.add(at, here.some("app", at), here.some("orders", at), 7000, took=0.001, state="REJ")
    net.after.append(service_down)
    net.trouble(
        "service-down",
        sorted(orders),
        down,
        down + 1200,
        "error_spike protocol_anomaly traffic_drop",
        anyone=True,
    )
    bad = clock(WEDNESDAY, 14, 25)
    within = np.array([name.startswith(("10.0.", "2001:db8:c10d")) for name in book.names])

    def lossy(columns: Columns, luck: np.random.Generator) -> np.ndarray:
        nonlocal within
        if len(within) < len(book.names):
            within = np.array([name.startswith(("10.0.", "2001:db8:c10d")) for name in book.names])
        across = within[columns["source"]] != within[columns["target"]]
        lose(columns, across & (columns["start"] >= bad) & (columns["start"] < bad + 1200), luck, 0.1)
        return np.ones(len(across), bool)

    net.after.append(lossy)
    net.trouble(
        "bad-line", [], bad, bad + 1200, "packet_loss high_latency traffic_drop protocol_anomaly", anyone=True
    )
    stop = clock(TUESDAY, 15, 10)
    web = {pod.at for pod in here.pods if pod.role in ("web", "ingress")}

    def no_checks(columns: Columns, _: np.random.Generator) -> np.ndarray:
        of = (columns["start"] >= stop) & (columns["start"] < stop + 2400)
        of &= (
            (columns["source"] == hosts["lb2"])
            & np.isin(columns["target"], list(web))
            & (columns["bytes_out"] == 120)
        )
        return ~of

    net.after.append(no_checks)
    net.trouble("checks-stop", [hosts["lb2"]], stop, stop + 2400, "traffic_drop", anyone=True)
    lost = clock(WEDNESDAY, 18, 30)

    def six_lost(columns: Columns, _: np.random.Generator) -> np.ndarray:
        of = (columns["start"] >= lost) & (columns["start"] < lost + 2400)
        of &= np.isin(columns["target"], [hosts["lb1-6"], hosts["lb2-6"]])
        return ~of

    net.after.append(six_lost)
    net.trouble(
        "route-lost",
        [hosts["lb1-6"], hosts["lb2-6"]],
        lost,
        lost + 2400,
        "traffic_drop protocol_anomaly",
        anyone=True,
    )
    gone = clock(WEDNESDAY, 20, 10)

    def balancer_gone(columns: Columns, _: np.random.Generator) -> np.ndarray:
        of = (columns["start"] >= gone) & (columns["start"] < gone + 1500)
        silence(columns, of & np.isin(columns["target"], [hosts["lb1"], hosts["lb1-6"]]))
        return ~(of & (columns["source"] == hosts["lb1"]))

    net.after.append(balancer_gone)
    net.trouble(
        "balancer-gone",
        [hosts["lb1"], hosts["lb1-6"]],
        gone,
        gone + 1500,
        "traffic_drop protocol_anomaly error_spike",
        anyone=True,
    )


def troubles(here: Cloud) -> None:
    """All of them."""
    searches(here)
    passwords(here)
    carried_off(here)
    called_home(here)
    floods(here)
    faults(here)


__all__ = ["names", "troubles"]
