"""The thread that tells: reads what is untold from the store, plans, sends, and notes what became of it.

Each channel's messages go out on a thread of their own, so that one that hangs holds up no other.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from vedette.channels.channel import Channel, Failed, Refreshing, Result
from vedette.channels.counts import Counts, Told
from vedette.channels.ledger import Ledger
from vedette.channels.message import Item
from vedette.channels.plan import Past, Rules, Send, earlier_ids, item, message, outcome, plan, pledge
from vedette.channels.silences import SilenceError, configured, kept
from vedette.config.alerts import Alerts
from vedette.schema.anomaly import Severity
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.live import Change, Notice
from vedette.schema.spans import SECOND_US
from vedette.storage.errors import StoreError
from vedette.storage.live import LiveStore, Outcome
from vedette.storage.store import IncidentFilter

LOG = logging.getLogger("vedette.channels")
MOST_UNTOLD = 5_000
"""Notices looked at in one pass, those that wait included; beyond it, only so many of those that are due."""
_ALWAYS = (1 << 62) - 1
"""Later than any time of a next try."""
MOST_REFRESHED = 1_000
LONGEST_SLEEP_S = 15.0
"""Silences that another process makes or ends are noticed within this."""
_STORE_PAUSE_S = 5.0

Run = Callable[[Callable[[], None]], None]


def _on_a_thread(work: Callable[[], None]) -> None:
    # A daemon: what it is sending when the process ends was pledged before, and is sent again at the next start.
    threading.Thread(target=work, name="vedette-channel", daemon=True).start()


class Teller:
    """Tells channels of incidents, at least once each, and once where a channel knows a repetition.

    Args:
        store: Where notices are committed, and tellings kept.
        alerts: The configuration. channels: Its channels, built.
        clock: Microseconds since the epoch, UTC.
        seed: Of the pauses between tries; another for each service.
        run: How a channel's messages are sent; tests send them at once.
    """

    def __init__(
        self,
        store: LiveStore,
        alerts: Alerts,
        channels: Sequence[Channel],
        *,
        clock: Callable[[], int],
        seed: int = 0,
        run: Run = _on_a_thread,
    ) -> None:
        self._store = store
        self._clock = clock
        self._seed = seed
        self._run = run
        self._ledger = Ledger(store)
        self._counts = Counts()
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._problems: dict[str, str] = {}
        self._refreshed: dict[str, int] = {}
        self._alerts = alerts
        self._channels = {channel.rule.name: channel for channel in channels}
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to tell, on a thread of its own."""
        self._thread = threading.Thread(target=self._tell, name="vedette-telling", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """End; what is being sent has `timeout_s` seconds, and is sent again at the next start if that is too short."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def wake(self) -> None:
        """Something was committed, or a silence changed: look now."""
        self._woken.set()

    def configure(self, alerts: Alerts, channels: Sequence[Channel]) -> None:
        """Tell by another configuration from now on; what failed on a channel that stays is tried again there."""
        with self._lock:
            self._alerts = alerts
            self._channels = {channel.rule.name: channel for channel in channels}
            self._problems = {
                name: said for name, said in self._problems.items() if name in self._channels or not name
            }
        self.wake()

    def problems(self) -> tuple[str, ...]:
        """What goes wrong now, each one sentence: for `/health`."""
        with self._lock:
            return tuple(self._problems.values())

    def told(self) -> Told:
        """How much was told: for `/metrics`."""
        return self._counts.told()

    def step(self) -> float:
        """Look once, note and send what is due; returns seconds after which to look again, unless woken."""
        now = self._clock()
        with self._lock:
            alerts, channels, busy = self._alerts, self._channels, frozenset(self._busy)
        try:
            notices = self._untold(now)
            past = self._ledger.past(notices, now)
            rules = self._rules(alerts, channels, now)
            # Afterwards, so that a message that ended meanwhile is seen in the past, not planned again.
            planned = plan(notices, past, rules, now, busy=busy)
            self._ledger.note(planned.notes)
            for notice_id in planned.settled:
                self._store.settle(notice_id)
        except (StoreError, SilenceError) as error:
            self._problem("", f"alerts wait: {error}")
            return _STORE_PAUSE_S
        self._problem("", None)
        due: dict[str, list[Send]] = {}
        for send in planned.sends:
            due.setdefault(send.channel, []).append(send)
        for name, sends in due.items():
            self._start(name, lambda name=name, sends=sends: self._send(channels[name], sends, rules))  # type: ignore[misc]
        wakes = [] if planned.wake is None else [planned.wake]
        for name, channel in channels.items():
            if isinstance(channel, Refreshing):
                last = self._refreshed.setdefault(name, 0)
                if last + channel.refresh_s * SECOND_US <= now and name not in busy and name not in due:
                    self._refreshed[name] = now
                    self._start(name, lambda name=name: self._refresh(channels[name], rules))  # type: ignore[misc]
                wakes.append(self._refreshed[name] + channel.refresh_s * SECOND_US)
        return min([LONGEST_SLEEP_S, *(max(wake - now, 0) / SECOND_US for wake in wakes)])

    def _tell(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                pause = self.step()
            except Exception:
                # The thread must outlive a defect, and say that there is one.
                LOG.exception("telling failed; it is tried again")
                self._problem("", "alerts wait: a defect in Vedette; its log says more")
                pause = _STORE_PAUSE_S
            self._woken.wait(pause)

    def _untold(self, now: int) -> Sequence[Notice]:
        """All notices that are not settled: those that wait say what those that come must wait for."""
        notices = self._store.untold(_ALWAYS, MOST_UNTOLD)
        if len(notices) < MOST_UNTOLD:
            return notices
        known = {notice.id for notice in notices}
        return [*notices, *(n for n in self._store.untold(now, MOST_UNTOLD) if n.id not in known)]

    def _rules(self, alerts: Alerts, channels: dict[str, Channel], now: int) -> Rules:
        silences = (*configured(alerts), *kept(self._store, now))
        return Rules(alerts, {name: each.rule for name, each in channels.items()}, silences, self._seed)

    def _start(self, name: str, work: Callable[[], None]) -> None:
        with self._lock:
            self._busy.add(name)

        def whole() -> None:
            try:
                work()
            except StoreError as error:
                self._problem("", f"alerts wait: {error}")
            except Exception:
                LOG.exception("channel %s: a defect in telling it", name)
                self._problem(name, f"channel {name}: a defect in Vedette; its log says more")
            finally:
                with self._lock:
                    self._busy.discard(name)
                self._woken.set()

        self._run(whole)

    def _send(self, channel: Channel, sends: Sequence[Send], rules: Rules) -> None:
        for send in sends:
            if self._stopping.is_set():
                return
            self._ledger.note(pledge(send, rules, self._clock()))
            past = self._ledger.past_of(send.notices)
            said = message(send, past, rules, self._clock())
            result = channel.send(said)
            tellings = outcome(send, result, rules, self._clock())
            self._heard(channel, result, given_up=tellings[0].outcome is Outcome.GIVEN_UP)
            if not isinstance(result, Failed):
                self._counts.sent(send.channel, said.severity.value)
            self._ledger.note(tellings)
            if isinstance(result, Failed) and not result.refused:
                return

    def _heard(self, channel: Channel, result: Result, *, given_up: bool = False) -> None:
        name = channel.rule.name
        if not isinstance(result, Failed):
            self._problem(name, None)
            return
        self._counts.error(name)
        more = "given up, so somebody was not told" if given_up else "it is tried again"
        said = f"channel {name}: {result.reason}; {more}; `vedette alert test {name}` tries it"
        self._problem(name, said, lost=given_up)

    def _problem(self, name: str, said: str | None, *, lost: bool = False) -> None:
        """Keep what is wrong with a channel, and log it once; each time where a message is lost."""
        with self._lock:
            before = self._problems.get(name)
            if said is None:
                self._problems.pop(name, None)
            else:
                self._problems[name] = said
        if said is not None and lost:
            LOG.error("%s", said)
        elif said is not None and before is None:
            LOG.warning("%s", said)
        if said is None and before is not None:
            LOG.info("%s", f"channel {name} works again" if name else "alerts go on")

    def _refresh(self, channel: Channel, rules: Rules) -> None:
        """Say again what this channel was told and is still open."""
        if not isinstance(channel, Refreshing):
            return
        items: list[Item] = []
        cursor: str | None = None
        while len(items) < MOST_REFRESHED:
            found = self._store.incidents(IncidentFilter(state=IncidentState.OPEN), limit=500, cursor=cursor)
            items += [each for i in found.items if (each := self._standing(i, rules, channel)) is not None]
            cursor = found.cursor
            if cursor is None:
                break
        if items:
            self._heard(channel, channel.refresh(items[:MOST_REFRESHED], self._clock()))

    def _standing(self, incident: Incident, rules: Rules, channel: Channel) -> Item | None:
        """An open incident as this channel was last told it; None if it was not."""
        end = Notice(
            id=f"{incident.id}.{Change.CLOSED.value}.{incident.severity.value}",
            change=Change.CLOSED,
            incident=incident,
            time=incident.end,
        )
        name = channel.rule.name
        past = Past({each: {t.channel: t for t in self._store.tellings(each)} for each in earlier_ids(end)})
        told = past.told(end, name)
        if not told:
            return None
        severity = max((severity for severity, _ in told), key=lambda each: each.rank)
        return item(_opened(incident, severity), Past(), rules, name)


def _opened(incident: Incident, severity: Severity) -> Notice:
    import msgspec

    standing = msgspec.structs.replace(incident, severity=severity)
    return Notice(
        id=f"{incident.id}.{Change.OPENED.value}.{severity.value}",
        change=Change.OPENED,
        incident=standing,
        time=incident.start,
    )
