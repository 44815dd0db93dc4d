"""Judging a batch by signatures: each distinct text once, then rows by numbers alone."""

import math
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.columns import COLUMNS, Column
from vedette.detectors.signatures.database import RuleSet, UncompiledRules, load_rule_set
from vedette.detectors.signatures.evidence import Locator
from vedette.detectors.signatures.exceptions import ExceptionTables, PathException
from vedette.detectors.signatures.hits import SignatureHits, ToldHits, Weighed
from vedette.detectors.signatures.marks import chosen
from vedette.detectors.signatures.memory import Memory
from vedette.detectors.signatures.opinions import Opinions
from vedette.detectors.signatures.payload_model import PACKAGED, PayloadModel, packaged, roots
from vedette.detectors.signatures.rules import BANDS, DECISIVE, PLACE_BITS, TALK, Place, RuleError
from vedette.detectors.signatures.searching import search_for
from vedette.detectors.signatures.tables import RuleTables, ints
from vedette.kernels.cache import cache_directory
from vedette.kernels.compile import INTERPRETED
from vedette.kernels.contexts import take_back_excused
from vedette.kernels.decode import decode_texts, scan_bytes, scan_bytes_of_one
from vedette.kernels.globs import except_paths
from vedette.kernels.grams import SYMBOLS, score_rows
from vedette.kernels.markup import ATTRIBUTES, DEEPEST, ELEMENTS, SIGNS, take_back_markup
from vedette.kernels.text_classes import CLASSES, LOWER
from vedette.kernels.text_flags import TextFlag
from vedette.kernels.verdicts import collect_flags, collect_hits, judge_rows, weigh_texts
from vedette.schema.requests import Coded, Requests, Vocabulary


class _Rows(msgspec.Struct):
    """The scan buffer's rows: decoded texts that are not yet known."""

    end: NDArray[np.int64]
    text: NDArray[np.int64]
    place: NDArray[np.int64]
    target_length: int = 0
    """Bytes of the scan buffer that hold targets; they come first."""
    targets: int = 0
    """How many rows those are."""
    length: int = 0
    cut: int = 0

    @classmethod
    def empty(cls, count: int) -> "_Rows":
        end, text, place = (np.empty(count, dtype=np.int64) for _ in range(3))
        return cls(end, text, place)


class _One(msgspec.Struct, frozen=True):
    """Room for the rows that a single text of a column becomes; see `_Rows`."""

    split: int
    place: NDArray[np.int64]
    end: NDArray[np.int64]
    text: NDArray[np.int64]
    flags: NDArray[np.int64]

    @classmethod
    def of(cls, column: Column) -> "_One":
        """For a column."""
        count = len(column.places)
        end, text = np.zeros((2, count), dtype=np.int64)
        return cls(int(column.split), ints(column.place_bits), end, text, np.zeros(1, dtype=np.int64))

    def room(self, length: int) -> int:
        """Bytes of scan buffer that a text of this length needs at most."""
        return scan_bytes_of_one(length, split=bool(self.split))


