"""What a live service commits it resumes from; what people said and were told stays."""

from typing import Any

import pytest

from tests.storage.things import MINUTE, anomaly, baseline, commit, incident, notice, window
from vedette.schema.anomaly import AnomalyType, Severity
from vedette.schema.live import Resume
from vedette.storage import AnomalyFilter, LiveStore, WindowFilter, open_live_store
from vedette.storage.live import DOCUMENT_BYTES, AuditLine, Outcome, Resolution, StoredKey, Telling

EVERY_STORE = True


@pytest.fixture
def store(live: LiveStore) -> LiveStore:
    return live


def telling(number: int, channel: str, **changes: Any) -> Telling:
    values: dict[str, Any] = {
        "notice_id": notice(number).id,
        "channel": channel,
        "outcome": Outcome.SENT,
        "at": 100,
        "tries": 1,
    }
    return Telling(**values | changes)


def untold(store: LiveStore, now: int = 0, limit: int = 100) -> list[str]:
    return [found.id for found in store.untold(now, limit)]


class TestCommit:
    def test_before_the_first_there_is_nothing_to_resume(self, store: LiveStore) -> None:
        assert store.resume() is None
        assert store.stats().last_analysis is None

    def test_everything_of_it_is_kept(self, url: str, store: LiveStore) -> None:
        store.commit(
            commit(
                5,
                anomalies=(anomaly(1),),
                incidents=(incident(1),),
                windows=(window(1), window(1, route="/cart")),
                baselines=(baseline("errors"),),
                notices=(notice(1),),
            )
        )
        store.close()
        with open_live_store(url, create=False) as again:
            assert again.resume() == Resume(time=5 * MINUTE, state=b"state 5", positions={"tail": b"\0\xff5"})
            assert again.anomalies().items == [anomaly(1)]
            assert again.incidents().items == [incident(1)]
            assert again.windows(WindowFilter(service="shop")).items == [window(1)]
            assert again.windows(WindowFilter(service="shop", route="/cart")).items == [
                window(1, route="/cart")
            ]
            assert again.baselines().items == [baseline("errors")]
            assert again.untold(0) == [notice(1)]
            assert again.notice("i1.opened.high") == notice(1)

    def test_what_cannot_be_kept_leaves_nothing(self, store: LiveStore) -> None:
        store.commit(commit(1))
        with pytest.raises(TypeError):
            store.commit(
                commit(2, anomalies=(anomaly(1),), windows=(window(1),), notices=(notice(1, route=object()),))
            )
        assert store.resume() == Resume(time=MINUTE, state=b"state 1", positions={"tail": b"\0\xff1"})
        assert store.anomalies().items == []
        assert store.windows(WindowFilter(service="shop")).items == []

    def test_the_last_state_counts(self, store: LiveStore) -> None:
        for number in (1, 2, 3):
            store.commit(commit(number))
        assert store.resume() == Resume(time=3 * MINUTE, state=b"state 3", positions={"tail": b"\0\xff3"})

    def test_without_a_state_the_last_one_stays(self, store: LiveStore) -> None:
        store.commit(commit(1, state=None, positions={}))
        assert store.resume() is None
        store.commit(commit(2))
        store.commit(commit(3, state=None, positions={}, anomalies=(anomaly(1),)))
        assert store.resume() == Resume(time=2 * MINUTE, state=b"state 2", positions={"tail": b"\0\xff2"})
        assert store.stats().last_analysis == 3 * MINUTE
        assert store.anomaly("a0001") == anomaly(1)

    def test_a_second_time_changes_nothing(self, store: LiveStore) -> None:
        full = commit(
            1, anomalies=(anomaly(1),), incidents=(incident(1),), windows=(window(1),), notices=(notice(1),)
        )
        store.commit(full)
        store.settle(notice(1).id)
        store.resolve(Resolution(anomaly_id="a0001", false_positive=True, by="eve", at=5))
        store.commit(full)
        assert untold(store) == []
        assert store.stats().unresolved == 0
        assert len(store.anomalies().items) == len(store.windows(WindowFilter(service="shop")).items) == 1

    def test_windows_that_come_later_join_those_of_their_start(self, store: LiveStore) -> None:
        store.commit(commit(1, windows=(window(1, route="/a"), window(1, route="/b"))))
        store.commit(commit(2, windows=(window(1, route="/b", requests=7), window(1, route="/c"))))
        found = [
            store.windows(WindowFilter(service="shop", route=route)).items for route in ("/a", "/b", "/c")
        ]
        assert found == [
            [window(1, route="/a")],
            [window(1, route="/b", requests=7)],
            [window(1, route="/c")],
        ]


