"""Services that look as simulated, or labelled, floods looked."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import Model
from vedette.detectors.learned.flood_features import (
    FLOOD_FEATURES,
    Pasts,
    PastsState,
    Slices,
    against,
    matrix,
)
from vedette.detectors.learned.flood_model import EVERY_SERVICE, FloodModel, log_odds
from vedette.detectors.learned.flood_seen import Seen, seen, slices_of
from vedette.detectors.learned.member import Lesson, spans
from vedette.detectors.learned.phases import Phase
from vedette.detectors.learned.training import Refused
from vedette.detectors.statement import (
    CARRIES,
    heaviest_clients,
    slot_entity,
    state,
    surprise_score,
)
from vedette.detectors.statistical.consequence import is_served, is_slight
from vedette.detectors.statistical.gate import Gate
from vedette.detectors.statistical.runs import Runs
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Severity
from vedette.schema.learned import MemberStatus
from vedette.schema.state import check, decode, encode
from vedette.windows.layout import SLICES, Client, Group

LEAST_REQUESTS: Final = 100
"""Requests in a third of a window from which it is looked at: one busy browser makes fewer, and fewer drown nothing."""
READY: Final = 45
"""Thirds of windows that a past rests on before anything is held against it: fifteen minutes. The model was fitted to
pasts at least so long."""
MOST_SERVICES: Final = 1_024
"""Services with a past: four kilobytes each."""
SHOWN: Final = 4
"""Features that are named."""
FAILING: Final = 0.3
SLOWER: Final = 3.0
"""Share of answers that fail, and how many times the usual the others take, from which a flood is severe."""
MOSTLY: Final = 0.5
"""Part of a window's requests that must be beyond the usual for whoever made many of them to be named."""
_WAITING: Final = 32
_WAITING_ROWS: Final = 1 << 14
"""Windows without anything to judge that wait to be learned together, and rows that they may hold: half a megabyte."""
_TIME_RATIO: Final = [feature.name for feature in FLOOD_FEATURES].index("time_ratio")


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `LearnedFloods` remembers."""

    names: list[str]
    pasts: PastsState
    requests: list[int]
    gate: bytes
    left_out: int
    runs: bytes


class LearnedFloods:
    """A service looks as floods look.

    Signal: eight features of each third of a window, twenty seconds of one of a minute: requests, distinct clients,
        the busiest client, requests of a client and response time against the service's own past; what fails; the
        busiest client's share; the response times of the log's other services.
    Baseline: the median of the service's last hour, of what did not look like a flood.
    Decision: a random forest gives the probability that a third is a flood's; the highest of a window counts. It is
        at least the model's own threshold, and its log-odds are as surprising as the budget allows, by the tail of
        quiet windows that the model was not fitted to, in two of three windows. From `LEAST_REQUESTS` in the third,
        and only of services whose log names clients in that window. Not of a crowd of known clients or one that comes
        by the clock, nor of what one client does on other days too, while the service answers as ever. Severe where
        much fails or answers are slow, slight where nobody is the worse for it (`is_slight`).
    Explanation: what each feature adds to the probability (exact Shapley values).
    Known false alarms: behind a proxy that hides clients, a crowd that brings the site down; a load test.
    References: Breiman 2001 (random forests); Lundberg et al. 2020 (Shapley values in trees); formula `exceedance`.
    """

    name = "learned.ddos"
    types = (AnomalyType.DDOS_ATTACK,)

    def __init__(self, thresholds: Thresholds, model: FloodModel) -> None:
        self._thresholds = thresholds
        self._model = model
        self._numbers: dict[str, int] = {}
        self._requests: list[int] = []
        self._pasts = Pasts()
        self._gate = Gate()
        self._runs = Runs()
        self._left_out = 0
        self._waiting: list[Seen] = []
        self._waiting_rows = 0

    @property
    def collects(self) -> bool:
        """Nothing: the model comes from elsewhere, and what is usual is seen in `look`."""
        return False

    def learn(self, lesson: Lesson) -> None:
        """Nothing; see `collects`."""

    def statuses(self) -> list[MemberStatus]:
        """Whether each service has a past to be held against, by name."""
        # Asked beside the work by whoever wants to know: nothing is changed for it.
        waiting = Counter(number for window in self._waiting for number in window.number.tolist())
        return [
            self._status(name, number, SLICES * waiting[number])
            for name, number in sorted(self._numbers.items())
        ]

    def _status(self, name: str, number: int, waiting: int) -> MemberStatus:
        ready = bool(self._pasts.taught[number] + waiting >= READY)
        return MemberStatus(
            member="ddos",
            service=name,
            phase=(Phase.ENSEMBLE if ready else Phase.WARMUP).value,
            requests=self._requests[number],
            wanted=0,
            rows=self._model.card.rows if ready else 0,
            reason=""
            if ready
            else f"{READY // SLICES} windows with traffic of named clients are needed to know what is usual",
        )

    def models(self) -> Mapping[str, Model]:
        """The one that judges every service."""
        return {EVERY_SERVICE: self._model}

    def train_now(self) -> Mapping[str, Model | Refused]:
        """None: labelled windows are needed."""
        return {}

    def capped(self) -> dict[str, int]:
        """Windows of services that found no room."""
        return {"ddos_services": self._left_out} if self._left_out else {}

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the services of a window that look flooded, and learn the others."""
        # Of requests seen in part, distinct clients cannot be told.
        if view.silent or view.weight > 1:
            return []
        window = self._seen(view)
        if window is None:
            return []
        if window.busiest_third < LEAST_REQUESTS:
            # Most windows of most sites: a step for many of them costs little more than one for each.
            self._waiting.append(window)
            self._waiting_rows += window.rows
            if len(self._waiting) >= _WAITING or self._waiting_rows >= _WAITING_ROWS:
                self._learn_waiting()
            self._age(window)
            return []
        self._learn_waiting()
        slices = slices_of([window])
        doubted = np.zeros(slices.requests.shape, dtype=np.bool_)
        judged = (slices.requests >= LEAST_REQUESTS) & (self._pasts.taught[window.number] >= READY)
        found: list[Anomaly] = []
        if judged.any():
            found = self._judge(view, window, slices, judged, doubted)
        else:
            self._age(window)
        self._pasts.learn(window.number, slices, doubted)
        return found

    def _age(self, window: Seen) -> None:
        """Let a window pass in which nothing was judged."""
        if not self._gate.calm:
            self._gate.decide(window.slot, np.zeros(len(window.slot)), np.inf)

    def _learn_waiting(self) -> None:
        """Learn the windows that wait."""
        if not self._waiting:
            return
        slices = slices_of(self._waiting)
        number = np.concatenate([window.number for window in self._waiting])
        self._pasts.learn(number, slices, np.zeros(slices.requests.shape, dtype=np.bool_))
        self._waiting, self._waiting_rows = [], 0

    def _judge(
        self,
        view: WindowView,
        window: Seen,
        slices: Slices,
        judged: NDArray[np.bool_],
        doubted: NDArray[np.bool_],
    ) -> list[Anomaly]:
        model = self._model
        rows = matrix(against(slices, self._pasts.medians(window.number)))
        probability = np.full(judged.shape, 0.0)
        probability[judged] = model.forest.probability(rows[judged])
        doubted |= probability >= model.card.alarm
        worst, columns = probability.argmax(axis=0), np.arange(len(window.slot))
        most, looked = probability[worst, columns], judged.any(axis=0)
        surprise = np.where(looked, model.card.quiet.surprise(log_odds(most)), 0.0)
        threshold = self._thresholds.threshold(self.name)
        over = np.where(most >= model.card.alarm, surprise, 0.0)
        # One window alone is never enough: a burst of half a minute may be anything.
        alarmed = self._gate.decide(window.slot, over, threshold, np.zeros(len(over), dtype=np.bool_))
        found = [
            self._statement(
                view, window, slices, row, int(worst[row]), rows[worst[row], row],
                probability=probability[:, row], surprise=float(surprise[row]), threshold=threshold,
            )
            for row in alarmed
            if view.book[int(window.slot[row])].service not in view.crowds | view.foreseen
            and not _is_routine(view, int(window.slot[row]))
        ]  # fmt: skip
        self._thresholds.observe(self.name, self._runs.tests(window.slot[looked], surprise[looked]))
        return found

    def _seen(self, view: WindowView) -> Seen | None:
        named = {name for name, _, _ in spans(view.services, view.clients)}
        # Where a log names nobody, one busy visitor and a thousand look the same.
        at: list[int] = []
        numbers: list[int] = []
        names: list[str] = []
        for row in np.flatnonzero(view.own).tolist():
            name = view.book[view.groups.key.item(row)].service
            if name in named:
                number = self._number(name)
                if number < 0:
                    self._left_out += 1
                    continue
                at.append(row)
                numbers.append(number)
                names.append(name)
        if not at:
            return None
        sums = view.groups.sums[at]
        for number, count in zip(numbers, sums[:, Group.REQUESTS].tolist(), strict=True):
            self._requests[number] += count
        return seen(
            view.groups.key[at].astype(np.int32),
            np.array(numbers, dtype=np.int64),
            names,
            sums,
            view.services,
            named=view.clients,
            unnamed=view.unnamed,
        )

    def _number(self, name: str) -> int:
        """The number of a service's past; -1 where there is no room."""
        known = self._numbers.get(name)
        if known is None:
            if len(self._numbers) >= MOST_SERVICES:
                return -1
            known = self._numbers[name] = len(self._numbers)
            self._requests.append(0)
            self._pasts.medians(np.array([known], dtype=np.int64))
        return known

    def _statement(
        self,
        view: WindowView,
        window: Seen,
        slices: Slices,
        row: int,
        third: int,
        features: NDArray[np.float32],
        *,
        probability: NDArray[np.float64],
        surprise: float,
        threshold: float,
    ) -> Anomaly:
        model, service = self._model, window.names[row]
        quiet, alarm = model.card.quiet, float(log_odds(np.array([model.card.alarm]))[0])
        value = float(log_odds(probability[third : third + 1])[0])
        usual = np.exp(self._pasts.medians(window.number[row : row + 1])[0])
        requests = int(view.total(int(window.slot[row]), Group.REQUESTS))
        length = (view.end - view.start) // SLICES
        excess = requests - SLICES * float(usual[0])
        heavy: tuple[Contribution, ...] = ()
        # Where most requests are the usual ones, who made many is no answer to who floods.
        if excess >= MOSTLY * requests:
            _, carried = heaviest_clients(view, view.clients_of(service), Client.REQUESTS, excess)
            heavy = tuple(c for c in carried if c.share >= CARRIES)
        shares = model.forest.shares(features)
        return state(
            view,
            type=AnomalyType.DDOS_ATTACK,
            detector=self.name,
            service=service,
            route=None,
            entity=slot_entity(service, None),
            severity=_severity(view, int(window.slot[row]), _harms(slices, third, row, features)),
            score=surprise_score(surprise, threshold),
            observed=value,
            expected=quiet.band(),
            threshold=max(alarm, quiet.critical(threshold)),
            sample_count=quiet.rows,
            unit="log_odds",
            formula=quiet.formula(value),
            contributions=(*_adding(shares), *heavy),
            evidence_total=requests,
            clients=tuple(c.value for c in heavy),
            details={
                "shape": "learned",
                "surprise": surprise,
                "surprise_threshold": threshold,
                "probability": float(probability[third]),
                "probability_threshold": model.card.alarm,
                "usual_probability": model.card.usual,
                "probabilities": [float(p) for p in probability],
                "from_second": third * length / 1e6,
                "seconds": length / 1e6,
                "requests": int(slices.requests[third, row]),
                "clients": int(slices.clients[third, row]),
                "busiest_client_requests": int(slices.busiest[third, row]),
                "failed": int(slices.failed[third, row]),
                "features": _seen(shares, features),
            },
        )

    def to_state(self) -> bytes:
        """What is remembered of each service's past, as bytes."""
        self._learn_waiting()
        return encode(
            _State(
                list(self._numbers),
                self._pasts.to_state(),
                self._requests,
                self._gate.to_state(),
                self._left_out,
                self._runs.to_state(),
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = decode(content, _State, "learned floods")
        check(len(known.names) == len(set(known.names)) <= MOST_SERVICES, "learned floods")
        check(len(known.requests) == len(known.names), "learned floods")
        self._pasts.from_state(known.pasts)
        check(len(self._pasts.taught) == len(known.names), "learned floods")
        self._numbers = {name: number for number, name in enumerate(known.names)}
        self._requests, self._left_out = known.requests, known.left_out
        self._gate.from_state(known.gate)
        self._runs.from_state(known.runs)
        self._waiting, self._waiting_rows = [], 0


def _harms(slices: Slices, third: int, row: int, features: NDArray[np.float32]) -> bool:
    """Whether users notice: much fails, or answers take several times as long."""
    failed = slices.failed[third, row] >= FAILING * slices.requests[third, row]
    return bool(failed or features[_TIME_RATIO] >= np.log(SLOWER))


def _is_routine(view: WindowView, slot: int) -> bool:
    """Whether one client does what it does on other days too, and nobody is the worse for it."""
    burst = view.bursts.get(view.book[slot].service)
    return burst is not None and burst.usual and is_served(view, slot)


def _severity(view: WindowView, slot: int, harms: bool) -> Severity:
    if harms:
        return Severity.HIGH
    return Severity.LOW if is_slight(view, slot) else Severity.MEDIUM


def _adding(shares: NDArray[np.float64]) -> tuple[Contribution, ...]:
    """The features that make it look like a flood; shares are of all that does."""
    adding = np.maximum(shares, 0.0)
    whole = float(adding.sum())
    order = np.argsort(-adding, kind="stable")[:SHOWN].tolist()
    return tuple(
        Contribution("feature", FLOOD_FEATURES[place].name, float(adding[place]) / whole)
        for place in order
        if adding[place] > 0.0
    )


def _seen(shares: NDArray[np.float64], row: NDArray[np.float32]) -> dict[str, dict[str, float | str]]:
    """Every feature's value and what it adds to the probability; with `usual_probability` they add up to it."""
    return {
        feature.name: {
            "value": float(row[place]),
            "adds": float(shares[place]),
            "unit": feature.unit,
            "meaning": feature.doc,
        }
        for place, feature in enumerate(FLOOD_FEATURES)
    }
