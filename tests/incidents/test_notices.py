"""What somebody may want to be told of an incident."""

import msgspec
from tests.incidents.test_grouping import MINUTE, anomaly

from vedette.incidents.draft import Draft
from vedette.incidents.kept_draft import KeptDraft
from vedette.incidents.kinds import Kind
from vedette.incidents.notices import last_news, news
from vedette.schema.anomaly import AnomalyType, Severity
from vedette.schema.live import WIDEST, Change

SPIKE, SLOW = AnomalyType.ERROR_SPIKE, AnomalyType.LATENCY_SPIKE


def opened() -> Draft:
    first = anomaly(SPIKE, 10)
    draft = Draft(Kind.SERVICE, first, first.start, first.end)
    draft.add(first)
    return draft


def changes(draft: Draft) -> list[str]:
    """What is new of it, until nothing is."""
    told = []
    while (notice := news(draft, 11 * MINUTE)) is not None:
        told.append(notice.id.removeprefix(draft.id))
    return told


def test_it_opens_once_and_grows_worse_with_its_severity() -> None:
    draft = opened()
    assert changes(draft) == [".opened.medium"]
    draft.add(anomaly(SPIKE, 11))
    assert changes(draft) == []
    draft.add(anomaly(SPIKE, 12, severity=Severity.CRITICAL))
    assert changes(draft) == [".worse.critical"]
    assert last_news(draft, 30 * MINUTE).id == f"{draft.id}.closed.critical"


def test_another_service_and_another_type_widen_it_each_under_an_id_of_its_own() -> None:
    draft = opened()
    changes(draft)
    draft.add(anomaly(SPIKE, 11, service="pay"))
    assert changes(draft) == [".widened3.medium"]
    draft.add(anomaly(SLOW, 11, service="pay"))
    assert changes(draft) == [".widened4.medium"]
    draft.add(anomaly(SLOW, 12, service="auth", severity=Severity.HIGH))
    assert changes(draft) == [".worse.high"]


def test_what_it_reached_before_it_was_told_is_told_at_once() -> None:
    draft = opened()
    draft.add(anomaly(SLOW, 10, service="pay"))
    notice = news(draft, 11 * MINUTE)
    assert notice is not None
    assert notice.change is Change.OPENED
    assert changes(draft) == []


def test_one_that_reaches_very_many_is_told_of_so_often_at_most() -> None:
    draft = opened()
    changes(draft)
    told = []
    for number in range(2 * WIDEST):
        draft.add(anomaly(SPIKE, 11, service=f"s{number}"))
        told += changes(draft)
    assert len(told) == WIDEST - 2
    assert len(set(told)) == len(told)


def test_what_was_told_is_known_after_a_restart() -> None:
    draft = opened()
    changes(draft)
    again = KeptDraft.of(draft).draft()
    assert changes(again) == []
    older = msgspec.convert(msgspec.to_builtins(KeptDraft.of(draft))[:-1], KeptDraft).draft()
    assert changes(older) == []
    older.add(anomaly(SPIKE, 11, service="pay"))
    assert changes(older) == [".widened3.medium"]
