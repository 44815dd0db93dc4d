"""Which part of a text a rule matched. The scan of a batch does not say: few rows are ever shown.

The scan's databases would say it too, but each takes 5 ms to compile for this; RE2 takes 0.1 ms for the same
expression, and is linear in the text as well.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import re2

from vedette.detectors.signatures.columns import COLUMNS
from vedette.detectors.signatures.compile import prepare
from vedette.detectors.signatures.payload_model import packaged
from vedette.detectors.signatures.rules import FLAGS, PLACE_BITS, Place, Rule
from vedette.kernels.requests.decode import decode_texts, parts_of, scan_bytes
from vedette.kernels.requests.text_classes import CLASSES, LOWER
from vedette.schema.requests import RequestFlag, Vocabulary

ROW_END = b"\0"
"""What `$` stands for (see `compile.prepare`)."""
LONGEST = 200
"""Bytes of matched text that are kept."""
AUTOMATON_BYTES = 1 << 20
"""Memory that one rule's automaton may take; a text that would need more is searched more slowly."""
WIDE_AUTOMATON_BYTES = 4 << 20
"""The same of a rule that counts to a hundred or further: five of the packaged ones do."""
_COUNTS_FAR = re.compile(rb"\{\d*,\d{3,}\}")
"""A repetition whose automaton has a state for each of a hundred bytes and more, of all that began before."""
_SPLITS = sorted({column.split for column in COLUMNS})
_QUERIES = frozenset({Place.QUERY, Place.REFERER_QUERY})
_ORIGINS = frozenset({Place.ORIGIN, Place.REFERER_ORIGIN})
_SHOWN = {Place.ORIGIN: Place.TARGET} | dict.fromkeys(
    (Place.REFERER_ORIGIN, Place.REFERER_PATH, Place.REFERER_QUERY), Place.REFERER
)
"""What places are called that a reader need not tell apart."""

REMEMBERED = 4096
REMEMBERED_BYTES = 1_000
"""Texts in which matches are remembered: so many, of at most so many bytes."""


Finder = Callable[[bytes], tuple[int, int]]
"""Where the first match in a text begins and ends, both -1 for none."""


class Match(NamedTuple):
    """What a rule matched."""

    rule: int
    place: Place
    text: bytes
    """The decoded text that matched, or for a `raw` rule the text as logged. Of hostile origin."""


class Asked(NamedTuple):
    """A text, the column it stands in (its place in `COLUMNS`), and a rule that hit it."""

    text: bytes
    column: int
    rule: int


def decode(texts: Sequence[bytes], *, split: int) -> list[list[bytes]]:
    """Texts as rules see them: each becomes one row, or several; see `decode_texts`."""
    vocabulary = Vocabulary.of(texts)
    count, parts = len(texts), parts_of(split)
    out = np.empty(scan_bytes(vocabulary.length, split=split), dtype=np.uint8)
    ends = np.zeros(parts * count, dtype=np.int64)
    flags = np.zeros(count, dtype=np.int64)
    decode_texts(
        vocabulary.buffer, vocabulary.start, vocabulary.length, np.arange(count), split, CLASSES, LOWER,
        out, 0, ends, 0, flags, 0,
    )  # fmt: skip
    decoded, past = out.tobytes(), ends.tolist()
    # Each row ends in NUL and a line break.
    rows = [decoded[begin : end - 2] for begin, end in zip([0, *past], past, strict=False)]
    return [rows[at : at + parts] for at in range(0, len(rows), parts)]


