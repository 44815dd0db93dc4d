"""Words of a text, and the shapes that they stand in."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.kernels.requests.grams import WINDOW
from vedette.kernels.requests.word_shapes import GRAMMAR, LONGEST, PER_BYTE, SHORTEST, list_shapes

SLOTS = 1 << 16
WORDS = bytes([*range(48, 58), *range(97, 123), *range(128, 256)])
TOKENS = re.compile(rb"[a-z\x80-\xff]+|[0-9]+|[^a-z0-9\x80-\xff]")


def shapes(text: bytes) -> list[int]:
    """Slots of a text's words and shapes."""
    slot = np.zeros(PER_BYTE * (WINDOW + 2), dtype=np.int64)
    count = list_shapes(GRAMMAR, np.frombuffer(text + b"\0", dtype=np.uint8), 0, len(text), SLOTS, slot)
    assert count <= PER_BYTE * (len(text) + 2)
    return slot[:count].tolist()


@given(st.binary(max_size=WINDOW) | st.from_regex(rb"([a-z]{1,9}|[0-9]{1,3}|[ '<=;(]){0,20}", fullmatch=True))
def test_there_is_a_word_for_each_run_of_letters_and_a_shape_for_each_token_and_edge(text: bytes):
    text = text[:WINDOW]
    tokens = TOKENS.findall(text)
    words = sum(token[:1] in WORDS for token in tokens)
    # Both edges are tokens, too.
    among = sum(max(0, len(tokens) + 2 - size + 1) for size in range(SHORTEST, LONGEST + 1))
    found = shapes(text)
    assert len(found) == words + among
    assert all(0 <= one < SLOTS for one in found)


def test_a_word_that_grammar_needs_stands_for_itself_in_a_shape_and_others_for_each_other():
    nouns, prepositions = shapes(b"(cat) in"), shapes(b"(dog) in")
    # But for the words themselves.
    assert len(set(nouns) ^ set(prepositions)) == 2
    assert len(set(shapes(b"(cat) in")) ^ set(shapes(b"(cat) by"))) > 2


def test_numbers_are_alike_and_long_words_that_begin_alike():
    assert shapes(b"sleep(5)") == shapes(b"sleep(1234)")
    assert shapes(b"abcdefghi") == shapes(b"abcdefghxyz")
    assert shapes(b"abcdefg") != shapes(b"abcdefgh")


def test_what_stands_around_a_window_is_not_looked_at():
    slot = np.zeros(PER_BYTE * (WINDOW + 2), dtype=np.int64)
    text = np.frombuffer(b"xx how to yy\0", dtype=np.uint8)
    count = list_shapes(GRAMMAR, text, 3, 9, SLOTS, slot)
    assert slot[:count].tolist() == shapes(b"how to")