class TestTelling:
    def test_the_oldest_come_first(self, store: LiveStore) -> None:
        store.commit(commit(1, notices=(notice(3), notice(1), notice(2))))
        assert untold(store) == ["i1.opened.high", "i2.opened.high", "i3.opened.high"]
        assert untold(store, limit=2) == ["i1.opened.high", "i2.opened.high"]

    def test_a_settled_notice_is_not_told_again(self, store: LiveStore) -> None:
        store.commit(commit(1, notices=(notice(1), notice(2))))
        store.settle(notice(1).id)
        store.settle("none")
        assert untold(store) == ["i2.opened.high"]

    def test_a_notice_waits_for_its_first_next_try(self, store: LiveStore) -> None:
        store.commit(commit(1, notices=(notice(1), notice(2))))
        store.tell(telling(1, "slack", outcome=Outcome.FAILED, next_try=500, reason="status 500"))
        store.tell(telling(1, "mail", outcome=Outcome.FAILED, next_try=300))
        store.tell(telling(1, "webhook"))
        assert untold(store, now=299) == ["i2.opened.high"]
        assert untold(store, now=300) == ["i1.opened.high", "i2.opened.high"]
        store.tell(telling(1, "mail", at=310, tries=2))
        assert untold(store, now=499) == ["i2.opened.high"]
        assert untold(store, now=500) == ["i1.opened.high", "i2.opened.high"]

    def test_a_commit_of_a_known_notice_leaves_its_waiting(self, store: LiveStore) -> None:
        store.commit(commit(1, notices=(notice(1),)))
        store.tell(telling(1, "mail", outcome=Outcome.FAILED, next_try=300))
        store.commit(commit(2, notices=(notice(1, description="more"),)))
        assert untold(store, now=299) == []
        assert store.untold(300) == [notice(1, description="more")]

    def test_the_last_telling_of_each_channel_counts(self, store: LiveStore) -> None:
        store.commit(commit(1, notices=(notice(1),)))
        last = telling(1, "slack", tries=2, at=200, reference="m7")
        store.tell(telling(1, "slack", outcome=Outcome.FAILED, next_try=150))
        store.tell(last)
        store.tell(telling(1, "mail"))
        assert store.tellings(notice(1).id) == [telling(1, "mail"), last]
        assert store.tellings("none") == []

    def test_the_log_has_the_newest_first(self, store: LiveStore) -> None:
        store.commit(commit(1, notices=(notice(1), notice(2))))
        for number in (1, 2):
            for at, channel in enumerate(("mail", "slack")):
                store.tell(telling(number, channel, at=10 * number + at))
        first = store.notification_log(limit=3)
        rest = store.notification_log(limit=3, cursor=first.cursor)
        assert [found.at for found in first.items + rest.items] == [21, 20, 11, 10]
        assert rest.cursor is None