def automaton_options(most: int = AUTOMATON_BYTES) -> Any:
    """How RE2 compiles expressions over bytes, whose automata may take so many bytes. It publishes no types."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.never_capture = True
    options.max_mem = most
    return options


def finder(pattern: Any) -> Finder:
    """What finds the first match of what `re2.compile` returned, which publishes no types.

    Its own `search` makes a generator and an object for each call, four times what the library's search itself takes.
    Where the binding holds that under another name, `search` is asked.
    """
    match = getattr(getattr(pattern, "_regexp", None), "Match", None)
    anywhere = getattr(getattr(re2, "_Anchor", None), "UNANCHORED", None)
    if match is None or anywhere is None:
        return partial(_searched, pattern)

    def find(text: bytes) -> tuple[int, int]:
        spans: list[tuple[int, int]] = match(anywhere, text, 0, len(text))
        return spans[0]

    return find


def _nowhere(_text: bytes) -> tuple[int, int]:
    return -1, -1


def _searched(pattern: Any, text: bytes) -> tuple[int, int]:
    found = pattern.search(text)
    return (-1, -1) if found is None else found.span()


class Locator:
    """Finds what rules matched.

    Attributes:
        rank: Of each rule its place among all, the most confident first, of equals the one that comes first.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.request_flags = [
            (index, int(flag))
            for index, rule in enumerate(rules)
            if rule.flag is not None and isinstance(flag := FLAGS[rule.flag], RequestFlag)
        ]
        """Rules that rest on a flag of the request, with the flag."""
        self._options, self._wide = automaton_options(), automaton_options(WIDE_AUTOMATON_BYTES)
        self._patterns: dict[int, Finder | None] = {}
        self._looks: dict[tuple[int, int], tuple[Finder, list[tuple[int, Place]]]] = {}
        self._weighs = [rule.band is not None for rule in rules]
        # Rules that read decoded text.
        self._reading = {
            number for number, rule in enumerate(rules) if rule.pattern is not None or rule.band is not None
        }
        order = sorted(range(len(rules)), key=lambda rule: (-rules[rule].confidence, rule))
        self.rank = {rule: place for place, rule in enumerate(order)}
        self._known: dict[Asked, Match | None] = {}

    def find(self, asked: Sequence[Asked]) -> list[Match | None]:
        """What each rule matched in its text; None where it looks elsewhere.

        Texts are decoded together: one at a time costs ten times as much. What was found is remembered for a while:
        attacks repeat themselves.
        """
        if len(self._known) > REMEMBERED:
            self._known.clear()
        known = self._known
        fresh: dict[Asked, Match | None] = {one: None for one in asked if one not in known}
        if not fresh:
            return [known[one] for one in asked]
        for split in _SPLITS:
            # What rests on how a text was written needs no decoding.
            some = [one for one in fresh if COLUMNS[one.column].split == split and one.rule in self._reading]
            numbers = {text: number for number, text in enumerate(dict.fromkeys(one.text for one in some))}
            rows = decode(list(numbers), split=split) if numbers else []
            weighed = []
            for one in some:
                if self._weighs[one.rule]:
                    weighed.append((one, rows[numbers[one.text]]))
                else:
                    fresh[one] = self._first(one, rows[numbers[one.text]])
            fresh.update(self._worst(weighed))
        for one in fresh:
            if one.rule not in self._reading:
                fresh[one] = self.whole(one.text, one.rule)
        known.update((one, match) for one, match in fresh.items() if len(one.text) <= REMEMBERED_BYTES)
        return [fresh[one] if one in fresh else known[one] for one in asked]

    def whole(self, text: bytes, rule: int) -> Match:
        """The match of a rule that rests on how the text was written."""
        return Match(rule, Place.RAW, text[:LONGEST])

    def _worst(self, asked: Sequence[tuple[Asked, Sequence[bytes]]]) -> Iterator[tuple[Asked, Match | None]]:
        """What the payload model found worst in texts, each with its rows."""
        if not asked:
            return
        found = iter(
            packaged().windows(
                [
                    (row, place in _QUERIES)
                    for one, rows in asked
                    for place, row in zip(COLUMNS[one.column].places, rows, strict=True)
                    if place not in _ORIGINS
                ]
            )
        )
        for one, _ in asked:
            worst: tuple[float, Match] | None = None
            for place in COLUMNS[one.column].places:
                scored = None if place in _ORIGINS else next(found)
                if scored is not None and (worst is None or scored[0] > worst[0]):
                    worst = scored[0], Match(one.rule, _SHOWN.get(place, place), scored[1])
            yield one, worst[1] if worst else None

    def _first(self, asked: Asked, rows: Sequence[bytes]) -> Match | None:
        _, column, rule = asked
        if (column, rule) not in self._looks:
            self._looks[column, rule] = self._look(column, rule)
        search, places = self._looks[column, rule]
        for number, place in places:
            row = rows[number]
            begin, end = search(row + ROW_END)
            if begin >= 0:
                return Match(rule, _SHOWN.get(place, place), row[begin : min(end, begin + LONGEST)])
        return None

    def _look(self, column: int, rule: int) -> tuple[Finder, list[tuple[int, Place]]]:
        """What finds a rule in texts of a column, and in which of a text's rows it is looked for."""
        search = self._pattern(rule)
        if search is None:
            return _nowhere, []
        bits, rows = self.rules[rule].place_bits, enumerate(COLUMNS[column].places)
        return search, [(number, place) for number, place in rows if PLACE_BITS[place] & bits]

    def _pattern(self, rule: int) -> Finder | None:
        if rule not in self._patterns:
            try:
                expression = prepare(self.rules[rule].pattern or "").encode()
                options = self._wide if _COUNTS_FAR.search(expression) else self._options
                self._patterns[rule] = finder(re2.compile(expression, options))
            except re2.error:
                # Beyond RE2: nothing can be shown, which `check_rules` reports.
                self._patterns[rule] = None
        return self._patterns[rule]
