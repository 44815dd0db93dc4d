"""Which anomalies are one incident.

Anomalies come in order of their windows. One joins an open incident that has been quiet for no longer than the
gap, by the first of these that holds:

1. it is about a client that the incident is about;
2. it is about a service or route whose service the incident disturbs, and both are disturbances (errors, latency,
   volume, floods); a flood and the other disturbances of its service are one, whoever floods; but not a route's trouble
   of a type and at a place that an incident which has gone on for more than `APART` has not had, and as severe as it;
   metrics of a service that do not go together are of any incident in which one of them was odd by itself;
3. both are symptoms that spread from service to service (errors, latency, missing traffic), and began within
   `AT_ONCE` of each other: what a database does to one service it does to those that ask it, and troubles are too
   rare to begin together by chance;
4. one of them is about a client, the other a disturbance of its service that this client mostly carries;
5. one of them is of flows and the other of requests, and the same client mostly carries both, whatever their services:
   what a capture shows of a client and what a log does are the same client's doing;
6. it is a low-severity probe, and the incident collects such: the weather of the internet is one incident, not one
   per sender, nor one per site that the same strangers go to; so are, of a service each, new destinations of hosts
   within, odd requests, and what flows tell. Who tries `KNOCKS` things of a service within an hour, be it one in five
   minutes, does not go on to the next site, and is told apart from then on;
7. it is an odd manner (scraping, no person's rhythm, taking much) of a client of the same network as the one with
   whom the incident opened, and of the same kind: twenty machines beside each other that fetch a site together are
   one program;
8. it is a passing attack (a few hostile requests or guesses, `kinds.is_passing`), and the incident collects those of
   its service;
9. it says of a client, without severity, that a model finds it unlike others (`kinds.OF_OTHERS`), while something
   happens to its whole service, which no client carries; or while `ALIKE` others of the service are found so: who
   others are is what has changed then;
10. it is an attack aimed at a route that visitors use (`kinds.is_aimed`), as that is with which the incident opened:
   who spreads it over many addresses is one. Such an incident goes on until there has been none for an hour. From the
   `INSISTENT`th in an hour on such attacks are no part of a crowd either.

The first attackers of a service are told one by one: each may be somebody's aim. Once as many incidents of passing
attacks opened within `LATELY_DAYS` as are to be told apart, further ones are a crowd, and one incident until a week
goes by without any. Who attacks more severely, or does something else besides, is told apart from it. Where more are to
be told apart than when a crowd came together, it takes nobody new any more, and is over as others are.

Requests know IPv6 clients by their /64, and flows by their address: both are taken by the /64.

What a custom rule states only ever joins an incident of the same rule and service: a rule that always holds must not
tie together what has nothing to do with each other.

Otherwise it opens a new one. The result depends on the anomalies alone, not on when they were handed over.
"""

from itertools import islice
from zlib import crc32

import msgspec

from vedette.incidents.apart import Apart
from vedette.incidents.draft import Draft, carriers_of, counted_as, network_of
from vedette.incidents.kept_draft import KeptDraft
from vedette.incidents.kinds import (
    IN_COMPANY,
    LATELY_DAYS,
    OF_ALL,
    OF_HOSTS,
    OF_OTHERS,
    SPREADING,
    Kind,
    is_aimed,
    is_passing,
    is_probe,
    kind_of,
)
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Severity
from vedette.schema.spans import DAY_US, HOUR_US, MINUTE_US, WEEK_US
from vedette.schema.state import check, decode, encode

MOST_OPEN = 2_000
"""Incidents open at once; for a further one, that which has been quiet longest closes early."""


MOST_SERVICES = 10_000
"""Services whose attacks are counted; for a further one, that which was attacked longest ago is forgotten."""


APART = HOUR_US
"""What begins so long after something else on a service has hardly the same cause: what depends on each other fails
within minutes, and is told within half an hour."""


AT_ONCE = 5 * MINUTE_US
"""Within which troubles of several services begin to be one: they are told by windows, of few requests some late."""


