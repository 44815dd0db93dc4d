"""Lines that are not what their format says."""

from collections.abc import Callable
from typing import Final

from vedette.simulate.draws import Draws

_TLS_HELLO: Final = rb"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"


def _cut_short(line: bytes, n: int) -> bytes:
    return line[: n % max(len(line), 1)]


def _no_request(line: bytes, n: int) -> bytes:
    return _with_request(line, b"-" if n & 1 else _TLS_HELLO)


def _with_request(line: bytes, request: bytes) -> bytes:
    front, quote, rest = line.partition(b'"')
    _, _, back = rest.partition(b'"')
    return front + quote + request + quote + back if quote else b'"' + request + b'"'


def _garbage(line: bytes, n: int) -> bytes:
    return bytes((n >> shift) % 255 + 1 for shift in range(24)).replace(b"\n", b"\r") + line[:20]


def _not_utf8(line: bytes, n: int) -> bytes:
    at = n % (len(line) + 1)
    return line[:at] + b"\xff\xfe\xc3\x28" + line[at:]


def _impossible_date(line: bytes, n: int) -> bytes:
    return (
        line.replace(b"/20", b"/99", 1).replace(b"-20", b"-99", 1) if n & 1 else line.replace(b":", b";", 2)
    )


def _blank(line: bytes, n: int) -> bytes:  # noqa: ARG001 - the shape of a way to spoil a line
    return b""


def _nul(line: bytes, n: int) -> bytes:
    at = n % (len(line) + 1)
    return line[:at] + b"\x00\x00" + line[at:]


def _stack_trace(line: bytes, n: int) -> bytes:  # noqa: ARG001 - the shape of a way to spoil a line
    return b"    at com.shop.Checkout.pay(Checkout.java:%d)" % (n % 900)


def _unbalanced_quote(line: bytes, n: int) -> bytes:
    at = n % (len(line) + 1)
    return line[:at] + b'"' + line[at:]


_WAYS: Final[tuple[Callable[[bytes, int], bytes], ...]] = (
    _cut_short, _cut_short, _no_request, _no_request, _no_request, _garbage, _not_utf8, _impossible_date,
    _blank, _nul,
    _stack_trace, _unbalanced_quote,
)  # fmt: skip


def spoil(lines: list[bytes], share: float, draws: Draws) -> list[int]:
    """Spoil a share of the lines in place, each in one of a dozen ways; returns which."""
    chosen = (draws.uniform(len(lines)) < share).nonzero()[0]
    ways, numbers = draws.below(len(chosen), len(_WAYS)).tolist(), draws.below(len(chosen), 1 << 30).tolist()
    indices: list[int] = chosen.tolist()
    for i, way, number in zip(indices, ways, numbers, strict=True):
        lines[i] = _WAYS[way](lines[i], number)
    return indices
