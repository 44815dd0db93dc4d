"""What a scan tells of five days of eleven services behind one proxy, of kinds that the other benches do not have.

A weblog with its crawlers, a page that asks one GraphQL route, payments of few partners, tickets with a waiting room,
map tiles, an app's server with tokens that expire, single sign-on, models whose answers take a minute, forms of an
office, packages, and files that are kept in step. The proxy is Caddy, and writes JSON. What
is told, and how late, is counted as in `told.py`.

Usage: python bench/quality/tenancy.py [--seed 1] [--titles] [--output FILE | --log FILE] [--untroubled]
"""

import argparse
import tempfile
from pathlib import Path

from tenants.book import Book
from tenants.calendar import BEGIN, END, TROUBLES
from tenants.services import SERVICES
from told import report, scanned


def store(path: Path, seed: int, troubled: bool) -> None:
    """Write the log in the order in which requests end."""
    book = Book(seed, troubled)
    for service in SERVICES:
        service(book)
    book.lines.sort()
    with path.open("w") as stream:
        stream.writelines(line for time, line in book.lines if 0 <= time < END)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--titles", action="store_true", help="say what each incident is called")
    parser.add_argument("--output", type=Path, help="only write the log")
    parser.add_argument(
        "--log", type=Path, help="scan a log that was written with `--output` and the same arguments"
    )
    parser.add_argument("--untroubled", action="store_true", help="leave out what goes wrong")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        log = arguments.log or arguments.output or folder / "proxy.log"
        if arguments.log is None:
            store(log, arguments.seed, not arguments.untroubled)
        if arguments.output is None:
            report(scanned(log, folder), () if arguments.untroubled else TROUBLES, BEGIN, arguments.titles)


if __name__ == "__main__":
    main()
