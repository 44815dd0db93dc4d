"""Spread logs over many clients and days, and count what is taken for attacks, what is everyday weighed and not.

    python bench/quality/everyday.py LOG …

Each LOG, in Combined and best of one installation that somebody walked through, is cut into visits: each of 40 clients
comes on seven days of ten, and asks 10 to 40 requests that follow each other in the log, now and then from another
place. Prints the requests taken for attacks on each of 12 days.
"""

import argparse
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from vedette.config import Config
from vedette.engine.batch import Batch
from vedette.engine.build import build_engine
from vedette.enrich.enrich import Enricher
from vedette.parsers.registry import by_name
from vedette.schema.chunk import Chunk

CLIENTS, DAYS = 40, 12
_BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
_HEAD = re.compile(r"^\S+ \S+ \S+ \[[^\]]*\] ")
_AGENT = re.compile(r'"[^"]*"$')


def spread(log: Path, seed: int = 1) -> bytes:
    """The log's requests as visits of many clients."""
    random = Random(seed)
    text = log.read_text(encoding="utf-8", errors="surrogateescape")
    requests = [
        _HEAD.sub("", line) for line in text.splitlines() if _HEAD.match(line) and "curl/" not in line
    ]
    lines = []
    for day in range(DAYS):
        for client in range(CLIENTS):
            if random.random() < 0.3:
                continue
            time = _BEGIN + timedelta(days=day, hours=7 + 10 * random.random())
            at = random.randrange(len(requests))
            for _ in range(random.randint(10, 40)):
                at = random.randrange(len(requests)) if random.random() < 0.1 else (at + 1) % len(requests)
                time += timedelta(seconds=random.expovariate(1 / 20))
                version = f"{120 + client}.0"
                agent = f'"Mozilla/5.0 (X11; Linux x86_64; rv:{version}) Gecko/20100101 Firefox/{version}"'
                lines.append((time, client, _AGENT.sub(agent, requests[at])))
    lines.sort()
    return "".join(
        f"10.3.0.{client + 1} - - [{time:%d/%b/%Y:%H:%M:%S} +0000] {rest}\n" for time, client, rest in lines
    ).encode("utf-8", "surrogateescape")


def batches(text: bytes) -> Iterator[Batch]:
    """The log, enriched."""
    parser, enricher = by_name("combined").open("spread.log"), Enricher()
    lines = text.splitlines(keepends=True)
    for begin in range(0, len(lines), 2_000):
        parsed = parser.parse(Chunk.of(b"".join(lines[begin : begin + 2_000]), "spread.log", begin + 1))
        enriched = enricher.apply(parsed.requests)
        yield Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind)


def attacks(text: bytes, *, everyday: bool) -> list[int]:
    """Requests taken for attacks on each day."""
    config = Config.model_validate({"detectors": {"signatures": {"everyday": everyday}}}, strict=False)
    engine = build_engine(config, lateness_us=60_000_000)
    found: Counter[int] = Counter()
    for batch in batches(text):
        decisive = engine.process(batch).hits.decisive()
        found.update((batch.requests.time[decisive] // 86_400_000_000).tolist())
    first = int(_BEGIN.timestamp()) // 86_400
    return [found[first + day] for day in range(DAYS)]


def main() -> None:
    """Print the counts of each log."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    for path in parser.parse_args().logs:
        text = spread(path)
        print(f"{path}: {len(text.splitlines()):,} requests")
        for everyday in (False, True):
            days = attacks(text, everyday=everyday)
            mean = sum(days[6:]) / len(days[6:])
            print(
                f"  {'with' if everyday else 'without'}: {' '.join(map(str, days))}; from the 7th on {mean:.1f} a day"
            )


if __name__ == "__main__":
    main()
