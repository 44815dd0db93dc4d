"""Sessions of people, and of programs that walk the same site in several manners.

People: the 27 days of MKLab's web bot detection set (Iliou et al. 2021), whose log carries a session's id. The site
reports its visitors' mouse movements to itself, many requests a second; no program sends these, and telling people
by them would be no merit, so they are left out. A session stands under an address of its own.

Programs: they ask for the pages that people asked for in the earlier half, with the sizes these had.
"""

import io
import random
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_LINE = re.compile(rb'- - \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d+) (\d+) "([^"]*)" (\S+) "([^"]*)"')
_TELEMETRY = b"/storage/"
BROWSER = b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0 Safari/537.36"
ASSET = re.compile(rb"\.(css|js|ico|png|jpe?g|gif|svg|woff2?)(\?|$)")


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """One request; `time` in seconds since the epoch, UTC."""

    time: float
    session: str
    method: bytes
    target: bytes
    status: int
    size: int
    referer: bytes
    agent: bytes

    def line(self, address: str) -> bytes:
        """As a Combined line."""
        when = datetime.fromtimestamp(self.time, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").encode()
        return b'%s - - [%s] "%s %s HTTP/1.1" %d %d "%s" "%s"\n' % (
            address.encode(), when, self.method, self.target, self.status, self.size, self.referer, self.agent
        )  # fmt: skip


def people(archive: Path) -> list[Hit]:
    """Requests of people's sessions, in order of time."""
    hits = []
    with tarfile.open(archive) as packed:
        for member in packed.getmembers():
            file = packed.extractfile(member) if member.isfile() else None
            for line in io.BufferedReader(file) if file is not None else ():  # type: ignore[type-var]
                hit = _hit(line)
                if hit is not None and not hit.target.startswith(_TELEMETRY) and hit.session != "-":
                    hits.append(hit)
    return sorted(hits)


def _hit(line: bytes) -> Hit | None:
    found = _LINE.match(line)
    if found is None:
        return None
    when = datetime.strptime(found[1].decode(), "%d/%b/%Y:%H:%M:%S %z").timestamp()
    return Hit(when, found[7].decode(), found[2], found[3], int(found[4]), int(found[5]), found[6], found[8])


@dataclass(frozen=True, slots=True)
class Site:
    """What programs know of a site: pages, what belongs to them, and the sizes of both."""

    pages: list[bytes]
    assets: list[bytes]
    sizes: dict[bytes, int]

    def get(self, session: str, time: float, target: bytes, referer: bytes = b"-") -> Hit:
        """A request for something, which may not be there."""
        size = self.sizes.get(target)
        return Hit(
            time, session, b"GET", target, 404 if size is None else 200, 196 if size is None else size, referer, BROWSER
        )  # fmt: skip


def programs(earlier: Sequence[Hit], starts: Sequence[float], draw: random.Random) -> Iterator[Hit]:
    """A session of each manner at each start."""
    sizes = {h.target: h.size for h in earlier if h.status == 200}
    pages = sorted(t for t in sizes if not ASSET.search(t))
    assets = sorted(t for t in sizes if ASSET.search(t))
    site = Site(pages, assets, sizes)
    for number, start in enumerate(starts):
        for manner, walk in MANNERS.items():
            yield from walk(f"{manner} {number}", start, site, draw)


def _mirror(session: str, time: float, site: Site, draw: random.Random) -> Iterator[Hit]:
    """Everything, page after page, as quickly as it comes."""
    order = draw.sample(site.pages, len(site.pages))
    for target in order[:40]:
        time += draw.expovariate(4.0)
        yield site.get(session, time, target)


def _patient(session: str, time: float, site: Site, draw: random.Random) -> Iterator[Hit]:
    """A page every few seconds, as its author thinks that people do."""
    for target in draw.sample(site.pages, min(30, len(site.pages))):
        time += draw.uniform(3, 9)
        yield site.get(session, time, target)


def _linked(session: str, time: float, site: Site, draw: random.Random) -> Iterator[Hit]:
    """Follows links, and says where it comes from."""
    before = b"-"
    for target in draw.sample(site.pages, min(30, len(site.pages))):
        time += draw.uniform(0.5, 3)
        yield site.get(session, time, target, before)
        before = b"http://site.example" + target


def _monitor(session: str, time: float, site: Site, draw: random.Random) -> Iterator[Hit]:
    """One page again and again, to see a price change."""
    target = draw.choice(site.pages)
    for _ in range(60):
        time += 5.0
        yield site.get(session, time, target)


def _headless(session: str, time: float, site: Site, draw: random.Random) -> Iterator[Hit]:
    """A browser without a head: fetches scripts and styles with each page, its cache off."""
    for target in draw.sample(site.pages, min(20, len(site.pages))):
        time += draw.uniform(1, 4)
        yield site.get(session, time, target)
        for asset in site.assets[:6]:
            yield site.get(session, time + 0.2, asset, b"http://site.example" + target)


def _guessing(session: str, time: float, site: Site, draw: random.Random) -> Iterator[Hit]:
    """Pages, and now and then one that may be there."""
    for target in draw.sample(site.pages, min(30, len(site.pages))):
        time += draw.uniform(1, 4)
        yield site.get(session, time, target)
        if draw.random() < 0.3:
            yield site.get(session, time + 0.5, target + b".bak")


MANNERS = {
    "mirror": _mirror,
    "patient": _patient,
    "linked": _linked,
    "monitor": _monitor,
    "headless": _headless,
    "guessing": _guessing,
}
