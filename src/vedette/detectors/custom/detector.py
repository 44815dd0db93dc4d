"""State what the user's own rules say of windows."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.custom.measuring import CARRIED, COLUMNS, SHOWN, Measuring
from vedette.detectors.custom.rule import Rule, Tally
from vedette.detectors.statement import excess_score, heaviest_clients, route_carriers, slot_entity, state
from vedette.detectors.view import WindowView
from vedette.expression.evaluate import Values, number, reason, truth
from vedette.expression.measures import MEASURES
from vedette.expression.partial import truth_of_part
from vedette.expression.tree import Name, Node, render
from vedette.expression.types import quantity
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Contribution, Evidence, Formula
from vedette.schema.state import PackedArray, decode, encode, pack, unpack
from vedette.windows.layout import Group


class CustomRules:
    """A condition over a window's measures that the user wrote down.

    Signal: the measures that the rule names (`vedette.expression.measures`), of each service or route it covers.
        A service without a request has counts of 0; a number that no log line told is not known, and what rests
        on it alone does not hold. Of a window that was seen in part, that counts are small is not known either.
    Baseline: none: the user says what is too much.
    Decision: the condition held in as many windows in a row as the rule asks for; stated for each window then.
    Explanation: the comparison that held first, with both its numbers; every measure of the expression, so that
        the whole of it can be evaluated again (`vedette.explain.rule`); routes and clients that carry it.
    Known false alarms: the user's to judge: `vedette rules test` counts them on old logs.
    References: docs/how-to/custom-rules.md; S. C. Kleene, "On notation for ordinal numbers", J. Symb. Logic 3
        (1938), for what is not known; formula `difference`.
    """

    name = "rules"
    types = (AnomalyType.UNUSUAL_PATTERN,)

    def __init__(self, rules: Sequence[Rule], *, span_s: float, longest_gap: int) -> None:
        """Set rules up.

        Args:
            rules: In the order in which they state. span_s: Length of a window, seconds.
            longest_gap: Windows without any request that count as silence; more are a gap in the log, over which
                nothing goes on.
        """
        # Rules about the same services and routes measure them once.
        self._scopes = {(rule.services, rule.routes): _Scope(rule) for rule in rules}
        self._watches = [
            _Watch(rule, rule.condition.duration.in_windows(span_s), self._scopes[rule.services, rule.routes])
            for rule in rules
        ]
        self._longest_gap = longest_gap
        self._last: int | None = None

    @property
    def tallies(self) -> dict[str, Tally]:
        """How each rule fared, by its name."""
        return {watch.rule.name: watch.tally for watch in self._watches}

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the rules that hold in a window."""
        skipped = 0 if self._last is None else view.number - self._last - 1
        self._last = view.number
        for scope in self._scopes.values():
            scope.take_in(view)
        return [
            anomaly for watch in self._watches for anomaly in watch.look(view, skipped, self._longest_gap)
        ]

    def to_state(self) -> bytes:
        """For how long each rule has held, as bytes."""
        return encode(_State(self._last, {watch.rule.name: watch.to_state() for watch in self._watches}))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave; a rule that is new or has changed begins anew.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "custom rules")
        self._last = state.last
        for watch in self._watches:
            known = state.watches.get(watch.rule.name)
            if known is not None and known.about == watch.about:
                watch.from_state(known)


