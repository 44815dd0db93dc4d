"""What is told, noted and settled."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tests.channels.made import CHAT, HOUR, MINUTE, PAGER, SECOND, START, alerts, incident, notice, rules
from vedette.channels.channel import ChannelRule, Failed, Sent
from vedette.channels.pace import patience
from vedette.channels.plan import (
    MOST_IN_MESSAGE,
    PLEDGED,
    THROTTLED,
    WAITING,
    Past,
    Plan,
    Rules,
    item,
    message,
    outcome,
    plan,
    pledge,
)
from vedette.channels.silences import Silence
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change, Notice
from vedette.storage.live import Outcome, Telling

NIGHT = {"quiet_hours": [{"start": "09:00", "end": "11:00"}], "group_wait_s": 0}
"""START is in the middle of it."""


class Desk:
    """Runs plans against a memory of tellings; every channel takes everything."""

    def __init__(self, these: Rules) -> None:
        self.rules = these
        self.notices: dict[str, Notice] = {}
        self.tellings: dict[str, dict[str, Telling]] = {}
        self.messages: list[tuple[str, list[str]]] = []

    def come(self, *notices: Notice) -> None:
        self.notices |= {each.id: each for each in notices}

    def past(self) -> Past:
        sent: dict[str, set[int]] = {}
        for by_channel in self.tellings.values():
            for channel, telling in by_channel.items():
                if telling.outcome is Outcome.SENT:
                    sent.setdefault(channel, set()).add(telling.at)
        return Past(self.tellings, {name: tuple(times) for name, times in sent.items()})

    def note(self, tellings: Sequence[Telling]) -> None:
        for telling in tellings:
            self.tellings.setdefault(telling.notice_id, {})[telling.channel] = telling

    def run(self, now: int, result: Sent | Failed | None = None) -> Plan:
        """Plan once, do it, and return the plan."""
        made = plan(self.notices.values(), self.past(), self.rules, now)
        self.note(made.notes)
        for each in made.settled:
            del self.notices[each]
        for send in made.sends:
            said = message(send, self.past(), self.rules, now)
            self.messages.append((send.channel, [item.notice.id for item in said.items]))
            self.note(pledge(send, self.rules, now))
            self.note(outcome(send, result or Sent(), self.rules, now))
        return made

    def outcomes(self) -> dict[str, Outcome]:
        return {
            notice_id: telling.outcome for notice_id, by in self.tellings.items() for telling in by.values()
        }


def test_each_change_is_told_once() -> None:
    desk = Desk(rules(None, CHAT))
    desk.come(notice())
    desk.run(START)
    desk.run(START + SECOND)
    assert desk.messages == [("chat", ["i1.opened.high"])]
    worse = notice(Change.WORSE, incident(severity=Severity.CRITICAL))
    desk.come(worse)
    desk.run(START + 2 * SECOND)
    desk.come(notice(Change.CLOSED, worse.incident))
    desk.run(START + 3 * SECOND)
    assert [ids for _, ids in desk.messages[1:]] == [["i1.worse.critical"], ["i1.closed.critical"]]


TEAMS = {
    "group_wait_s": 0,
    "channels": {"webhook": [{"name": name, "url": "https://h.example/"} for name in ("shop", "pay")]},
    "routes": [{"services": ["shop"], "channels": ["shop"]}, {"services": ["pay"], "channels": ["pay"]}],
}
SHOP, PAY = (ChannelRule(name, digests=False, resolves=True, per_hour=60) for name in ("shop", "pay"))


def test_an_incident_that_reaches_another_service_is_told_to_its_people_and_not_again_to_others() -> None:
    desk = Desk(rules(alerts(**TEAMS), SHOP, PAY))
    desk.come(notice())
    desk.run(START)
    both = incident(services=("pay", "shop"))
    desk.come(notice(Change.WIDENED, both))
    desk.run(START + MINUTE)
    desk.come(notice(Change.WIDENED, incident(services=("auth", "pay", "shop"))))
    desk.run(START + 2 * MINUTE)
    assert desk.messages == [("shop", ["i1.opened.high"]), ("pay", ["i1.widened3.high"])]
    desk.come(notice(Change.CLOSED, incident(services=("auth", "pay", "shop"))))
    desk.run(START + HOUR)
    assert sorted(desk.messages[2:]) == [("pay", ["i1.closed.high"]), ("shop", ["i1.closed.high"])]
    desk.run(START + HOUR + SECOND)
    assert not desk.notices


def test_to_whom_a_widened_incident_is_new_it_has_opened() -> None:
    widened = notice(Change.WIDENED, incident(services=("pay", "shop")))
    assert item(widened, Past(), rules(), "pay").notice.change is Change.OPENED


def test_a_silence_of_one_service_does_not_hold_what_reached_another() -> None:
    silence = Silence(id="s1", start=START, until=START + HOUR, services=("shop",))
    desk = Desk(rules(alerts(group_wait_s=0), CHAT, silences=(silence,)))
    desk.come(notice())
    desk.run(START)
    assert desk.messages == []
    desk.come(notice(Change.WIDENED, incident(services=("pay", "shop"))))
    desk.run(START + MINUTE)
    assert desk.messages == [("chat", ["i1.widened3.high"])]


def test_what_is_told_to_all_is_settled_and_what_goes_to_nobody_too() -> None:
    desk = Desk(rules(None, CHAT))
    desk.come(notice())
    desk.run(START)
    assert desk.run(START + SECOND).settled == ("i1.opened.high",)
    assert plan([notice()], Past(), rules(None), START).settled == ("i1.opened.high",)


def test_a_storm_becomes_one_message_that_names_its_incidents() -> None:
    desk = Desk(rules(alerts(group_wait_s=10), CHAT))
    desk.come(notice(about=incident("i1")))
    first = desk.run(START)
    assert [(t.outcome, t.reason) for t in first.notes] == [(Outcome.HELD, WAITING)]
    assert first.wake == START + 10 * SECOND
    for number in range(2, 51):
        desk.come(notice(about=incident(f"i{number}")))
        desk.run(START + 5 * SECOND)
    assert desk.messages == []
    desk.run(START + 10 * SECOND)
    assert [len(ids) for _, ids in desk.messages] == [50]


def test_a_message_names_so_many_and_the_next_the_rest() -> None:
    desk = Desk(rules(None, CHAT))
    desk.come(*(notice(about=incident(f"i{n}")) for n in range(MOST_IN_MESSAGE + 7)))
    desk.run(START)
    desk.run(START + SECOND)
    assert [len(ids) for _, ids in desk.messages] == [MOST_IN_MESSAGE, 7]


def test_an_incident_stands_once_in_a_message_with_its_newest_state() -> None:
    desk = Desk(rules(None, CHAT))
    desk.come(notice(), notice(Change.CLOSED, time=START + MINUTE))
    desk.run(START + 2 * MINUTE)
    assert desk.messages == [("chat", ["i1.closed.high"])]
    assert set(desk.outcomes().values()) == {Outcome.SENT}


def test_a_pager_gets_each_incident_by_itself_and_opening_before_closing() -> None:
    desk = Desk(rules(alerts(group_wait_s=10), PAGER))
    desk.come(notice(), notice(about=incident("i2")), notice(Change.CLOSED, time=START + MINUTE))
    desk.run(START + MINUTE)
    told = [ids for _, ids in desk.messages]
    assert sorted(told) == [["i1.closed.high"], ["i1.opened.high"], ["i2.opened.high"]]
    assert told.index(["i1.opened.high"]) < told.index(["i1.closed.high"])


def test_beyond_an_hours_messages_the_rest_is_told_in_fewer_and_none_is_dropped() -> None:
    seldom = ChannelRule("chat", digests=True, resolves=False, per_hour=4)
    desk = Desk(rules(None, seldom))
    for number in range(120):
        desk.come(notice(about=incident(f"i{number}")))
        desk.run(START + number * 30 * SECOND)
    throttled = [t for by in desk.tellings.values() for t in by.values() if t.reason == THROTTLED]
    assert throttled
    assert len(desk.messages) <= 4
    now = START + HOUR
    while any(o is not Outcome.SENT for o in desk.outcomes().values()) and now < START + 4 * HOUR:
        now += MINUTE
        desk.run(now)
    assert sorted(i for _, ids in desk.messages for i in ids) == sorted(
        f"i{n}.opened.high" for n in range(120)
    )


def test_quiet_hours_hold_what_is_open_and_tell_it_at_their_end() -> None:
    desk = Desk(rules(alerts(**NIGHT), CHAT))
    desk.come(notice())
    held = desk.run(START)
    assert [(t.outcome, t.reason, t.next_try) for t in held.notes] == [
        (Outcome.HELD, "quiet hours from 09:00 to 11:00 (UTC)", START + HOUR)
    ]
    assert held.wake == START + HOUR
    assert desk.run(START + MINUTE).notes == ()
    desk.run(START + HOUR)
    assert desk.messages == [("chat", ["i1.opened.high"])]


def test_what_is_over_before_quiet_hours_end_is_not_told() -> None:
    desk = Desk(rules(alerts(**NIGHT), CHAT, PAGER))
    desk.come(notice())
    desk.run(START)
    desk.come(notice(Change.CLOSED, time=START + MINUTE))
    desk.run(START + MINUTE)
    desk.run(START + HOUR)
    assert desk.messages == []
    assert set(desk.outcomes().values()) == {Outcome.SILENCED}
    assert desk.notices == {}


def test_critical_passes_quiet_hours_and_so_does_what_grows_critical() -> None:
    desk = Desk(rules(alerts(**NIGHT), CHAT))
    desk.come(notice())
    desk.run(START)
    desk.come(notice(Change.WORSE, incident(severity=Severity.CRITICAL), time=START + MINUTE))
    desk.run(START + MINUTE)
    assert desk.messages == [("chat", ["i1.worse.critical"])]
    desk.run(START + HOUR)
    assert len(desk.messages) == 1


def test_closing_passes_quiet_hours_only_where_an_alert_is_kept_open() -> None:
    quiet = rules(alerts(quiet_hours=[{"start": "10:30", "end": "12:00"}], group_wait_s=0), CHAT, PAGER)
    desk = Desk(quiet)
    desk.come(notice())
    desk.run(START)
    desk.come(notice(Change.CLOSED, time=START + 45 * MINUTE))
    desk.run(START + 45 * MINUTE)
    assert desk.messages[2:] == [("pager", ["i1.closed.high"])]
    desk.run(START + 2 * HOUR)
    assert desk.messages[3:] == [("chat", ["i1.closed.high"])]


def test_growing_worse_and_ending_in_quiet_hours_is_told_as_ended() -> None:
    desk = Desk(rules(alerts(quiet_hours=[{"start": "10:30", "end": "12:00"}], group_wait_s=0), CHAT))
    low = incident(severity=Severity.LOW)
    desk.come(notice(about=low))
    desk.run(START)
    desk.come(notice(Change.WORSE, time=START + 40 * MINUTE))
    desk.run(START + 40 * MINUTE)
    desk.come(notice(Change.CLOSED, time=START + 50 * MINUTE))
    desk.run(START + 50 * MINUTE)
    desk.run(START + 2 * HOUR)
    assert [ids for _, ids in desk.messages] == [["i1.opened.low"], ["i1.closed.high"]]
    assert desk.outcomes()["i1.worse.high"] is Outcome.SILENCED


def test_a_silence_that_is_ended_early_lets_go_at_once() -> None:
    silence = Silence(id="s1", start=0, until=START + HOUR, services=("shop",), reason="a release")
    desk = Desk(rules(None, CHAT, silences=(silence,)))
    desk.come(notice())
    assert desk.run(START).notes[0].reason == "silence s1: a release"
    desk.rules = rules(None, CHAT)
    desk.run(START + MINUTE)
    assert desk.messages == [("chat", ["i1.opened.high"])]


def test_closing_is_not_told_where_opening_was_not() -> None:
    routed = alerts(
        group_wait_s=0,
        channels={"webhook": [{"name": "chat", "url": "https://h.example/"}]},
        routes=[{"min_severity": "critical", "channels": ["chat"]}],
    )
    desk = Desk(rules(routed, CHAT))
    desk.come(notice(), notice(Change.CLOSED, time=START + MINUTE))
    made = desk.run(START + MINUTE)
    assert made.sends == ()
    assert len(made.settled) == 2


def test_a_channel_that_was_told_is_told_the_end_even_if_routes_now_lead_elsewhere() -> None:
    hooks = {"webhook": [{"name": "chat", "url": "https://h.example/"}]}
    desk = Desk(rules(alerts(group_wait_s=0, channels=hooks), CHAT))
    desk.come(notice())
    desk.run(START)
    desk.rules = rules(alerts(group_wait_s=0, channels=hooks, routes=[{"channels": []}]), CHAT)
    desk.come(notice(Change.CLOSED, time=START + MINUTE), notice(about=incident("i2")))
    desk.run(START + MINUTE)
    assert [ids for _, ids in desk.messages] == [["i1.opened.high"], ["i1.closed.high"]]


def test_what_failed_is_tried_again_as_it_was_and_everything_else_waits_behind_it() -> None:
    desk = Desk(rules(None, CHAT))
    desk.come(notice())
    first = desk.run(START, Failed("HTTP 500"))
    (telling,) = desk.tellings["i1.opened.high"].values()
    assert (telling.outcome, telling.tries, telling.reason) == (Outcome.FAILED, 1, "HTTP 500")
    assert telling.next_try is not None
    assert START + 2.5 * SECOND <= telling.next_try <= START + 5 * SECOND
    desk.come(notice(about=incident("i2")), notice(Change.CLOSED, time=START + SECOND))
    waiting = desk.run(START + SECOND)
    assert (waiting.sends, waiting.notes, waiting.wake) == ((), (), telling.next_try)
    again = desk.run(telling.next_try)
    assert [(s.id, s.tries) for s in again.sends] == [(first.sends[0].id, 2)]
    desk.run(telling.next_try)
    assert desk.messages[2:] == [("chat", ["i2.opened.high", "i1.closed.high"])]


def test_a_channel_that_asks_for_a_longer_pause_gets_it() -> None:
    desk = Desk(rules(None, CHAT))
    desk.come(notice())
    desk.run(START, Failed("HTTP 429", retry_after_s=90.0))
    assert desk.tellings["i1.opened.high"]["chat"].next_try == START + 90 * SECOND


def test_a_message_that_is_refused_is_given_up_at_once() -> None:
    desk = Desk(rules(None, CHAT))
    desk.come(notice())
    desk.run(START, Failed("HTTP 400: no", refused=True))
    assert desk.outcomes() == {"i1.opened.high": Outcome.GIVEN_UP}


def test_telling_is_given_up_after_the_stated_time() -> None:
    desk = Desk(rules(alerts(group_wait_s=0, give_up_after_s=600), CHAT))
    desk.come(notice())
    now, tries = START, 0
    while desk.notices:
        made = desk.run(now, Failed("HTTP 500"))
        tries += len(made.sends)
        now = max(now + SECOND, made.wake or 0)
    assert patience(tries - 1) < 600 * SECOND <= patience(tries)
    assert desk.outcomes() == {"i1.opened.high": Outcome.GIVEN_UP}


def test_what_was_pledged_and_not_heard_of_is_sent_again_under_its_id_with_all_its_notices() -> None:
    these = rules(None, CHAT)
    desk = Desk(these)
    desk.come(notice(), notice(about=incident("i2")))
    (send,) = plan(desk.notices.values(), desk.past(), these, START).sends
    desk.note(pledge(send, these, START))
    assert {t.reason for by in desk.tellings.values() for t in by.values()} == {PLEDGED}
    desk.come(notice(about=incident("i3")))
    (again,) = plan(desk.notices.values(), desk.past(), these, START + 5 * SECOND).sends
    assert (again.id, again.notices, again.tries) == (send.id, send.notices, 2)


def test_a_busy_channel_is_left_alone() -> None:
    made = plan([notice()], Past(), rules(None, CHAT, PAGER), START, busy=frozenset({"chat"}))
    assert [send.channel for send in made.sends] == ["pager"]
    assert made.settled == ()


def test_the_later_ones_of_an_incident_are_threaded_to_the_first() -> None:
    desk = Desk(rules(None, CHAT))
    desk.come(notice())
    desk.run(START, Sent("<first@example.com>"))
    closing = notice(Change.CLOSED, time=START + MINUTE)
    (send,) = plan([closing], desk.past(), desk.rules, START + MINUTE).sends
    said = message(send, desk.past(), desk.rules, START + MINUTE)
    assert said.thread == "<first@example.com>"
    assert said.items[0].told == (Severity.HIGH,)


def test_a_closing_waits_for_an_opening_that_is_not_at_hand_and_still_to_be_told() -> None:
    waiting = Telling(
        notice_id="i1.opened.high",
        channel="chat",
        outcome=Outcome.FAILED,
        at=START,
        tries=1,
        next_try=START + MINUTE,
        reference="m1",
    )
    past = Past({"i1.opened.high": {"chat": waiting}})
    closing = notice(Change.CLOSED, time=START + SECOND)
    made = plan([closing], past, rules(None, CHAT), START + SECOND)
    assert (made.notes, made.sends, made.settled) == ((), (), ())
    sent: Any = msgspec.structs.replace(waiting, outcome=Outcome.SENT, next_try=None)
    past = Past({"i1.opened.high": {"chat": sent}})
    assert len(plan([closing], past, rules(None, CHAT), START + 2 * SECOND).sends) == 1
