"""An engine's snapshot: how large it is and how long it takes, for a usual service and for a large one.

    python bench/snapshot.py [--rounds 9]

CPU time of this process, the median of several rounds. The engine is fed by lines made here: so many routes, clients
and requests a second, the same for the same arguments. What a service has found has been taken, as it is before each
commit. `zstd` and `zlib` compress the same parts, for the choice between them.
"""

import argparse
import statistics
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from random import Random

import msgspec

import measure
from vedette.config import Config
from vedette.engine.batch import Batch
from vedette.engine.build import build_engine
from vedette.engine.choosing import enricher
from vedette.engine.engine import Engine
from vedette.engine.sealed import packed as packed_as_kept
from vedette.engine.snapshot import parts_of, restore, snapshot
from vedette.enrich.enrich import Enricher
from vedette.parsers.registry import by_name
from vedette.schema.chunk import Chunk
from vedette.simulate import Simulation

BEGIN = 1_767_340_800


@dataclass(frozen=True)
class Site:
    """Traffic made here: services with as many routes each, asked by as many clients in all."""

    name: str
    services: int
    routes: int
    clients: int
    rate: int
    minutes: int

    def chunks(self) -> Iterator[bytes]:
        """A minute each."""
        random = Random(3)
        words = [x + y + "ol" for x in "bcdfghjklmnprst" for y in "aei"]
        paths = [f"/{a}/{b}/{c}" for c in words[:5] for b in words for a in words][: self.routes]
        for minute in range(self.minutes):
            lines = []
            for second in range(60):
                stamp = datetime.fromtimestamp(BEGIN + minute * 60 + second, UTC)
                told = stamp.strftime("%d/%b/%Y:%H:%M:%S +0000")
                for _ in range(self.rate):
                    client = random.randrange(self.clients)
                    lines.append(
                        f"shop{random.randrange(self.services)} 10.{client >> 16}.{client >> 8 & 255}.{client & 255} "
                        f'- - [{told}] "GET {paths[int(self.routes * random.random() ** 2)]}?q={random.randrange(99)} '
                        f'HTTP/1.1" 200 {random.randrange(9000)} "-" "Mozilla/5.0 Firefox/120.0"\n'
                    )
            yield "".join(lines).encode()


SITES = (
    Site("100 routes, 20,000 clients, 1,000 requests/s", 1, 100, 20_000, 1_000, 12),
    Site("8,192 entities, 20,000 clients, 500 requests/s", 4, 2_047, 20_000, 500, 30),
)


def fed(chunks: Iterator[bytes]) -> tuple[Engine, Enricher]:
    """An engine that has seen some traffic."""
    config = Config.model_validate({"limits": {"routes": 8_192}}, strict=False)
    engine, enrich = build_engine(config, lateness_us=60_000_000), enricher(config)
    parser, line = by_name("vhost_combined").open("bench.log"), 1
    for text in chunks:
        parsed = parser.parse(Chunk.of(text, "bench.log", line))
        line += parsed.lines
        batch = enrich.apply(parsed.requests)
        engine.process(Batch(batch.requests, batch.service, batch.services, batch.agent_kind))
    engine.take_stated()
    return engine, enrich


def took(what: Callable[[], object], rounds: int) -> float:
    """Milliseconds of CPU, the median."""
    what()
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        what()
        times.append(time.process_time() - begin)
    return 1e3 * statistics.median(times)


def _zstd(content: bytes) -> bytes:
    return packed_as_kept([content])[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(measure.machine())
    sample = Simulation(minutes=2 * 1440, rate=3, seed=1, format="vhost_combined", services=1)
    for name, chunks in (
        ("two simulated days, 3 requests/s", sample.chunks()),
        *((site.name, site.chunks()) for site in SITES),
    ):
        engine, enrich = fed(chunks)
        state = snapshot(engine, enrich)

        def again(state: bytes = state) -> None:
            config = Config.model_validate({"limits": {"routes": 8_192}}, strict=False)
            restore(build_engine(config, lateness_us=60_000_000), enricher(config), state)

        print(f"\n{name}: {len(engine.book)} entities, {engine.windower.open_slots} open summaries")
        print(
            f"  snapshot {len(state) / 1e6:.2f} MB, {took(partial(snapshot, engine, enrich), rounds):.1f} ms"
        )
        print(f"  engine built and restored {took(again, rounds):.1f} ms")
        content = msgspec.msgpack.encode(parts_of(engine, enrich))
        for how, compress in (
            ("zstd 1", _zstd),
            ("zlib 1", lambda content: zlib.compress(content, 1)),
        ):
            packed = compress(content)
            cost = took(lambda compress=compress, content=content: compress(content), rounds)
            print(f"  {how}: {len(content) / 1e6:.1f} MB to {len(packed) / 1e6:.2f} MB, {cost:.1f} ms")


if __name__ == "__main__":
    main()
