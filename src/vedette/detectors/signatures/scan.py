"""Judging a batch by signatures: each distinct text once, then rows by numbers alone."""

import math
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.columns import COLUMNS
from vedette.detectors.signatures.database import RuleSet, UncompiledRules, load_rule_set
from vedette.detectors.signatures.decoding import Rows, ScanBuffer
from vedette.detectors.signatures.evidence import Locator
from vedette.detectors.signatures.exceptions import ExceptionTables, PathException
from vedette.detectors.signatures.hits import SignatureHits, ToldHits, Weighed
from vedette.detectors.signatures.memory import Memory
from vedette.detectors.signatures.opinions import Opinions
from vedette.detectors.signatures.payload_model import PACKAGED, PayloadModel, packaged
from vedette.detectors.signatures.rules import DECISIVE, PLACE_BITS, Place, RuleError
from vedette.detectors.signatures.searching import search_for
from vedette.detectors.signatures.tables import RuleTables, ints
from vedette.detectors.signatures.targets import TargetJudge, TextVerdicts
from vedette.kernels.cache import cache_directory
from vedette.kernels.compile import INTERPRETED
from vedette.kernels.requests.globs import except_paths
from vedette.kernels.requests.verdicts import collect_flags, collect_hits, judge_rows, weigh_texts
from vedette.schema.requests import Coded, Requests, Vocabulary


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
        self._type_bit = self._tables.type_bit
        self._buffer = ScanBuffer()
        self._targets = TargetJudge(self._tables, self._search, self._model)
        self._seen = _nothing_found(1, self._tables.width)

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
        found = _nothing_found(texts, self._tables.width)
        vocabularies = [column.vocabulary for column in columns]
        unknown = self._unknown(vocabularies, first, found)
        rows = self._buffer.decode(vocabularies, unknown, first)
        if rows.targets:
            self._collect_flags(rows, unknown[0], found)
        self._find(rows, found)
        if self._memory is not None:
            for vocabulary, ids, start in zip(vocabularies, unknown, first.tolist(), strict=True):
                if len(ids):
                    self._memory.remember(vocabulary, ids, start, found.bits, found.payload)
        return self._rows(requests, columns, first, found, rows.cut)

    def look_at(self, column: int, text: Vocabulary) -> tuple[bool, float]:
        """Whether any rule hits a text of one of `COLUMNS`, and what the payload model says of it.

        A tenth of the work of judging a batch of one row. What rests on the flags of a request is not asked.

        Args:
            column: Place in `COLUMNS`. text: The only one.

        Returns:
            The second as in `SignatureHits.payload`, if no rule hits.
        """
        rows = self._buffer.decode_one(column, text)
        found = self._seen
        found.bits.fill(0)
        found.dirty.fill(0)
        found.payload.fill(np.nan)
        if rows.targets and rows.flags.item(0):
            self._collect_flags(rows, _FIRST_ID, found)
        self._find(rows, found)
        said: float = found.payload.item(0)
        # A score that calls for a rule where none is left was taken back with it; see `TargetJudge.hush`.
        return bool(found.dirty.item(0)), math.nan if self._targets.is_loud(said) else said

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

    def _find(self, rows: Rows, found: TextVerdicts) -> None:
        """Find the rules that decoded rows hit."""
        self._scan(rows, found)
        if rows.judged:
            self._targets.judge(self._buffer.content, rows, found)
        if len(self._exceptions.ends) and found.dirty.any():
            self._except(rows, found)

    def _collect_flags(self, rows: Rows, ids: NDArray[np.int64], found: TextVerdicts) -> None:
        """Judge the flags of targets, whose texts are numbered from 0."""
        tables = self._tables
        collect_flags(
            rows.flags, ids, 0, tables.text_flag_mask, tables.text_flag_rule, found.bits, found.dirty
        )

    def _unknown(
        self,
        vocabularies: list[Vocabulary],
        first: NDArray[np.int64],
        found: TextVerdicts,
    ) -> list[NDArray[np.int64]]:
        """Ids of the texts of each column that have to be scanned."""
        if self._memory is None:
            return [np.arange(len(vocabulary), dtype=np.int64) for vocabulary in vocabularies]
        self._memory.prepare(len(found.dirty))
        return [
            self._memory.recall(vocabulary, column, int(first[column]), *found)
            for column, vocabulary in enumerate(vocabularies)
        ]

    def _scan(self, rows: Rows, found: TextVerdicts) -> None:
        """Find the rules that hit rows of the scan buffer by what they match."""
        places = self._tables.places
        for hits, end, which in self._search.find(self._buffer.content, rows):
            if hits:
                text, place = (
                    (rows.text, rows.place) if which is None else (rows.text[which], rows.place[which])
                )
                collect_hits(ints(hits), end, text, place, places, found.bits, found.dirty)

    def _except(self, rows: Rows, found: TextVerdicts) -> None:
        """Take back the rules that are switched off on the path of a target, or of what is written."""
        tables = self._exceptions
        except_paths(
            self._buffer.content, rows.end, len(rows.end), rows.text, rows.place, _PATHS,
            tables.patterns, tables.ends, tables.kept, found.bits, found.dirty,
        )  # fmt: skip

    def _rows(
        self,
        requests: Requests,
        columns: Sequence[Coded],
        first: NDArray[np.int64],
        found: TextVerdicts,
        cut: int,
    ) -> SignatureHits:
        """From the verdicts of texts to those of rows."""
        bits, dirty, payload = found
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
        self._targets.hush(bits, payload)
        # Number -1, of a target that was not recorded, picks the last element.
        of_target = np.append(payload[: len(columns[0].vocabulary)], np.float32(np.nan))
        told = ToldHits(*of_rows, cut, bits, dirty, first, of_target[ids[0]])
        hits = self.hits(requests, told)
        hits.knows(columns)
        return hits

    def hits(self, requests: Requests, told: ToldHits) -> SignatureHits:
        """The verdicts on a batch as a scanner like this one, in another process, told them."""
        return SignatureHits(*told, requests, self._tables, self._locator, self.opinions, self.least)


_PATHS = PLACE_BITS[Place.PATH] | PLACE_BITS[Place.WRITTEN] | PLACE_BITS[Place.REFERER_PATH]

_FIRST_ID = np.zeros(1, dtype=np.int64)


def _nothing_found(texts: int, width: int) -> TextVerdicts:
    """Of so many texts, with so many bytes of rules."""
    return TextVerdicts(
        np.zeros((texts, width), dtype=np.uint8),
        np.zeros(texts, dtype=np.uint8),
        np.full(texts, np.nan, dtype=np.float32),
    )


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