class TestSaid:
    def test_what_a_person_says_is_kept(self, store: LiveStore) -> None:
        store.commit(commit(1, anomalies=(anomaly(1), anomaly(2))))
        said = Resolution(anomaly_id="a0001", false_positive=False, by="eve", at=5, note="deploy")
        assert store.resolve(said)
        assert store.resolve(said)
        assert not store.resolve(Resolution(anomaly_id="none", false_positive=False, by="eve", at=5))
        assert store.resolutions(["a0001", "a0002", "none"]) == {"a0001": said}
        assert [found.id for found in store.anomalies(AnomalyFilter(resolved=True)).items] == ["a0001"]
        assert [found.id for found in store.anomalies(AnomalyFilter(resolved=False)).items] == ["a0002"]

    def test_the_last_word_counts(self, store: LiveStore) -> None:
        store.commit(commit(1, anomalies=(anomaly(1),)))
        for false_positive in (False, True):
            said = Resolution(anomaly_id="a0001", false_positive=false_positive, by="eve", at=5)
            store.resolve(said)
        assert store.resolutions(["a0001"]) == {"a0001": said}

    def test_many_ids_are_refused(self, store: LiveStore) -> None:
        with pytest.raises(ValueError, match="1001 ids: must be at most 1000"):
            store.resolutions([str(number) for number in range(1001)])


class TestCounts:
    def test_are_those_of_everything(self, store: LiveStore) -> None:
        store.commit(
            commit(
                7,
                anomalies=(
                    anomaly(1),
                    anomaly(2, type=AnomalyType.XSS, severity=Severity.LOW),
                    anomaly(3, type=AnomalyType.XSS, severity=Severity.HIGH),
                ),
            )
        )
        store.resolve(Resolution(anomaly_id="a0002", false_positive=True, by="eve", at=5))
        stats = store.stats()
        assert stats.total == 3
        assert stats.by_severity == {"low": 1, "medium": 0, "high": 2, "critical": 0}
        assert stats.by_type == {"xss": 2, "error_spike": 1}
        assert stats.unresolved == 2
        assert stats.last_analysis == 7 * MINUTE

    def test_of_a_filter_are_bounded(self, store: LiveStore) -> None:
        store.commit(commit(1, anomalies=tuple(anomaly(number) for number in range(10))))
        assert store.count_anomalies() == 10
        assert store.count_anomalies(AnomalyFilter(since=8 * MINUTE)) == 2
        assert store.count_anomalies(most=4) == 4


class TestTheRest:
    def test_the_audit_log_holds_a_line_once_and_the_newest_first(self, store: LiveStore) -> None:
        lines = [
            AuditLine(at=at, who="eve", address="192.0.2.1", action=action, target="config")
            for at in (1, 2)
            for action in ("put", "delete")
        ]
        for line in (*lines, *lines):
            store.audit(line)
        first = store.audits(limit=3)
        rest = store.audits(limit=3, cursor=first.cursor)
        found = first.items + rest.items
        assert [line.at for line in found] == [2, 2, 1, 1]
        assert {(line.at, line.action) for line in found} == {(line.at, line.action) for line in lines}

    def test_keys_are_replaced_by_name(self, store: LiveStore) -> None:
        key = StoredKey(name="shipper", digest="x", scopes=("ingest",), created=5)
        other = StoredKey(name="admin", digest="y", scopes=("read", "admin"), created=5, expires=9)
        revoked = StoredKey(name="shipper", digest="x", scopes=("ingest",), created=5, revoked=True)
        for one in (key, other, revoked):
            store.put_key(one)
        assert store.keys() == [other, revoked]

    def test_documents_are_replaced_by_name(self, store: LiveStore) -> None:
        assert store.document("silences") is None
        store.put_document("silences", b"\0\xff")
        store.put_document("silences", b"[]")
        assert store.document("silences") == b"[]"

    def test_a_long_document_is_refused(self, store: LiveStore) -> None:
        store.put_document("x", bytes(DOCUMENT_BYTES))
        with pytest.raises(ValueError, match="document x: 1,048,577 bytes: must be at most 1,048,576"):
            store.put_document("x", bytes(DOCUMENT_BYTES + 1))
