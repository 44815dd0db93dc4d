"""Words of request text, and the shapes that they stand in.

Letters alone do not tell a question about an attack from one: both hold `select` and `<script>`. What tells them apart
is the words around those, and how words and marks follow each other: in `sleep(5) in php` other words stand where an
attack has marks. So a text becomes words, numbers, blanks and marks; *shapes* are runs of three to five of them,
where a word that grammar needs (`how`, `the`, `in`) stands for itself and any other one for all others. Words and
shapes are hashed to the weights of a table of their own, beside the grams' (`kernels.requests.grams`).
"""

import numpy as np

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel, subkernel

SHORTEST = 3
LONGEST = 5
"""Tokens of a shape."""
PER_BYTE = LONGEST - SHORTEST + 2
"""How many shapes and words end at a byte, at most."""
_FIRST = 8
"""Bytes of a word that tell it from others."""
_SEED = 0x11C9DC5
_PRIME = 0x1000193
_MIX = 0x2545F491
_SPREAD = 2654435761
_BITS = (1 << 30) - 1
_PLACES = 1024

_EDGE, _WORD, _NUMBER, _MARK = 1, 2, 3, 256

_GRAMMAR = (
    "a an the of to in on at is are was be do does did how what why where when who which my your our i you we it this "
    "that and or not with for from vs can t s don using use m me work working get got if then than as by has have had "
    "will would should could there any all also after again am because been before best between but come doesn doing "
    "each else every fail fails find first fix found gets give gives go good happens he help her here his into its "
    "just know let like ll look make makes many may mean means more most much must need never new no now off ok one "
    "only other out over own please problem question re really run same say says see she show shows so some someone "
    "still such sure tell thanks their them they thing think try trying two up us very want way well were while whole "
    "without wrong yes yet"
)
"""Words that stand for themselves in a shape: those that join others, and those that questions are made of."""


def _hashed(word: str) -> int:
    found = _SEED
    for byte in word.encode()[:_FIRST]:
        found = ((found ^ byte) * _PRIME) & _BITS
    return found


def _grammar_table() -> Ints:
    """Hashes of the words of grammar, each in the first free place from where its last bits say; 0 in the others."""
    table = np.zeros(_PLACES, dtype=np.int64)
    for word in _GRAMMAR.split():
        found = _hashed(word)
        at = found & (_PLACES - 1)
        while table[at] not in (0, found):
            at = (at + 1) & (_PLACES - 1)
        table[at] = found
    return table


GRAMMAR = _grammar_table()


@subkernel
def _slot(found: int, slots: int) -> int:
    return ((found * _SPREAD) >> 16) & (slots - 1)


@subkernel
def _joined(run: int, token: int) -> int:
    return ((run * _MIX) ^ token) & _BITS


@subkernel
def _is_grammar(grammar: Ints, found: int) -> bool:
    """Whether a hash is that of a word of grammar."""
    at = found & (grammar.shape[0] - 1)
    while grammar[at] != 0 and grammar[at] != found:
        at = (at + 1) & (grammar.shape[0] - 1)
    return bool(grammar[at] == found)


@subkernel
def window_shapes(grammar: Ints, text: Bytes, first: int, past: int, slots: int, slot: Ints) -> int:
    """List the words and shapes of the window `first:past`, as `list_shapes` does."""
    count = 0
    seen = 1
    # The last tokens, the latest one first; an edge opens the window.
    one, two, three, four = _EDGE, 0, 0, 0
    at = first
    while at <= past:
        if at == past:
            token = _EDGE
            at += 1
        else:
            byte = text[at]
            if 97 <= byte <= 122 or byte >= 128:
                found = _SEED
                begin = at
                while at < past and (97 <= text[at] <= 122 or text[at] >= 128):
                    if at - begin < _FIRST:
                        found = ((found ^ text[at]) * _PRIME) & _BITS
                    at += 1
                token = found if _is_grammar(grammar, found) else _WORD
                slot[count] = _slot(_joined(_WORD, found), slots)
                count += 1
            elif 48 <= byte <= 57:
                while at < past and 48 <= text[at] <= 57:
                    at += 1
                token = _NUMBER
                slot[count] = _slot(_joined(_NUMBER, 0), slots)
                count += 1
            else:
                token = _MARK + byte
                at += 1
        seen += 1
        for size in range(SHORTEST, min(seen, LONGEST) + 1):
            run = size
            if size > 4:
                run = _joined(run, four)
            if size > 3:
                run = _joined(run, three)
            run = _joined(_joined(_joined(run, two), one), token)
            slot[count] = _slot(run, slots)
            count += 1
        four, three, two, one = three, two, one, token
    return count


@kernel
def list_shapes(grammar: Ints, text: Bytes, begin: int, end: int, slots: int, slot: Ints) -> int:
    """List the words and shapes of the window `text[begin:end]`; for training.

    Args:
        grammar: `GRAMMAR`.
        text: uint8, decoded, letters in lower case.
        begin, end: The window, at most `grams.WINDOW` bytes.
        slots: Size of the table of weights, a power of two.
        slot: int64, receives each one's slot, from index 0 on; PER_BYTE * (WINDOW + 2) are enough.

    Returns:
        How many there are.
    """
    return window_shapes(grammar, text, begin, end, slots, slot)