class SignatureScanner:
    """Judges batches by signatures. One per thread: a scan uses scratch space.

    Equal batches get equal verdicts, whatever came before: what is remembered is only what would be found
        again.

    Args:
        rule_set: The rules; the package's by default.
        cache: Where the package's compiled rules are cached; None for nowhere.
        disabled: Ids of rules that are not applied.
        least: Combined confidence of a row's rules from which it is an attack.
        model: The payload model; the package's by default, None for none.
        exceptions: Rules that do not count on some paths.

    Raises:
        RuleError: A disabled rule does not exist.
    """

    def __init__(
        self,
        rule_set: RuleSet | UncompiledRules | None = None,
        cache: Path | None = None,
        *,
        disabled: Collection[str] = (),
        least: float = DECISIVE,
        model: PayloadModel | None = PACKAGED,
        exceptions: Sequence[PathException] = (),
    ) -> None:
        rule_set = rule_set or load_rule_set(cache)
        self.rules = rule_set.rules
        self._search = search_for(rule_set)
        unknown = sorted(set(disabled) - {rule.id for rule in rule_set.rules})
        if unknown:
            raise RuleError(
                f"detectors.signatures.disabled_rules: there is no rule {unknown[0]!r}: an anomaly's evidence "
                "names the rule that matched"
            )
        self.least = least
        self._tables = RuleTables.of(rule_set.rules, disabled)
        self._model = packaged() if model is PACKAGED else model
        self.opinions = Opinions.of(self._model)
        self._exceptions = ExceptionTables.of(exceptions, rule_set.rules)
        self._judges_by = (rule_set.rules, frozenset(disabled), self._model, tuple(exceptions))
        self._locator = Locator(rule_set.rules)
        # Interpreted kernels serve inputs of a few batches, where remembering costs more than it saves.
        self._memory = None if INTERPRETED else Memory(self._tables.width)
        self._buffer = np.empty(0, dtype=np.uint8)
        self._ones = [_One.of(column) for column in COLUMNS]
        if self._model is not None:
            self._bounds = np.array([self._model.unit(bound) for bound in BANDS.values()])
            self._loud = self._model.unit(min(BANDS.values()))
            self._talk = np.array([self._model.talk_unit(bound) for bound in TALK])
        self._bands, self._type_bit = self._tables.band_bits, self._tables.type_bit
        self._opened = np.zeros(DEEPEST + 1, dtype=np.int64)
        self._best, self._window = np.empty(1), np.empty(2, dtype=np.int64)
        width = self._tables.width
        self._seen = np.zeros((1, width), np.uint8), np.zeros(1, np.uint8), np.zeros(1, np.float32)

    @classmethod
    def cached(
        cls,
        *,
        disabled: Collection[str] = (),
        least: float = DECISIVE,
        model: PayloadModel | None = PACKAGED,
    ) -> "SignatureScanner":
        """A scanner with the package's rules, compiled ones kept in the user's cache directory."""
        return cls(cache=cache_directory(), disabled=disabled, least=least, model=model)

    def remember_with(self, other: "SignatureScanner") -> bool:
        """Remember together with a scanner of another thread from now on, if it judges by the same rules.

        Returns:
            Whether it does; else nothing is done.
        """
        if self._memory is None or other._memory is None or self._judges_by != other._judges_by:  # noqa: SLF001 -- of the same class
            return False
        self._memory.share(other._memory)  # noqa: SLF001 -- as above
        return True

    def judge(self, requests: Requests) -> SignatureHits:
        """Judge a batch. Never raises for what its texts hold.

        Time is linear in the bytes of the batch's distinct texts; each rule is reported at most once per
        text.
        """
        columns = [column.of(requests) for column in COLUMNS]
        sizes = ints([len(column.vocabulary) for column in columns])
        first = np.cumsum(sizes) - sizes
        texts = int(sizes.sum())
        bits = np.zeros((texts, self._tables.width), dtype=np.uint8)
        dirty = np.zeros(texts, dtype=np.uint8)

        payload = np.full(texts, np.nan, dtype=np.float32)

        vocabularies = [column.vocabulary for column in columns]
        unknown = self._unknown(vocabularies, first, bits, dirty, payload)
        cut = self._look(vocabularies, unknown, first, bits, dirty, payload)
        if self._memory is not None:
            for vocabulary, ids, start in zip(vocabularies, unknown, first.tolist(), strict=True):
                if len(ids):
                    self._memory.remember(vocabulary, ids, start, bits, payload)
        return self._rows(requests, columns, first, bits, dirty, payload, cut)

    def look_at(self, column: int, text: Vocabulary) -> tuple[bool, float]:
        """Whether any rule hits a text of one of `COLUMNS`, and what the payload model says of it.

        A tenth of the work of judging a batch of one row. What rests on the flags of a request is not asked.

        Args:
            column: Place in `COLUMNS`. text: The only one.

        Returns:
            The second as in `SignatureHits.payload`, if no rule hits.
        """
        one = self._ones[column]
        places = len(one.place)
        room = one.room(text.length.item(0))
        if len(self._buffer) < room:
            self._buffer = np.empty(room + room // 4, dtype=np.uint8)
        length = decode_texts(
            text.buffer, text.start, text.length, _FIRST_ID, one.split, CLASSES, LOWER, self._buffer, 0, one.end,
            0, one.flags, 0,
        )  # fmt: skip
        bits, dirty, payload = self._seen
        bits.fill(0)
        dirty.fill(0)
        payload.fill(np.nan)
        targets = column == 0
        if targets and one.flags.item(0):
            tables = self._tables
            collect_flags(one.flags, _FIRST_ID, 0, tables.text_flag_mask, tables.text_flag_rule, bits, dirty)
        rows = _Rows(one.end, one.text, one.place, length if targets else 0, places if targets else 0, length)
        self._find(rows, bits, dirty, payload)
        said: float = payload.item(0)
        # A score that calls for a rule where none is left was taken back with it; see `_hush`.
        return bool(dirty.item(0)), math.nan if self._model is not None and said >= self._loud else said

    def weigh(self, rules: Iterable[int]) -> Weighed:
        """What rules come to together, as of a row that hit them."""
        bits = np.zeros((1, self._tables.width), dtype=np.uint8)
        for rule in rules:
            bits[0, rule >> 3] |= 1 << (rule & 7)
        dirty, tables = np.ones(1, dtype=np.uint8), self._tables
        weighed = _verdicts(1)
        weigh_texts(bits, dirty, tables.confidence, tables.factor, self._type_bit, *weighed)
        confidence, top_rule, types, plain = weighed
        return Weighed(float(confidence[0]), int(top_rule[0]), int(types[0]), float(plain[0]))

    @property
    def odd_flags(self) -> int:
        """Bits of `RequestFlag` that a rule rests on."""
        return int(np.bitwise_or.reduce(self._tables.request_flag_mask, initial=0))

    def _look(
        self,
        vocabularies: list[Vocabulary],
        unknown: list[NDArray[np.int64]],
        first: NDArray[np.int64],
        bits: NDArray[np.uint8],
        dirty: NDArray[np.uint8],
        payload: NDArray[np.float32],
    ) -> int:
        """Find the rules that texts hit; how many texts were too long to be judged whole."""
        rows = self._decode(vocabularies, unknown, first, bits, dirty)
        self._find(rows, bits, dirty, payload)
        return rows.cut

    def _find(
        self, rows: _Rows, bits: NDArray[np.uint8], dirty: NDArray[np.uint8], payload: NDArray[np.float32]
    ) -> None:
        """Find the rules that decoded rows hit."""
        self._scan(rows, bits, dirty)
        if rows.targets:
            self._judge_targets(rows, bits, dirty, payload)
        if len(self._exceptions.ends) and dirty.any():
            self._except(rows, bits, dirty)

    def _judge_targets(
        self, rows: _Rows, bits: NDArray[np.uint8], dirty: NDArray[np.uint8], payload: NDArray[np.float32]
    ) -> None:
        """Add what the payload model finds in targets, and take back what does not count."""
        if self._model is not None:
            self._score(self._model, rows, bits, dirty, payload)
        if dirty.any():
            self._find_contexts(rows, bits, dirty)
            self._take_back(rows, bits, dirty)

    def _unknown(
        self,
        vocabularies: list[Vocabulary],
        first: NDArray[np.int64],
        bits: NDArray[np.uint8],
        dirty: NDArray[np.uint8],
        payload: NDArray[np.float32],
    ) -> list[NDArray[np.int64]]:
        """Ids of the texts of each column that have to be scanned."""
        if self._memory is None:
            return [np.arange(len(vocabulary), dtype=np.int64) for vocabulary in vocabularies]
        self._memory.prepare(len(dirty))
        return [
            self._memory.recall(vocabulary, column, int(first[column]), bits, dirty, payload)
            for column, vocabulary in enumerate(vocabularies)
        ]

    def _decode(
        self,
        vocabularies: list[Vocabulary],
        unknown: list[NDArray[np.int64]],
        first: NDArray[np.int64],
        bits: NDArray[np.uint8],
        dirty: NDArray[np.uint8],
    ) -> _Rows:
        """Decode texts into the scan buffer, and judge the flags of targets."""
        room = sum(
            scan_bytes(vocabulary.length[ids], split=column.split)
            for column, vocabulary, ids in zip(COLUMNS, vocabularies, unknown, strict=True)
            if len(ids)
        )
        if len(self._buffer) < room:
            self._buffer = np.empty(room + room // 4, dtype=np.uint8)
        count = sum(len(ids) * len(column.places) for column, ids in zip(COLUMNS, unknown, strict=True))
        rows = _Rows.empty(count)
        row = 0
        for index, (column, vocabulary, ids) in enumerate(zip(COLUMNS, vocabularies, unknown, strict=True)):
            if not len(ids):
                continue
            flags = np.empty(len(ids), dtype=np.int64)
            rows.length = decode_texts(
                vocabulary.buffer, vocabulary.start, vocabulary.length, ids, int(column.split), CLASSES,
                LOWER, self._buffer, rows.length, rows.end, row, flags, 0,
            )  # fmt: skip
            rows.cut += int(np.count_nonzero(flags & int(TextFlag.CUT)))
            past = row + len(ids) * len(column.places)
            rows.text[row:past] = np.repeat(ids + first[index], len(column.places))
            rows.place[row:past].reshape(len(ids), -1)[:] = column.place_bits
            row = past
            if index == 0:
                rows.target_length = rows.length
                rows.targets = row
                collect_flags(
                    flags,
                    ids,
                    int(first[0]),
                    self._tables.text_flag_mask,
                    self._tables.text_flag_rule,
                    bits,
                    dirty,
                )
        return rows

    def _scan(self, rows: _Rows, bits: NDArray[np.uint8], dirty: NDArray[np.uint8]) -> None:
        """Find the rules that hit rows of the scan buffer by what they match."""
        places = self._tables.places
        for hits, end, which in self._search.find(self._buffer, rows):
            if hits:
                text, place = (
                    (rows.text, rows.place) if which is None else (rows.text[which], rows.place[which])
                )
                collect_hits(ints(hits), end, text, place, places, bits, dirty)

    def _score(
        self,
        model: PayloadModel,
        rows: _Rows,
        bits: NDArray[np.uint8],
        dirty: NDArray[np.uint8],
        payload: NDArray[np.float32],
    ) -> None:
        """Set the bits of what the payload model says of paths and queries."""
        score_rows(
            SYMBOLS, self._buffer, rows.end, rows.targets, rows.text, rows.place, PLACE_BITS[Place.QUERY],
            model.weights, roots(), self._bounds, self._tables.band_rule, model.talk, self._talk,
            self._tables.talk_bits, self._best, self._window, bits, dirty, payload,
        )  # fmt: skip

    def _find_contexts(self, rows: _Rows, bits: NDArray[np.uint8], dirty: NDArray[np.uint8]) -> None:
        """Find the rules that tell context in targets that others hit: nobody else asks for them."""
        texts, end, which = chosen(self._buffer, rows.end[: rows.targets], dirty[rows.text[: rows.targets]])
        hits = self._search.contexts(texts)
        if hits:
            collect_hits(
                ints(hits), end, rows.text[which], rows.place[which], self._tables.places, bits, dirty
            )

    def _take_back(self, rows: _Rows, bits: NDArray[np.uint8], dirty: NDArray[np.uint8]) -> None:
        """Take back what other rules excuse, and what harmless markup hits."""
        tables = self._tables
        take_back_excused(
            rows.targets, rows.text, tables.context_bits, tables.context_rule, tables.context_beside, tables.excused,
            bits, dirty,
        )  # fmt: skip
        take_back_markup(
            self._buffer, rows.end, rows.targets, rows.text, rows.place, PLACE_BITS[Place.QUERY],
            tables.markup_bits, self._bands, ELEMENTS, ATTRIBUTES, SIGNS, self._opened, bits, dirty,
        )  # fmt: skip

    def _except(self, rows: _Rows, bits: NDArray[np.uint8], dirty: NDArray[np.uint8]) -> None:
        """Take back the rules that are switched off on the path of a target, or of what is written."""
        tables = self._exceptions
        except_paths(
            self._buffer, rows.end, len(rows.end), rows.text, rows.place, _PATHS,
            tables.patterns, tables.ends, tables.kept, bits, dirty,
        )  # fmt: skip

    def _rows(
        self,
        requests: Requests,
        columns: Sequence[Coded],
        first: NDArray[np.int64],
        bits: NDArray[np.uint8],
        dirty: NDArray[np.uint8],
        payload: NDArray[np.float32],
        cut: int,
    ) -> SignatureHits:
        """From the verdicts of texts to those of rows."""
        tables = self._tables
        of_texts = _verdicts(len(dirty))
        weigh_texts(bits, dirty, tables.confidence, tables.factor, self._type_bit, *of_texts)
        of_rows = _verdicts(len(requests))
        ids = np.stack([column.ids for column in columns])
        union = np.zeros((1, tables.width), dtype=np.uint8)
        judge_rows(
            ids, first, requests.flags, tables.request_flag_mask, tables.request_flag_rule, tables.confidence,
            tables.factor, self._type_bit, bits, dirty, *of_texts, union, *of_rows,
        )  # fmt: skip
        self._hush(bits, payload)
        # Number -1, of a target that was not recorded, picks the last element.
        of_target = np.append(payload[: len(columns[0].vocabulary)], np.float32(np.nan))
        told = ToldHits(*of_rows, cut, bits, dirty, first, of_target[ids[0]])
        found = self.hits(requests, told)
        found.knows(columns)
        return found

    def _hush(self, bits: NDArray[np.uint8], payload: NDArray[np.float32]) -> None:
        """Take back scores of the payload model whose rule is switched off, for all or on a text's path."""
        if self._model is None:
            return
        loud = np.flatnonzero(payload >= self._loud)
        if len(loud):
            payload[loud[~(bits[loud] & self._bands).any(axis=1)]] = np.nan

    def hits(self, requests: Requests, told: ToldHits) -> SignatureHits:
        """The verdicts on a batch as a scanner like this one, in another process, told them."""
        return SignatureHits(*told, requests, self._tables, self._locator, self.opinions, self.least)


_PATHS = PLACE_BITS[Place.PATH] | PLACE_BITS[Place.WRITTEN]

_FIRST_ID = np.zeros(1, dtype=np.int64)


def _verdicts(
    count: int,
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.uint32], NDArray[np.float32]]:
    """Room for confidence, most confident rule, types and the rules' own confidence of so many texts or rows."""
    return (
        np.empty(count, dtype=np.float32),
        np.empty(count, dtype=np.int32),
        np.empty(count, dtype=np.uint32),
        np.empty(count, dtype=np.float32),
    )
