"""Looking at a share of the rows, when there are more than can be looked at.

Rows are kept one by one, by a keyed hash of their place in their source: what is kept does not depend on batches,
restarts or anything that a client chooses. A window has one share, for all its rows, so each row that is kept stands
for `weight` rows, and sums times `weight` are unbiased: requests, answers by status, bytes, and with them rates and
what baselines learn of them. Rows and not whole clients: a few clients often make up most of the traffic, and keeping
or dropping one of those as a whole would look like a spike or a drop.

What a share does to the rest:

- Shares of answers and quantiles of durations are those of the rows kept, and are judged by as many as were kept.
- Single clients are judged by what was seen of them: nobody is accused of requests that nobody saw. Detectors of
  single clients become slower by `weight`.
- Distinct clients, and the requests and bytes of the busiest one, cannot be told without bias. They are judged by
  what was seen (an understatement) or by its estimate, and teach the baselines nothing.
- Signatures and habits look at the rows that are kept. Hostile requests are counted as seen.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.findings import Sampled
from vedette.schema.requests import Requests
from vedette.schema.state import check, decode, encode
from vedette.windows.layout import Client, Group
from vedette.windows.mixing import mix
from vedette.windows.summary import ClientRows, Groups

MOST_WEIGHT: Final = 1024
"""Of the smallest share."""
_SPANS: Final = 1_000
"""Spans that are told apart; earlier ones are told as one."""
_SEEN_GROUPS = [int(Group.ATTACKS)]
_SEEN_CLIENTS = [int(Client.ATTACKS), *range(Client.ATTACKS_ANSWERED, Client.SLICE_REQUESTS)]
"""Sums that are told as seen, and not estimated."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `Sampling` remembers."""

    seed: int
    weight: int
    weights: list[tuple[int, int]]
    left_out: list[tuple[int, int]]
    spans: list[Sampled]


class Sampling(msgspec.Struct):
    """Chooses rows, and remembers the share of each open window.

    Attributes:
        seed: 64 bits that clients do not know. span: Of a window, microseconds.
        weight: 1 / the share of windows that have no row yet; a power of two.
    """

    seed: int
    span: int
    weight: int = 1
    _weights: dict[int, int] = msgspec.field(default_factory=dict)
    """Of open windows; only those that are not 1, once any was not."""
    _left_out: dict[int, int] = msgspec.field(default_factory=dict)
    _spans: list[Sampled] = msgspec.field(default_factory=list)

    def ask(self, share: float, opened: Iterable[int]) -> None:
        """Look at a share of the rows, in windows that have no row yet: a window has one share.

        Args:
            share: 1, 1/2, 1/4 ... 1/1024. opened: Numbers of the windows that have rows.

        Raises:
            ValueError: It is none of these.
        """
        weight = round(1 / share) if share > 0 else 0
        if not 1 <= weight <= MOST_WEIGHT or weight & (weight - 1) or share * weight != 1:
            raise ValueError(f"share = {share}: must be 1, 1/2, 1/4 and so on, at least 1/{MOST_WEIGHT}")
        for number in opened:
            self._weights.setdefault(number, self.weight)
        self.weight = weight

    @property
    def active(self) -> bool:
        """Whether any row may be left out."""
        return self.weight > 1 or any(weight > 1 for weight in self._weights.values())

    def keep(self, requests: Requests) -> NDArray[np.bool_]:
        """Which rows are looked at, bool (n,); those that are not are counted."""
        window = requests.time // self.span
        numbers, which, rows = np.unique(window, return_inverse=True, return_counts=True)
        weights = [self._weights.setdefault(number, self.weight) for number in numbers.tolist()]
        weight = np.array(weights, dtype=np.uint64)[which]
        # Twice: of a single mix, seeds that differ in few bits would only permute the rows.
        hashed = mix(mix(requests.line.astype(np.uint64), _number(requests.source)), self.seed)
        kept: NDArray[np.bool_] = (hashed & (weight - np.uint64(1))) == 0
        seen = np.bincount(which[kept], minlength=len(numbers))
        for number, missing in zip(numbers.tolist(), (rows - seen).tolist(), strict=True):
            if missing:
                self._left_out[number] = self._left_out.get(number, 0) + missing
        return kept

    def of(self, window: int) -> int:
        """For how many rows each of a window's stands."""
        return self._weights.get(window, 1)

    def close(self, window: int) -> None:
        """Put a window on record that has been judged, and forget it and those before it."""
        weight = self._weights.get(window, 1)
        left_out = sum(count for number, count in self._left_out.items() if number <= window)
        if self._weights:
            # Late rows name windows that have closed before.
            self._weights = {number: w for number, w in self._weights.items() if number > window}
            self._left_out = {number: count for number, count in self._left_out.items() if number > window}
        if weight > 1:
            self._record(1 / weight, window, left_out)

    def drop_from(self, window: int) -> None:
        """Forget windows from this number on, which will not be judged."""
        self._weights = {number: weight for number, weight in self._weights.items() if number < window}

    def _record(self, share: float, window: int, left_out: int) -> None:
        begin, end = window * self.span, (window + 1) * self.span
        last = self._spans[-1] if self._spans else None
        if last is not None and last.share == share and last.end == begin:
            last.end, last.left_out = end, last.left_out + left_out
        else:
            self._spans.append(Sampled(share, begin, end, left_out))
        if len(self._spans) > _SPANS:
            first, second = self._spans[:2]
            first.share, first.end = min(first.share, second.share), second.end
            first.left_out += second.left_out
            del self._spans[1]

    def account(self) -> list[Sampled]:
        """When how many rows were left out, in order."""
        return [msgspec.structs.replace(span) for span in self._spans]

    def to_state(self) -> bytes:
        """What is remembered, as bytes. The seed is among it: rows that are read again are to be chosen again."""
        return encode(
            _State(
                self.seed,
                self.weight,
                sorted(self._weights.items()),
                sorted(self._left_out.items()),
                self._spans,
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "sampling")
        weights = [state.weight, *(weight for _, weight in state.weights)]
        check(all(1 <= w <= MOST_WEIGHT and w & (w - 1) == 0 for w in weights), "sampling")
        check(len(state.spans) <= _SPANS and 0 <= state.seed < 1 << 64, "sampling")
        self.seed, self.weight, self._spans = state.seed, state.weight, state.spans
        self._weights, self._left_out = dict(state.weights), dict(state.left_out)


def estimated_groups(groups: Groups, weight: int) -> Groups:
    """Sums of all rows, from those of the rows kept; what is told as seen stays."""
    return Groups(
        groups.key,
        _scaled(groups.sums, weight, _SEEN_GROUPS),
        groups.latency * np.int32(weight),
        groups.distinct,
    )


def estimated_clients(clients: ClientRows, weight: int) -> ClientRows:
    """The same of clients; bitmaps stay."""
    kept = [*_SEEN_CLIENTS, *range(Client.AGENT_KINDS, clients.sums.shape[1])]
    return ClientRows(clients.service, clients.high, clients.low, _scaled(clients.sums, weight, kept))


def _scaled(sums: NDArray[np.int64], weight: int, kept: list[int]) -> NDArray[np.int64]:
    scaled = sums * weight
    scaled[:, kept] = sums[:, kept]
    return scaled


def _number(source: str) -> int:
    """A source's name as 64 bits, the same in every process."""
    digest = hashlib.blake2b(source.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
