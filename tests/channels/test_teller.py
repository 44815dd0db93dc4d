"""Whatever stops, and wherever: everything is told, and repeated only where it was stopped."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.channels.made import CHAT, HOUR, MINUTE, PAGER, SECOND, START, alerts, incident, notice, rules
from tests.channels.memory import KilledError, MemoryStore, Remembering
from tests.patience import PATIENCE_S
from vedette.channels.channel import ChannelRule, Failed
from vedette.channels.counts import Told
from vedette.channels.silences import make
from vedette.channels.teller import Teller
from vedette.config.alerts import Alerts
from vedette.schema.anomaly import Severity
from vedette.schema.live import Change, Notice
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.live import Outcome


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


def teller(
    store: MemoryStore,
    *channels: Remembering,
    clock: Clock | None = None,
    configuration: Alerts | None = None,
) -> Teller:
    made = rules(configuration, *(channel.rule for channel in channels))
    return Teller(store, made.alerts, channels, clock=clock or Clock(), run=lambda work: work())


def pump(these: Teller, clock: Clock, until: Callable[[], bool] = lambda: False, hours: int = 12) -> None:
    """Look until nothing is left to wait for, or for so many hours."""
    end = clock.now + hours * HOUR
    while clock.now < end and not until():
        clock.now += max(int(these.step() * SECOND), SECOND)


def life(name: str, severity: Severity, time: int) -> list[Notice]:
    """An incident's opening, growing worse and closing."""
    worse = Severity.CRITICAL
    return [
        notice(about=incident(name, severity), time=time),
        notice(Change.WORSE, incident(name, worse), time=time + MINUTE),
        notice(Change.CLOSED, incident(name, worse), time=time + 2 * MINUTE),
    ]


CHANGES = [each for n in range(4) for each in life(f"i{n}", Severity.HIGH, START + n * 10 * SECOND)]


@settings(max_examples=200)
@given(
    writes=st.lists(st.integers(0, 30), max_size=6),
    sends=st.lists(st.booleans(), max_size=12),
    failures=st.lists(st.integers(0, 3), max_size=4),
    wait=st.sampled_from([0, 10]),
    arrivals=st.lists(st.integers(0, len(CHANGES)), max_size=4),
)
def test_killed_at_any_instant_everything_is_told_and_once_where_repetitions_are_known(
    writes: list[int], sends: list[bool], failures: list[int], wait: int, arrivals: list[int]
) -> None:
    """Between any two writes to the store, and after the channel got a message but before that was noted."""
    store, clock = MemoryStore(), Clock()
    chat = Remembering(CHAT, [Failed("HTTP 500")] * sum(failures), kills=list(sends))
    pager = Remembering(PAGER, kills=list(reversed(sends)))
    configuration = alerts(group_wait_s=wait, give_up_after_s=604_800)
    kills = 0
    starts = [*writes, None]
    arrivals = sorted(arrivals)
    while starts:
        store.kill_after = starts.pop(0)
        store.commit(CHANGES[: arrivals.pop(0)] if arrivals and starts else CHANGES)
        these = teller(store, chat, pager, clock=clock, configuration=configuration)
        try:
            pump(these, clock, until=lambda: len(store.settled) == len(store.notices))
        except KilledError:
            kills += 1
            starts = starts or [None]
    assert store.settled == {each.id for each in CHANGES}
    for channel in (chat, pager):
        told = {n: t for (n, name), t in store.told.items() if name == channel.rule.name}
        assert {t.outcome for t in told.values()} <= {Outcome.SENT, Outcome.SILENCED}
        assert len(told) == len(CHANGES)
        # A receiver that knows repetitions by the message's id hears of each state once.
        fresh = {message.id: message for message in reversed(channel.got)}
        shown = Counter(i.notice.id for message in fresh.values() for i in message.items)
        assert set(shown.values()) <= {1}
        # One that does not hears at most once more for each time that the process died.
        assert len(channel.got) - len(fresh) <= kills
        last = {f"i{n}.closed.critical" for n in range(4)}
        assert last <= set(shown)


def test_a_channel_that_hangs_holds_up_no_other() -> None:
    gate, reached = threading.Event(), threading.Event()

    class Hanging(Remembering):
        def send(self, message: object) -> Failed:  # type: ignore[override]
            reached.set()
            gate.wait(PATIENCE_S)
            return Failed("no whole answer within 10 s")

    hanging = Hanging(ChannelRule("slow", digests=True, resolves=False, per_hour=None))
    done = threading.Event()

    class Quick(Remembering):
        def send(self, message: object) -> object:  # type: ignore[override]
            done.set()
            return super().send(message)  # type: ignore[arg-type]

    quick = Quick(CHAT)
    store = MemoryStore()
    store.commit([notice()])
    made = rules(None, hanging.rule, quick.rule)
    these = Teller(store, made.alerts, [hanging, quick], clock=lambda: START)  # type: ignore[list-item]
    these.start()
    assert reached.wait(PATIENCE_S)
    assert done.wait(PATIENCE_S)
    gate.set()
    these.stop(PATIENCE_S)


