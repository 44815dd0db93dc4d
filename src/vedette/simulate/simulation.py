"""A simulated log: what is asked for, and the lines that come of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import BinaryIO, Final

from vedette.simulate.draws import Draws
from vedette.simulate.formats.base import LogFormat
from vedette.simulate.formats.registry import FORMATS, format_of
from vedette.simulate.injection import SimulationError, parse_injections
from vedette.simulate.labels import Labels
from vedette.simulate.malformed import spoil
from vedette.simulate.rows import NO_LABEL
from vedette.simulate.run import Run
from vedette.simulate.view import Texts, View

DEFAULT_START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""A Monday morning; fixed, so that the same arguments give the same bytes on any day."""

_MOST_MINUTES: Final = 100 * 24 * 60
_MOST_LINES: Final = 2_000_000_000


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Traffic to be made. The same values give the same bytes, whenever and wherever.

    Attributes:
        minutes: Length of the log.
        rate: Requests per second, the mean over the log, incidents apart.
        start: When it begins, to the second; a fixed moment by default.
        seed: Another seed, another log of the same kind.
        format: One of `FORMATS`, or another name that `scan` knows it by.
        inject: Incidents, as `--inject` takes them: one comma-separated text.
        services: How many services the site is split into (beyond six, there are several sites).
        clients: How many distinct clients there are, about; by default as many as fit the traffic.
        distinct_user_agents: Whether every line has a user agent of its own.
        attack_share: Share (0..1) of all requests that are attacks of any family.
        malformed_share: Share (0..1) of all lines that are spoilt.

    Raises:
        SimulationError: A value that no traffic can be made from.
    """

    minutes: float = 120
    rate: float = 20.0
    start: datetime = DEFAULT_START
    seed: int = 1
    format: str = "combined"
    inject: str = ""
    services: int = 1
    clients: int | None = None
    distinct_user_agents: bool = False
    attack_share: float = 0.0
    malformed_share: float = 0.0

    def __post_init__(self) -> None:
        _within("--minutes", self.minutes, 0.1, _MOST_MINUTES)
        _within("--rate", self.rate, 0.001, 1_000_000)
        _within("--minutes times 60 times --rate", self.minutes * 60 * self.rate, 0, _MOST_LINES)
        _within("--seed", self.seed, 0, 2**63 - 1)
        _within("--services", self.services, 1, 48)
        _within("--attack-share", self.attack_share, 0, 1)
        _within("--malformed-share", self.malformed_share, 0, 1)
        if self.clients is not None:
            _within("--clients", self.clients, 1, 100_000_000)
        if self.start.tzinfo is None:
            raise SimulationError(f"--start {self.start.isoformat()}: has no time zone: add one, such as Z")
        if not 1971 <= self.start.year <= 2100:
            raise SimulationError(f"--start {self.start.isoformat()}: must be in the years 1971 to 2100")
        if format_of(self.format) is None:
            raise SimulationError(f"--format {self.format!r}: cannot be written: one of {', '.join(FORMATS)}")
        self._run()  # refuses injections that do not fit

    @property
    def expected_lines(self) -> int:
        """About how many lines there will be, incidents apart."""
        return round(self.minutes * 60 * self.rate)

    def chunks(self, labels: Labels | None = None) -> Iterator[bytes]:
        """Make the log, some ten thousand whole lines at a time.

        Args:
            labels: From `blank_labels`; takes note of which lines belong to which incident.
        """
        run, log_format = self._run(), self._format()
        header = log_format.header(self._start())
        if header:
            yield b"\n".join(header) + b"\n"
        everything = run.rows()
        texts = Texts(run.world, log_format.escape)
        spoiling = Draws(self.seed, 8)
        line = len(header) + 1
        for rows in everything:
            view = View(run.world, texts, rows, line, distinct_agents=self.distinct_user_agents)
            lines = log_format.lines(view)
            marks = rows["label"].copy()
            if self.malformed_share:
                # A spoilt line no longer shows what it was.
                marks[spoil(lines, self.malformed_share, spoiling)] = NO_LABEL
            if labels is not None:
                labels.add(marks, line)
            line += len(lines)
            lines.append(b"")
            yield b"\n".join(lines)

    def write(self, stream: BinaryIO) -> Labels:
        """Write the whole log to a stream; returns what is wrong in it."""
        labels = self.blank_labels()
        stream.writelines(self.chunks(labels))
        return labels

    @cached_property
    def labels(self) -> Labels:
        """What is wrong in the log (which is made, and thrown away, to learn it)."""
        labels = self.blank_labels()
        for _ in self.chunks(labels):
            pass
        return labels

    def blank_labels(self) -> Labels:
        """The incidents, their lines not yet known."""
        return Labels(self._run().labels(with_service=self._format().names_service))

    def _format(self) -> LogFormat:
        known = format_of(self.format)
        assert known is not None  # noqa: S101 -- looked at the beginning
        return known

    def _start(self) -> datetime:
        return self.start.astimezone(UTC).replace(microsecond=0)

    def _run(self) -> Run:
        return Run(
            seed=self.seed,
            start=self._start(),
            seconds=round(self.minutes * 60),
            rate=self.rate,
            services=self.services,
            clients=self.clients,
            injections=parse_injections(self.inject),
            attack_share=self.attack_share,
        )


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SimulationError(f"{name} {value:g}: must be from {low:g} to {high:g}")
