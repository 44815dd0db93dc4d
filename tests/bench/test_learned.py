"""The sessions that learned models are measured by."""

import learned
from bot_sessions import Hit

AGENT = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0 Safari/537.36"


def _hits(session: str, start: float, pages: int) -> list[Hit]:
    return [
        Hit(start + 5.0 * page, session, b"GET", b"/page/%d" % page, 200, 4_000, b"-", AGENT)
        for page in range(pages)
    ]


def test_each_window_of_a_session_is_that_sessions():
    hits = [
        *_hits("anna", 1_772_442_000.0, 30),
        *_hits("ben", 1_772_442_030.0, 6),
        *_hits("eve", 1_772_442_300.0, 2),
    ]
    sums, time, who = learned.client_windows(sorted(hits))
    # Two requests are no manner; thirty in two and a half minutes are three windows, the last one of six requests.
    assert sorted(who) == ["anna", "anna", "anna", "ben"]
    assert len(sums) == len(time) == 4


def test_programs_of_every_manner_are_told_from_people_by_what_these_did_before(monkeypatch):
    monkeypatch.setattr(learned, "EACH", 4)
    people = [
        hit
        for number in range(60)
        for hit in _hits(f"person {number}", 1_772_442_000.0 + 600.0 * number, 4 + number % 7)
    ]
    areas = learned.sessions(sorted(people), 1)
    assert set(areas) == {*learned.MANNERS, "all"}
    assert all(0.0 <= area <= 1.0 for area in areas.values())
    # Nobody here fetches scripts, and guesses no names of files.
    assert areas["headless"] > 0.5 < areas["guessing"]
