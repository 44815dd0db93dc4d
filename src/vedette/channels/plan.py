"""What to tell now: a pure function of what is untold, what was told before, the rules and the time.

Nothing is sent that was not noted first: before a message goes out, each of its notices gets the telling that holds
if nothing more is heard of it (`pledge`), and afterwards what became of it (`outcome`). Whoever stops in between finds
the same notices under the same message id at the next start, and sends them again under that id: at least once, and
once where the channel knows a repetition by its id.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from vedette.channels.channel import ChannelRule, Result, Sent
from vedette.channels.hold import Hold, hold
from vedette.channels.message import Item, Message, worst_first
from vedette.channels.pace import next_free, patience, pause
from vedette.channels.routing import channels_of, tags_of
from vedette.channels.silences import Silence
from vedette.config.alerts import Alerts
from vedette.schema.anomaly import Severity
from vedette.schema.live import WIDEST, Change, Notice
from vedette.schema.spans import SECOND_US
from vedette.storage.live import Outcome, Telling

MOST_IN_MESSAGE: Final = 100
WAITING: Final = "waits for others to join it"
THROTTLED: Final = "enough messages for now; it is told with others"
PLEDGED: Final = "the service stopped while it was being told"
_NEVER_OPENED: Final = "its opening was not told here"
_ORDER: Final = {Change.OPENED: 0, Change.WORSE: 1, Change.WIDENED: 2, Change.CLOSED: 3}


class Rules(msgspec.Struct, frozen=True):
    """What decides.

    Attributes:
        alerts: The configuration. channels: How each of its channels is told, by name.
        silences: All that there are. seed: Of pauses.
    """

    alerts: Alerts
    channels: Mapping[str, ChannelRule]
    silences: tuple[Silence, ...] = ()
    seed: int = 0


class Past(msgspec.Struct, frozen=True):
    """What was told.

    Attributes:
        tellings: Notice id to channel to the last telling; of the notices at hand, and of `earlier_ids` of each.
        sent: Channel to when messages went out within the last hour, microseconds.
    """

    tellings: Mapping[str, Mapping[str, Telling]] = msgspec.field(default_factory=dict)
    sent: Mapping[str, Sequence[int]] = msgspec.field(default_factory=dict)

    def last(self, notice: Notice, channel: str) -> Telling | None:
        """The last telling of a notice to a channel."""
        return self.tellings.get(notice.id, {}).get(channel)

    def told(self, notice: Notice, channel: str) -> list[tuple[Severity, Telling]]:
        """With which severities a channel was told of a notice's incident before, the first first."""
        found = [
            (Severity(notice_id.rpartition(".")[2]), telling)
            for notice_id in earlier_ids(notice)
            if (telling := self.tellings.get(notice_id, {}).get(channel)) is not None
            and telling.outcome is Outcome.SENT
        ]
        return sorted(found, key=lambda pair: (pair[1].at, pair[0].rank))

    def coming(self, notice: Notice, channel: str) -> bool:
        """Whether a channel is still to be told of a notice's incident from before."""
        return any(
            (telling := self.tellings.get(notice_id, {}).get(channel)) is not None and not done(telling)
            for notice_id in earlier_ids(notice)
        )


class Send(msgspec.Struct, frozen=True):
    """One message to one channel. `tries`: with this one. `id`: the message's."""

    channel: str
    id: str
    notices: tuple[Notice, ...]
    tries: int = 1


class Plan(msgspec.Struct, frozen=True):
    """What to do: note `notes`, then send, then settle `settled`; and when to look again, None when nothing waits."""

    notes: tuple[Telling, ...]
    sends: tuple[Send, ...]
    settled: tuple[str, ...]
    wake: int | None


def earlier_ids(notice: Notice) -> tuple[str, ...]:
    """Ids of notices of the same incident that may have come before."""
    if notice.change is Change.OPENED:
        return ()
    incident = notice.incident
    # An incident opens with a service and a type.
    broad = range(3, min(len(incident.services) + len(incident.types), WIDEST) + 1)
    changes = [Change.OPENED.value, Change.WORSE.value, *(f"{Change.WIDENED.value}{n}" for n in broad)]
    ids = [f"{incident.id}.{change}.{severity.value}" for change in changes for severity in Severity]
    return tuple(each for each in ids if each != notice.id)


def done(telling: Telling | None) -> bool:
    """Whether nothing more is to be said."""
    return telling is not None and telling.next_try is None


