"""The learned members of a scan in a process of their own.

They are a third of what judging windows takes, and want nothing of the rest but sums of windows that are judged
already, and how many detectors share the budget. While they score a window's clients, baselines and signatures look at
it; while they learn it, the next ones are filled.
"""

import os
import signal
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from vedette.cli.crossing import Crossing, read_frame, write_frame
from vedette.detectors.evidence import EvidenceBook
from vedette.detectors.learned.member import Lesson
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.errors import VedetteError
from vedette.schema.learned import MemberStatus
from vedette.windows.summary import ClientRows, Groups, nobody

if TYPE_CHECKING:
    from vedette.detectors.learned.card import Model
    from vedette.detectors.learned.member import Member
    from vedette.detectors.learned.training import Refused
    from vedette.engine.engine import Engine

_SLOTS = 2
"""Windows being learned, and being handed over."""
_SLOT_BYTES = 32 << 20
"""Room for a window's sums; what is more goes through the pipe. Memory that is never written to costs nothing."""


class MembersLostError(VedetteError):
    """The process of the learned members has ended without a word."""


@dataclass(frozen=True, slots=True)
class _Window:
    """What members see of a window.

    Attributes:
        entries: Slots that the book took since the window before. sharing: Services that have the budget.
        names: Of the window's clients that have no address.
    """

    number: int
    start: int
    end: int
    groups: Groups
    clients: ClientRows
    unnamed: ClientRows
    services: list[str]
    weight: int
    entries: list[tuple[str, str | None]]
    sharing: int
    names: dict[int, str]


@dataclass(frozen=True, slots=True)
class _Decide:
    """The other detectors have looked; they have these ledgers."""

    ledgers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Taught:
    """A lesson. Its clients are those of the window looked at last, unless it brings its own."""

    number: int
    requests: dict[str, int]
    distrusted: set[str]
    bad: NDArray[np.bool_]
    services: list[str] | None
    clients: ClientRows | None


@dataclass(frozen=True, slots=True)
class _End:
    """All windows are judged."""


@dataclass(frozen=True, slots=True)
class _Looked:
    found: list[Anomaly]
    collects: bool
    ledgers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Account:
    statuses: list[MemberStatus] = field(default_factory=list)
    capped: dict[str, int] = field(default_factory=dict)
    thresholds: bytes = b""


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException
    trace: str


