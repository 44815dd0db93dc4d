"""For each byte of a request's text: the work it may call for, and what it is copied as."""

import numpy as np

from vedette.kernels.arrays import Bytes

PERCENT_WORK = 1
"""It may begin an escape of an address: a percent sign."""
FOLD_WORK = 2
"""It may be folded: a control byte, a star, any byte above ASCII."""
ESCAPE_WORK = 4
"""It may be part of an escape of a page or a script."""
HIGH = 8
"""It is above ASCII."""
UPPER = 16
"""It is a capital letter."""
QUOTE = 32
"""It is a double quote, as it stands around a string of JSON."""


def _class_table() -> Bytes:
    """For each byte, which work it may call for: 0 for the many that are only copied."""
    table = np.zeros(256, dtype=np.uint8)
    table[ord("%")] = PERCENT_WORK
    for mark in b"#;\\":
        table[mark] = ESCAPE_WORK
    table[:32] = FOLD_WORK
    table[127] = FOLD_WORK
    table[ord("*")] = FOLD_WORK
    table[128:] = FOLD_WORK | HIGH
    table[65:91] = UPPER
    table[ord('"')] = QUOTE
    return table


def _lower_table() -> Bytes:
    """For each byte, what it is copied as: lower case, white space as a space, line breaks as CR."""
    table = np.arange(256, dtype=np.uint8)
    table[65:91] += 32
    for blank in b"\t\v\f":
        table[blank] = 32
    table[10] = 13
    return table


CLASSES = _class_table()
LOWER = _lower_table()
