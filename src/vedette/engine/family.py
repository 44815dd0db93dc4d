"""Metrics whose baselines learn alike, kept in one bank: a window costs a few calls for all of them."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import Bank
from vedette.baselines.judgement import Judgement
from vedette.detectors.view import Judged, Metric

_NONE: Final = np.zeros(0)


class Measured(msgspec.Struct):
    """One metric of a window: what banks take (`value`, `exposure`) and what people read (`shown`).

    Attributes:
        slot: int32 (k,), the entities. value, shown: float64 (k,).
        exposure: float64 (k,), requests that the value rests on; None where it rests on no count.
    """

    slot: NDArray[np.int32]
    value: NDArray[np.float64]
    exposure: NDArray[np.float64] | None
    shown: NDArray[np.float64]


class FamilyWindow(msgspec.Struct):
    """A family's share of a judged window, to be learned once the detectors have looked."""

    slot: NDArray[np.int32]
    """int32 (k,): the entities, metric after metric."""
    place: NDArray[np.int32]
    """int32 (k,): their places in the bank."""
    value: NDArray[np.float64]
    exposure: NDArray[np.float64] | None
    judgement: Judgement
    metrics: tuple[Metric, ...]


class Family:
    """Some metrics that share a bank, each entity having a place in it for each of them.

    Args:
        bank: Learns all of them. Either all have exposures or none.
        metrics: In the order of their places.
    """

    def __init__(self, bank: Bank, metrics: Sequence[Metric]) -> None:
        self.bank = bank
        self.metrics = tuple(metrics)
        self._numbers = np.arange(len(self.metrics), dtype=np.int32)
        self._nothing: tuple[FamilyWindow, dict[Metric, Judged]] | None = None

    def places(self, metric: Metric, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        """Where the bank keeps entities' (k,) baselines of a metric; -1 stays -1.

        Raises:
            ValueError: The family does not have the metric.
        """
        place = slots * np.int32(len(self.metrics)) + np.int32(self.metrics.index(metric))
        return np.where(slots < 0, np.int32(-1), place)

    def set_parents(self, slots: NDArray[np.int32], parents: NDArray[np.int32]) -> None:
        """Tell whose baselines fill in for new entities: `parents[i]` for `slots[i]`, -1 for nobody's."""
        for metric in self.metrics:
            self.bank.set_parents(self.places(metric, slots), self.places(metric, parents))

    def judge(self, measured: dict[Metric, Measured], time: int) -> tuple[FamilyWindow, dict[Metric, Judged]]:
        """Judge a window's values of all metrics at once. Changes nothing.

        Args:
            measured: Holds the family's metrics, maybe others. time: Start of the window, microseconds.
        """
        parts = [measured[metric] for metric in self.metrics]
        some = [(number, part) for number, part in enumerate(parts) if len(part.slot)]
        if not some:
            # A log without durations has no latency in any of its windows.
            if self._nothing is None:
                slot, value, exposure = parts[0].slot, parts[0].value, parts[0].exposure
                self._nothing = self._judged(parts, slot, slot, value, exposure, time)
            return self._nothing
        if len(some) == 1:
            number, part = some[0]
            place = part.slot * np.int32(len(parts)) + np.int32(number)
            return self._judged(parts, part.slot, place, part.value, part.exposure, time)
        numbers = np.repeat(self._numbers, [len(part.slot) for part in parts])
        exposures = [part.exposure for part in parts if part.exposure is not None]
        slot = np.concatenate([part.slot for part in parts])
        value = np.concatenate([part.value for part in parts])
        exposure = np.concatenate(exposures) if exposures else None
        return self._judged(parts, slot, slot * np.int32(len(parts)) + numbers, value, exposure, time)

    def _judged(
        self,
        parts: list[Measured],
        slot: NDArray[np.int32],
        place: NDArray[np.int32],
        value: NDArray[np.float64],
        exposure: NDArray[np.float64] | None,
        time: int,
    ) -> tuple[FamilyWindow, dict[Metric, Judged]]:
        """The bank's judgement of these places, dealt out to the metrics."""
        judgement = self.bank.judge(place, value, exposure, time)
        judged = {}
        first = 0
        for metric, part in zip(self.metrics, parts, strict=True):
            past = first + len(part.slot)
            judged[metric] = Judged(
                part.slot,
                part.shown,
                judgement.part(slice(first, past)),
                _NONE if part.exposure is None else part.exposure,
            )
            first = past
        return FamilyWindow(slot, place, value, exposure, judgement, self.metrics), judged

    def learn(
        self,
        window: FamilyWindow,
        time: int,
        distrusted: NDArray[np.int32],
        untold: Sequence[Metric] = (),
    ) -> None:
        """Update the baselines.

        Args:
            window: What was judged. time: Its start, microseconds.
            distrusted: int32 (k,), entities that teach a tenth at most. untold: Metrics that teach nothing.
        """
        weight = window.judgement.weight
        if len(weight) and (
            mute := [self.metrics.index(metric) for metric in untold if metric in self.metrics]
        ):
            weight = np.where(np.isin(window.place % len(self.metrics), mute), 0.0, weight)
        if len(distrusted) and len(weight):
            # A tenth of what `np.isin` takes, which sorts.
            held = np.zeros(max(int(window.slot.max()), int(distrusted.max())) + 1, dtype=np.bool_)
            held[distrusted] = True
            weight = np.where(held[window.slot], np.minimum(weight, 0.1), weight)
        self.bank.update(window.place, window.value, window.exposure, time, weight)
