"""What a sequence is made of: a request's method, route and class of status."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.schema.requests import Requests

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER")
PAD: Final = 0
"""Nothing: a session is shorter than a model's window."""
BEGIN: Final = 1
"""What comes before a session's first request."""
UNKNOWN: Final = 2
"""A token that is in no vocabulary."""
FIRST: Final = 3
"""Number of a vocabulary's first token."""
_OTHER: Final = len(METHODS) - 1
_CLASSES: Final = 8


def codes(
    requests: Requests, route: NDArray[np.int64], rows: NDArray[np.intp] | slice = slice(None)
) -> NDArray[np.int64]:
    """One number for each row's token, int64 (k,), as `decoded` takes them apart.

    Args:
        route: int64 (k,), numbers of routes, none negative. rows: Which of the requests they are of.
    """
    known = {name.encode(): number for number, name in enumerate(METHODS)}
    of_method = np.array(
        [known.get(method.upper(), _OTHER) for method in requests.method.vocabulary] + [_OTHER],
        dtype=np.int64,
    )
    status = requests.status[rows].astype(np.int64) // 100
    status[(status < 1) | (status > 5)] = 0
    return (route * len(METHODS) + of_method[requests.method.ids[rows]]) * _CLASSES + status


def decoded(code: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """What codes (n,) are made of: numbers of routes, of methods, and classes of status, each int64 (n,)."""
    rest, status = np.divmod(code, _CLASSES)
    route, method = np.divmod(rest, len(METHODS))
    return route, method, status


def token_text(route: str, method: int, status: int) -> str:
    """A token as people read it: `POST /cart/items 3xx`."""
    return f"{METHODS[method]} {route} {status}xx" if status else f"{METHODS[method]} {route}"


class Vocabulary:
    """Texts of tokens, by number from `FIRST` on."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self._numbers = {text: number for number, text in enumerate(self.texts, start=FIRST)}

    def __len__(self) -> int:
        return FIRST + len(self.texts)

    def numbers(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of tokens, int64 (k,); `UNKNOWN` where they are in no vocabulary."""
        return np.array([self._numbers.get(text, UNKNOWN) for text in texts], dtype=np.int64)

    def text(self, number: int) -> str:
        """A token as people read it."""
        if number >= FIRST:
            return self.texts[number - FIRST]
        return "(start)" if number == BEGIN else "(unknown)"