INSISTENT = 3
"""Attacks aimed at one route within an hour from which somebody insists: strangers try, and go on to the next site."""
KNOCKS = 12
"""Different things that a client is found to try within an hour, each in a window of its own, which are no weather."""
MOST_KNOCKING = 10_000
"""Clients whose probes of the last hour are remembered; for a further one, who tried something longest ago is
forgotten."""
ALIKE = 2
"""Incidents of clients unlike the others, open at once on a service, from which further such clients join the last. A
budget of one in a week brings three within a gap together once in years."""


class GroupingSettings(msgspec.Struct, frozen=True):
    """How long an incident may be quiet and still go on, microseconds; and how many attackers are told one by one."""

    gap: int = 15 * MINUTE_US
    aimed_gap: int = HOUR_US
    background_gap: int = DAY_US
    crowd_gap: int = WEEK_US
    apart: Apart = Apart()


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `Grouper` holds."""

    unnamed: int
    open: list[KeptDraft]
    attacked: list[tuple[str, list[int]]] = msgspec.field(default_factory=list)
    """Older versions told every attacker by itself."""
    aimed: list[tuple[str, str, list[int]]] = msgspec.field(default_factory=list)
    knocked: list[tuple[str, str, list[tuple[int, int]]]] = msgspec.field(default_factory=list)


def stating_order(anomaly: Anomaly) -> tuple[bool, bool, bool, int, str]:
    """The order in which the anomalies of one window are grouped: causes before what they cause.

    Who does something comes before what happens to a service, that before its routes, and what is slight last, so
    that it joins the incident of what is not.
    """
    slight = anomaly.severity is Severity.LOW
    own = anomaly.entity.kind is not EntityKind.CLIENT
    return slight, anomaly.route is not None, own, -anomaly.severity.rank, anomaly.id


class Grouper:
    """Builds incidents from anomalies in order of their windows."""

    def __init__(self, settings: GroupingSettings | None = None) -> None:
        self.settings = settings or GroupingSettings()
        self.unnamed = 0
        """Anomalies that closed incidents do not name."""
        self._open: list[Draft] = []
        self._attacked: dict[str, list[int]] = {}
        """Starts of the latest incidents of passing attacks by service, which was attacked longest ago first."""
        self._aimed: dict[tuple[str, str], list[int]] = {}
        """Starts of the latest attacks aimed at a route of a service, which was aimed at longest ago first."""
        self._knocked: dict[tuple[str, str], list[tuple[int, int]]] = {}
        """Starts and checksums of what clients tried of a service in the last hour, who did so longest ago first."""

    def add(self, anomaly: Anomaly, begun: int | None = None) -> str:
        """Put an anomaly where it belongs; returns the incident's id.

        Args:
            begun: When the window began that it is of, if incidents that were over by then may not be closed yet.
        """
        kind = kind_of(anomaly)
        knocks = kind is Kind.BACKGROUND and self._knocks(anomaly)
        if knocks:
            kind = Kind.CLIENT
        since = anomaly.start if begun is None else max(anomaly.start, begun)
        who = counted_as(anomaly.entity.value)
        near = self._near(kind, anomaly, who)
        if len(near) > 1:
            # What somebody is known for comes before the weather.
            near.sort(key=_is_weather)
        insists = knocks or (is_aimed(anomaly) and self._insists(anomaly))
        for draft in near:
            if insists and draft.kind is Kind.CROWD:
                continue
            if since - draft.end <= self.gap(draft) and self._belongs(draft, kind, anomaly, who):
                draft.add(anomaly)
                return draft.id
            if (
                kind is Kind.CLIENT
                and draft.kind is Kind.BACKGROUND
                and draft.clients == {who}
                and since - draft.end <= self.settings.gap
            ):
                # The weather was this client all along.
                draft.kind = Kind.CLIENT
                draft.add(anomaly)
                return draft.id
        alike = [d for d in self._open if _is_alike(d, anomaly) and since - d.end <= self.gap(d)]
        if len(alike) >= ALIKE:
            alike[-1].add(anomaly)
            return alike[-1].id
        most = self.settings.apart.of(anomaly.service)
        passing = kind in (Kind.CLIENT, Kind.SERVICE) and is_passing(anomaly)
        if passing and most is not None and self._note_attack(anomaly, most) and not insists:
            kind = Kind.CROWD
        draft = Draft(kind, anomaly, anomaly.start, anomaly.end)
        draft.apart = most or 0
        draft.add(anomaly)
        self._open.append(draft)
        return draft.id

    def close(self, time: int) -> list[Draft]:
        """Hand out incidents that have been quiet for longer than their gap at event time `time`."""
        quiet = [d for d in self._open if time - d.end > self.gap(d)]
        if quiet:
            self._open = [d for d in self._open if time - d.end <= self.gap(d)]
        if len(self._open) > MOST_OPEN:
            # Stable: of equals, the one that opened first.
            early = sorted(self._open, key=lambda d: d.end)[: len(self._open) - MOST_OPEN]
            quiet += early
            gone = set(map(id, early))
            self._open = [d for d in self._open if id(d) not in gone]
        self.unnamed += sum(d.unnamed for d in quiet)
        return quiet

    @property
    def drafts(self) -> list[Draft]:
        """Those that may still go on, in the order in which they opened."""
        return self._open

    def to_state(self) -> bytes:
        """The incidents that may still go on, as bytes."""
        return encode(
            _State(
                self.unnamed,
                [KeptDraft.of(draft) for draft in self._open],
                [*self._attacked.items()],
                [(*place, starts) for place, starts in self._aimed.items()],
                [(*who, tried) for who, tried in self._knocked.items()],
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        self.unnamed, self._open, self._attacked, self._aimed, self._knocked = 0, [], {}, {}, {}
        self.adopt(content)

    def adopt(self, content: bytes) -> None:
        """Go on with another's incidents beside one's own; `content` is from its `to_state`.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "incidents")
        check(max(len(state.attacked), len(state.aimed)) <= MOST_SERVICES, "incidents")
        check(len(state.knocked) <= MOST_KNOCKING, "incidents")
        self.unnamed += state.unnamed
        self._open += [one.draft() for one in state.open]
        self._attacked |= dict(state.attacked)
        self._aimed |= {(service, route): starts for service, route, starts in state.aimed}
        self._knocked |= {(service, who): tried for service, who, tried in state.knocked}

    def gap(self, draft: Draft) -> int:
        """How long an incident may be quiet and still go on, microseconds."""
        match draft.kind:
            case Kind.BACKGROUND:
                return self.settings.background_gap
            case Kind.CROWD if self._is_wanted(draft):
                return self.settings.crowd_gap
            case Kind.CLIENT if is_aimed(draft.first):
                return self.settings.aimed_gap
            case _:
                return self.settings.gap

    def over(self, draft: Draft) -> int:
        """From when on an incident is over unless something joins it, microseconds."""
        return draft.end + self.gap(draft)

    def _is_wanted(self, crowd: Draft) -> bool:
        """Whether no more attackers are to be told apart than when a crowd came together."""
        most = self.settings.apart.of(crowd.first.service)
        return most is not None and most <= crowd.apart

    def _note_attack(self, anomaly: Anomaly, most: int) -> bool:
        """Count a passing attack that no incident takes; True if its service had `most` lately, and it is no news."""
        starts = [
            s for s in self._attacked.pop(anomaly.service, []) if s > anomaly.start - LATELY_DAYS * DAY_US
        ]
        often = len(starts) >= most
        if not often:
            starts.append(anomaly.start)
        if len(self._attacked) >= MOST_SERVICES:
            del self._attacked[next(iter(self._attacked))]
        # At the end: the first is the one that was attacked longest ago.
        self._attacked[anomaly.service] = starts
        return often

    def _insists(self, anomaly: Anomaly) -> bool:
        """Count an attack aimed at a route; True if there were several lately."""
        place = anomaly.service, anomaly.route or ""
        first = anomaly.start - self.settings.aimed_gap
        starts = [s for s in self._aimed.pop(place, []) if s > first][1 - INSISTENT :]
        if len(self._aimed) >= MOST_SERVICES:
            del self._aimed[next(iter(self._aimed))]
        self._aimed[place] = [*starts, anomaly.start]
        return len(starts) + 1 >= INSISTENT

    def _knocks(self, anomaly: Anomaly) -> bool:
        """Remember what a client tried; True if it has tried too many things lately to be one of the passing ones."""
        matched = anomaly.evidence[0].matched if anomaly.evidence else None
        hostile = anomaly.unit == "hostile_requests" and anomaly.entity.kind is EntityKind.CLIENT
        if matched is None or not hostile:
            return False
        first = anomaly.start - HOUR_US
        who = anomaly.service, anomaly.entity.value
        # What is asked for again and again is asked for by a monitor, or a page.
        what = crc32(matched.encode())
        tried = [one for one in self._knocked.pop(who, []) if one[0] > first and one[1] != what]
        if all(start != anomaly.start for start, _ in tried):
            tried = [*tried, (anomaly.start, what)][-KNOCKS:]
        for oldest, latest in list(islice(self._knocked.items(), 2)):
            if latest[-1][0] <= first or len(self._knocked) >= MOST_KNOCKING:
                del self._knocked[oldest]
        # At the end: the first is the one that tried something longest ago.
        self._knocked[who] = tried
        return len(tried) >= KNOCKS

    def _near(self, kind: Kind, anomaly: Anomaly, who: str) -> list[Draft]:
        """The open incidents that `_belongs` has to look at: where many are open, none of the others takes anything."""
        service = anomaly.service
        if kind is Kind.CLIENT:
            return [
                d
                for d in self._open
                if who in d.clients
                or who in d.carriers
                or (service in d.services and d.kind in (Kind.SERVICE, Kind.CROWD))
                or _in_company(d, anomaly)
                or _is_aimed_alike(d, anomaly)
            ]
        if kind is Kind.SERVICE:
            carriers = carriers_of(anomaly)
            return [
                d
                for d in self._open
                if d.kind not in (Kind.BACKGROUND, Kind.RULE)
                and (service in d.services or d.concerns(carriers) or _at_once(d, anomaly))
            ]
        probes = kind is Kind.BACKGROUND and is_probe(anomaly)
        return [
            d
            for d in self._open
            if (d.kind is kind and (service in d.services or (probes and d.probed))) or who in d.clients
        ]

    def _belongs(self, draft: Draft, kind: Kind, anomaly: Anomaly, who: str) -> bool:
        """Whether an anomaly is of what an incident is, by the rules that this module begins with."""
        if Kind.RULE in (draft.kind, kind):
            same = anomaly.detector == draft.first.detector and anomaly.service in draft.services
            return draft.kind is kind and same
        known = anomaly.entity.kind is EntityKind.CLIENT and who in draft.clients
        if draft.kind is Kind.CROWD:
            there = anomaly.service in draft.services and is_passing(anomaly)
            return there and (known or (kind is not Kind.BACKGROUND and self._is_wanted(draft)))
        if (
            (known and draft.kind is not Kind.BACKGROUND)
            or _in_company(draft, anomaly)
            or _is_aimed_alike(draft, anomaly)
        ):
            return True
        if Kind.BACKGROUND in (draft.kind, kind):
            # Where hosts within go for the first time is no knocking of strangers.
            alike = (draft.first.type in OF_HOSTS) is (anomaly.type in OF_HOSTS)
            there = anomaly.service in draft.services or (draft.probed and is_probe(anomaly))
            return draft.kind is kind and alike and there
        if _at_once(draft, anomaly):
            return True
        if anomaly.service not in draft.services:
            return draft.is_otherwise(anomaly) and _carried_alike(draft, kind, anomaly, who)
        if kind is Kind.SERVICE and draft.kind is Kind.SERVICE:
            return not _is_new_trouble(draft, anomaly)
        flood = AnomalyType.DDOS_ATTACK
        if (kind is Kind.SERVICE and flood in draft.worst) or (
            anomaly.type is flood and draft.kind is Kind.SERVICE
        ):
            return True
        if kind is Kind.SERVICE:
            return bool(carriers_of(anomaly) & draft.clients) or _is_of_the_same(draft, anomaly)
        return who in draft.carriers or _is_swept_along(draft, anomaly)


