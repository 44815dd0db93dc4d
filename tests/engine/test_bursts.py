"""More requests than usual: whose doing it is, and who is the worse for it, decide what is told, and how severely."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tests.engine.running import run
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
JOB = "192.0.2.40"
MORE = {AnomalyType.TRAFFIC_SPIKE, AnomalyType.DDOS_ATTACK}

Hit = tuple[float, str, str, float]
"""Second of the minute, client, path, duration."""


def visits(minute: int) -> list[Hit]:
    return [(2.0 * n, f"198.51.100.{(7 * minute + n) % 90}", f"/page/{n}", 0.03) for n in range(30)]


def imported(seconds: float = 0.05) -> list[Hit]:
    """A minute of an import, ten requests a second."""
    return [(n / 10, JOB, "/api/contacts", seconds) for n in range(600)]


def told(days: int, special: dict[int, list[Hit]]) -> list[Anomaly]:
    """What is said of more requests than usual, with other hits besides in some minutes."""
    chunks = []
    for day in range(days):
        lines = []
        for minute in range(day * 1440, (day + 1) * 1440):
            stamp = f"{BEGIN + timedelta(minutes=minute):%d/%b/%Y:%H:%M}"
            for second, client, path, took in sorted([*visits(minute), *special.get(minute, [])]):
                head = f"{client} - - [{stamp}:{int(second):02} +0000]"
                lines.append(f'{head} "GET {path} HTTP/1.1" 200 900 "-" "x/1.0" {took}\n')
        chunks.append("".join(lines).encode())
    return [a for a in run(chunks, "nginx-timed").anomalies if a.type in MORE]


def nights(starts: Iterable[int], minutes: int, seconds: float = 0.05) -> dict[int, list[Hit]]:
    """The import, from so many minutes after each midnight on."""
    return {
        day * 1440 + start + late: imported(seconds)
        for day, start in enumerate(starts)
        for late in range(minutes)
    }


def days(anomalies: Iterable[Anomaly]) -> list[int]:
    return sorted({int(a.start / 1e6 - BEGIN.timestamp()) // 86_400 for a in anomalies})


def test_an_import_of_every_night_is_told_once_whatever_its_minute() -> None:
    assert days(told(2, nights((95, 175), 10))) == [0]


def test_it_is_told_again_while_others_wait_for_it() -> None:
    lines = nights((95, 175), 10)
    lines |= {1440 + 175 + late: imported(0.9) for late in range(10)}
    assert days(told(2, lines)) == [0, 1]


def test_an_import_that_does_not_end_is_told_once_it_is_longer_than_two() -> None:
    again = told(2, nights((95,), 10) | {1440 + 120 + late: imported() for late in range(40)})
    second = [a.start for a in again if a.start / 1e6 >= BEGIN.timestamp() + 86_400]
    assert min(second) / 1e6 == (BEGIN + timedelta(days=1, minutes=120 + 20)).timestamp()
    assert {a.severity for a in again if a.start in second} & {Severity.MEDIUM, Severity.HIGH}


PAGES = ("/", "/sport", "/weather", "/politics", "/culture", "/local", "/science", "/travel")


def crowd(people: int, took: float, pages: tuple[str, ...] = PAGES) -> dict[int, list[Hit]]:
    """Three hundred requests of so many in each of four minutes."""
    return {
        720 + late: [
            (n / 5, f"203.0.{late}.{n % people}", pages[n // people % len(pages)], took) for n in range(300)
        ]
        for late in range(4)
    }


def test_a_crowd_that_is_answered_as_ever_is_slight_and_one_that_waits_is_not() -> None:
    slight, severe = told(1, crowd(150, 0.03)), told(1, crowd(150, 0.9))
    assert {a.severity for a in slight} == {Severity.LOW}
    assert Severity.MEDIUM in {a.severity for a in severe}


def test_what_comes_by_the_clock_is_told_of_no_other_route_unless_others_wait() -> None:
    def second_noon(took: float) -> set[str | None]:
        ticker = {
            minute: [(15.0 * n, f"198.51.100.{n}", "/ticker", 0.03) for n in range(4)]
            for minute in range(2880)
        }
        first = crowd(150, 0.03)
        again = {minute + 1440: hits for minute, hits in crowd(150, took, ("/ticker", *PAGES[:2])).items()}
        special = {
            minute: [*hits, *first.get(minute, []), *again.get(minute, [])] for minute, hits in ticker.items()
        }
        return {a.route for a in told(2, special) if a.start / 1e6 >= BEGIN.timestamp() + 86_400}

    assert not second_noon(0.03)
    assert "/ticker" in second_noon(0.9)


def test_ten_clients_that_ask_for_much_are_no_crowd() -> None:
    assert Severity.MEDIUM in {a.severity for a in told(1, crowd(10, 0.03))}


def test_a_crowd_of_strangers_on_one_page_is_critical_once_others_wait() -> None:
    def severity(took: float) -> set[Severity]:
        found = told(1, crowd(150, took, ("/breaking",)))
        return {a.severity for a in found if a.detector == "flood"}

    assert severity(0.03) == {Severity.MEDIUM}
    assert Severity.CRITICAL in severity(0.9)