class _WatchState(msgspec.Struct, frozen=True, array_like=True):
    """What a `_Watch` remembers, and of which rule."""

    about: str
    run: PackedArray
    firing: PackedArray
    tally: Tally


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `CustomRules` remember, by rule."""

    last: int | None
    watches: dict[str, _WatchState]


class _Scope:
    """The services or routes that rules are about, and their measures in the present window.

    Attributes:
        slots: int32 (k,); grows at its end. measuring: Of the window that was taken in last.
        partial: bool (k,): of which services only a part of that window was seen.
    """

    def __init__(self, rule: Rule) -> None:
        self.slots = np.zeros(0, dtype=np.int32)
        self.measuring: Measuring | None = None
        self.partial = np.zeros(0, dtype=bool)
        self._covers = rule.covers
        self._seen = 0

    def take_in(self, view: WindowView) -> None:
        """Find what is covered among the services and routes that are new, and be ready to measure."""
        # Slot 0 is the parent of all services.
        fresh = range(max(1, self._seen), len(view.book))
        self._seen = len(view.book)
        found = [slot for slot in fresh if self._covers(view.book[slot])]
        if found:
            self.slots = np.append(self.slots, np.array(found, dtype=np.int32))
        self.measuring = Measuring(view, self.slots) if len(self.slots) else None
        self.partial = view.partial(self.slots)


class _Watch:
    """One rule, and how long it has held for each slot of its scope."""

    def __init__(self, rule: Rule, needed: int, scope: _Scope) -> None:
        self.rule = rule
        self.needed = needed
        self.tally = Tally()
        self._scope = scope
        self._run = np.zeros(0, dtype=np.int64)
        self._firing = np.zeros(0, dtype=bool)

    @property
    def about(self) -> str:
        """What the rule looks at, and when it holds: its past is worth nothing under another."""
        rule = self.rule
        return f"{render(rule.condition.node)} for {self.needed} on {rule.services} {rule.routes}"

    def to_state(self) -> _WatchState:
        """For how long the rule has held, slot by slot."""
        return _WatchState(self.about, pack(self._run), pack(self._firing), self.tally)

    def from_state(self, state: _WatchState) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        self._run = unpack(state.run, np.int64, (None,), "custom rules")
        self._firing = unpack(state.firing, np.bool_, self._run.shape, "custom rules")
        self.tally = state.tally

    def look(self, view: WindowView, skipped: int, longest_gap: int) -> list[Anomaly]:
        size = len(self._scope.slots)
        measuring = self._scope.measuring
        if measuring is None:
            return []
        if size > len(self._run):
            more = size - len(self._run)
            self._run = np.append(self._run, np.zeros(more, dtype=np.int64))
            self._firing = np.append(self._firing, np.zeros(more, dtype=bool))
        condition = self.rule.condition
        if skipped > longest_gap:
            self._run[:] = 0
        elif skipped:
            # Windows that were passed over had no request at all.
            silent = truth(condition.node, _silence(condition.names, size), size).yes
            self._run = np.where(silent, self._run + skipped, 0)
        values = measuring.values(condition.names)
        held = truth_of_part(condition.node, values, self._scope.partial)
        firing = self._firing & (self._run > 0)
        self._run = np.where(held.yes, self._run + 1, 0)
        self._firing = self._run >= self.needed
        rows = np.flatnonzero(self._firing)
        tally = self.tally
        tally.judged += size
        tally.unknown += int(np.count_nonzero(~held.yes & ~held.no))
        tally.held += int(np.count_nonzero(held.yes))
        tally.longest = max(tally.longest, int(self._run.max()))
        tally.stated += len(rows)
        tally.times += int(np.count_nonzero(self._firing & ~firing))
        return [self._state(view, values, row) for row in rows.tolist()]

    def _state(self, view: WindowView, values: Values, row: int) -> Anomaly:
        slot = int(self._scope.slots[row])
        entry = view.book[slot]
        own = {name: column[row : row + 1] for name, column in values.items()}
        why = reason(self.rule.condition.node, own)
        observed = float(number(why.observed, own, 1)[0])
        limit = float(number(why.limit, own, 1)[0])
        told = why.observed.name if isinstance(why.observed, Name) else ""
        contributions, clients = _carriers(view, slot, told)
        run = int(self._run[row])
        over, under = (observed, limit) if why.above else (limit, observed)
        return state(
            view,
            type=AnomalyType.UNUSUAL_PATTERN,
            detector=f"{CustomRules.name}.{self.rule.name}",
            service=entry.service,
            route=entry.route,
            entity=slot_entity(entry.service, entry.route),
            severity=self.rule.severity,
            score=max(0.5, excess_score(over, under)) if over > 0 and under >= 0 else 0.5,
            observed=observed,
            expected=Band(None, None, None),
            threshold=limit,
            sample_count=run,
            unit=_unit(why.observed),
            formula=Formula("difference", {"observed": observed, "threshold": limit}, observed - limit),
            contributions=contributions,
            evidence=_evidence(view, slot, told),
            evidence_total=view.total(slot, COLUMNS.get(told, Group.REQUESTS)),
            clients=clients,
            details={
                "rule": self.rule.name,
                "expression": render(self.rule.condition.node),
                "comparison": render(why.comparison),
                "windows": run,
                "windows_needed": self.needed,
                "measures": {name: float(c[0]) for name, c in own.items() if np.isfinite(c[0])},
                "message": self.rule.message,
            },
            counterfactual=f"Not stated unless {render(self.rule.condition.node)} holds"
            + (f" for {self.needed} windows in a row." if self.needed > 1 else "."),
            start=view.start - (self.needed - 1) * (view.end - view.start),
        )


def _silence(names: tuple[str, ...], size: int) -> dict[str, NDArray[np.float64]]:
    """The measures of windows without a request: counts, sizes and rates are 0, the others not known."""
    return {name: np.full(size, 0.0 if MEASURES[name].summed else np.nan) for name in names}


def _unit(node: Node) -> str:
    if isinstance(node, Name):
        return MEASURES[node.name].unit
    return quantity(node).unit


def _evidence(view: WindowView, slot: int, name: str) -> tuple[Evidence, ...]:
    topic = SHOWN.get(name)
    return () if topic is None else view.route_proof(topic, slot)


def _carriers(view: WindowView, slot: int, name: str) -> tuple[tuple[Contribution, ...], tuple[str, ...]]:
    """Which routes and clients carry a measure, with their shares of it."""
    columns = CARRIED.get(name)
    if columns is None:
        return (), ()
    group, client = columns
    entry = view.book[slot]
    whole = float(view.total(slot, group))
    if whole <= 0:
        return (), ()
    found: list[Contribution] = []
    if entry.route is None:
        shares = [
            (int(view.groups.sums[row, group]) / whole, route) for row, route in view.routes_of(entry.service)
        ]
        found.extend(
            Contribution("route", route, share)
            for share, route in sorted(shares, key=lambda s: (-s[0], s[1]))[:5]
            if share >= 0.05
        )
    if client is None:
        return tuple(found), ()
    if entry.route is None:
        clients, by_client = heaviest_clients(view, view.clients_of(entry.service), client, whole)
    else:
        clients, by_client = route_carriers(view, slot, client, whole)
    return (*found, *by_client), clients
