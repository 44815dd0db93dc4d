"""Where a flow log begins: its lines are written when flows end, so that those of long ones began long before it."""

from contextlib import suppress
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flows.captures import is_capture
from vedette.parsers.flows.flow_logs import FlowLog
from vedette.replay.flow_inputs import first_bytes
from vedette.schema.errors import VedetteError
from vedette.schema.flows import Flow, Flows
from vedette.schema.spans import SECOND_US
from vedette.sources import BufferPool, Input, read_chunks

_HEAD: Final = 64
_NEVER: Final = 1 << 62
_LOOKED_AT: Final = 64
"""Flows by which it is told."""
LONG: Final = 300 * SECOND_US
"""A flow that lasts longer says nothing of when a log begins, microseconds: five minutes is how long most programs wait
for a silent one."""


class LogBeginning(msgspec.Struct, frozen=True):
    """Where a log begins, microseconds.

    Attributes:
        clock: The least time at which flows begin, without long ones where there are others.
        whole: From then on all flows that begin are in the log, as far as it can tell: what is sorted by when flows
            begin has them from the first on; what is written as they end, from the first end on.
    """

    clock: int
    whole: int

    @classmethod
    def of(cls, table: NDArray[np.int64]) -> "LogBeginning":
        """The beginning of a log by its first flows, int64 (n, FLOW_COLUMNS), n > 0."""
        first = table[:_LOOKED_AT]
        start, end = first[:, Flow.START], first[:, Flow.END]
        if (start[1:] >= start[:-1]).all():
            return cls(int(start[0]), int(start[0]))
        short = start[end - start <= LONG]
        return cls(int(short.min() if len(short) else start.min()), int(end.min()))


class FirstFlows:
    """Holds the first flows of a log back, until there are enough to tell where it begins.

    That does not depend on how many of them are read at once.

    Attributes:
        beginning: Where it begins; None while that is not known.
    """

    def __init__(self) -> None:
        self.beginning: LogBeginning | None = None
        self._held: list[Flows] = []

    def taken(self, flows: Flows) -> Flows | None:
        """What can be gone on with, when flows have come; None if that is nothing."""
        if self.beginning is not None:
            return flows if len(flows) else None
        if self._held:
            flows = Flows(
                np.concatenate([self._held[0].table, flows.table]), self._held[0].known & flows.known
            )
        if len(flows) >= _LOOKED_AT:
            self._held = []
            return self._known(flows)
        # What was handed in may be overwritten by what comes next.
        self._held = [Flows(flows.table.copy(), flows.known)]
        return None

    def rest(self) -> Flows | None:
        """What is held at the end of the log."""
        held, self._held = self._held, []
        return self._known(held[0]) if held and len(held[0]) else None

    def _known(self, flows: Flows) -> Flows:
        self.beginning = LogBeginning.of(flows.table)
        return flows


def first_of_all(source: Input) -> int:
    """The least time at which flows of a log begin, microseconds, without long ones; far away for what is none.

    All of it is read for that: of logs that are not in order, no other way tells.
    """
    first = _NEVER
    if source.path is None or is_capture(first_bytes(source, _HEAD)):
        return first
    pool = BufferPool(limit=2)
    with suppress(VedetteError), read_chunks(source, pool=pool) as reader:
        log = FlowLog(source.name, reader.sample(), turns=1)
        for chunk in reader:
            table = log.parse(chunk)[0].table
            short = table[table[:, Flow.DURATION] <= LONG, Flow.START]
            first = min(first, int(short.min()) if len(short) else _NEVER)
            pool.release(chunk.buffer)
    return first
