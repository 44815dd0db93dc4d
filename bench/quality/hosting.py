"""What a scan tells of four days of twelve sites behind one proxy, none of which is a shop.

Long polls, devices, news with alerts, git and images that refuse first, films, an API of many customers, an office, a
school, what others push, a social network, an old service: each has habits that look like trouble and are none. The
proxy is nginx, and writes JSON. The generator has nothing in common with `vedette simulate` or the other benches; what
is told, and how late, is counted as in `told.py`.

Usage: python bench/quality/hosting.py [--seed 1] [--titles] [--output FILE | --log FILE] [--untroubled]
"""

from pathlib import Path

from hosted.book import Book
from hosted.calendar import BEGIN, END, TROUBLES
from hosted.sites import SITES
from told import main


def store(path: Path, seed: int, troubled: bool) -> None:
    """Write the log in the order in which requests end."""
    book = Book(seed, troubled)
    for site in SITES:
        site(book)
    book.lines.sort()
    with path.open("w") as stream:
        stream.writelines(line for time, line in book.lines if 0 <= time < END)


if __name__ == "__main__":
    main(__doc__, store, TROUBLES, BEGIN)
