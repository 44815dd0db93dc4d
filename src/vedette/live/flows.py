"""The part of the live service that is about flows: an engine of its own, its streams and its event time."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.config import Config
from vedette.engine.build_network import build_network
from vedette.engine.network import NetworkEngine
from vedette.engine.network_state import network_state, restore_network
from vedette.engine.snapshot import Anew
from vedette.engine.teaching import Teaching
from vedette.live.compiling import prepare_flows
from vedette.live.flow_intake import EXPORTED, MOST_STREAMS, FlowIntake, FlowTally, lateness_us
from vedette.live.flow_streams import QUIET_US, FlowStream, exporter_problem, shown
from vedette.live.together import Reached
from vedette.schema.flows import Flow, Flows
from vedette.schema.spans import SECOND_US
from vedette.schema.state import StateError
from vedette.sources.source import Delivery
from vedette.windows.flow_table import Passed
from vedette.windows.passed_lines import FORMAT as PARTS
from vedette.windows.watermarks import Watermarks, WatermarkSettings

_ENGINE: Final = "flows"
_STREAMS: Final = "streams of flows"
_WATERMARKS: Final = "watermarks of flows"
MOST_SHOWN: Final = 100
"""Streams that `/health` shows."""


class LiveFlows:
    """Flows in, findings out. Used by one thread.

    Args:
        config: How everything is done. teaching: Who fits models, and where they are kept.
        tally: What was counted before; see `FlowIntake`.
    """

    def __init__(self, config: Config, teaching: Teaching, tally: FlowTally | None = None) -> None:
        self._span = config.network.span_s * SECOND_US
        self._lateness = config.windows.lateness_s
        live = config.live
        self._make = partial(build_network, config, lateness_us=0, own_clock=False, teaching=teaching)
        self.engine: NetworkEngine = self._make()
        self.intake = FlowIntake(tally)
        self._settings = WatermarkSettings(
            idle_after=live.idle_after_s * SECOND_US,
            grace=(live.idle_after_s + live.lateness_s) * SECOND_US,
            skew=live.skew_s * SECOND_US,
            span=self._span,
        )
        self.watermarks = Watermarks(self._settings)
        self._prepared = False

    def waits(self, stream: str, at: int) -> bool:
        """Wait for a stream that has more to give, if it is one of flows; whether it is."""
        if stream not in self.intake:
            return False
        self.watermarks.add(stream, self._late(stream), at)
        self.watermarks.waits(stream, at)
        return True

    def reached(self, *, behind: bool) -> list[Reached]:
        """How far it has come, if there are flows at all. `behind`: whether there is more to be read already."""
        if not len(self.watermarks):
            return []
        return [Reached(self.engine.windower.closed + self._span - 1, behind)]

    def take(self, delivery: Delivery, at: int, *, caught_up: bool) -> int | None:
        """Take a delivery in; returns the newest time in it, or None.

        Args:
            delivery: One that the intake takes. at: The clock, microseconds. caught_up: Whether there is no more of it.
        """
        if not self._prepared:
            self._prepared = True
            prepare_flows()
        stream = delivery.stream
        newest = None
        self.watermarks.add(stream, self._late(stream), at)
        found = self.intake.take(delivery)
        tally = self.intake.tally_of(stream)
        tally.heard_at = at
        for passed in found:
            times = passed.parts.column(Flow.START)
            if len(times):
                # Of an interface a window is told at once, and after those before it.
                told = np.full_like(times, passed.start) if self.intake.format(stream) == PARTS else times
                reached, horizon = np.empty_like(times), np.empty_like(times)
                late = self.watermarks.heard(
                    stream, told, at, caught_up=caught_up, reached=reached, horizon=horizon
                )
                tally.late += int(np.count_nonzero(late))
                tally.offset = self.watermarks.offset(stream)
                newest = max(int(times.max()), newest or 0)
                if passed.ended.table is passed.parts.table:
                    passed = replace(passed, horizon=horizon, reached=reached)
                else:
                    passed = self._in_time(passed, late == 0)
                self.engine.process(passed)
            elif len(passed.ended) or passed.histogram is not None:
                self.engine.process(passed)
        if len(self.watermarks) > MOST_STREAMS:
            for silent in self.watermarks.idle(at):
                self.watermarks.remove(silent)
        return newest

    def follow(self, at: int) -> None:
        """Let event time go as far as all streams that are not silent have come."""
        reached = self.watermarks.time(at)
        if reached is not None and reached > (self.engine.windower.now or 0):
            self.engine.advance(reached)

    @property
    def streams(self) -> list[FlowStream]:
        """Each stream as it is shown, those heard of last first, at most `MOST_SHOWN`. Any thread may ask."""
        latest = sorted(self.intake.tally.streams.items(), key=lambda one: (-one[1].heard_at, one[0]))
        return [shown(name, tally) for name, tally in latest[:MOST_SHOWN]]

    def problems(self, at: int) -> list[str]:
        """What is wrong with exporters, each a sentence. Any thread may ask. `at`: the clock, microseconds."""
        skew = self._settings.skew
        found = (
            exporter_problem(name, tally, skew=skew, lateness=self._late(name))
            for name, tally in sorted(self.intake.tally.streams.items())
            if tally.format in EXPORTED and at - tally.heard_at < QUIET_US
        )
        return [problem for problem in found if problem]

    def to_parts(self) -> dict[str, bytes]:
        """Everything that is remembered, as parts of a snapshot."""
        return {
            _ENGINE: network_state(self.engine),
            _STREAMS: self.intake.to_state(),
            _WATERMARKS: self.watermarks.to_state(),
        }

    def from_parts(self, parts: Mapping[str, bytes]) -> list[Anew]:
        """Take over what `to_parts` gave; returns what begins anew."""
        anew: list[Anew] = []
        if (content := parts.get(_STREAMS)) is not None:
            try:
                anew += [Anew("stream", reason) for reason in self.intake.from_state(content)]
            except StateError as error:
                self.intake = FlowIntake(self.intake.tally)
                anew.append(Anew(_STREAMS, f"another version wrote it ({error}): formats are found anew"))
        if (content := parts.get(_WATERMARKS)) is not None:
            try:
                self.watermarks.from_state(content)
            except StateError as error:
                anew.append(
                    Anew(_WATERMARKS, f"another version wrote it ({error}): event time is found anew")
                )
        if (content := parts.get(_ENGINE)) is not None:
            self.engine, more = restore_network(self._make, content, self.watermarks.newest)
            anew += more
        return anew

    def _late(self, stream: str) -> int:
        if self._lateness is not None:
            return self._lateness * SECOND_US
        return lateness_us(self.intake.format(stream))

    def _in_time(self, passed: Passed, kept: NDArray[np.bool_]) -> Passed:
        """What did not come too late after others of its own stream."""
        if kept.all():
            return passed
        self.engine.windower.late += int(np.count_nonzero(~kept))
        parts = Flows(passed.parts.table[kept], passed.parts.known)
        return Passed(passed.start, parts, passed.ended, passed.histogram)
