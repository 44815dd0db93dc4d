"""W3C extended logs, whose `#Fields` line says what their columns are: IIS and CloudFront.

The line may come again with other columns in the middle of a file, as IIS writes it whenever it starts. A log
whose head was cut off is read with the product's standard columns.
"""

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

import msgspec

from vedette.kernels.text import unescape
from vedette.parsers.fields import Conventions, DurationUnit, Field, TimeFormat
from vedette.parsers.program import Machine, Program, Step, Take, build
from vedette.parsers.text_format import TextParser, share_of
from vedette.parsers.text_lines import TextTokeniser
from vedette.schema.chunk import Chunk

COLUMNS: Mapping[str, tuple[Field, int]] = MappingProxyType(
    {
        "c-ip": (Field.PEER, 0),
        "x-forwarded-for": (Field.FORWARDED, 0),
        "cs(x-forwarded-for)": (Field.FORWARDED, 1),
        "cs-method": (Field.METHOD, 0),
        "cs-uri-stem": (Field.TARGET, 0),
        "cs-uri": (Field.TARGET, 1),
        "cs-uri-query": (Field.QUERY, 0),
        "cs-protocol-version": (Field.PROTOCOL, 0),
        "cs-version": (Field.PROTOCOL, 1),
        "sc-status": (Field.STATUS, 0),
        "cs-bytes": (Field.BYTES_IN, 0),
        "sc-bytes": (Field.BYTES_OUT, 0),
        "time-taken": (Field.DURATION, 0),
        "cs(referer)": (Field.REFERER, 0),
        "cs(user-agent)": (Field.USER_AGENT, 0),
        "x-host-header": (Field.SERVICE, 0),
        "cs-host": (Field.SERVICE, 1),
        "cs(host)": (Field.SERVICE, 2),
        "s-sitename": (Field.SERVICE, 3),
        "s-computername": (Field.SERVICE, 4),
    }
)
"""Column name (in lower case) to the field it is, and its rank where several are the same field."""

MOST_COLUMNS = 256
"""A line that names more is not followed: it is no header."""

IIS_COLUMNS = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) "
    "sc-status sc-substatus sc-win32-status time-taken"
)
CLOUDFRONT_COLUMNS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol "
    "cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type "
    "cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
)


class W3cFormat(msgspec.Struct, frozen=True):
    """One product's dialect of the W3C extended log.

    Attributes:
        name: As `--format` takes it.
        description: One line, with an example product.
        separator: What stands between columns.
        agent: How user agents are unescaped.
        columns: The columns until a `#Fields` line says otherwise.
        unit: Unit of `time-taken`.
    """

    name: str
    description: str
    separator: bytes
    agent: int
    columns: str
    unit: DurationUnit

    def score(self, sample: Chunk) -> float:
        """Share (0..1) of the sample's lines that are requests of this format, blanks and comments aside."""
        return share_of(sample, self._tokeniser().tokenise(sample), needs_peer=False)

    def open(self, source: str) -> TextParser:  # noqa: ARG002 - the state is in the tokeniser
        """Start parsing a source."""
        return TextParser((self.name,), self._tokeniser(), Conventions(TimeFormat.DATE_THEN_TIME, self.unit))

    def _tokeniser(self) -> TextTokeniser:
        return TextTokeniser(self._machine(self.columns.lower().split()), self._follow)

    def _follow(self, line: bytes) -> Machine | None:
        """The machine for the columns that a `#Fields:` line names; None if it is no such line."""
        keyword, _, names = line.partition(b":")
        columns = names.decode("latin-1").lower().split()
        has_time = ("date", "time") in pairwise(columns)
        if keyword.lower() != b"#fields" or not has_time or len(columns) > MOST_COLUMNS:
            return None
        return self._machine(columns)

    def _machine(self, columns: list[str]) -> Machine:
        """The machine for columns, of which `date` and `time` are neighbours."""
        meanings: dict[Field, str] = {}
        for name in columns:
            if name in COLUMNS:
                meaning, rank = COLUMNS[name]
                if meaning not in meanings or rank < COLUMNS[meanings[meaning]][1]:
                    meanings[meaning] = name
        fields = {name: meaning for meaning, name in meanings.items()}
        steps: list[Step] = []
        at = 0
        while at < len(columns):
            field: Field | None = fields.pop(columns[at], None)
            if columns[at : at + 2] == ["date", "time"]:
                field = Field.TIME
                at += 1
            at += 1
            until = self.separator if at < len(columns) else b""
            steps.append(Take(field, until, self.agent if field is Field.USER_AGENT else unescape.RAW))
        return build((Program(tuple(steps), open_ended=True),), TimeFormat.DATE_THEN_TIME)


def w3c_formats() -> tuple[W3cFormat, ...]:
    """IIS (https://learn.microsoft.com/windows/win32/http/w3c-logging) and CloudFront.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
    """
    return (
        W3cFormat(
            "cloudfront",
            "AWS CloudFront standard log (tab-separated, #Fields: date time x-edge-location ...)",
            b"\t",
            unescape.PERCENT,
            CLOUDFRONT_COLUMNS,
            DurationUnit.SECONDS,
        ),
        W3cFormat(
            "iis",
            "IIS W3C extended log (space-separated, #Fields: date time s-ip cs-method ...)",
            b" ",
            unescape.PLUS,
            IIS_COLUMNS,
            DurationUnit.MILLISECONDS,
        ),
    )
