"""Which part of a text a rule matched. The scan of a batch does not say: few rows are ever shown."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

import hyperscan
import numpy as np

from vedette.detectors.signatures.columns import Column
from vedette.detectors.signatures.compile import prepare
from vedette.detectors.signatures.rules import FLAGS, Place, Rule
from vedette.kernels.decode import CLASSES, LOWER, decode_texts, scan_bytes
from vedette.schema.requests import RequestFlag, Vocabulary

ROW_END = b"\0\n"
LONGEST = 200
"""Bytes of matched text that are kept."""


class Match(NamedTuple):
    """What a rule matched."""

    rule: int
    place: Place
    text: bytes
    """The decoded text that matched, or for a `raw` rule the text as logged. Of hostile origin."""


def decode(text: bytes, *, split: bool) -> list[bytes]:
    """A text as rules see it: one row, or the rows before and after its first `?`."""
    vocabulary = Vocabulary.of([text])
    out = np.empty(scan_bytes(vocabulary.length, split=split), dtype=np.uint8)
    ends = np.zeros(2, dtype=np.int64)
    flags = np.zeros(1, dtype=np.int64)
    only = np.zeros(1, dtype=np.int64)
    decode_texts(
        vocabulary.buffer, vocabulary.start, vocabulary.length, only, int(split), CLASSES, LOWER, out, 0,
        ends, 0,
        flags, 0,
    )  # fmt: skip
    starts = [0, int(ends[0])] if split else [0]
    return [out[begin : int(end) - 2].tobytes() for begin, end in zip(starts, ends.tolist(), strict=False)]


class Locator:
    """Finds what rules matched, with one small database per rule, made when first asked for."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.request_flags = [
            (index, int(flag))
            for index, rule in enumerate(rules)
            if rule.flag is not None and isinstance(flag := FLAGS[rule.flag], RequestFlag)
        ]
        """Rules that rest on a flag of the request, with the flag."""
        self._databases: dict[int, hyperscan.Database] = {}

    def find(self, text: bytes, column: Column, rules: Iterable[int]) -> list[Match]:
        """What `rules`, which all hit `text` of `column`, matched in it."""
        rows: list[bytes] | None = None
        matches = []
        for index in rules:
            rule = self.rules[index]
            if rule.pattern is None:
                matches.append(self.whole(text, index))
                continue
            looked_at = [
                place in rule.places or (Place.TARGET in rule.places and column.name == "target")
                for place in column.places
            ]
            if not any(looked_at):
                continue
            # Decoding costs more than the look: not before some rule looks here.
            rows = decode(text, split=column.split) if rows is None else rows
            for place, row, here in zip(column.places, rows, looked_at, strict=True):
                if here:
                    span = self._first(index, row)
                    if span is not None:
                        matches.append(Match(index, place, row[max(span[0], span[1] - LONGEST) : span[1]]))
                        break
        return matches

    def whole(self, text: bytes, rule: int) -> Match:
        """The match of a rule that rests on how the text was written."""
        return Match(rule, Place.RAW, text[:LONGEST])

    def _first(self, rule: int, row: bytes) -> tuple[int, int] | None:
        """Start and end of the match that ends first, the longest of those."""
        database = self._databases.get(rule)
        if database is None:
            database = self._databases[rule] = _locating(self.rules[rule].pattern or "")
        found: list[tuple[int, int]] = []

        def on_match(_id: int, start: int, end: int, _flags: int, _context: object) -> bool:
            found.append((start, end))
            return True

        with suppress(hyperscan.ScanTerminated):
            database.scan(row + ROW_END, match_event_handler=on_match)
        return found[0] if found else None


def _locating(pattern: str) -> hyperscan.Database:
    """A database of one pattern that says where a match starts, if Hyperscan can track that."""
    prepared = prepare(pattern)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_SOM_LEFTMOST
    try:
        database.compile(expressions=[prepared.encode()], ids=[0], flags=[flags])
    except hyperscan.error:
        # Too large to track: every match starts at 0, and `find` keeps the bytes before its end.
        database.compile(expressions=[prepared.encode()], ids=[0], flags=[hyperscan.HS_FLAG_MULTILINE])
    return database
