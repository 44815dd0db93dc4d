"""A store in memory, which can fail at any of its writes, and channels that remember what they were told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vedette.channels.channel import ChannelRule, Failed, Result, Sent
from vedette.channels.message import Message
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.live import Notice
from vedette.storage.live import Telling
from vedette.storage.store import IncidentFilter, Page


class KilledError(BaseException):
    """The process ends here."""


@dataclass
class MemoryStore:
    """What the telling thread needs of a store; as durable as the test holds on to it.

    `kill_after`: how many more writes succeed before the process dies, None for all.
    """

    notices: dict[str, Notice] = field(default_factory=dict)
    told: dict[tuple[str, str], Telling] = field(default_factory=dict)
    log: list[Telling] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)
    documents: dict[str, bytes] = field(default_factory=dict)
    kill_after: int | None = None
    broken: Exception | None = None

    def commit(self, notices: Iterable[Notice]) -> None:
        for each in notices:
            self.notices.setdefault(each.id, each)

    def write(self) -> None:
        if self.broken is not None:
            raise self.broken
        if self.kill_after is not None:
            if self.kill_after == 0:
                raise KilledError
            self.kill_after -= 1

    def untold(self, now: int, limit: int = 100) -> Sequence[Notice]:
        if self.broken is not None:
            raise self.broken
        waiting = {
            notice_id
            for notice_id in self.notices
            if (tries := [t.next_try for (n, _), t in self.told.items() if n == notice_id and t.next_try])
            and min(tries) > now
        }
        left = [n for n in self.notices.values() if n.id not in self.settled | waiting]
        return sorted(left, key=lambda n: (n.time, n.id))[:limit]

    def tellings(self, notice_id: str) -> Sequence[Telling]:
        return [telling for (each, _), telling in self.told.items() if each == notice_id]

    def tell(self, telling: Telling) -> None:
        self.write()
        self.told[telling.notice_id, telling.channel] = telling
        self.log.append(telling)

    def settle(self, notice_id: str) -> None:
        self.write()
        self.settled.add(notice_id)

    def notification_log(self, *, limit: int = 100, cursor: str | None = None) -> Page[Telling]:
        newest = sorted(self.told.values(), key=lambda t: -t.at)
        at = int(cursor or 0)
        more = len(newest) > at + limit
        return Page(newest[at : at + limit], str(at + limit) if more else None)

    def incidents(
        self, chosen: IncidentFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Incident]:
        last = {n.incident.id: n.incident for n in sorted(self.notices.values(), key=lambda n: n.time)}
        return Page([i for i in last.values() if i.state is IncidentState.OPEN][:limit], None)

    def document(self, name: str) -> bytes | None:
        return self.documents.get(name)

    def put_document(self, name: str, content: bytes) -> None:
        self.write()
        self.documents[name] = content


@dataclass
class Remembering:
    """A channel: `answers` are given in turn, then it takes everything.

    `kill`: the process dies in the middle of so many sends, after the channel got the message.
    """

    rule: ChannelRule
    answers: list[Failed] = field(default_factory=list)
    got: list[Message] = field(default_factory=list)
    kills: list[bool] = field(default_factory=list)

    def send(self, message: Message) -> Result:
        if self.answers:
            return self.answers.pop(0)
        self.got.append(message)
        if self.kills and self.kills.pop(0):
            raise KilledError
        return Sent()

    def notices(self) -> list[str]:
        return [item.notice.id for message in self.got for item in message.items]
