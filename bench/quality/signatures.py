"""How many attacks the signatures find, and how much benign text they accuse, on public data.

    python bench/quality/signatures.py [--misses SET] [--alarms SET]

Reads the data sets from ../shared/data (docs/explanation/signatures.md names their origins and licences);
none of them is part of this repository. Prints, per set and family: texts, share judged an attack (confidence
at least DECISIVE), share with any hit. `--misses` and `--alarms` list attacks not found, and benign texts
accused.
"""

import argparse
import csv
import io
import lzma
import re
import sys
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import yaml

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.rules import DECISIVE
from vedette.detectors.signatures.scan import SignatureScanner

DATA = Path(__file__).parents[3] / "shared" / "data"
COMBINED = re.compile(
    r'^"?(?:\S+ ){2,3}\[[^]]*\] "((?:[^"\\]|\\.)*)" (\d+|-) \S+'
    r'(?: "((?:[^"\\]|\\.)*)")?(?:.*?"((?:[^"\\]|\\.)*)")?'
)

Text = dict[str, bytes]
"""Columns of one request."""
Sets = dict[tuple[str, str], list[Text]]


def text(name: str) -> str:
    return lzma.open(DATA / name).read().decode("utf-8", "replace")


def members(name: str) -> Iterator[tuple[str, str]]:
    with tarfile.open(DATA / name) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read().decode("utf-8", "replace")


def as_parameter(value: str, *, encoded: bool = False) -> Text:
    """A value as the query of a plain request, as a browser would send it."""
    return {"target": b"/page?q=" + (value if encoded else quote(value, safe="")).encode("utf-8", "replace")}


def as_line(line: str) -> Text | None:
    match = COMBINED.match(line)
    if not match:
        return None
    request, _, referer, agent = match.groups()
    method, _, rest = request.partition(" ")
    target, _, protocol = rest.rpartition(" ")
    parts = {
        "method": method,
        "target": target or rest,
        "protocol": protocol,
        "referer": referer,
        "user_agent": agent,
    }
    return {k: v.encode("utf-8", "replace") for k, v in parts.items() if v and v != "-"}


def httpparams(sets: Sets) -> None:
    for row in csv.DictReader(io.StringIO(text("httpparams/payload_full.csv.xz"))):
        kind = row["attack_type"]
        sets["httpparams", "benign" if kind == "norm" else kind].append(as_parameter(row["payload"]))


def grananqvist(sets: Sets) -> None:
    for row in csv.reader(io.StringIO(text("waf-payloads-grananqvist/payloads.csv.xz"))):
        if len(row) == 4 and row[0] != "index" and row[0]:
            kind = "benign" if row[3] == "LEGAL" else row[3].lower()
            sets["waf-payloads", kind].append(as_parameter(row[1]))


def libinjection(sets: Sets) -> None:
    for name, content in members("libinjection-corpus/libinjection-data.tar.xz"):
        stem = Path(name).name
        kind = {"sqli": "sqli", "xss-": "xss", "fals": "benign"}.get(stem[:4])
        if kind:
            lines = {line for line in content.splitlines() if line.strip() and not line.startswith("#")}
            for line in sorted(lines):
                encoded = re.search(r"%[0-9a-fA-F]{2}", line) is not None
                value = quote(line, safe="%+&=") if encoded else line
                sets["libinjection", kind].append(as_parameter(value, encoded=encoded))


def gotestwaf(sets: Sets) -> None:
    for name, content in members("gotestwaf-testcases/testcases.tar.xz"):
        if name.endswith((".yml", ".yaml")):
            benign = "false-pos" in name
            # The sets' own reader lets \' pass in double quotes; YAML does not.
            for payload in yaml.safe_load(content.replace("\\'", "'")).get("payload") or []:
                if isinstance(payload, str):
                    kind = "benign" if benign else Path(name).stem.removeprefix("community-")
                    sets["gotestwaf", kind].append(as_parameter(payload))


def csic(sets: Sets) -> None:
    for kind, name in (("benign", "normal"), ("anomalous", "anomalous")):
        lines = sorted(set(text(f"csic2010/{name}_decoded.txt.xz").splitlines()))
        for line in lines:
            target = line.partition(" ")[2].removeprefix("http://localhost:8080")
            sets["csic2010", kind].append({"target": target.encode()})


def fwaf(sets: Sets) -> None:
    for kind, name in (("attack", "badqueries"), ("benign", "goodqueries_firebricks_subset")):
        for line in text(f"fwaf/{name}.txt.xz").splitlines():
            sets["fwaf", kind].append({"target": line.encode()})


def access_logs(sets: Sets) -> None:
    logs = {
        "elastic": "access-logs-real/elastic_apache_logs.log.xz",
        "dirbuster lab": "access-logs-real/kit0415_dirbuster_lab_2019.log.xz",
        "nasa july": "access-logs-real/nasa_jul95_head.log.xz",
        "nasa august": "access-logs-real/nasa_aug95_head.log.xz",
        "acunetix": "apache-scan-logs/acunetix.txt.xz",
    }
    for kind, name in logs.items():
        sets["access log", kind] = [row for line in text(name).splitlines() if (row := as_line(line))]
    for _, content in members("access-logs-real/human_sessions_27.tar.xz"):
        sets["access log", "human sessions"] += [
            row for line in content.splitlines() if (row := as_line(line))
        ]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--misses", help="list attacks of this set that are not found")
    arguments.add_argument("--alarms", help="list texts of this set that are judged attacks")
    options = arguments.parse_args()
    if not DATA.is_dir():
        print(f"{DATA}: not there; the public data sets have to be fetched first", file=sys.stderr)
        return 2
    sets: Sets = defaultdict(list)
    for read in (httpparams, grananqvist, libinjection, gotestwaf, csic, fwaf, access_logs):
        read(sets)
    scanner = SignatureScanner.cached()
    names = ("method", "target", "protocol", "referer", "user_agent")
    print(f"{'set':14} {'texts':28} {'n':>7} {'judged attack':>14} {'any hit':>9}")
    for (group, kind), rows in sorted(sets.items()):
        requests = batch({name: [row.get(name) for row in rows] for name in names})
        hits = scanner.judge(requests)
        attack, touched = hits.decisive(), hits.confidence > 0
        print(f"{group:14} {kind:28} {len(rows):7} {attack.mean():13.2%} {touched.mean():9.2%}")
        wanted = {options.misses: ~attack, options.alarms: attack}.get(f"{group}/{kind}")
        if wanted is not None:
            show(scanner, hits, rows, wanted.nonzero()[0].tolist())
    print(f"judged an attack: combined confidence of at least {DECISIVE}")
    return 0


def show(scanner: SignatureScanner, hits, rows: list[Text], chosen: list[int]) -> None:
    seen: Counter[str] = Counter()
    for row in chosen:
        rules = [scanner.rules[rule].id for rule in hits.rules(row)]
        key = ",".join(rules) or repr(rows[row]["target"])
        seen[key] += 1
        if seen[key] <= 3:
            print(f"    {hits.confidence[row]:.2f} {rows[row]['target'][:160]!r} {' '.join(rules)}")


if __name__ == "__main__":
    sys.exit(main())