def plan(
    notices: Iterable[Notice], past: Past, rules: Rules, now: int, *, busy: frozenset[str] = frozenset()
) -> Plan:
    """What to tell, note and settle now.

    Args:
        notices: All that are not settled. past: What was told. rules: What decides.
        now: Microseconds since the epoch, UTC.
        busy: Channels that a message is under way to: they are left alone.
    """
    ordered = sorted(notices, key=lambda n: (n.time, _ORDER[n.change], n.incident.severity.rank, n.id))
    mine: dict[str, list[Notice]] = {}
    settled: list[str] = []
    for notice in ordered:
        names = dict.fromkeys(_concerned(notice, past, rules))
        left = [name for name in names if name in rules.channels and not done(past.last(notice, name))]
        for name in left:
            mine.setdefault(name, []).append(notice)
        if not left:
            settled.append(notice.id)
    notes: list[Telling] = []
    sends: list[Send] = []
    wakes: list[int] = []
    for name, pending in mine.items():
        if name not in busy:
            part = _Part(rules.channels[name], past, rules, now)
            part.look(pending)
            notes += part.notes
            sends += part.sends
            wakes += part.wakes
    return Plan(tuple(notes), tuple(sends), tuple(settled), min(wakes, default=None))


def _concerned(notice: Notice, past: Past, rules: Rules) -> Iterable[str]:
    """The channels to be told: those that it is routed to, and those that know of its incident.

    That it widened is told to those that were not told of it, and to nobody else: a silence that held it may not hold
    what it has become.
    """
    routed = channels_of(notice.incident, rules.alerts)
    if notice.change is Change.WIDENED:
        return [name for name in routed if not past.told(notice, name)]
    return [*routed, *(name for name in rules.channels if past.told(notice, name))]


def pledge(send: Send, rules: Rules, now: int) -> list[Telling]:
    """What to note before sending: that it failed, unless more is heard."""
    again = now + pause(send.tries, send.id, rules.seed)
    return _tellings(send, Outcome.FAILED, now, next_try=again, reason=PLEDGED, reference=send.id)


def outcome(send: Send, result: Result, rules: Rules, now: int) -> list[Telling]:
    """What to note after sending."""
    if isinstance(result, Sent):
        reference = result.reference or send.id
        return _tellings(send, Outcome.SENT, now, reason=result.remark, reference=reference)
    if result.refused or patience(send.tries) >= rules.alerts.give_up_after_s * SECOND_US:
        return _tellings(send, Outcome.GIVEN_UP, now, reason=result.reason, reference=send.id)
    wait = max(pause(send.tries, send.id, rules.seed), int((result.retry_after_s or 0.0) * SECOND_US))
    return _tellings(send, Outcome.FAILED, now, next_try=now + wait, reason=result.reason, reference=send.id)


def message(send: Send, past: Past, rules: Rules, now: int) -> Message:
    """What the channel is sent: of each incident, the newest notice."""
    newest: dict[str, Notice] = {}
    for notice in send.notices:
        newest[notice.incident.id] = notice
    items = [item(notice, past, rules, send.channel) for notice in newest.values()]
    thread = None
    if len(newest) == 1:
        told = past.told(send.notices[0], send.channel)
        thread = told[0][1].reference if told else None
    return Message(send.id, worst_first(items), now, thread)


def item(notice: Notice, past: Past, rules: Rules, channel: str) -> Item:
    """A notice as a channel is told it: of what widened it has heard nothing, so to it that opened."""
    if notice.change is Change.WIDENED:
        notice = msgspec.structs.replace(notice, change=Change.OPENED)
    link = (
        None if rules.alerts.link is None else f"{rules.alerts.link.rstrip('/')}/report/{notice.incident.id}"
    )
    told = tuple(dict.fromkeys(severity for severity, _ in past.told(notice, channel)))
    return Item(notice, tags_of(notice.incident, rules.alerts), link, told)


