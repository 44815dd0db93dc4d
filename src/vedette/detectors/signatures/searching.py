"""How it is found which rules match which rows of the scan buffer.

Databases look for all rules in one go, but take seconds to compile, once for each machine. Expressions are ready in a
fraction of a second; each goes through the rows by itself. A log whose texts are few is through before databases
would be there. Both find the same: each rule at most once per row, told by where the row ends.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import hyperscan
import numpy as np
import re2
from numpy.typing import NDArray

from vedette.detectors.signatures.compile import prepare, to_row_end
from vedette.detectors.signatures.database import Groups, RuleSet, UncompiledRules
from vedette.detectors.signatures.evidence import automaton_options
from vedette.detectors.signatures.marks import DOTS, MARKS, holding
from vedette.detectors.signatures.rules import PLACE_BITS, Place, Rule
from vedette.kernels.requests.verdicts import RULE_BITS

FEW_BYTES = 2 << 20
"""Bytes of texts up to which expressions are quicker on two cores. They take 0.04 s of CPU time to be ready, and for
1 MB of texts 0.3 s, or 1 to 2 s where all are attacks. Databases take 4 s to compile."""

_Database = tuple[hyperscan.Database, hyperscan.Scratch]

_TARGET = PLACE_BITS[Place.TARGET]


class Rows(Protocol):
    """Where the rows of the scan buffer end."""

    end: NDArray[np.int64]
    """Ascending; those of targets come first."""
    targets: int
    """How many are targets."""
    target_length: int
    """Bytes that they take."""
    length: int
    """Bytes of all."""


class Found(NamedTuple):
    """Rules that match some rows."""

    hits: list[int]
    """As `collect_hits` reads them: `end << RULE_BITS | rule`."""
    end: NDArray[np.int64]
    """Where the rows end that were looked at, in which the `end` of a hit counts."""
    which: NDArray[np.int64] | None
    """Which rows those are; None for all."""


class Search(Protocol):
    """A way to find which rules match. Of one thread."""

    def find(self, buffer: NDArray[np.uint8], rows: Rows) -> Iterator[Found]:
        """Look through the rows of a scan buffer for rules that are signs of something.

        A rule may be found in rows of places that it does not look at; `collect_hits` passes these over.
        """
        ...

    def contexts(self, texts: NDArray[np.uint8]) -> list[int]:
        """Look through rows of targets and referers for rules that tell context; hits as in `Found`."""
        ...


def search_for(rules: RuleSet | UncompiledRules) -> Search:
    """What finds these rules."""
    return Databases(rules) if isinstance(rules, RuleSet) else ExpressionsFirst(rules)


class Databases:
    """Looks for all rules at once."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules

    @cached_property
    def _groups(self) -> Groups[_Database]:
        return Groups(
            *(
                tuple((database, hyperscan.Scratch(database)) for database in group)
                for group in self._rules.groups
            )
        )

    def find(self, buffer: NDArray[np.uint8], rows: Rows) -> Iterator[Found]:
        """See `Search`."""
        groups = self._groups
        everything, others = buffer[: rows.length], buffer[rows.target_length : rows.length]
        hits: list[int] = []
        # Many rules look at targets and user agents both; which of its places a hit is in tells who counts it.
        _scan(groups.targets, everything, 0, hits)
        _scan(groups.headers, others, rows.target_length, hits)
        yield Found(hits, rows.end, None)
        for marks, databases in (DOTS, groups.dotted), (MARKS, groups.marked):
            texts, end, which = holding(marks, everything, rows.end)
            hits = []
            _scan(databases, texts, 0, hits)
            yield Found(hits, end, which)

    def contexts(self, texts: NDArray[np.uint8]) -> list[int]:
        """See `Search`."""
        hits: list[int] = []
        _scan(self._groups.contexts, texts, 0, hits)
        return hits


def _scan(
    databases: Sequence[_Database],
    texts: NDArray[np.uint8],
    begin: int,
    hits: list[int],
) -> None:
    """Add what databases find in a part of the scan buffer that begins there."""
    append = hits.append

    def on_match(rule: int, _start: int, end: int, _flags: int, _context: object) -> None:
        append((begin + end) << RULE_BITS | rule)

    for database, scratch in databases if len(texts) else ():
        # The binding takes any buffer; its stub knows only str and bytes.
        database.scan(texts, match_event_handler=on_match, scratch=scratch)  # type: ignore[type-var]


class Expressions:
    """Looks for one rule after the other.

    Raises:
        re2.error: A rule's pattern is beyond RE2.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        options = automaton_options()
        # What `re2.compile` returns; it publishes no types.
        self._targets: list[tuple[int, Any]] = []
        self._both: list[tuple[int, Any]] = []
        self._others: list[tuple[int, Any]] = []
        self._contexts: list[tuple[int, Any]] = []
        for number, rule in enumerate(rules):
            if rule.pattern is None:
                continue
            # In Hyperscan `^` is the beginning of a line by a flag.
            expression = b"(?m)" + to_row_end(prepare(rule.pattern))
            compiled = re2.compile(expression, options)
            if rule.tells_context:
                self._contexts.append((number, compiled))
            elif not rule.place_bits & _TARGET:
                self._others.append((number, compiled))
            elif rule.place_bits & ~_TARGET:
                self._both.append((number, compiled))
            else:
                self._targets.append((number, compiled))

    def find(self, buffer: NDArray[np.uint8], rows: Rows) -> Iterator[Found]:
        """See `Search`."""
        hits: list[int] = []
        for rules, begin, past in (
            (self._targets, 0, rows.target_length),
            (self._both, 0, rows.length),
            (self._others, rows.target_length, rows.length),
        ):
            hits += _matches(rules, buffer[begin:past].tobytes(), begin)
        yield Found(hits, rows.end, None)

    def contexts(self, texts: NDArray[np.uint8]) -> list[int]:
        """See `Search`."""
        return _matches(self._contexts, texts.tobytes(), 0)


def _matches(rules: Sequence[tuple[int, Any]], texts: bytes, begin: int) -> list[int]:
    return [
        (begin + match.end()) << RULE_BITS | number
        for number, compiled in (rules if texts else ())
        for match in compiled.finditer(texts)
    ]


class ExpressionsFirst:
    """Looks for rules one by one until it is worth to compile databases."""

    def __init__(self, rules: UncompiledRules) -> None:
        self._rules = rules
        self._left = FEW_BYTES
        self._search: Search | None = None

    def find(self, buffer: NDArray[np.uint8], rows: Rows) -> Iterator[Found]:
        """See `Search`."""
        if self._left >= 0:
            self._left -= rows.length
            if self._left < 0:
                self._search = Databases(self._rules.compiled())
        return self._now().find(buffer, rows)

    def contexts(self, texts: NDArray[np.uint8]) -> list[int]:
        """See `Search`."""
        return self._now().contexts(texts)

    def _now(self) -> Search:
        if self._search is None:
            self._search = self._first()
        return self._search

    def _first(self) -> Search:
        try:
            return Expressions(self._rules.rules)
        except re2.error:
            self._left = -1
            return Databases(self._rules.compiled())
