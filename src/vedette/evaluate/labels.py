"""Labels of a log: JSON lines, each about a span of time or about log lines, as `vedette simulate` writes them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.schema.anomaly import AnomalyType
from vedette.schema.errors import VedetteError

MOST_LINES = 20_000_000
"""Labelled lines, at most."""
GAP = 15 * 60_000_000
"""Microseconds without a labelled line of one incident after which the next is another span."""
ANY = "anomaly"
"""What labels without a type are called."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 60


class LabelError(VedetteError):
    """A file of labels that cannot be used."""


class Labelled(msgspec.Struct, frozen=True):
    """One line of the file; keys beyond these are passed over."""

    line: int | None = None
    is_anomaly: bool = True
    source: str | None = None
    start: str | None = None
    end: str | None = None
    type: str | msgspec.UnsetType | None = msgspec.UNSET
    incident: str | None = None
    service: str | None = None
    lines: list[tuple[int, int]] = []


class Span(msgspec.Struct, frozen=True):
    """Something that was wrong (or, with `quiet`, that only looks so) for a while.

    Attributes:
        name: Its type, or what it is called where the label has none. type: What a detector should call it; None
            where any will do. start, end: Microseconds since the epoch. service: Of which; None for any.
        quiet: Whether detectors should stay silent.
    """

    name: str
    type: AnomalyType | None
    start: int
    end: int
    service: str | None = None
    quiet: bool = False


class Labels(msgspec.Struct):
    """What a file of labels says.

    Attributes:
        spans: Those given as times. names: Of kinds of lines, by number. types: Of the same, None where any will do.
        lines: By source (None for the only one): int64 line numbers, sorted, and int16 numbers into `names`.
    """

    spans: list[Span] = msgspec.field(default_factory=list)
    names: list[str] = msgspec.field(default_factory=list)
    types: list[AnomalyType | None] = msgspec.field(default_factory=list)
    lines: dict[str | None, tuple[NDArray[np.int64], NDArray[np.int16]]] = msgspec.field(default_factory=dict)

    def of(self, source: str, lines: NDArray[np.int64], *, only: bool) -> NDArray[np.int16]:
        """The label of each line of a source, int16 (n,), -1 where there is none.

        Args:
            source: Its name. lines: int64 (n,). only: Whether it is the only source, which labels need not name.
        """
        found = np.full(len(lines), -1, dtype=np.int16)
        for name in (source, *((None,) if only else ())):
            if name in self.lines:
                known, kind = self.lines[name]
                at = np.minimum(np.searchsorted(known, lines), len(known) - 1)
                hit = known[at] == lines
                found[hit] = kind[at[hit]]
        return found


def read_labels(texts: Iterable[bytes], place: str) -> Labels:
    """Read labels.

    Args:
        texts: Lines of JSON. place: The file's name, for errors.

    Raises:
        LabelError: A line is no label, or there is none.
    """
    labels = Labels()
    numbers: dict[tuple[str, AnomalyType | None], int] = {}
    ranges: dict[str | None, list[tuple[int, int, int]]] = {}
    decoder = msgspec.json.Decoder(Labelled)
    total = 0
    for number, text in enumerate(texts, 1):
        if not text.strip():
            continue
        where = f"{place}:{number}"
        try:
            label = decoder.decode(text)
        except msgspec.MsgspecError as error:
            shown = text[:_SHOWN].decode("utf-8", "backslashreplace").strip()
            raise LabelError(
                f"{where}: no label ({error}): {shown!r}: must be a JSON object a line"
            ) from None
        if label.line is not None and not label.is_anomaly:
            continue
        name, kind, quiet = _kind(label, where)
        if label.start is not None and label.end is not None:
            start, end = _moment(label.start, where), _moment(label.end, where)
            if end <= start:
                raise LabelError(f"{where}: ends at {label.end}, before its start: give a later `end`")
            labels.spans.append(Span(name, kind, start, end, label.service, quiet))
        elif label.line is None:
            raise LabelError(f"{where}: must have `line`, or `start` and `end`: see docs/how-to/evaluate.md")
        if quiet:
            continue
        own = [*label.lines, *([(label.line, label.line)] if label.line is not None else [])]
        if not own:
            continue
        mark = numbers.setdefault((name, kind), len(numbers))
        for first, last in own:
            if first < 1 or last < first:
                raise LabelError(
                    f"{where}: lines {first} to {last}: must count from 1, the first before the last"
                )
            total += last - first + 1
            if total > MOST_LINES:
                raise LabelError(
                    f"{where}: more than {MOST_LINES:,} labelled lines: label spans of time instead"
                )
            ranges.setdefault(label.source, []).append((first, last, mark))
    if not labels.spans and not ranges:
        raise LabelError(f"{place}: holds no label of anything wrong: without one there is nothing to find")
    labels.names = [name for name, _ in numbers]
    labels.types = [kind for _, kind in numbers]
    for source, own_ranges in ranges.items():
        labels.lines[source] = _expanded(own_ranges)
    return labels