def message_id(channel: str, notices: Sequence[Notice]) -> str:
    """Of the message that tells a channel these notices: the same for the same."""
    text = "\n".join([channel, *sorted(notice.id for notice in notices)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class _Part:
    """What one channel is told now."""

    __slots__ = ("notes", "now", "past", "rule", "rules", "sends", "wakes")

    def __init__(self, rule: ChannelRule, past: Past, rules: Rules, now: int) -> None:
        self.rule = rule
        self.past = past
        self.rules = rules
        self.now = now
        self.notes: list[Telling] = []
        self.sends: list[Send] = []
        self.wakes: list[int] = []

    def look(self, pending: Sequence[Notice]) -> None:
        """Decide on the notices, the oldest first, that this channel has not been told."""
        if self._retry(pending):
            return
        chains: dict[str, list[Notice]] = {}
        for notice in pending:
            chains.setdefault(notice.incident.id, []).append(notice)
        ready = [notice for chain in chains.values() for notice in self._ready(chain)]
        if self.rule.digests:
            self._digest(ready)
        else:
            self._singly(ready)

    def _retry(self, pending: Sequence[Notice]) -> bool:
        """Try again what failed, as it was; True if there is such: everything else waits behind it."""
        failed: dict[str, list[Notice]] = {}
        for notice in pending:
            last = self.past.last(notice, self.rule.name)
            if last is not None and last.outcome is Outcome.FAILED:
                failed.setdefault(last.reference, []).append(notice)
        for reference, notices in failed.items():
            tellings = [t for n in notices if (t := self.past.last(n, self.rule.name)) is not None]
            due = max(t.next_try or 0 for t in tellings)
            due = max(due, next_free(self.past.sent.get(self.rule.name, ()), self.rule.per_hour, self.now))
            if due > self.now:
                self.wakes.append(due)
            elif not (self.sends and self.rule.digests):
                tries = max(t.tries for t in tellings) + 1
                self.sends.append(Send(self.rule.name, reference, tuple(notices), tries))
        return bool(failed)

    def _ready(self, chain: Sequence[Notice]) -> list[Notice]:
        """Of one incident's notices, those that nothing holds; what is to be said of the others is noted."""
        rising = [notice for notice in chain if notice.change is not Change.CLOSED]
        closing = [notice for notice in chain if notice.change is Change.CLOSED]
        ready: list[Notice] = []
        if rising:
            held = self._hold(rising[-1])
            if held is None:
                ready += rising
            elif closing:
                for notice in rising:
                    self._note(notice, Outcome.SILENCED, f"over before {held.reason} ended")
            else:
                for notice in rising:
                    self._keep(notice, held)
        for notice in closing:
            held = None if self.rule.resolves else self._hold(notice)
            if not ready and not self.past.told(notice, self.rule.name):
                if rising or not self.past.coming(notice, self.rule.name):
                    self._note(notice, Outcome.SILENCED, _NEVER_OPENED)
            elif held is None:
                ready.append(notice)
            else:
                self._keep(notice, held)
        return ready

    def _singly(self, ready: Sequence[Notice]) -> None:
        """Each incident's rising in one message, its closing in another."""
        messages: dict[tuple[str, bool], list[Notice]] = {}
        for notice in ready:
            messages.setdefault((notice.incident.id, notice.change is Change.CLOSED), []).append(notice)
        self.sends += [
            Send(self.rule.name, message_id(self.rule.name, notices), tuple(notices))
            for notices in messages.values()
        ]

    def _digest(self, ready: Sequence[Notice]) -> None:
        """All in one message, as soon as one has waited for others long enough."""
        wait = int(self.rules.alerts.group_wait_s * SECOND_US)
        if not ready:
            return
        lasts = [self.past.last(notice, self.rule.name) for notice in ready]
        until = [t.next_try or 0 for t in lasts if t is not None and t.reason == WAITING]
        released = any(t is not None and t.reason != WAITING for t in lasts)
        if wait and not released and min(until, default=self.now + wait) > self.now:
            # The first decides when; those that come meanwhile need no note of their own.
            if until:
                self.wakes.append(min(until))
            else:
                self._keep(ready[0], Hold(self.now + wait, WAITING))
            return
        free = next_free(self.past.sent.get(self.rule.name, ()), self.rule.per_hour, self.now)
        if free > self.now:
            for notice in ready:
                self._keep(notice, Hold(free, THROTTLED))
            return
        chosen = tuple(ready[:MOST_IN_MESSAGE])
        self.sends.append(Send(self.rule.name, message_id(self.rule.name, chosen), chosen))

    def _hold(self, notice: Notice) -> Hold | None:
        return hold(notice.incident, self.rule.name, self.rules.alerts, self.rules.silences, self.now)

    def _keep(self, notice: Notice, held: Hold) -> None:
        self.wakes.append(held.until)
        last = self.past.last(notice, self.rule.name)
        if last is not None and last.reason == held.reason and held.reason == THROTTLED:
            return  # Each message that goes out moves the time; the log needs to say it once.
        if last is None or (last.next_try, last.reason) != (held.until, held.reason):
            self._note(notice, Outcome.HELD, held.reason, held.until)

    def _note(self, notice: Notice, result: Outcome, reason: str, next_try: int | None = None) -> None:
        self.notes.append(
            Telling(
                notice_id=notice.id,
                channel=self.rule.name,
                outcome=result,
                at=self.now,
                tries=0,
                next_try=next_try,
                reason=reason,
            )
        )


def _tellings(
    send: Send, result: Outcome, now: int, *, next_try: int | None = None, reason: str, reference: str
) -> list[Telling]:
    return [
        Telling(
            notice_id=notice.id,
            channel=send.channel,
            outcome=result,
            at=now,
            tries=send.tries,
            next_try=next_try,
            reason=reason,
            reference=reference,
        )
        for notice in send.notices
    ]
