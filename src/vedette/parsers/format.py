"""What a log format is to the rest of the program."""

from typing import Protocol

from vedette.schema.chunk import Chunk, Parsed


class Parser(Protocol):
    """Parses one source; holds that source's state (a header-driven format's columns, say)."""

    @property
    def formats(self) -> tuple[str, ...]:
        """Names of the formats that its lines have turned out to be so far, the chosen one first."""
        ...

    def parse(self, chunk: Chunk) -> Parsed:
        """Turn whole lines into a batch. Never raises for what the lines hold."""
        ...

    def to_state(self) -> bytes:
        """What the lines so far have told about those to come; see `vedette.schema.state`."""
        ...

    def from_state(self, content: bytes) -> None:
        """Go on where the parser that `to_state` was asked of stood. Raises `StateError`."""
        ...


class Format(Protocol):
    """A named format: how well a sample fits it, and a parser for a source."""

    @property
    def name(self) -> str:
        """As `--format` takes it, and reports print it."""
        ...

    @property
    def description(self) -> str:
        """One line for `vedette formats`, with an example directive or product."""
        ...

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's lines that are requests of this format."""
        ...

    def open(self, source: str) -> Parser:
        """Start parsing a source."""
        ...
