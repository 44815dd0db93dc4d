"""How fast `vedette scan` is, beside other programs that read the same log.

    python bench/scan.py [--quick] [--runs 5] [--only NAME …]

Prints markdown. See README.md beside this file for how to read it.
"""

import argparse
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import corpora
import measure
from measure import Contender


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="logs of a twentieth of the size")
    parser.add_argument("--runs", type=int, default=5, help="rounds per log")
    parser.add_argument(
        "--only", action="append", choices=sorted(CASES), help="only this log; may be repeated"
    )
    arguments = parser.parse_args()
    scale = 0.05 if arguments.quick else 1.0
    print(measure.machine())
    for name, case in CASES.items():
        if arguments.only is None or name in arguments.only:
            title, corpus, contenders = case(scale)
            path, lines = corpus.path(), corpus.lines()
            print(f"{name}: {lines:,} lines, {path.stat().st_size / 1e6:,.0f} MB", file=sys.stderr)
            run_case(title, contenders(path), lines, arguments.runs, path.stat().st_size)


def run_case(title: str, contenders: list[Contender], lines: int, runs: int, size: int) -> None:
    """Warm the kernels' and the file cache up, run everyone in turn, print the table."""
    try:
        measure.run(contenders[0].command, good=contenders[0].good)
    except RuntimeError as error:
        contenders[0].failure = str(error)
    measure.interleave(contenders, runs)
    if contenders[0].failure is None:
        contenders[0].memory = measure.memory_together(contenders[0].command)
    print(measure.table(f"{title}: {lines:,} lines, {size / 1e6:,.0f} MB", contenders, lines), flush=True)


def scan(path: Path) -> Contender:
    """`vedette scan` with every detector; it exits with 1 when it found something."""
    return Contender("vedette scan", measure.vedette("scan", str(path), "--json", "/dev/null"), good=(0, 1))


def word_count(path: Path) -> Contender:
    """Reading alone."""
    return Contender("wc -l", ["wc", "-l", str(path)])


def combined_contenders(path: Path) -> list[Contender]:
    """Programs that read a Combined log, from those that do least to those that do most."""
    contenders = [
        scan(path),
        word_count(path),
        # Into a pipe: grep looks for no more than the first match when nobody reads what it says.
        Contender("grep -ac ' 500 '", ["sh", "-c", "grep -ac ' 500 ' \"$1\" | cat", "sh", str(path)]),
        Contender(
            "Python re, parse only",
            [sys.executable, str(Path(__file__).with_name("python_re.py")), str(path)],
            most_runs=2,
        ),
    ]
    if goaccess := measure.find("goaccess"):
        command = [goaccess, str(path), "--log-format=COMBINED", "--no-progress", "-o", "/dev/null.json"]
        command[-1] = str(corpora.directory() / "goaccess.json")
        contenders.append(Contender("GoAccess, statistics only", command, most_runs=1))
    else:
        print("GoAccess is not installed (Debian: apt install goaccess): left out.\n")
    return contenders


def packed_contenders(path: Path) -> list[Contender]:
    """Reading a compressed log."""
    return [scan(path), Contender("zcat | wc -l", ["sh", "-c", 'zcat "$1" | wc -l', "sh", str(path)])]


def plain_contenders(path: Path) -> list[Contender]:
    """Only reading beside it."""
    return [scan(path), word_count(path)]


def learned_contenders(path: Path) -> list[Contender]:
    """The members that are on, none, and all there are, if what they need is installed."""
    none, every = scan(path), scan(path)
    none.name, none.environment = "without models", lambda: {"VEDETTE_LEARNED__ENABLED": "false"}
    if find_spec("torch") is None or find_spec("onnxruntime") is None:
        print("the transformer is left out: pip install 'vedette[transformer]'", file=sys.stderr)
        return [scan(path), none]
    members = "[forest, ddos, response_time, status_code, transformer]"
    every.name, every.environment = "and the transformer", lambda: {"VEDETTE_LEARNED__MEMBERS": members}
    every.most_runs = 1
    return [scan(path), none, every]


Case = tuple[str, corpora.Corpus, Callable[[Path], list[Contender]]]

CASES: dict[str, Callable[[float], Case]] = {
    "combined": lambda s: ("Combined, 1 % attacks, 0.3 % spoilt", corpora.combined(s), combined_contenders),
    "many-clients": lambda s: (
        "Combined, one line in two from a new client, every user agent different",
        corpora.many_clients(s),
        plain_contenders,
    ),
    "all-attacks": lambda s: ("Combined, every line an attack", corpora.all_attacks(s), plain_contenders),
    "envoy-json": lambda s: ("Envoy JSON, six services", corpora.envoy_json(s), plain_contenders),
    "learned": lambda s: (
        "Combined, no attacks: models are trained on the way",
        corpora.untroubled(s),
        learned_contenders,
    ),
    "gzip": lambda s: ("Combined, gzip", corpora.packed(s), packed_contenders),
}

if __name__ == "__main__":
    main()
