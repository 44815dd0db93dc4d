"""With a real store and a real receiver: nothing lost, nothing told twice."""

import json
from pathlib import Path

from tests.channels.made import MINUTE, SECOND, START, alerts, incident, notice
from tests.channels.receiver import Receiver, status
from vedette.channels.build import build_channels
from vedette.channels.silences import end, kept, make
from vedette.channels.teller import Teller
from vedette.schema.live import Change, Commit, Notice
from vedette.storage.live import LiveStore, Outcome
from vedette.storage.open import open_live_store


class Service:
    """A teller that can be stopped and started again, on a clock that the test moves."""

    def __init__(self, url: str, hook: str, **keys: object) -> None:
        self.store: LiveStore = open_live_store(url)
        channels = {"webhook": [{"name": "ops", "url": hook, "timeout_s": 0.3, "token": "t"}]}
        self.configuration = alerts(channels=channels, **{"group_wait_s": 0, **keys})
        self.now = START
        self.start()

    def start(self) -> None:
        built = build_channels(self.configuration)
        self.teller = Teller(
            self.store, self.configuration, built, clock=lambda: self.now, run=lambda work: work()
        )

    def commit(self, *notices: Notice) -> None:
        self.store.commit(Commit(time=self.now, state=b"", positions={}, notices=notices))

    def pump(self, minutes: int) -> None:
        until = self.now + minutes * MINUTE
        while self.now < until:
            self.now += max(int(self.teller.step() * SECOND), SECOND)

    def left(self) -> int:
        return len(self.store.untold(1 << 60, 1000))


def states(hook: Receiver) -> list[str]:
    told: list[str] = []
    for got in hook.got:
        said = json.loads(got.body)
        told += [each["id"] for each in said.get("incidents", [said])]
    return told


def test_one_that_errs_hangs_and_comes_back_hears_of_everything_once(tmp_path: Path, hook: Receiver) -> None:
    service = Service(f"sqlite:///{tmp_path / 'v.db'}", hook.url)
    hook.answers += [status(500), status(503, Retry_After="30")]
    service.commit(notice())
    service.teller.step()
    service.commit(notice(about=incident("i2"), time=START + SECOND))
    hook.gate.clear()
    service.pump(1)
    hook.gate.set()
    service.commit(notice(Change.CLOSED, time=START + 2 * MINUTE))
    hook.got.clear()
    hook.answers.clear()
    service.start()
    service.pump(60)
    assert sorted(states(hook)) == ["i1.closed.high", "i1.opened.high", "i2.opened.high"]
    assert service.left() == 0
    log = service.store.notification_log().items
    assert {telling.outcome for telling in log} == {Outcome.SENT}
    assert max(telling.tries for telling in log) > 2


def test_a_repeated_commit_tells_nothing_again(tmp_path: Path, hook: Receiver) -> None:
    """After a kill, the engine finds the same again and commits the same notices."""
    service = Service(f"sqlite:///{tmp_path / 'v.db'}", hook.url)
    for _ in range(3):
        service.commit(notice())
        service.pump(1)
        service.start()
    assert states(hook) == ["i1.opened.high"]


def test_silences_are_kept_in_the_store(tmp_path: Path, hook: Receiver) -> None:
    service = Service(f"sqlite:///{tmp_path / 'v.db'}", hook.url)
    made = make(service.store, service.now, service.now + 60 * MINUTE, services=["shop"])
    assert kept(service.store, service.now) == (made,)
    service.commit(notice())
    service.pump(5)
    assert states(hook) == []
    assert end(service.store, service.now, made.id)
    service.pump(1)
    assert states(hook) == ["i1.opened.high"]


def test_a_storm_is_one_request(tmp_path: Path, hook: Receiver) -> None:
    service = Service(f"sqlite:///{tmp_path / 'v.db'}", hook.url, group_wait_s=10)
    service.commit(*(notice(about=incident(f"i{n}")) for n in range(60)))
    service.pump(2)
    assert len(hook.got) == 1
    assert len(states(hook)) == 60
