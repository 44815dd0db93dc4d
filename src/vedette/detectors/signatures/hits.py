"""What the signatures say about a batch."""

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.columns import COLUMNS
from vedette.detectors.signatures.evidence import Asked, Locator, Match
from vedette.detectors.signatures.opinions import Opinions
from vedette.detectors.signatures.rules import DECISIVE, REQUEST_TYPES
from vedette.detectors.signatures.tables import RuleTables
from vedette.kernels.windows.telling import tell_rows
from vedette.schema.anomaly import AnomalyType
from vedette.schema.requests import Coded, Requests

_BITMAPS = 4096
"""Sets of rules whose numbers are remembered."""


class Pair(NamedTuple):
    """One distinct text and one rule that it hit."""

    column: str
    """Column of the text: `target`, `referer`, `user_agent`, `method` or `protocol`."""
    text: int
    """Id of the text in its column's vocabulary."""
    rule: int


class Telling(msgspec.Struct, frozen=True):
    """Rows that tell best what was done: k of them, one for each slot, type and place.

    Attributes:
        row, slot: int64 (k,).
        kind: int64 (k,), places in `REQUEST_TYPES`.
        rule: int64 (k,), the row's most confident rule of that type. rank: int64 (rules,), how confident rules are.
        column: int64 (k,), the first of `COLUMNS` whose text hit that rule.
    """

    row: NDArray[np.int64]
    slot: NDArray[np.int64]
    kind: NDArray[np.int64]
    rule: NDArray[np.int64]
    column: NDArray[np.int64]
    rank: NDArray[np.int64]


class ToldHits(NamedTuple):
    """What `SignatureHits` hold of their own."""

    confidence: NDArray[np.float32]
    top_rule: NDArray[np.int32]
    types: NDArray[np.uint32]
    plain: NDArray[np.float32]
    cut: int
    bits: NDArray[np.uint8]
    dirty: NDArray[np.uint8]
    first: NDArray[np.int64]
    payload: NDArray[np.float32]


class Weighed(NamedTuple):
    """What rules come to together; the fields are those of one row of `SignatureHits`."""

    confidence: float
    top_rule: int
    types: int
    plain: float


@lru_cache(maxsize=_BITMAPS)
def types_of(mask: int) -> tuple[AnomalyType, ...]:
    """The anomaly types of a type mask, in the order of `REQUEST_TYPES`."""
    return tuple(kind for bit, kind in enumerate(REQUEST_TYPES) if mask >> bit & 1)


