"""What a scan tells of five days of eleven services behind one proxy, of kinds that the other benches do not have.

A weblog with its crawlers, a page that asks one GraphQL route, payments of few partners, tickets with a waiting room,
map tiles, an app's server with tokens that expire, single sign-on, models whose answers take a minute, forms of an
office, packages, and files that are kept in step. The proxy is Caddy, and writes JSON. What is told, and how late, is
counted as in `told.py`.

Usage: python bench/quality/tenancy.py [--seed 1] [--titles] [--output FILE | --log FILE] [--untroubled]
"""

from pathlib import Path

from tenants.book import Book
from tenants.calendar import BEGIN, END, TROUBLES
from tenants.services import SERVICES
from told import main


def store(path: Path, seed: int, troubled: bool) -> None:
    """Write the log in the order in which requests end."""
    book = Book(seed, troubled)
    for service in SERVICES:
        service(book)
    book.lines.sort()
    with path.open("w") as stream:
        stream.writelines(line for time, line in book.lines if 0 <= time < END)


if __name__ == "__main__":
    main(__doc__, store, TROUBLES, BEGIN)
