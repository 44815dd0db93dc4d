"""What is old goes, and what is new stays; nobody waits long for it."""

import pytest

from tests.storage.things import DAY, HOUR, MINUTE, anomaly, commit, incident, notice, window
from vedette.storage import IncidentFilter, LiveStore, WindowFilter
from vedette.storage.live import AuditLine, Outcome, Resolution, Retention, Telling

EVERY_STORE = True

EVERYTHING = Retention(windows=None, fine_windows=None, anomalies=None, alerts=None, audits=None)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def windows_of(store: LiveStore, route: str | None = None) -> list[tuple[int, int, int]]:
    """Start, span and requests of each."""
    return [
        (one.start, one.span_s, one.requests)
        for one in store.windows(WindowFilter(service="shop", route=route), limit=1000).items
    ]


def put_old_and_new(store: LiveStore) -> None:
    """Of everything one that is two days old, and one of today."""
    for day in (1, 3):
        at = day * DAY
        number = day * 1440
        store.commit(
            commit(
                number,
                anomalies=(anomaly(number),),
                incidents=(incident(number),),
                windows=(window(number), window(number, route="/cart")),
                notices=(notice(number),),
            )
        )
        store.resolve(Resolution(anomaly_id=f"a{number:04}", false_positive=False, by="eve", at=at))
        store.tell(Telling(notice_id=notice(number).id, channel="mail", outcome=Outcome.SENT, at=at, tries=1))
        store.settle(notice(number).id)
        store.audit(AuditLine(at=at, who="eve", address="local", action="put", target="config"))


class TestRemoving:
    def test_nothing_goes_that_is_kept_for_ever(self, live: LiveStore) -> None:
        put_old_and_new(live)
        assert sum(live.prune(100_000 * DAY, EVERYTHING).values()) == 0
        assert live.stats().total == 2

    def test_windows_go(self, live: LiveStore) -> None:
        put_old_and_new(live)
        kept = Retention(windows=DAY, fine_windows=None, anomalies=None, alerts=None, audits=None)
        assert live.prune(3 * DAY + HOUR, kept)["windows"] == 2
        assert windows_of(live) == windows_of(live, "/cart") == [(3 * DAY, 60, 100)]
        assert live.stats().total == 2

    def test_anomalies_go_with_what_was_said_of_them(self, live: LiveStore) -> None:
        put_old_and_new(live)
        kept = Retention(windows=None, fine_windows=None, anomalies=DAY, alerts=None, audits=None)
        removed = live.prune(3 * DAY + HOUR, kept)
        assert (removed["anomalies"], removed["incidents"]) == (1, 1)
        assert [one.id for one in live.anomalies().items] == ["a4320"]
        assert [one.id for one in live.incidents(IncidentFilter(service="shop")).items] == ["i4320"]
        assert set(live.resolutions(["a1440", "a4320"])) == {"a4320"}
        assert live.stats().unresolved == 0

    def test_a_long_anomaly_stays_until_it_has_ended_long_ago(self, live: LiveStore) -> None:
        live.commit(commit(1, anomalies=(anomaly(1, start=0, end=3 * DAY), anomaly(2, start=0, end=2 * DAY))))
        kept = Retention(windows=None, fine_windows=None, anomalies=DAY, alerts=None, audits=None)
        live.prune(3 * DAY + HOUR, kept)
        assert [one.id for one in live.anomalies().items] == ["a0001"]

    def test_alerts_go_with_their_tellings_and_the_untold_are_counted(self, live: LiveStore) -> None:
        put_old_and_new(live)
        live.commit(commit(1, notices=(notice(1), notice(2))))
        kept = Retention(windows=None, fine_windows=None, anomalies=None, alerts=DAY, audits=None)
        removed = live.prune(3 * DAY + HOUR, kept)
        assert (removed["notices"], removed["notices_untold"]) == (1, 2)
        assert [one.notice_id for one in live.notification_log().items] == [notice(4320).id]
        assert live.notice(notice(1440).id) is None
        assert live.notice(notice(4320).id) is not None

    def test_the_audit_log_goes(self, live: LiveStore) -> None:
        put_old_and_new(live)
        kept = Retention(windows=None, fine_windows=None, anomalies=None, alerts=None, audits=DAY)
        assert live.prune(3 * DAY + HOUR, kept)["audits"] == 1
        assert [line.at for line in live.audits().items] == [3 * DAY]

    def test_many_go_in_slices(self, live: LiveStore, monkeypatch: pytest.MonkeyPatch) -> None:
        count = 23
        for module in ("sql_retention", "mongo_retention"):
            monkeypatch.setattr(f"vedette.storage.{module}.SLICE_ROWS", 10)
        live.commit(commit(1, anomalies=tuple(anomaly(number) for number in range(count))))
        kept = Retention(windows=None, fine_windows=None, anomalies=0, alerts=None, audits=None)
        assert live.prune(100 * DAY, kept)["anomalies"] == count
        assert live.stats().total == 0


ROLL = Retention(windows=None, fine_windows=DAY, anomalies=None, alerts=None, audits=None)


class TestRollingUp:
    def test_old_minutes_become_hours(self, live: LiveStore) -> None:
        live.save_windows(window(number, route=route) for number in range(150) for route in (None, "/cart"))
        # Two hours and ten minutes are old: the third hour is not all old.
        assert live.prune(DAY + 130 * MINUTE, ROLL)["rolled_up"] == 240
        fine = [(number * MINUTE, 60, 100) for number in range(120, 150)]
        assert windows_of(live) == [(0, 3600, 6000), (HOUR, 3600, 6000), *fine]
        assert windows_of(live, "/cart") == windows_of(live)

    def test_again_changes_nothing_even_where_an_old_log_was_read_again(self, live: LiveStore) -> None:
        live.save_windows(window(number) for number in range(30))
        live.prune(3 * DAY, ROLL)
        live.save_windows(window(number) for number in range(60))
        live.prune(3 * DAY, ROLL)
        assert windows_of(live) == [(0, 3600, 6000)]
        assert live.prune(3 * DAY, ROLL)["rolled_up"] == 0

    def test_windows_of_an_hour_or_more_stay(self, live: LiveStore) -> None:
        live.save_windows([window(0, span_s=3600), window(5, span_s=60), window(60, span_s=7200)])
        live.prune(3 * DAY, ROLL)
        assert windows_of(live) == [(0, 3600, 100), (HOUR, 7200, 100)]

    def test_each_service_and_route_keeps_its_own(self, live: LiveStore) -> None:
        live.save_windows(
            window(number, service=service, route=route, requests=1)
            for number in range(60)
            for service in ("shop", "blog")
            for route in (None, "/a", "/b")
        )
        live.prune(3 * DAY, ROLL)
        for service in ("shop", "blog"):
            for route in (None, "/a", "/b"):
                found = live.windows(WindowFilter(service=service, route=route)).items
                assert [(one.service, one.route, one.requests) for one in found] == [(service, route, 60)]
