"""Addresses that behave unlike the others of their network."""

from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.learned.course import Course, CourseState
from vedette.detectors.learned.plan import Plan
from vedette.detectors.learned.sessions import ALONE, Added, Sessions, SessionsState
from vedette.detectors.learned.training import Refused
from vedette.detectors.network.addresses import address, among
from vedette.detectors.network.manner_model import (
    MOST_OF_WINDOW,
    SESSION_WINDOWS,
    MannerModel,
    MannerSample,
    sessions_in,
)
from vedette.detectors.network.manners import MANNERS, address_table, matrix
from vedette.detectors.network.minute import Total
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.view import NETWORK, NetworkView, state
from vedette.detectors.statement import surprise_score, surprise_severity
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, EntityKind
from vedette.schema.learned import MemberStatus
from vedette.schema.state import decode, encode

MEMBER: Final = "address"
_MOST_STATED: Final = 20
_UNLEARNED_US: Final = 1_800_000_000
"""How long before somebody was found out nothing of theirs is learned."""
_SHOWN: Final = 4
_MOST_TOLD: Final = 16_384
"""Addresses of which it is remembered that they were told of."""
_AGAIN: Final = 2.0
"""Times as much evidence as it ever came to from which an address is told of again: what it is like is known."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    course: CourseState
    sessions: SessionsState
    told: bytes = b""


class AddressBehaviour(FewStated):
    """An address that behaves in a window as those of this network do not.

    Signal: the numbers of `vedette.detectors.network.manners` of each address that opened flows in a window.
    Baseline: an isolation forest over windows of addresses, fitted to what came before, checked and calibrated on its
        latest part; nothing is judged without (`lacks` in `coverage.members` says what is missing). Addresses of which
        something was stated are not learned from, nor what they did in the half hour before.
    Decision: the budget's threshold, passed by the evidence of an address's last windows, up to thirty: no window says
        more than four digits, so several must agree. A window in which another detector stated something of an address
        is left out. What an address is like is told once, and again with twice the evidence.
    Explanation: the features that isolate it, with what is usual of each.
    Known false alarms: the first day of a new kind of host; a backup that runs once a month.
    References: Liu, Ting, Zhou 2008; formula `exceedance`.
    """

    name: ClassVar[str] = "network.behaviour"
    member: ClassVar[str] = MEMBER
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.BEHAVIORAL_ANOMALY,)

    def __init__(self, thresholds: Thresholds, plan: Plan) -> None:
        """Begin.

        Args:
            thresholds: From which surprise it alarms. plan: How its model comes to be; requests are flows here.
        """
        self.left_out = 0
        self._thresholds = thresholds
        self._span = plan.span
        self._course: Course[MannerModel, MannerSample] = Course(
            MEMBER, MannerModel, NETWORK, plan=plan, sample=MannerSample
        )
        self._plan = plan
        self._sessions = Sessions()
        self._told = RecentKeys(2, _MOST_TOLD, reals=1)
        self._alarmed: NDArray[np.int64] = np.zeros((0, 2), dtype=np.int64)
        if plan.record is None:
            if (given := plan.given.get(NETWORK)) is not None:
                self._course.begin_with(given)
            self._course.offer(None, plan.asked.get(NETWORK))

    def statuses(self) -> list[MemberStatus]:
        """How far its model has come."""
        return [self._course.status()]

    def train_now(self) -> Mapping[str, MannerModel | Refused]:
        """Fit a model to what was collected, whatever its warm-up takes; it is not put to work."""
        return {NETWORK: self._course.train_now()}

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State the addresses of a window that are unlike the others, and learn it."""
        number = view.window.number
        self._course.step(number - 1)
        contacts = view.window.contacts
        # Where nothing is judged yet, only what is learned from.
        keys, table = address_table(
            contacts, MOST_OF_WINDOW if self._course.model is None else None, view.own
        )
        rows = matrix(table)
        accused = among(keys, view.accused)
        found = self._judge(view, keys, rows, accused)
        if self._course.count(number, view.total(Total.OPENED)):
            odd = {address(high, low) for high, low in self._alarmed.tolist()}
            bad = accused | among(keys, odd)
            sample = self._course.sample
            if bad.any():
                sample.drop(
                    sorted({*view.accused, *odd}),
                    number - _UNLEARNED_US // self._span,
                )
                keys, rows = keys[~bad], rows[~bad]
            sample.add(number, keys, rows)
        self._course.step(number)
        return found

    def _judge(
        self,
        view: NetworkView,
        keys: NDArray[np.int64],
        rows: NDArray[np.float32],
        accused: NDArray[np.bool_],
    ) -> list[Anomaly]:
        self._alarmed = self._alarmed[:0]
        model = self._course.model
        if model is None or not len(rows):
            return []
        number = view.window.number
        self._thresholds.observe(self.name, self._sessions.end(number))
        if accused.any():
            keys, rows = keys[~accused], rows[~accused]
        surprise = model.surprise(rows)
        sessions = sessions_in(keys, number)
        added = self._sessions.add(sessions, number, surprise, model.card.sessions_tail.surprise)
        limit = self._thresholds.threshold(self.name, self._sessions.begun.pace) + ALONE
        alarmed = added.alarmed(limit)
        self._alarmed = keys[alarmed]
        alarmed = alarmed[self._is_news(self._alarmed, added.evidence[alarmed])]
        return [
            self._tell(view, model, keys[row], rows[row], added, row, limit)
            for row in self.first(alarmed.tolist(), _MOST_STATED)
        ]

    def _is_news(self, keys: NDArray[np.int64], evidence: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which addresses were not told of before, or came to half the evidence at most; what they come to is kept."""
        news = np.zeros(len(keys), dtype=bool)
        for claimed in self._told.claim(keys):
            before = self._told.reals[claimed.place, 0]
            news[claimed.rows] = evidence[claimed.rows] >= _AGAIN * before
            self._told.reals[claimed.place, 0] = np.maximum(evidence[claimed.rows], before)
        return news

    def _tell(
        self,
        view: NetworkView,
        model: MannerModel,
        key: NDArray[np.int64],
        row: NDArray[np.float32],
        added: Added,
        place: int,
        limit: float,
    ) -> Anomaly:
        card = model.card
        tail = card.sessions_tail
        evidence, surprise = float(added.evidence[place]), float(added.surprise[place])
        shares = np.maximum(model.forest.shares(row), 0.0)
        whole = float(shares.sum())
        order = [n for n in np.argsort(-shares, kind="stable")[:_SHOWN].tolist() if shares[n] > 0.0]
        return state(
            view,
            type=AnomalyType.BEHAVIORAL_ANOMALY,
            detector=self.name,
            about=address(int(key[0]), int(key[1])),
            who=EntityKind.CLIENT,
            severity=surprise_severity(surprise, limit),
            score=surprise_score(surprise, limit),
            observed=evidence,
            expected=tail.band(),
            threshold=tail.critical(limit),
            sample_count=tail.rows,
            unit="evidence",
            formula=tail.formula(evidence),
            contributions=tuple(
                Contribution("feature", card.names[n], float(shares[n]) / whole) for n in order
            ),
            details={
                "what": "behaviour",
                "windows": int(added.windows[place]),
                "surprise": surprise,
                "surprise_threshold": limit,
                "learned": card.rows,
                "features": {
                    card.names[n]: {
                        "value": _plain(n, float(row[n])),
                        "usual_low": _plain(n, card.low[n]),
                        "usual_high": _plain(n, card.high[n]),
                        "meaning": MANNERS[n].doc,
                    }
                    for n in order
                },
            },
            counterfactual=f"Not stated below evidence of {tail.critical(limit):.2f} from {SESSION_WINDOWS} windows.",
        )

    def to_state(self) -> bytes:
        """What is collected, fitted and remembered, as bytes."""
        return encode(_State(self._course.to_state(), self._sessions.to_state(), self._told.to_state()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        kept = decode(content, _State, "behaviour of addresses")
        self._course.from_state(kept.course)
        self._course.offer(self._plan.given.get(NETWORK), self._plan.asked.get(NETWORK))
        self._sessions.from_state(kept.sessions)
        if kept.told:
            self._told.from_state(kept.told)


def _plain(place: int, value: float) -> float:
    """A feature's value as people count: what is learned as a logarithm is told as what it is one of."""
    return 2.0**value - 1.0 if MANNERS[place].unit.startswith("log2") else value