def test_a_channel_that_was_away_is_told_all_of_it_when_it_is_back() -> None:
    store, clock = MemoryStore(), Clock()
    chat = Remembering(CHAT, [Failed("HTTP 503")] * 6)
    these = teller(store, chat, clock=clock)
    for number in range(40):
        store.commit([notice(about=incident(f"i{number}"), time=clock.now)])
        clock.now += int(max(these.step(), 1.0) * SECOND)
    pump(these, clock, until=lambda: len(store.settled) == 40)
    assert sorted(chat.notices()) == sorted(f"i{n}.opened.high" for n in range(40))
    assert these.told() == Told({("chat", "high"): len(chat.got)}, {"chat": 6})


def test_a_channel_that_fails_is_a_problem_until_it_works() -> None:
    store, clock = MemoryStore(), Clock()
    store.commit([notice()])
    these = teller(store, Remembering(CHAT, [Failed("h.example: connection refused")]), clock=clock)
    these.step()
    assert these.problems() == (
        "channel chat: h.example: connection refused; it is tried again; `vedette alert test chat` tries it",
    )
    pump(these, clock, until=lambda: bool(store.settled))
    assert these.problems() == ()


def test_what_is_given_up_stays_a_problem_until_something_gets_through() -> None:
    store, clock = MemoryStore(), Clock()
    store.commit([notice()])
    these = teller(store, Remembering(CHAT, [Failed("HTTP 400", refused=True)]), clock=clock)
    pump(these, clock, until=lambda: bool(store.settled))
    assert "given up, so somebody was not told" in these.problems()[0]
    store.commit([notice(about=incident("i2"))])
    these.step()
    assert these.problems() == ()


def test_a_message_that_is_given_up_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    store, clock = MemoryStore(), Clock()
    store.commit([notice(), notice(about=incident("i2"), time=START + 1)])
    these = teller(store, Remembering(PAGER, [Failed("HTTP 400", refused=True)] * 2), clock=clock)
    pump(these, clock, until=lambda: len(store.settled) == 2)
    assert [(r.levelname, "given up" in r.getMessage()) for r in caplog.records] == [("ERROR", True)] * 2


def test_one_refused_message_does_not_hold_up_the_next() -> None:
    store = MemoryStore()
    store.commit([notice(), notice(about=incident("i2"), time=START + 1)])
    pager = Remembering(PAGER, [Failed("HTTP 400", refused=True)])
    teller(store, pager).step()
    assert pager.notices() == ["i2.opened.high"]


def test_while_the_store_is_away_nothing_is_told_twice_and_it_says_so() -> None:
    store, clock = MemoryStore(), Clock()
    store.commit([notice()])
    chat = Remembering(CHAT)

    class Leaving(Remembering):
        def send(self, message: object) -> object:  # type: ignore[override]
            store.broken = StoreError("sqlite:///v.db", StoreProblem.FULL, "its disk is full")
            return super().send(message)  # type: ignore[arg-type]

    chat = Leaving(CHAT)
    these = teller(store, chat, clock=clock)
    these.step()
    these.step()
    assert these.problems() == ("alerts wait: sqlite:///v.db: its disk is full",)
    store.broken = None
    pump(these, clock, until=lambda: bool(store.settled))
    assert chat.notices() == ["i1.opened.high"]
    assert these.problems() == ()


def test_a_silence_made_by_another_process_holds_and_ends() -> None:
    store, clock = MemoryStore(), Clock()
    chat = Remembering(CHAT)
    these = teller(store, chat, clock=clock)
    make(store, clock.now, clock.now + HOUR, services=["shop"])  # type: ignore[arg-type]
    store.commit([notice()])
    pump(these, clock, until=lambda: clock.now >= START + HOUR - MINUTE)
    assert chat.got == []
    pump(these, clock, until=lambda: bool(store.settled))
    assert chat.notices() == ["i1.opened.high"]
    assert chat.got[0].at < START + HOUR + MINUTE


def test_throttling_goes_on_over_a_restart() -> None:
    store, clock = MemoryStore(), Clock()
    seldom = ChannelRule("chat", digests=True, resolves=False, per_hour=2)
    chat = Remembering(seldom)
    for number in range(6):
        store.commit([notice(about=incident(f"i{number}"), time=clock.now)])
        teller(store, chat, clock=clock).step()
        clock.now += MINUTE
    assert len(chat.got) == 1
    pump(teller(store, chat, clock=clock), clock, until=lambda: len(store.settled) == 6)
    assert len(chat.notices()) == 6
    assert len(chat.got) == 2


def test_another_configuration_takes_over() -> None:
    store, clock = MemoryStore(), Clock()
    old, new = Remembering(CHAT, [Failed("HTTP 500")] * 100), Remembering(PAGER)
    these = teller(store, old, clock=clock)
    store.commit([notice()])
    these.step()
    these.configure(rules(None, PAGER).alerts, [new])
    assert these.problems() == ()
    pump(these, clock, until=lambda: bool(store.settled))
    assert new.notices() == ["i1.opened.high"]
