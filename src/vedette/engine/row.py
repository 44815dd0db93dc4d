"""One row of a batch as plain values: what is judged line by line is read a dozen times."""

from typing import NamedTuple

from vedette.detectors.signatures.columns import COLUMNS, WRITTEN, written
from vedette.parsers.single import Single
from vedette.schema.requests import Coded, Requests


class Row(NamedTuple):
    """A request.

    Attributes:
        flags: `RequestFlag` bits. status: 0 where not recorded.
        judged: Its texts of `COLUMNS`, None where not recorded. service: As logged, None where it is not.
    """

    flags: int
    status: int
    judged: tuple[bytes | None, ...]
    service: bytes | None

    @property
    def target(self) -> bytes | None:
        """Path and query."""
        return self.judged[_TARGET]

    @property
    def method(self) -> bytes | None:
        """As logged."""
        return self.judged[_METHOD]

    @classmethod
    def of_single(cls, request: Single) -> "Row":
        """A request that was read by itself."""
        judged = (
            request.target, request.referer, request.user_agent, request.method, request.protocol,
            written(request.method, request.target),
        )  # fmt: skip
        return cls(request.flags, request.status, judged, request.service)

    @classmethod
    def of(cls, requests: Requests, row: int) -> "Row":
        """A row of a batch."""
        logged = [text_of(column.of(requests), row) for column in _LOGGED]
        return cls(
            requests.flags.item(row),
            requests.status.item(row),
            (*logged, written(logged[_METHOD], logged[_TARGET])),
            text_of(requests.service, row),
        )


def text_of(coded: Coded, row: int) -> bytes | None:
    """The text of a row, or None where not recorded."""
    number = coded.ids.item(row)
    if number < 0:
        return None
    texts = coded.vocabulary
    start = texts.start.item(number)
    return texts.buffer.data[start : start + texts.length.item(number)].tobytes()


_LOGGED = [column for column in COLUMNS if column.name != WRITTEN]
_NAMES = [column.name for column in _LOGGED]
_TARGET, _METHOD = _NAMES.index("target"), _NAMES.index("method")