def _kind(label: Labelled, where: str) -> tuple[str, AnomalyType | None, bool]:
    if label.type is msgspec.UNSET:
        return label.incident or ANY, None, False
    if label.type is None:
        return label.incident or "quiet", None, True
    try:
        kind = AnomalyType(label.type)
    except ValueError:
        known = ", ".join(kind.value for kind in AnomalyType)
        raise LabelError(
            f"{where}: type {label.type[:_SHOWN]!r}: must be one of {known}; leave it out where any type will do"
        ) from None
    return kind.value, kind, False


def _moment(text: str, where: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LabelError(
            f"{where}: {text[:_SHOWN]!r}: not a moment in ISO 8601, like 2026-03-02T08:00:00Z"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _expanded(ranges: list[tuple[int, int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    lines = np.concatenate([np.arange(first, last + 1, dtype=np.int64) for first, last, _ in ranges])
    marks = np.concatenate([np.full(last - first + 1, mark, dtype=np.int16) for first, last, mark in ranges])
    # Of a line that is labelled twice, the first label counts.
    known, first_of = np.unique(lines, return_index=True)
    return known, marks[first_of]


class LineSpans:
    """Spans of the labelled lines, for labels that give no times: lines of one kind without a long gap.

    Args:
        labels: Whose `names` and `types` the spans get.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._times: dict[tuple[int, str], list[int]] = {}
        self._spans: list[tuple[int, str, int, int]] = []

    def add(self, marks: NDArray[np.int16], time: NDArray[np.int64], service: Iterable[str]) -> None:
        """Take n labelled rows in: mark, time (microseconds) and service of each.

        Raises:
            ValueError: They are not equally many.
        """
        for mark, moment, name in zip(marks.tolist(), time.tolist(), service, strict=True):
            known = self._times.get((mark, name))
            if known is not None and known[0] - GAP <= moment <= known[1] + GAP:
                known[0], known[1] = min(known[0], moment), max(known[1], moment)
                continue
            if known is not None:
                self._spans.append((mark, name, known[0], known[1]))
            self._times[mark, name] = [moment, moment]

    def spans(self) -> Iterator[Span]:
        """All of them, in order of time."""
        last_ones = [(mark, name, begin, end) for (mark, name), (begin, end) in self._times.items()]
        every = [*self._spans, *last_ones]
        for mark, service, first, last in sorted(every, key=lambda each: (each[2], each[0], each[1])):
            yield Span(self._labels.names[mark], self._labels.types[mark], first, last + 1, service)


def clipped(spans: Iterable[Span], start: int, end: int) -> Iterator[Span]:
    """The spans that share time with a log, cut to it."""
    for span in spans:
        if span.start < end and span.end > start:
            yield replace(span, start=max(span.start, start), end=min(span.end, end))
