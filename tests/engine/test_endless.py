"""A service that runs for ever stays within its bounds, whatever strangers send."""

from datetime import UTC, datetime
from random import Random

import pytest

from tests.engine.test_snapshot import Service
from vedette.config import Config
from vedette.detectors.learned import value_sample
from vedette.detectors.parameters import doubts
from vedette.detectors.signatures import everyday_account, everyday_days, everyday_learning
from vedette.detectors.statistical import clockwork, recurrence
from vedette.enrich import names
from vedette.incidents import draft, occurrences

BEGIN = 1_767_340_800
LIMITS = {"limits": {"routes": 40, "services": 8, "clients": 1000}, "routes": {"slug_values": 10}}
WINDOWS = 240


def minute(number: int, random: Random) -> list[bytes]:
    """A minute in which almost everything is new: clients, routes, hosts, parameters, agents, attacks, names."""
    lines = []
    for place in range(60):
        stamp = datetime.fromtimestamp(BEGIN + number * 60 + place, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        new = f"{number}x{place}"
        word = "".join(random.choices("abcdefghijklmnop", k=9))
        client = random.choice(
            [f"10.{number % 250}.{place}.9", f"host-{new}.example", f"2001:db8:{number:x}:{place}::1"]
        )
        host = random.choice(["shop", "shop", f"{word}.example"])
        target = random.choice(
            [
                f"/{word}/{word[:3]}?{word}={new}",
                f"/fixed?{word[:4]}={word}';{place}",
                "/fixed",
                f"/search?q=1'+or+1=1--{new}",
                f"/../../etc/passwd%00{word}",
            ]
        )
        status = random.choice([200, 200, 404, 500])
        lines.append(
            f'{host} {client} - - [{stamp}] "GET {target} HTTP/1.1" {status} {random.randrange(9999)} '
            f'"https://{word}.example/" "{word}/{number}.{place}"\n'.encode()
        )
    return lines


def test_with_ever_new_clients_routes_hosts_and_agents_the_state_stays_as_large_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Bounds that are met within hours, not years.
    for module, name in (
        (names, "MOST"),
        (doubts, "MOST"),
        (occurrences, "MOST_KINDS"),
        (draft, "MOST_NAMED"),
        (value_sample, "MOST_CELLS"),
        (everyday_learning, "MOST_KEYS"),
        (everyday_account, "MOST_KEYS"),
        (everyday_days, "MOST_KEYS"),
        (everyday_days, "MOST_ROUTES"),
    ):
        monkeypatch.setattr(module, name, 300)
    monkeypatch.setattr(clockwork, "REMEMBERED", 5)
    monkeypatch.setattr(recurrence, "REMEMBERED", 5)
    service, random = Service(Config.model_validate(LIMITS, strict=False)), Random(1)
    sizes: list[int] = []
    for number in range(WINDOWS):
        service.feed(minute(number, random))
        service.engine.take_stated()
        if number % 20 == 19:
            service = service.reborn()
            sizes.append(len(service.state()))
    half = len(sizes) // 2
    # What is kept of some words packs better than of others: sizes vary by some per cent from one to the next.
    assert max(sizes[half:]) <= 1.15 * max(sizes[:half]), sizes
    met = service.engine.capped()
    assert {"routes", "client_names", "request_profiles"} <= set(met)


def test_a_clock_that_is_years_ahead_fills_nothing_for_good() -> None:
    service, random = Service(Config.model_validate(LIMITS, strict=False)), Random(2)
    sizes = []
    for number in range(WINDOWS):
        lines = minute(number, random)
        ahead = [text.replace(b"/2026:", b"/2031:") for text in lines[::7]]
        service.feed([text for pair in zip(lines, [*ahead, *[b""] * 60], strict=False) for text in pair])
        sizes.append(service.engine.windower.open_slots)
    assert max(sizes) < 2_000
    assert service.engine.windower.late > WINDOWS
