"""What is found in labelled captures and flow records, and what is stated of those that are harmless.

Reads `../shared/data` (nDPI's captures, CIC-IDS2017's flows); prints found or not found by class, and false alarms.
`python bench/quality/network.py`
"""

import argparse
import csv
import io
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

DATA = Path(__file__).parents[3] / "shared" / "data"

CAPTURES: dict[str, tuple[str, ...]] = {
    "synscan.pcap": ("port_scan",),
    "tcp_scan.pcapng": ("port_scan",),
    "dns-tunnel-iodine.pcap": ("tunnel",),
    "dns_exfiltration.pcap": ("tunnel",),
    "bad-dns-traffic.pcap": ("tunnel",),
    "icmp-tunnel.pcap": ("tunnel",),
    "WebattackSQLinj.pcap": ("sql_injection",),
    "sql_injection.pcap": ("sql_injection",),
    "xss.pcap": ("xss",),
    "WebattackRCE.pcap": ("command_injection", "path_traversal", "file_inclusion", "scanner"),
    "log4j-webapp-exploit.pcap": ("log4shell",),
    "1kxun.pcap": (),
    "alexa-app.pcapng": (),
    "netflix.pcap": (),
    "webex.pcap": (),
}
"""Which types say that the capture was understood; none for harmless ones."""
UNJUDGED = {
    "badpackets.pcap": "fragments without their first",
    "malware.pcap": "a download over cleartext HTTP that nothing in its flows tells from another",
    "dns2tcp_tunnel.pcap": "one TLS connection to port 443: its DNS is not in sight",
}
THINNED = ("DDoS", "DoS_Hulk", "DoS_GoldenEye")
"""Told by how many connections a minute has; of these flows the rows are a sample."""
FLOWS: dict[str, tuple[str, ...]] = {
    "Portscan": ("port_scan",),
    "DDoS": ("ddos_attack",),
    "DoS_Hulk": ("ddos_attack",),
    "DoS_GoldenEye": ("ddos_attack",),
    "DoS_Slowloris": ("long_lived_connection",),
}


def scan(paths: Sequence[Path], folder: Path, *options: str) -> dict[str, list[dict[str, object]]]:
    out = folder / "found.json"
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "scan", *map(str, paths), "--json", str(out), "-q", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode > 1:
        raise SystemExit(f"{paths}: {done.stderr}")
    found: dict[str, list[dict[str, object]]] = json.loads(out.read_text())
    return found


def captures(folder: Path) -> None:
    with tarfile.open(DATA / "ndpi-pcaps" / "ndpi-selected.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    for name, wanted in CAPTURES.items():
        types = sorted({str(a["type"]) for a in scan([folder / "pcap" / name], folder)["anomalies"]})
        if wanted:
            verdict = "found" if set(wanted) & set(types) else "NOT FOUND"
        else:
            verdict = "silent" if not types else "FALSE ALARM"
        print(f"{name:28} {verdict:12} {', '.join(types)}")
    for name, why in UNJUDGED.items():
        print(f"{name:28} {'not judged':12} {why}")


def rows_of(name: str) -> tuple[list[str], list[list[str]]]:
    (path,) = (DATA / "cicids2017-flows").glob(f"{name}_*.csv.xz")
    reader = csv.reader(io.StringIO(lzma.decompress(path.read_bytes()).decode()))
    header = next(reader)
    return header, list(reader)


def flows(folder: Path) -> None:
    """Each class among the harmless flows of its own day, in order of time, as an exporter would write them."""
    header, harmless = rows_of("BENIGN")
    when, source, target = (header.index(name) for name in ("Timestamp", "Src IP", "Dst IP"))
    path = folder / "flows.csv"

    def write(rows: list[list[str]]) -> None:
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            writer.writerows(sorted(rows, key=lambda row: row[when]))

    write(harmless)
    found = scan([path], folder)["anomalies"]
    print(f"{'BENIGN alone':28} {len(found)} anomalies {sorted({str(a['type']) for a in found})}")
    for name, wanted in FLOWS.items():
        _, hostile = rows_of(name)
        days = {row[when][:10] for row in hostile}
        rows = [row for row in harmless if row[when][:10] in days] + hostile
        write(rows)
        found = scan([path], folder)["anomalies"]
        ours = [a for a in found if a["type"] in wanted]
        attackers = {row[source] for row in hostile}
        named = {str(c) for a in ours for c in a["clients"]}  # type: ignore[attr-defined]
        verdict = "found" if ours else "NOT FOUND"
        if name in THINNED and not ours:
            peak = Counter((row[when][:16], row[source], row[target]) for row in hostile).most_common(1)[0][1]
            verdict = f"cannot be judged: thinned to at most {peak} connections a minute"
        blamed = {(str(c), str(a["start"])) for a in found for c in a["clients"]} if found else set()  # type: ignore[attr-defined]
        wrong = {c for c, _ in blamed} - attackers - {row[target] for row in hostile}
        touched = sum(row[source] in wrong for row in rows if row not in hostile) if wrong else 0
        share = touched / max(1, len(rows) - len(hostile))
        print(
            f"{name:28} {verdict:12} {len(hostile)} flows in {len(days)} day(s); names the attacker: "
            f"{bool(named & attackers)}; types {sorted({str(a['type']) for a in found})}; harmless flows of hosts "
            f"blamed: {share:.2%}"
        )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        captures(Path(name))
        flows(Path(name))