def _is_new_trouble(draft: Draft, anomaly: Anomaly) -> bool:
    """Whether a route has a trouble that an incident that goes on for long has neither of this type nor there.

    Slow pages since the morning would hide a form that fails at noon.
    """
    return (
        anomaly.route is not None
        and anomaly.type in OF_ALL
        and anomaly.type not in draft.worst
        and anomaly.entity not in draft.entities
        and anomaly.severity.rank >= draft.severity.rank
        and anomaly.start - draft.start > APART
    )


def _is_of_the_same(draft: Draft, anomaly: Anomaly) -> bool:
    """Whether metrics of a service are odd together while something else of the service is odd, whoever carries it."""
    odd = anomaly.type is AnomalyType.UNUSUAL_PATTERN
    return odd and anomaly.entity in draft.entities and not draft.worst.keys().isdisjoint(OF_ALL)


def _is_aimed_alike(draft: Draft, anomaly: Anomaly) -> bool:
    """Whether an attack is aimed at the route that the one is aimed at with which an incident opened."""
    first = draft.first
    aimed = draft.kind is Kind.CLIENT and is_aimed(first) and is_aimed(anomaly)
    return aimed and (first.service, first.route) == (anomaly.service, anomaly.route)


def _is_swept_along(draft: Draft, anomaly: Anomaly) -> bool:
    """Whether a client is unlike others while something happens to its service that nobody carries."""
    return (
        _is_slightly_unlike(anomaly)
        and draft.kind is Kind.SERVICE
        and not draft.carriers
        and not draft.worst.keys().isdisjoint(OF_ALL)
    )


