"""How many of CSIC 2010's anomalous requests are found by a site's own habits, learned from normal ones alone.

    python bench/quality/csic.py [--half tune|confirm|both] [--config FILE]

Reads the HTTP data set CSIC 2010 (Giménez, Pérez-Villegas, Marañón; docs/explanation/abnormal-requests.md) from
../shared/data; it is no part of this repository. Distinct lines are split: half of the normal ones are written as the
past, the other half, with the anomalous ones among them, as the log that is scanned:
`vedette scan attacks.log --baseline-from normal.log --verdicts v.jsonl`. Nothing is learned from an anomalous
request before it was judged. Constants are chosen on the half `tune` and reported on `confirm`.

Beside it: false alarms on logs of real visitors, which learn from their own past.
"""

import argparse
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

DATA = Path(__file__).parents[3] / "shared" / "data"
PUBLISHED = (
    "F1 0.84 (Giménez et al. 2010's set, one-class models of requests; as DATA.md beside the set cites)"
)
RATE = 2.0
"""Requests a second in the logs that are written."""

Judge = Callable[[dict[str, object]], bool]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=("tune", "confirm", "both"), default="confirm")
    parser.add_argument("--config", help="configuration file for the scans")
    arguments = parser.parse_args()
    if not (DATA / "csic2010").is_dir():
        sys.exit(f"{DATA / 'csic2010'}: the data set is not there")
    options = ["--config", arguments.config] if arguments.config else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("| CSIC 2010, distinct lines | judged by | precision | recall | F1 | normal flagged |")
        print("|---|---|---|---|---|---|")
        labels = write_logs(folder)
        log, past = folder / "attacks.log", str(folder / "normal.log")
        alone = folder / "alone.yaml"
        alone.write_text("detectors: {signatures: {enabled: false, min_confidence: 1.0}}\n")
        together = scan(log, "--baseline-from", past, *options)
        habits = scan(log, "--baseline-from", past, "--config", str(alone))
        for half in ("tune", "confirm"):
            if arguments.half in (half, "both"):
                wanted = [line for line, (_, part) in enumerate(labels) if part == half]
                report(half, "all detectors", wanted, labels, together, anything)
                report(half, "`parameters`, without signatures", wanted, labels, habits, abnormal)
        print(f"\nCalling everything anomalous: F1 {chance(labels):.3f}.\n")
        print("| real visitors, own past | requests | flagged by `parameters` | in 10,000 |")
        print("|---|---|---|---|")
        for title, log, requests in real(folder):
            flagged = flagged_by_habits(log, *options)
            print(f"| {title} | {requests:,} | {flagged} | {1e4 * flagged / requests:.2f} |")


def requests_of(name: str) -> list[bytes]:
    """Distinct requests of a file, as `METHOD target`."""
    text = lzma.decompress((DATA / "csic2010" / f"{name}_decoded.txt.xz").read_bytes())
    lines = (
        line.rstrip(b"\r").replace(b"http://localhost:8080", b"", 1) for line in text.split(b"\n") if line
    )
    return list(dict.fromkeys(lines))


