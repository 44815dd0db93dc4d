"""Print a digest of what enrichment makes of seeded hostile rows; `test_kernel_modes` compares digests."""

import hashlib
import random
import sys

from tests.enrich.batches import Row, batch

from vedette.enrich.client import format_client
from vedette.enrich.enrich import Enricher

SEEDS = [
    b"192.0.2.1", b"2001:db8::1:2", b"::ffff:10.0.0.1", b"10.0.0.1, 192.0.2.7:80", b'for="[2001:db8::7]:1"',
    b"fe80::1%eth0", b"/users/17/orders?x=1", b"/img/logo-3f2a91bc.png;v=1", b"http://h/a/%7Eb/%C3%A9",
    b"/u/550e8400-e29b-41d4-a716-446655440000/", b"Mozilla/5.0 (Googlebot/2.1)", b"shop.example:80",
]  # fmt: skip


def text(draw: random.Random) -> bytes | None:
    """A seed, mutated, or absent."""
    if draw.random() < 0.1:
        return None
    made = bytearray(draw.choice(SEEDS))
    for _ in range(draw.randrange(4)):
        at = draw.randrange(len(made) + 1)
        made[at : at + draw.randrange(3)] = draw.choice(
            [b"", b"/", b":", b"%", b",", b".", draw.randbytes(2)]
        )
    return bytes(made)


def main() -> None:
    """Enrich batches of mutated rows and print the digest of the answers."""
    draw = random.Random(20)
    enricher = Enricher(templates=["/users/{}"])
    digest = hashlib.sha256()
    for _ in range(12):
        rows = [
            Row(text(draw), text(draw), text(draw), text(draw), text(draw), draw.random() < 0.9)
            for _ in range(150)
        ]
        found = enricher.apply(batch(rows))
        clients, routes = found.requests.client, found.requests.route
        assert clients is not None
        assert routes is not None
        keys = zip(clients.high.tolist(), clients.low.tolist(), strict=True)
        shown = [format_client(high, low, clients.names) for high, low in keys]
        services = [found.services[i] for i in found.service.tolist()]
        answer = (shown, clients.ids.tolist(), routes.ids.tolist(), list(routes.vocabulary), services)
        digest.update(repr((answer, found.agent_kind.tolist(), found.requests.flags.tolist())).encode())
    if "interpret" in sys.argv:
        assert "numba" not in sys.modules
    sys.stdout.write(digest.hexdigest())


main()
