r"""Zeek's `http.log`, whose `#fields` line says what its columns are.

The character behind `#fields` is what separates columns, in that line and in those below it. The line comes again
where logs were put together, and may then name other columns. A log whose head was cut off is read with the columns
that Zeek writes unless it is told otherwise.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from vedette.kernels.lines.tokenise_text import NO_SALVAGE
from vedette.kernels.text import unescape
from vedette.parsers.fields import Conventions, Field, TimeFormat
from vedette.parsers.program import Machine, Program, Take, build
from vedette.parsers.text_format import TextParser, share_of
from vedette.parsers.text_lines import TextTokeniser
from vedette.schema.chunk import Chunk

COLUMNS: Mapping[str, Field] = MappingProxyType(
    {
        "ts": Field.TIME,
        "id.orig_h": Field.PEER,
        "method": Field.METHOD,
        "host": Field.SERVICE,
        "uri": Field.TARGET,
        "referrer": Field.REFERER,
        "user_agent": Field.USER_AGENT,
        "request_body_len": Field.BYTES_IN,
        "response_body_len": Field.BYTES_OUT,
        "status_code": Field.STATUS,
    }
)
"""Columns that are read. `version` is not: Zeek leaves its `HTTP/` away."""

MOST_COLUMNS = 256
"""A line that names more is not followed: it is no header."""

_USUAL = (
    "ts uid id.orig_h id.orig_p id.resp_h id.resp_p trans_depth method host uri referrer version user_agent origin "
    "request_body_len response_body_len status_code status_msg info_code info_msg tags username password proxied "
    "orig_fuids orig_filenames orig_mime_types resp_fuids resp_filenames resp_mime_types"
)
_ESCAPED = (Field.TARGET, Field.REFERER, Field.USER_AGENT, Field.METHOD, Field.SERVICE)
"""What Zeek escapes as `\\xHH`; in the others nothing is to be escaped."""
_KEYWORD = b"#fields"


class ZeekHttpFormat(msgspec.Struct, frozen=True):
    """The log of HTTP requests that Zeek writes, as columns.

    https://docs.zeek.org/en/master/logs/http.html
    """

    name: str = "zeek-http"
    description: str = "Zeek's http.log (tab-separated, #fields ts uid id.orig_h ...)"

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's lines that are requests of this format, blanks and comments aside."""
        return share_of(sample, self._tokeniser().tokenise(sample), needs_peer=True)

    def open(self, source: str) -> TextParser:  # noqa: ARG002 - the state is in the tokeniser
        """Start parsing a source."""
        return TextParser((self.name,), self._tokeniser(), Conventions(TimeFormat.EPOCH_SECONDS))

    def _tokeniser(self) -> TextTokeniser:
        return TextTokeniser(_machine(_USUAL.split(), b"\t"), self._follow)

    @staticmethod
    def _follow(line: bytes) -> Machine | None:
        """The machine for the columns that a `#fields` line names; None if it is no such line."""
        separator = line[len(_KEYWORD) : len(_KEYWORD) + 1]
        columns = line[len(_KEYWORD) + 1 :].decode("latin-1").split(separator.decode("latin-1") or None)
        if not line.startswith(_KEYWORD) or separator in (b"", b":") or len(columns) > MOST_COLUMNS:
            return None
        return _machine(columns, separator)


def _machine(columns: Sequence[str], separator: bytes) -> Machine:
    """What reads such columns; of a log that tells of no requests it reads no line."""
    left = dict(COLUMNS)
    fields = [left.pop(name, None) for name in columns]
    while fields and fields[-1] is None:
        # What stands behind the last column that is wanted need not be looked at.
        fields.pop()
    steps = [
        Take(field, separator, unescape.BACKSLASH if field in _ESCAPED else unescape.RAW) for field in fields
    ]
    if len(steps) == len(columns) and steps:
        steps[-1] = replace(steps[-1], until=b"")
    else:
        steps.append(Take(None))
    told = {Field.TIME, Field.TARGET}.isdisjoint(left.values())
    machine = build((Program(tuple(steps), open_ended=True),) if told else (), TimeFormat.EPOCH_SECONDS)
    # Zeek writes whole lines: one that does not fit is of something else.
    return replace(machine, layout=NO_SALVAGE)