class SignatureHits(msgspec.Struct):
    """The verdicts on the n rows of one batch. Refers to the batch, and lives no longer than it.

    Attributes:
        confidence: float32 (n,): 1 - prod(1 - c) over the distinct rules that the row hit, its odds multiplied by the
            factor of what the payload model says (`tables.model_factor`); 0 where none.
        top_rule: int32 (n,): the most confident rule, the first of equals; -1 where none hit.
        types: uint32 (n,): types of the rules that hit; bit i is `REQUEST_TYPES[i]`.
        plain: float32 (n,): the same without what the payload model says.
        cut: Distinct texts, newly judged in this batch, that were too long to be judged whole.
        bits: uint8 (texts, w): rules that each distinct text hit; rule r is bit `r & 7` of byte `r >> 3`.
            Texts are numbered through `COLUMNS`.
        dirty: uint8 (texts,): whether a text hit any.
        first: int64 (columns,): number of each column's first text.
        payload: float32 (n,): the payload model's score of the target, before scale and bias; -1e9 where it holds no
            mark, NaN where the model did not look.
    """

    confidence: NDArray[np.float32]
    top_rule: NDArray[np.int32]
    types: NDArray[np.uint32]
    plain: NDArray[np.float32]
    cut: int
    bits: NDArray[np.uint8]
    dirty: NDArray[np.uint8]
    first: NDArray[np.int64]
    payload: NDArray[np.float32]
    _requests: Requests
    _tables: RuleTables
    _locator: Locator
    opinions: Opinions
    """What rules and payload model are worth."""
    least: float = DECISIVE
    """Confidence from which a row is an attack."""
    _coded: Sequence[Coded] | None = None
    """The columns, once they were asked for: one of them has to be put together."""

    def columns(self) -> Sequence[Coded]:
        """The batch's columns, in the order of `COLUMNS`."""
        if self._coded is None:
            self._coded = [column.of(self._requests) for column in COLUMNS]
        return self._coded

    def knows(self, columns: Sequence[Coded]) -> None:
        """Take the batch's columns from whoever has them already."""
        self._coded = columns

    def told(self) -> "ToldHits":
        """What another process needs beside the batch to have the same (`SignatureScanner.hits`)."""
        return ToldHits(
            self.confidence, self.top_rule, self.types, self.plain, self.cut, self.bits, self.dirty, self.first,
            self.payload,
        )  # fmt: skip

    def decisive(self) -> NDArray[np.bool_]:
        """Rows, bool (n,), that are attacks by their signatures alone."""
        return self.confidence >= np.float32(self.least)

    def scores(self, rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float32]:
        """Probability of each row, or of each of `rows`, to be an attack, float32; see `Opinions`."""
        return self.opinions.score(
            self.plain[rows], self.payload[rows], self.types[rows], self.decisive()[rows]
        )

    def rules(self, row: int) -> list[int]:
        """The rules that a row hit, in order."""
        return sorted({*self._flag_rules(row), *itertools.chain(*self._row_rules(row))})

    def rule_bits(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The rules that each of k rows hit, uint8 (k, w), as in `bits`."""
        found = np.zeros((len(rows), self.bits.shape[1]), dtype=np.uint8)
        for coded, first in zip(self.columns(), self.first.tolist(), strict=True):
            ids = coded.ids[rows]
            told = np.flatnonzero(ids >= 0)
            found[told] |= self.bits[first + ids[told]]
        flags = np.where(self._requests.target.ids[rows] < 0, 0, self._requests.flags[rows])
        for rule, flag in self._locator.request_flags:
            found[(flags & int(flag)) != 0, rule >> 3] |= np.uint8(1 << (rule & 7))
        return found

    def tell(
        self,
        rows: NDArray[np.int64],
        slot: NDArray[np.int64],
        client: NDArray[np.int32],
        once: NDArray[np.uint8],
        most: int,
    ) -> Telling:
        """The most telling rows of each slot, for each type.

        A row tells a type by its most confident rule of that type; of equals, the row that hit more tells more,
        then the earlier one.

        Args:
            rows: (k,), the rows to choose from.
            slot: (k,), the slot of each, from 0.
            client: (n,), who sent each row of the batch.
            once: uint8 (slots,): whether a slot takes one row of a client at most.
            most: Rows of each slot and type.
        """
        tables = self._tables
        shape = (len(once) * len(REQUEST_TYPES), most)
        row, rule, column = (np.full(shape, -1, dtype=np.int64) for _ in range(3))
        scratch = np.empty((2, len(REQUEST_TYPES)), dtype=np.int64)
        ids = np.stack([coded.ids for coded in self.columns()])
        tell_rows(
            rows, slot, client, once, self._requests.time, self.confidence, ids, self.first,
            self._requests.flags, tables.request_flag_mask, tables.request_flag_rule, tables.rank, tables.kind,
            self.bits, self.dirty, scratch, row, rule, column,
        )  # fmt: skip
        cells = np.flatnonzero(row.ravel() >= 0)
        which = cells // most
        return Telling(
            row.ravel()[cells],
            which // len(REQUEST_TYPES),
            which % len(REQUEST_TYPES),
            rule.ravel()[cells],
            column.ravel()[cells],
            tables.rank,
        )

    def evidence(self, row: int) -> list[Match]:
        """What each rule matched in a row, the most confident rule first. For the few rows that are shown."""
        (matches,) = self.evidence_of([row])
        return matches

    def evidence_of(self, rows: Sequence[int]) -> list[list[Match]]:
        """The same of several rows: looked for together, it costs less."""
        asked: list[list[Asked]] = [[] for _ in rows]
        for number, (coded, first) in enumerate(zip(self.columns(), self.first.tolist(), strict=True)):
            for of_row, text in zip(asked, coded.ids[rows].tolist(), strict=True):
                if text >= 0 and self.dirty.item(first + text):
                    words, rules = coded.vocabulary[text], _members(self.bits[first + text].tobytes())
                    of_row += [Asked(words, number, rule) for rule in rules]
        found = iter(self._locator.find(list(itertools.chain.from_iterable(asked))))
        flags = self._requests.flags[rows].tolist()
        return [
            self._ranked(row, flag, list(itertools.islice(found, len(of_row))))
            for row, flag, of_row in zip(rows, flags, asked, strict=True)
        ]

    def _ranked(self, row: int, flags: int, found: Sequence[Match | None]) -> list[Match]:
        matches: dict[int, Match] = {}
        for match in found:
            if match is not None:
                matches.setdefault(match.rule, match)
        if flags:
            for rule in self._flag_rules(row):
                matches[rule] = self._locator.whole(self._requests.target[row] or b"", rule)
        rank = self._locator.rank
        return [matches[rule] for rule in sorted(matches, key=rank.__getitem__)]

    def pairs(self) -> Iterator[Pair]:
        """The distinct texts of the batch that hit rules, with each rule. Flags of rows are not texts'."""
        for text in np.flatnonzero(self.bits.any(axis=1)).tolist():
            column = int(np.searchsorted(self.first, text, side="right")) - 1
            for rule in _members(self.bits[text].tobytes()):
                yield Pair(COLUMNS[column].name, text - int(self.first[column]), rule)

    def _row_rules(self, row: int) -> list[tuple[int, ...]]:
        """For each column, the rules that the row's text hit."""
        found = []
        for coded, first in zip(self.columns(), self.first.tolist(), strict=True):
            text = int(coded.ids[row])
            found.append(_members(self.bits[first + text].tobytes()) if text >= 0 else ())
        return found

    def _flag_rules(self, row: int) -> list[int]:
        if self._requests.target.ids[row] < 0:
            return []
        flags = int(self._requests.flags[row])
        return [rule for rule, flag in self._locator.request_flags if flags & flag]


@lru_cache(maxsize=_BITMAPS)
def _members(bitmap: bytes) -> tuple[int, ...]:
    """Numbers of the bits that are set, in order. Most attacks hit the same rules as others."""
    bits = int.from_bytes(bitmap, "little")
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return tuple(found)