class MembersApart:
    """All members of an engine as one, which has them do their work in a process forked from this one.

    What they state is what they would state here, and in the same order. What goes wrong there is raised here.

    Args:
        engine: Has judged no window yet. Within the context this takes the place of its members.

    Raises:
        OSError: On entry, or before: the system has no memory or no process for it.
    """

    name = "learned"

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._members: Sequence[Member] = engine.members
        self.types: tuple[AnomalyType, ...] = tuple(kind for each in self._members for kind in each.types)
        self._crossing = Crossing(_SLOTS, _SLOT_BYTES)
        self._slot = 0
        self._entries = len(engine.book)
        self._begun: int | None = None
        self._collects = True
        self._account: _Account | None = None
        self._process = 0

    def __enter__(self) -> Self:
        from_child, to_parent = os.pipe()
        from_parent, to_child = os.pipe()
        try:
            self._process = os.fork()
        except OSError:
            for end in (from_child, to_parent, from_parent, to_child):
                os.close(end)
            raise
        if self._process == 0:
            try:
                os.close(from_child)
                os.close(to_child)
                self._run(from_parent, to_parent)
            finally:
                # Nothing of what this process shares with its parent is to be flushed or closed twice.
                os._exit(0)
        os.close(from_parent)
        os.close(to_parent)
        self._answers, self._asks = from_child, to_child
        self._engine.replace_members([self])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._answers)
        os.close(self._asks)
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def prepare(self, view: WindowView) -> None:
        """Hand a window over."""
        book, names = self._engine.book, self._engine.names
        entries = [(entry.service, entry.route) for entry in book.entries[self._entries :]]
        self._entries = len(book)
        groups = view.groups
        self._slot = (self._slot + 1) % _SLOTS
        self._tell(
            _Window(
                view.number,
                view.start,
                view.end,
                # No member asks who was distinct, which is most of the sums.
                Groups(groups.key, groups.sums, groups.latency, groups.distinct[:, :0]),
                view.clients,
                view.unnamed,
                view.services,
                view.weight,
                entries,
                len(book.services),
                {low: names[low] for low in view.clients.low.tolist() if low in names} if names else {},
            )
        )
        self._begun = view.number

    def look(self, view: WindowView) -> list[Anomaly]:  # noqa: ARG002 - it was handed over
        """What the members state of the window."""
        self._tell(_Decide(self._engine.thresholds.ledgers))
        looked = self._hear()
        self._collects = looked.collects
        self._engine.thresholds.open(looked.ledgers)
        found: list[Anomaly] = looked.found
        return found

    @property
    def collects(self) -> bool:
        """Whether any of them did when they were asked last."""
        return self._collects

    def learn(self, lesson: Lesson) -> None:
        """Let them learn a window, while others are filled."""
        known = lesson.number == self._begun
        if not known:
            self._slot = (self._slot + 1) % _SLOTS
        self._tell(
            _Taught(
                lesson.number,
                dict(lesson.requests),
                set(lesson.distrusted),
                lesson.bad,
                None if known else lesson.services,
                None if known else lesson.clients,
            ),
            inline=known,
        )
        if not known:
            # Two lessons without a look would overwrite what is still being learned.
            self._hear()

    def statuses(self) -> list[MemberStatus]:
        """How far each service has come, by member. Brings their part of the budget's account along."""
        return self._ended().statuses

    def capped(self) -> dict[str, int]:
        """What found no room. Brings their part of the budget's account along."""
        return self._ended().capped

    def models(self) -> "dict[str, Model]":
        """None: they are elsewhere."""
        return {}

    def train_now(self) -> "dict[str, Model | Refused]":
        """None: they are elsewhere."""
        return {}

    def to_state(self) -> bytes:
        """Nothing: a scan keeps no state."""
        return b""

    def from_state(self, content: bytes) -> None:
        """Nothing."""

    def _ended(self) -> _Account:
        if self._account is None:
            self._tell(_End())
            account: _Account = self._hear()
            own = [member.name for member in self._members]
            self._engine.thresholds.adopt(account.thresholds, own)
            self._account = account
        return self._account

    def _tell(self, message: object, *, inline: bool = False) -> None:
        try:
            write_frame(self._asks, self._crossing.pack(message, None if inline else self._slot))
        except BrokenPipeError:
            # It says why, if it can.
            self._hear()

    def _hear(self) -> Any:
        frame = read_frame(self._answers)
        if frame is None:
            raise MembersLostError(
                "the process of the learned models was ended from outside: often that is for want of memory: "
                "free some, or set learned.enabled to false"
            )
        content = self._crossing.unpack(frame)
        if isinstance(content, _Failed):
            content.error.add_note(content.trace)
            raise content.error
        return content

    # From here on: the other process.

    def _run(self, asked: int, answers: int) -> None:
        # Whether to go on is for the other to decide.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            view: WindowView | None = None
            while (frame := read_frame(asked)) is not None:
                message = self._crossing.unpack(frame)
                answer: object | None = None
                if isinstance(message, _Window):
                    view = self._seen(message)
                    for member in self._members:
                        member.prepare(view)
                elif isinstance(message, _Decide):
                    assert view is not None  # noqa: S101 -- a window came before
                    answer = self._decided(view, message)
                elif isinstance(message, _Taught):
                    answer = self._learned(view, message)
                else:
                    answer = _Account(
                        [status for member in self._members for status in member.statuses()],
                        {name: count for member in self._members for name, count in member.capped().items()},
                        self._engine.thresholds.to_state(),
                    )
                if answer is not None:
                    write_frame(answers, self._crossing.pack(answer, None))
        except BrokenPipeError:
            # The other has heard enough.
            return
        except BaseException as error:  # noqa: BLE001 - raised again in the parent
            write_frame(answers, self._told(error))

    def _seen(self, window: _Window) -> WindowView:
        engine = self._engine
        for service, route in window.entries:
            engine.book.slot(service, route)
        engine.thresholds.share(window.sharing)
        engine.names.clear()
        engine.names.update(window.names)
        # Members may keep what they are shown; the memory is used again.
        groups, nameless = window.groups, _own(window.unnamed)
        return WindowView(
            number=window.number,
            start=window.start,
            end=window.end,
            book=engine.book,
            groups=Groups(groups.key.copy(), groups.sums.copy(), groups.latency.copy(), groups.distinct),
            judged={},
            clients=_own(window.clients),
            unnamed=nameless,
            noteworthy=nobody(),
            recent=nobody(),
            services=window.services,
            route_numbers=_NoRoutes(),
            route_bit=np.zeros(0, dtype=np.uint8),
            recent_minutes=1,
            client_name=engine.client_name,
            evidence=EvidenceBook(0),
            weight=window.weight,
        )

    def _decided(self, view: WindowView, decide: _Decide) -> _Looked:
        thresholds = self._engine.thresholds
        thresholds.open(decide.ledgers)
        found = [anomaly for member in self._members for anomaly in member.look(view)]
        return _Looked(found, any(member.collects for member in self._members), thresholds.ledgers)

    def _learned(self, view: WindowView | None, taught: _Taught) -> bool | None:
        services, clients = taught.services, taught.clients
        if services is None or clients is None:
            assert view is not None  # noqa: S101 -- its clients were left out because there was one
            services, clients, answer = view.services, view.clients, None
        else:
            clients, answer = _own(clients), True
        lesson = Lesson(
            taught.number, services, clients, taught.requests, taught.distrusted, taught.bad, _NoRoutes()
        )
        for member in self._members:
            if member.collects:
                member.learn(lesson)
        return answer

    def _told(self, error: BaseException) -> bytes:
        """An exception for the parent."""
        trace = traceback.format_exc()
        try:
            return self._crossing.pack(_Failed(error, trace), None)
        except Exception:  # noqa: BLE001 - there is no telling what an exception holds
            return self._crossing.pack(_Failed(RuntimeError(str(error)), trace), None)


class _NoRoutes:
    """Members that ask which routes were merged stay with the engine."""

    def __getitem__(self, slot: int) -> Sequence[int]:
        return ()

    def names(self, numbers: NDArray[np.int64]) -> list[str]:
        return [""] * len(numbers)


def _own(rows: ClientRows) -> ClientRows:
    return ClientRows(rows.service.copy(), rows.high.copy(), rows.low.copy(), rows.sums.copy())
