"""The incidents of anomalies that several engines state, whose event times go on each by itself.

Anomalies wait until no engine can state one of an earlier window any more, and are grouped in the order of the ends of
their windows: so the incidents are the same whatever engine was ahead, and those that one engine alone would have made
where only one states anything. Somebody who cannot wait hurries; what comes for earlier windows then is grouped
when it comes.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec

from vedette.incidents.grouping import Grouper, GroupingSettings, stating_order
from vedette.incidents.notices import last_news, news
from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident
from vedette.schema.live import Notice
from vedette.schema.state import decode, encode

_BEGINNING = -(2**62)
MOST_WAITING = 100_000
"""Anomalies that wait at once; beyond, all that wait are grouped, whoever is behind."""


class Spans(msgspec.Struct, frozen=True):
    """Lengths of windows, microseconds."""

    requests: int
    flows: int

    def of(self, anomaly: Anomaly) -> int:
        """That of the window that an anomaly is of."""
        return self.flows if anomaly.of_flows else self.requests

    @property
    def longest(self) -> int:
        """The longest of them."""
        return max(self.requests, self.flows)


class Found(msgspec.Struct, frozen=True):
    """What was found since it was asked for last.

    Attributes:
        anomalies: New ones with their incidents, in the order in which they were grouped.
        incidents: New ones and those that changed, as they stand now.
        notices: What somebody may want to be told, in order. They depend on the windows alone, not on when this was
            asked for.
    """

    anomalies: list[Anomaly]
    incidents: list[Incident]
    notices: list[Notice]


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `Correlator` holds."""

    grouper: bytes
    reached: int
    grouped: int
    waiting: list[tuple[int, Anomaly]]
    anomalies: list[Anomaly]
    incidents: list[Incident]
    notices: list[Notice]


class Correlator:
    """Groups what engines state.

    Args:
        spans: Lengths of the engines' windows. grouping: How anomalies become incidents.
    """

    def __init__(self, spans: Spans, grouping: GroupingSettings | None = None) -> None:
        self._spans = spans
        self._grouper = Grouper(grouping)
        self._reached = self._grouped = _BEGINNING
        self._waiting: list[tuple[int, Anomaly]] = []
        self._anomalies: list[Anomaly] = []
        self._incidents: list[Incident] = []
        self._notices: list[Notice] = []

    def add(self, anomalies: Iterable[Anomaly], at: int = 0) -> None:
        """Take anomalies in, in any order; each is of the window that it ends with.

        Args:
            at: The caller's clock, microseconds; see `waits_since`.
        """
        self._waiting += [(at, anomaly) for anomaly in anomalies]
        if len(self._waiting) > MOST_WAITING:
            self.group(_BEGINNING, hurried=max(one.end for _, one in self._waiting))

    def waits_since(self, at: int) -> int:
        """The end of the last window of which something has waited since `at` by the caller's clock, or for longer."""
        return max((one.end for since, one in self._waiting if since <= at), default=_BEGINNING)

    def group(self, until: int, hurried: int = _BEGINNING) -> None:
        """Group what waits of windows that end by `until`, and close the incidents that have been quiet for long then.

        Args:
            until: Windows up to this end have been judged by everybody, microseconds.
            hurried: What is of windows up to this end is grouped too; nothing is closed for it.
        """
        last = max(until, hurried)
        ready = [one for _, one in self._waiting if one.end <= last]
        if ready:
            self._waiting = [(at, one) for at, one in self._waiting if one.end > last]
            ready.sort(key=lambda one: (one.end, stating_order(one)))
            for end, of_window in groupby(ready, key=attrgetter("end")):
                self._close(min(end - 1, until))
                for one in of_window:
                    incident = self._grouper.add(one, begun=end - self._spans.of(one))
                    self._anomalies.append(msgspec.structs.replace(one, incident_id=incident))
                told = (news(draft, end) for draft in self._grouper.drafts if draft.changed)
                self._notices += [notice for notice in told if notice is not None]
                self._grouped = max(self._grouped, end)
        self._close(until)

    def take(self) -> Found:
        """Hand out what is new, and keep only what waits or may still go on."""
        changed = [draft for draft in self._grouper.drafts if draft.changed]
        found = Found(
            self._anomalies,
            self._incidents + [draft.finish(closed=False) for draft in changed],
            self._notices,
        )
        for draft in changed:
            draft.changed = False
        self._anomalies, self._incidents, self._notices = [], [], []
        return found

    def adopt(self, groupers: Sequence[bytes]) -> None:
        """Go on with the incidents of engines that grouped each for itself.

        Args:
            groupers: Their `Grouper.to_state`.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        for content in groupers:
            self._grouper.adopt(content)

    @property
    def found(self) -> bool:
        """Whether `take` has something to hand out."""
        return bool(self._anomalies or self._notices or self._incidents)

    def to_state(self) -> bytes:
        """What waits, what was not taken, and the incidents that may still go on, as bytes."""
        return encode(
            _State(
                self._grouper.to_state(),
                self._reached,
                self._grouped,
                self._waiting,
                self._anomalies,
                self._incidents,
                self._notices,
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "incidents")
        self._grouper.from_state(state.grouper)
        self._reached, self._grouped, self._waiting = state.reached, state.grouped, state.waiting
        self._anomalies, self._incidents, self._notices = state.anomalies, state.incidents, state.notices

    def _close(self, until: int) -> None:
        """Close incidents that nothing of a window that ends after `until` can join any more."""
        longest = self._spans.longest
        # Incidents that are too many are closed by the first look after what made them so many.
        for begun in (-(-self._grouped // longest) * longest, until // longest * longest):
            if not self._reached < begun <= until:
                continue
            self._reached = begun
            # By when they were over, so that it is no matter how often this is asked.
            for draft in sorted(self._grouper.close(begun), key=self._grouper.over):
                self._incidents.append(draft.finish(closed=True))
                self._notices.append(last_news(draft, min(self._grouper.over(draft), begun)))
