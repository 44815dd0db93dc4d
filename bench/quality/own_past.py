"""How often `network.own_past` pages for nothing in quiet weeks of an office that are made by chance.

Writes Zeek's `conn.log`, scans it with defaults, and prints what was stated, by detector, the incidents, how many of
`network.own_past` that is for a week, and for a host and year, and the CPU time of the scan.
`python bench/quality/own_past.py [weeks] [hosts] [seed]`

Of each host it makes: sessions in office hours, whose pages open a dozen flows to some of a few hundred servers each;
answers with a Pareto tail (index 1.2, up to 4 GB); programs that ask in the background, day and night; a question of
DNS with every other flow; a tenth of a percent of connections that fail, and an outage of a minute once a week or so,
in which all do. At night one in five hosts writes a backup; each Wednesday all fetch 200 to 600 MB of updates within
two hours. A tenth of the hosts open up to a hundred flows in a burst, at random times, as servers of builds do.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from heapq import merge
from pathlib import Path

BEGIN = 1_700_438_400
"""A Monday, midnight UTC."""
DAY = 86_400
FIELDS = (
    "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes",
    "resp_bytes", "conn_state", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
)  # fmt: skip
SERVERS = 400
MOST_BYTES = 4_000_000_000

Row = tuple[float, str, str, int, str, float, int, int, str]
"""Begin, client, server, port, protocol, duration, bytes out and in, state."""


def pareto(draw: random.Random, least: float, index: float = 1.2) -> int:
    return int(min(MOST_BYTES, least * draw.paretovariate(index)))


def lookup(draw: random.Random, at: float, host: str) -> Row:
    return at, host, "10.0.0.2", 53, "udp", 0.01, 45, draw.randrange(80, 400), "SF"


def burst(
    draw: random.Random, at: float, host: str, flows: int, span_s: float, *, down: bool = False
) -> Iterator[Row]:
    """Flows to some servers within a time; `down`: nobody answers."""
    for _ in range(flows):
        when = at + draw.random() * span_s
        server = int(draw.paretovariate(0.7)) % SERVERS
        if draw.random() < 0.5:
            yield lookup(draw, when, host)
        failed = down or draw.random() < 0.001
        state = "S0" if failed else "SF"
        size = 0 if failed else pareto(draw, 3_000)
        took = 0.0 if failed else draw.expovariate(0.3)
        yield (
            when,
            host,
            f"93.184.{server // 200}.{server % 200 + 1}",
            443,
            "tcp",
            took,
            0 if failed else 1_500,
            size,
            state,
        )


def host_day(draw: random.Random, day: int, number: int) -> Iterator[Row]:
    host, begin = f"10.0.1.{number + 1}", BEGIN + day * DAY
    workday = day % 7 < 5
    builds = number % 10 == 9
    outage = begin + draw.random() * DAY if draw.random() < 1 / 7 else None
    for at in range(0, DAY, 60):
        when = begin + at + draw.random() * 60
        down = outage is not None and 0 <= when - outage < 60
        if draw.random() < 0.3 or down:
            yield from burst(draw, when, host, draw.choice((1, 1, 1, 2, 5)), 5, down=down)
        hour = at // 3600
        if workday and 8 <= hour < 18 and draw.random() < (0.1 if hour == 12 else 0.35):
            pages = min(8, int(draw.paretovariate(1.5)))
            for page in range(pages):
                yield from burst(draw, when + 9 * page, host, draw.randrange(3, 25), 4, down=down)
        if builds and draw.random() < 0.01:
            yield from burst(draw, when, host, draw.randrange(20, 100), 8, down=down)
        if workday and 8 <= hour < 18 and draw.random() < 0.005:
            size = pareto(draw, 5_000_000)
            yield when, host, "93.184.3.7", 443, "tcp", size / 5e6, 3_000, size, "SF"
    if number % 5 == 0:
        size = draw.randrange(500_000_000, 3_000_000_000)
        yield (
            begin + 7_200 + draw.random() * 600,
            host,
            "10.0.0.9",
            445,
            "tcp",
            size / 2e7,
            size,
            90_000,
            "SF",
        )
    if day % 7 == 2:
        size = draw.randrange(200_000_000, 600_000_000)
        when = begin + 36_000 + draw.random() * 7_200
        yield when, host, "13.107.4.50", 443, "tcp", size / 1e7, 9_000, size, "SF"


def write(path: Path, weeks: int, hosts: int, seed: int) -> int:
    draw = random.Random(seed)
    count = 0
    with path.open("w") as out:
        out.write(
            "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
        )
        out.write("#fields\t" + "\t".join(FIELDS) + "\n")
        for day in range(7 * weeks):
            days = (sorted(host_day(draw, day, number)) for number in range(hosts))
            for at, host, server, port, protocol, took, sent, got, state in merge(*days):
                count += 1
                packets = got // 1400 + 3
                port_of = draw.randrange(32_768, 61_000)
                told = (
                    f"{at:.6f}", f"C{count}", host, port_of, server, port, protocol, "-", f"{took:.6f}", sent, got,
                    state, packets // 2 + 2, sent + 200, packets, got + 40 * packets,
                )  # fmt: skip
                out.write("\t".join(map(str, told)) + "\n")
    return count


def main(weeks: int, hosts: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        log, found = Path(name) / "conn.log", Path(name) / "found.json"
        flows = write(log, weeks, hosts, seed)
        command = [sys.executable, "-m", "vedette", "scan", "-q", str(log), "--json", str(found)]
        subprocess.run(command, check=False)
        document = json.loads(found.read_text())
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, windows = used.ru_utime + used.ru_stime, weeks * 7 * DAY // 10
    by = Counter((one["detector"], one["type"]) for one in document["anomalies"])
    print(f"{weeks} quiet weeks of {hosts} hosts, {flows:,} flows")
    print(f"{cpu:.1f} s of CPU time, {1000 * cpu / windows:.2f} ms for each window of ten seconds")
    for (detector, kind), count in sorted(by.items()):
        print(f"  {detector} {kind}: {count}")
    for incident in document["incidents"]:
        print(f"  {incident['start']} {incident['severity']} {incident['title']}")
    own = [one for one in document["anomalies"] if one["detector"] == "network.own_past"]
    a_week, a_year = len(own) / weeks, 52 * len(own) / weeks / hosts
    print(f"network.own_past: {len(own)}: {a_week:.2f} a week, {a_year:.2f} a host and year")
    for one in own[:20]:
        print(f"  {one['start']} {one['description']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("weeks", nargs="?", type=int, default=4)
    parser.add_argument("hosts", nargs="?", type=int, default=30)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    asked = parser.parse_args()
    main(asked.weeks, asked.hosts, asked.seed)
