"""What was really wrong with a simulated log, and in which lines."""

from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Final

import msgspec
import numpy as np

from vedette.schema.anomaly import AnomalyType, Entity
from vedette.simulate.draws import Ints
from vedette.simulate.rows import NO_LABEL

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Label(msgspec.Struct, kw_only=True):
    """One incident of a simulated log.

    Attributes:
        incident: Its name, as `--inject` takes it.
        type: What a detector should call it; None where it should stay silent.
        start, end: Microseconds since the epoch, `end` exclusive; ISO 8601 in a labels file.
        service: Name of the service that is hit, where it is one and the log tells services apart.
        route: The folded route that is hit, where it is one.
        entity: What an anomaly should be about. A client is named as the log names it; an engine that takes
            IPv6 clients by their /64 will name that.
        lines: Pairs of first and last line (from 1, both inclusive) that belong to the incident.
        requests: How many lines that is.
    """

    incident: str
    type: AnomalyType | None
    start: int
    end: int
    service: str | None
    route: str | None
    entity: Entity
    lines: list[tuple[int, int]] = msgspec.field(default_factory=list)
    requests: int = 0

    def as_json(self) -> bytes:
        """One line of a labels file, without its line end."""
        document = {
            "incident": self.incident,
            "type": self.type,
            "start": _iso(self.start),
            "end": _iso(self.end),
            "service": self.service,
            "route": self.route,
            "entity": {"kind": self.entity.kind, "value": self.entity.value},
            "requests": self.requests,
            "lines": self.lines,
        }
        return msgspec.json.encode(document)


class Labels:
    """The incidents of a log, and the lines of each, filled while the log is written."""

    def __init__(self, incidents: list[Label]) -> None:
        self.incidents = incidents

    def add(self, numbers: Ints, first_line: int) -> None:
        """Take note of consecutive lines: `numbers` holds the incident of each, `NO_LABEL` for none."""
        lines = np.flatnonzero(numbers != NO_LABEL)
        for number in np.unique(numbers[lines]).tolist():
            label = self.incidents[number]
            mine = lines[numbers[lines] == number] + first_line
            breaks = np.flatnonzero(np.diff(mine) > 1)
            starts = mine[np.concatenate(([0], breaks + 1))].tolist()
            stops = mine[np.concatenate((breaks, [len(mine) - 1]))].tolist()
            if label.lines and label.lines[-1][1] == starts[0] - 1:
                starts[0] = label.lines.pop()[0]
            label.lines.extend(zip(starts, stops, strict=True))
            label.requests += len(mine)

    def write(self, stream: BinaryIO) -> None:
        """Write JSON lines, one per incident."""
        stream.writelines(label.as_json() + b"\n" for label in self.incidents)

    def write_lines(self, stream: BinaryIO) -> None:
        """Write JSON lines, one per log line that belongs to an incident, in the log's order."""
        marked = sorted(
            (line, label.incident, label.type)
            for label in self.incidents
            for first, last in label.lines
            for line in range(first, last + 1)
        )
        stream.writelines(
            msgspec.json.encode({"line": line, "incident": incident, "type": kind}) + b"\n"
            for line, incident, kind in marked
        )


def _iso(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
