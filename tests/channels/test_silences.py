"""Silences are made, kept, and end."""

import pytest

from tests.channels.made import HOUR, START, alerts, incident
from tests.channels.memory import MemoryStore
from vedette.channels.silences import MOST, Silence, SilenceError, configured, end, kept, make
from vedette.schema.anomaly import AnomalyType, Severity


def test_what_was_made_is_kept_until_its_end() -> None:
    store = MemoryStore()
    late = make(store, START, START + 2 * HOUR, services=["shop*"], reason="release", by="ann")
    soon = make(store, START, START + HOUR)
    assert kept(store, START) == (soon, late)
    assert kept(store, START + HOUR) == (late,)


def test_one_that_is_ended_is_gone_and_ending_it_again_says_so() -> None:
    store = MemoryStore()
    made = make(store, START, START + HOUR)
    assert end(store, START, made.id)
    assert not end(store, START, made.id)
    assert kept(store, START) == ()


class Rivalled(MemoryStore):
    """Another process overwrites the document once, just after us."""

    rival: bytes | None = b"[]"

    def put_document(self, name: str, content: bytes) -> None:
        super().put_document(name, content)
        if self.rival is not None:
            self.documents[name], self.rival = self.rival, None


def test_one_that_another_process_overwrote_is_written_again() -> None:
    store = Rivalled()
    made = make(store, START, START + HOUR)
    assert kept(store, START) == (made,)


def test_it_covers_what_matches_while_it_holds() -> None:
    made = make(
        MemoryStore(),
        START,
        START + HOUR,
        services=["sh*"],
        types=[AnomalyType.ERROR_SPIKE],
        max_severity=Severity.HIGH,
    )
    assert made.covers(incident(), START)
    assert not made.covers(incident(), START + HOUR)
    assert not made.covers(incident(severity=Severity.CRITICAL), START)
    assert not made.covers(incident(services=("pay",)), START)
    assert not made.covers(incident(types=(AnomalyType.SCANNER,)), START)


def test_what_is_on_other_services_too_is_told() -> None:
    both = incident(services=("shop", "staging"))
    for services, holds in ((("staging",), False), (("sta*", "shop"), True), ((), True)):
        silence = Silence(id="s1", start=START, until=START + HOUR, services=services)
        assert silence.covers(both, START) is holds


def test_it_can_be_about_one_incident() -> None:
    made = make(MemoryStore(), START, START + HOUR, incident_id="i7")
    assert made.covers(incident("i7"), START)
    assert not made.covers(incident("i8"), START)


def test_one_that_would_be_over_is_refused() -> None:
    with pytest.raises(SilenceError, match="2026-05-01 10:00 UTC would be over already: give a later time"):
        make(MemoryStore(), START, START)


def test_their_number_is_bounded() -> None:
    store = MemoryStore()
    for _ in range(MOST):
        make(store, START, START + HOUR)
    with pytest.raises(SilenceError, match="end some first"):
        make(store, START, START + HOUR)


def test_a_damaged_document_is_said_to_be() -> None:
    with pytest.raises(SilenceError, match="document 'silences' is damaged"):
        kept(MemoryStore(documents={"silences": b"{"}), START)


def test_those_of_the_configuration_hold_without_a_zone_in_utc() -> None:
    (silence,) = configured(alerts(silences=[{"until": "2026-05-01T12:00", "services": ["shop"]}]))
    assert silence.covers(incident(), START)
    assert silence.until == START + 2 * HOUR
