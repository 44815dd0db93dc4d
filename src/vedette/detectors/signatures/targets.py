"""What is judged of targets and referers besides what rules match: the payload model, and what takes hits back."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.decoding import Rows
from vedette.detectors.signatures.marks import chosen
from vedette.detectors.signatures.payload_model import PayloadModel, roots
from vedette.detectors.signatures.rules import BANDS, BEYOND_DOUBT, PLACE_BITS, TALK, Place
from vedette.detectors.signatures.searching import Search
from vedette.detectors.signatures.tables import RuleTables, ints
from vedette.kernels.requests.contexts import take_back_excused
from vedette.kernels.requests.grams import SYMBOLS, WINDOW, score_rows
from vedette.kernels.requests.markup import ATTRIBUTES, DEEPEST, ELEMENTS, SIGNS, take_back_markup
from vedette.kernels.requests.talk import take_back_talk
from vedette.kernels.requests.verdicts import collect_hits
from vedette.kernels.requests.word_shapes import GRAMMAR, PER_BYTE

_QUERIES = PLACE_BITS[Place.QUERY] | PLACE_BITS[Place.REFERER_QUERY]
_ORIGINS = PLACE_BITS[Place.ORIGIN] | PLACE_BITS[Place.REFERER_ORIGIN]
_NAMED = PLACE_BITS[Place.REFERER_ORIGIN]


class TextVerdicts(NamedTuple):
    """What is found in each text of a batch.

    Attributes:
        bits: uint8 (texts, w): the rules that it hit, rule r is bit `r & 7` of byte `r >> 3`.
        dirty: uint8 (texts,): whether it hit any.
        payload: float32 (texts,): what the payload model says; NaN where it was not asked.
    """

    bits: NDArray[np.uint8]
    dirty: NDArray[np.uint8]
    payload: NDArray[np.float32]


class TargetJudge:
    """Judges the targets and referers in a scan buffer. One per thread: it uses scratch space.

    Args:
        tables: Of the rules. search: What finds rules that tell context. model: The payload model, None for none.
    """

    def __init__(self, tables: RuleTables, search: Search, model: PayloadModel | None) -> None:
        self._tables = tables
        self._search = search
        self._model = model
        if model is not None:
            self._bounds = np.array([model.unit(bound) for bound in BANDS.values()])
            self._loud = model.unit(min(BANDS.values()))
            self._talk = np.array([[model.talk_unit(bound) for bound in of] for of in (TALK, BEYOND_DOUBT)])
        self._bands = tables.band_bits
        self._opened = np.zeros(DEEPEST + 1, dtype=np.int64)
        self._best, self._window = np.empty(1), np.empty(2, dtype=np.int64)
        self._slot = np.empty(PER_BYTE * (WINDOW + 2), dtype=np.int64)

    def judge(self, buffer: NDArray[np.uint8], rows: Rows, found: TextVerdicts) -> None:
        """Add what the payload model finds in targets and referers, and take back what does not count."""
        if self._model is not None:
            self._score(self._model, buffer, rows, found)
            if found.dirty.any():
                self._take_back_talk(self._model, buffer, rows, found)
        if found.dirty.any():
            self._find_contexts(buffer, rows, found)
            self._take_back(buffer, rows, found)

    def is_loud(self, score: float) -> bool:
        """Whether a score of the payload model calls for a rule."""
        return self._model is not None and score >= self._loud

    def hush(self, bits: NDArray[np.uint8], payload: NDArray[np.float32]) -> None:
        """Take back scores of the payload model whose rule is switched off, for all or on a text's path."""
        if self._model is None:
            return
        loud = np.flatnonzero(payload >= self._loud)
        if len(loud):
            payload[loud[~(bits[loud] & self._bands).any(axis=1)]] = np.nan

    def _score(self, model: PayloadModel, buffer: NDArray[np.uint8], rows: Rows, found: TextVerdicts) -> None:
        """Set the bits of what the payload model says of paths and queries."""
        score_rows(
            SYMBOLS, buffer, rows.end, rows.judged, rows.text, rows.place, _QUERIES, _ORIGINS,
            model.weights, roots(), self._bounds, self._tables.band_rule, self._best, self._window, *found,
        )  # fmt: skip

    def _take_back_talk(
        self, model: PayloadModel, buffer: NDArray[np.uint8], rows: Rows, found: TextVerdicts
    ) -> None:
        """Take back what people hit who write about attacks."""
        take_back_talk(
            SYMBOLS, GRAMMAR, buffer, rows.end, rows.judged, rows.text, rows.place, _QUERIES, _ORIGINS, _NAMED,
            model.talk, roots(), self._talk, self._tables.talk_bits, float(self._bounds[-1]), self._slot, *found,
        )  # fmt: skip

    def _find_contexts(self, buffer: NDArray[np.uint8], rows: Rows, found: TextVerdicts) -> None:
        """Find the rules that tell context in texts that others hit: nobody else asks for them."""
        texts, end, which = chosen(buffer, rows.end[: rows.judged], found.dirty[rows.text[: rows.judged]])
        hits = self._search.contexts(texts)
        if hits:
            text, place = rows.text[which], rows.place[which]
            collect_hits(ints(hits), end, text, place, self._tables.places, found.bits, found.dirty)

    def _take_back(self, buffer: NDArray[np.uint8], rows: Rows, found: TextVerdicts) -> None:
        """Take back what other rules excuse, and what harmless markup hits."""
        tables = self._tables
        take_back_excused(
            rows.judged, rows.text, tables.context_bits, tables.context_rule, tables.context_beside, tables.excused,
            found.bits, found.dirty,
        )  # fmt: skip
        take_back_markup(
            buffer, rows.end, rows.judged, rows.text, rows.place, _QUERIES,
            tables.markup_bits, self._bands, ELEMENTS, ATTRIBUTES, SIGNS, self._opened, found.bits, found.dirty,
        )  # fmt: skip