def write_logs(folder: Path) -> list[tuple[bool, str]]:
    """Write `normal.log` and `attacks.log`; of each line of the second, whether it is anomalous, and its half."""
    random = Random(2010)
    normal, anomalous = requests_of("normal"), requests_of("anomalous")
    random.shuffle(normal)
    past, rest = normal[: len(normal) // 2], normal[len(normal) // 2 :]
    mixed = [(request, False) for request in rest] + [(request, True) for request in anomalous]
    random.shuffle(mixed)
    start = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
    write(folder / "normal.log", past, start, random)
    write(folder / "attacks.log", [request for request, _ in mixed], start + 7 * 86_400, random)
    return [(odd, ("tune", "confirm")[zlib.crc32(request) & 1]) for request, odd in mixed]


def write(path: Path, requests: Sequence[bytes], start: float, random: Random) -> None:
    """Write requests as Combined lines, escaped as Apache does, from a thousand clients."""
    with path.open("wb") as stream:
        for number, request in enumerate(requests):
            method, _, target = request.partition(b" ")
            time = datetime.fromtimestamp(start + number / RATE, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
            client = f"10.0.{random.randrange(4)}.{random.randrange(1, 251)}"
            stream.write(
                f'{client} - - [{time}] "{method.decode().upper()} '.encode()
                + b"".join(map(escaped, target or b"/"))
                + b' HTTP/1.1" 200 1234 "-" "Mozilla/5.0 (compatible; Konqueror/3.5; Linux)"\n'
            )


def escaped(byte: int) -> bytes:
    if byte <= 32 or byte >= 127:
        return b"%%%02X" % byte
    return b"\\" + bytes([byte]) if byte in b'"\\' else bytes([byte])


def scan(log: Path, *options: str) -> dict[int, dict[str, object]]:
    """The verdicts of a scan by line, of requests that were flagged."""
    return {int(str(v["line"])) - 1: v for v in verdicts(log, *options) if v["is_anomaly"]}


def verdicts(log: Path, *options: str) -> list[dict[str, object]]:
    """The verdicts of a scan, in order of lines."""
    out = log.parent / "verdicts.jsonl"
    run(log, "--verdicts", str(out), *options)
    return sorted(map(json.loads, out.read_text().splitlines()), key=lambda v: v["line"])


def flagged_by_habits(log: Path, *options: str) -> int:
    """Requests that the detector `parameters` states in a log that has no other past."""
    out = log.parent / "findings.json"
    run(log, "--json", str(out), *options)
    anomalies = json.loads(out.read_text())["anomalies"]
    return int(sum(a["observed"] for a in anomalies if a["detector"] == "parameters"))


def run(log: Path, *options: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "scan", str(log), "--quiet", *options], check=False
    )
    if done.returncode not in (0, 1):
        sys.exit(f"vedette scan {log}: exit status {done.returncode}")


def anything(verdict: dict[str, object]) -> bool:
    return bool(verdict["is_anomaly"])


def abnormal(verdict: dict[str, object]) -> bool:
    types = verdict["types"]
    return isinstance(types, list) and "abnormal_request" in types


def report(
    half: str,
    by: str,
    wanted: Sequence[int],
    labels: Sequence[tuple[bool, str]],
    verdicts: dict[int, dict[str, object]],
    judge: Judge,
) -> None:
    flagged = {line for line in wanted if line in verdicts and judge(verdicts[line])}
    odd = {line for line in wanted if labels[line][0]}
    hits, normal = len(flagged & odd), len(wanted) - len(odd)
    precision, recall = hits / max(1, len(flagged)), hits / len(odd)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    false = len(flagged - odd)
    print(
        f"| {half} | {by} | {precision:.4f} | {recall:.4f} | {f1:.3f} | {false} of {normal} ({false / normal:.2%}) |"
    )


def chance(labels: Sequence[tuple[bool, str]]) -> float:
    """F1 of calling everything anomalous."""
    share = sum(odd for odd, _ in labels) / len(labels)
    return 2 * share / (1 + share)


def real(folder: Path) -> list[tuple[str, Path, int]]:
    """Unpack the logs of real visitors: title, where, requests."""
    logs = DATA / "access-logs-real"
    elastic = folder / "elastic" / "blog.log"
    elastic.parent.mkdir()
    elastic.write_bytes(lzma.decompress((logs / "elastic_apache_logs.log.xz").read_bytes()))
    people = folder / "people"
    with tarfile.open(logs / "human_sessions_27.tar.xz") as archive:
        archive.extractall(people, filter="data")
    found = [("elastic_apache_logs", elastic), ("human_sessions_27", people)]
    return [(title, path, sum(_lines(file) for file in _files(path))) for title, path in found]


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


if __name__ == "__main__":
    main()