def _is_alike(draft: Draft, anomaly: Anomaly) -> bool:
    """Whether an incident says of a client of the same service what an anomaly says of another, and nothing else."""
    return (
        _is_slightly_unlike(anomaly)
        and draft.kind is Kind.CLIENT
        and draft.worst.keys() == {anomaly.type}
        and draft.services == {anomaly.service}
    )


def _is_slightly_unlike(anomaly: Anomaly) -> bool:
    slight = anomaly.severity.rank <= Severity.MEDIUM.rank
    return slight and anomaly.type in OF_OTHERS and anomaly.entity.kind is EntityKind.CLIENT


def _at_once(draft: Draft, anomaly: Anomaly) -> bool:
    """Whether what happens to a service began with what happens to another."""
    return (
        draft.kind is Kind.SERVICE
        and draft.first.type in SPREADING
        and anomaly.type in SPREADING
        and anomaly.entity.kind is not EntityKind.CLIENT
        and not (anomaly.of_flows or draft.first.of_flows)
        and abs(anomaly.start - draft.start) <= AT_ONCE
    )


def _carried_alike(draft: Draft, kind: Kind, anomaly: Anomaly, who: str) -> bool:
    """Whether who carries an incident is who carries, or does, what an anomaly is about."""
    return who in draft.carriers if kind is Kind.CLIENT else draft.concerns(carriers_of(anomaly))


def _in_company(draft: Draft, anomaly: Anomaly) -> bool:
    """Whether a client is odd in the way of the one with whom an incident opened, and its neighbour."""
    first = draft.first
    if draft.kind is not Kind.CLIENT or first.type is not anomaly.type or first.service != anomaly.service:
        return False
    if anomaly.type not in IN_COMPANY or anomaly.entity.kind is not EntityKind.CLIENT:
        return False
    network = network_of(anomaly.entity.value)
    return network is not None and network == network_of(first.entity.value)


def _is_weather(draft: Draft) -> bool:
    return draft.kind in (Kind.BACKGROUND, Kind.CROWD)
