"""Flow records: Zeek's conn.log, Suricata's EVE flows, nfdump's and CICFlowMeter's CSV, as flows."""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.flows.flow_text import read_flow_rows
from vedette.parsers.flows import flow_json
from vedette.parsers.flows.flow_ends import from_servers
from vedette.parsers.flows.flow_flags import tell_flags, turn_round
from vedette.parsers.flows.flow_json import TOLD, JsonFlows, json_flows, tells_no_outcome
from vedette.parsers.flows.zeek_order import assumed_header
from vedette.parsers.zeek_headers import Header, header_of, pieces
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known, Protocol


class FlowLogError(VedetteError):
    """A file that is no flow log that is known, or lacks a column."""


class FlowProblem(StrEnum):
    """Why a line is no flow."""

    COMMENT = "comment"
    BLANK = "blank"
    BAD_WINDOW = "bad_window"
    """A line of windows that is none, or one that begins before the one before it ended."""
    BAD_FLOW = "bad_flow"
    """Too few fields, or no time or address can be read."""
    SUMMARY = "summary_line"
    """What nfdump writes below its flows: how many there were in all."""
    OTHER_LOG = "line_of_another_log"
    """Of Zeek's other logs, behind a header of theirs."""
    LATER = "flow_after_until"
    """It is later than what was asked for."""


class Role(IntEnum):
    """What a column of a flow log holds. The kernel knows these by number."""

    NOTHING = 0
    EPOCH = 1
    CALENDAR = 2
    CLIENT = 3
    CLIENT_PORT = 4
    SERVER = 5
    SERVER_PORT = 6
    PROTOCOL = 7
    SECONDS = 8
    MICROSECONDS = 9
    BYTES_OUT = 10
    BYTES_IN = 11
    PACKETS_OUT = 12
    PACKETS_IN = 13
    PAYLOAD_OUT = 14
    PAYLOAD_IN = 15
    STATE = 16
    """Zeek's `conn_state`."""
    FLAGS = 17
    """nfdump's letters: `...AP.S.`."""
    SYN = 18
    FIN = 19
    RESET = 20
    CALENDAR_END = 21


class Layout(msgspec.Struct, frozen=True):
    """A delimited flow log.

    Attributes:
        name: As reports print it.
        roles: Role of each column by its name in lower case.
        needed: Columns that there must be; of those of one tuple, one.
        known: What it tells.
        tellers: Columns of which there must be one for it to tell of flags and outcomes.
        remedy: What to do where a column is missing.
    """

    name: str
    roles: Mapping[str, Role]
    needed: tuple[tuple[str, ...], ...]
    known: Known
    tellers: tuple[Role, ...]
    remedy: str


ZEEK: Final = Layout(
    "zeek-conn",
    MappingProxyType(
        {
            "ts": Role.EPOCH,
            "id.orig_h": Role.CLIENT,
            "id.orig_p": Role.CLIENT_PORT,
            "id.resp_h": Role.SERVER,
            "id.resp_p": Role.SERVER_PORT,
            "proto": Role.PROTOCOL,
            "duration": Role.SECONDS,
            "orig_bytes": Role.PAYLOAD_OUT,
            "resp_bytes": Role.PAYLOAD_IN,
            "conn_state": Role.STATE,
            "orig_pkts": Role.PACKETS_OUT,
            "resp_pkts": Role.PACKETS_IN,
            "orig_ip_bytes": Role.BYTES_OUT,
            "resp_ip_bytes": Role.BYTES_IN,
        }
    ),
    (("ts",), ("id.orig_h",), ("id.resp_h",), ("id.resp_p",), ("proto",)),
    Known.FLAGS | Known.OUTCOME,
    (Role.STATE,),
    "give a conn.log with Zeek's own fields",
)
NFDUMP: Final = Layout(
    "nfdump-csv",
    MappingProxyType(
        {
            "ts": Role.CALENDAR,
            "te": Role.CALENDAR_END,
            "td": Role.SECONDS,
            "sa": Role.CLIENT,
            "da": Role.SERVER,
            "sp": Role.CLIENT_PORT,
            "dp": Role.SERVER_PORT,
            "pr": Role.PROTOCOL,
            "flg": Role.FLAGS,
            "ipkt": Role.PACKETS_OUT,
            "ibyt": Role.BYTES_OUT,
            "opkt": Role.PACKETS_IN,
            "obyt": Role.BYTES_IN,
            "firstseen": Role.CALENDAR,
            "duration": Role.SECONDS,
            "proto": Role.PROTOCOL,
            "srcaddr": Role.CLIENT,
            "srcport": Role.CLIENT_PORT,
            "dstaddr": Role.SERVER,
            "dstport": Role.SERVER_PORT,
            "packets": Role.PACKETS_OUT,
            "bytes": Role.BYTES_OUT,
        }
    ),
    (("ts", "firstseen"), ("sa", "srcaddr"), ("da", "dstaddr"), ("pr", "proto")),
    Known.FLAGS | Known.OUTCOME,
    (Role.FLAGS,),
    "write it with `nfdump -r FILE -o csv`",
)
CIC: Final = Layout(
    "cicflowmeter-csv",
    MappingProxyType(
        {
            "timestamp": Role.CALENDAR,
            "src ip": Role.CLIENT,
            "src port": Role.CLIENT_PORT,
            "dst ip": Role.SERVER,
            "dst port": Role.SERVER_PORT,
            "protocol": Role.PROTOCOL,
            "source ip": Role.CLIENT,
            "source port": Role.CLIENT_PORT,
            "destination ip": Role.SERVER,
            "destination port": Role.SERVER_PORT,
            "flow duration": Role.MICROSECONDS,
            "total fwd packet": Role.PACKETS_OUT,
            "total bwd packets": Role.PACKETS_IN,
            "total fwd packets": Role.PACKETS_OUT,
            "total backward packets": Role.PACKETS_IN,
            "total length of fwd packet": Role.PAYLOAD_OUT,
            "total length of bwd packet": Role.PAYLOAD_IN,
            "total length of fwd packets": Role.PAYLOAD_OUT,
            "total length of bwd packets": Role.PAYLOAD_IN,
            "syn flag count": Role.SYN,
            "fin flag count": Role.FIN,
            "rst flag count": Role.RESET,
        }
    ),
    (
        ("timestamp",),
        ("src ip", "source ip"),
        ("dst ip", "destination ip"),
        ("dst port", "destination port"),
        ("protocol",),
    ),
    Known.FLAGS | Known.OUTCOME,
    (Role.SYN,),
    "give the file as CICFlowMeter wrote it: of data sets, the one with addresses",
)
_LAYOUTS: Final = (ZEEK, CIC, NFDUMP)
_MOST_COLUMNS: Final = 1_024
_TELLING: Final = 5
"""Columns by whose names a layout is told: CSV of something else has some of nfdump's, such as `bytes` and `proto`."""
JSON_FORMATS: Final = (flow_json.ZEEK, flow_json.EVE)


class FlowLog:
    """One flow log.

    Attributes:
        format: Its name.
        tells: What it tells, as far as its columns do.

    Args:
        source: Its name. head: Its first lines.
        reuse: Whether the flows of one call of `parse` are no longer looked at when the next comes: memory that was
            used before is at hand, while new memory has to be cleared by the system first.

    Raises:
        FlowLogError: It is none that is known, or lacks a column.
    """

    def __init__(self, source: str, head: Chunk, *, reuse: bool = False) -> None:
        self._reuse = reuse
        self._table = np.empty((0, FLOW_COLUMNS), dtype=np.int64)
        self._begins = np.zeros(0, dtype=np.int64)
        self._zeek: Header | None = None
        self._other = False
        text = head.buffer[: head.length].tobytes()
        kind = json_flows(text)
        self._json: JsonFlows | None = None
        if kind is not None:
            self._read_json(kind, outcomes=kind != flow_json.ZEEK or not tells_no_outcome(text), reuse=reuse)
            return
        self._zeek = _header(text)
        found = _layout(text, self._zeek)
        if found is None and text.startswith(_PRINTED):
            raise FlowLogError(
                f"{source}: flows as nfdump prints them for people to read: write them with `nfdump -r FILE -o csv`"
            )
        if found is None:
            raise FlowLogError(
                f"{source}: no flow log: must be Zeek's conn.log, Suricata's eve.json, or CSV of nfdump or CICFlowMeter"
            )
        self._layout, self._delimiter, self._roles, names = found
        self.tells = _tells(self._layout, self._roles)
        missing = [of for of in self._layout.needed if not set(of) & set(names)]
        if missing:
            lacking = ", ".join(" or ".join(map(repr, names)) for names in missing)
            raise FlowLogError(
                f"{source}: a {self._layout.name} log without column{'s' * (len(missing) > 1)} {lacking}: "
                f"needed to know who talked to whom, and when; {self._layout.remedy}"
            )
        self.format = self._layout.name
        first = text[:65_536].partition(b"\n")[0]
        self._header = first + b"\n" if self._zeek is None else self._zeek.text()
        self._own = self._header
        self._names = first if self._zeek is None else b""
        self._next = 0
        self._summary = 0

    @property
    def header(self) -> bytes:
        """What must stand at the head of lines for them to be read like these, or what `named` is to know of JSON."""
        return self._header

    def begins_anew(self, head: bytes) -> bool:
        """Whether lines begin with a header, so that they are to be read by that; JSON has none."""
        return self._json is None and is_flow_log(head)

    @property
    def begins(self) -> NDArray[np.int64]:
        """int64 (n,), where in the chunk the line of each flow of the last call of `parse` begins."""
        return self._begins if self._json is None else self._json.begins

    @classmethod
    def named(cls, source: str, name: str, header: bytes) -> "FlowLog":
        """A log whose format, and header if it has one, are known already.

        Raises:
            FlowLogError: There is no such format, or that is no header of one.
        """
        if name in JSON_FORMATS:
            log = cls.__new__(cls)
            log._read_json(name, outcomes=header != _NO_OUTCOMES, reuse=False)  # noqa: SLF001 - its own
            return log
        log = cls(source, Chunk.of(header, source))
        # Where one of another log stands behind it, that holds.
        log.parse(Chunk.of(header, source))
        return log

    def _read_json(self, name: str, *, outcomes: bool, reuse: bool) -> None:
        self.format, self._next = name, 0
        self.tells = TOLD if outcomes else TOLD & ~_OUTCOMES
        self._header = b"" if outcomes else _NO_OUTCOMES
        self._json = JsonFlows(name, self.tells, reuse=reuse)

    def parse(self, chunk: Chunk) -> tuple[Flows, dict[FlowProblem, int], int]:
        """Read whole lines; returns flows, how many lines are none, and how many lines there were."""
        if self._json is not None:
            flows, bad, lines = self._json.parse(chunk)
            return flows, {FlowProblem.BAD_FLOW: bad} if bad else {}, lines
        flows, problems, lines = self._rows(chunk)
        if self._zeek is None or not (FlowProblem.COMMENT in problems or self._other):
            return flows, problems, lines
        text = chunk.buffer[: chunk.length].tobytes()
        parts = list(pieces(text, self._zeek))
        if len(parts) == 1 and parts[0][2] == self._zeek and not self._other:
            return flows, problems, lines
        # Another header stands among the lines: what was read under the one before is read anew.
        self._next -= len(flows)
        return self._pieces(text, parts, chunk)

    def _pieces(
        self, text: bytes, parts: Sequence[tuple[int, int, Header]], chunk: Chunk
    ) -> tuple[Flows, dict[FlowProblem, int], int]:
        """Read lines under several headers."""
        tables: list[NDArray[np.int64]] = [np.zeros((0, FLOW_COLUMNS), dtype=np.int64)]
        begins: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
        problems: dict[FlowProblem, int] = {}
        total = 0
        for begin, end, header in parts:
            self._follow(header)
            flows, found, lines = self._rows(Chunk.of(text[begin:end], chunk.source))
            total += lines
            if self._other:
                found[FlowProblem.OTHER_LOG] = found.pop(FlowProblem.BAD_FLOW, 0) + len(flows)
                self._next -= len(flows)
            else:
                tables.append(flows.table.copy())
                begins.append(self._begins + begin)
            for problem, count in found.items():
                if count:
                    problems[problem] = problems.get(problem, 0) + count
        self._begins = np.concatenate(begins)
        return Flows(np.concatenate(tables), self.tells), problems, total

    def _follow(self, header: Header) -> None:
        """Read what follows by another header."""
        if header == self._zeek and not self._other:
            return
        self._zeek = header
        found = _columns([name.strip().lower() for name in header.fields], zeek=True)
        self._other = found is None or header.path not in ("conn", "")
        self._delimiter = ord(header.delimiter)
        if self._other:
            # Whoever goes on from here has to know that this is a conn.log.
            self._header = self._own + header.text()
        elif found is not None:
            self._roles = found[1]
            # What one of several files does not tell is not told by all of them together.
            self.tells &= _tells(self._layout, self._roles)
            self._header = self._own = header.text()

    def _rows(self, chunk: Chunk) -> tuple[Flows, dict[FlowProblem, int], int]:
        newlines = chunk.newlines
        if newlines is None:
            newlines = int(np.count_nonzero(chunk.buffer[: chunk.length] == 0x0A))
        most = newlines + 1
        table = self._table
        if len(table) < most:
            table = np.empty((most, FLOW_COLUMNS), dtype=np.int64)
            if self._reuse:
                self._table = table
        state, begins = np.zeros(8, dtype=np.int64), np.empty(most, dtype=np.int64)
        state[4] = self._next
        count = read_flow_rows(
            chunk.buffer, chunk.length, self._delimiter, self._roles,
            int(self._layout is CIC), np.zeros(8, dtype=np.int64), table, begins, state,
        )  # fmt: skip
        if self._layout is NFDUMP:
            _tell_sides(table[:count], flags=Role.FLAGS in self._roles)
        self._begins = begins[:count]
        self._next += count
        if self._names and chunk.buffer[: len(self._names)].tobytes() == self._names:
            # The names of columns are no flow that went wrong.
            state[0] -= 1
            state[1] += 1
        summary = 0
        if self._layout is NFDUMP and state[0]:
            summary = self._summaries(chunk.buffer[: chunk.length].tobytes())
            state[0] -= summary
        problems = {
            problem: int(state[place])
            for place, problem in enumerate((FlowProblem.BAD_FLOW, FlowProblem.COMMENT, FlowProblem.BLANK))
            if state[place]
        }
        if summary:
            problems[FlowProblem.SUMMARY] = summary
        return Flows(table[:count], self.tells), problems, int(state[3])

    def _summaries(self, text: bytes) -> int:
        """How many lines are of nfdump's summary: a title, names, and as many numbers; a chunk may begin within one."""
        found = at = 0
        while at < len(text):
            if not self._summary and not (at == 0 and text.startswith(_TITLE)):
                at = text.find(b"\n" + _TITLE, max(at - 1, 0)) + 1
                if not at:
                    break
            end = text.find(b"\n", at)
            end = len(text) if end < 0 else end
            line = text[at:end].rstrip(b"\r")
            follows = _SUMMARY[self._summary](line)
            self._summary = (self._summary + 1) % len(_SUMMARY) if follows else 0
            found += follows
            at = end + 1
        return found


def _tell_sides(table: NDArray[np.int64], *, flags: bool) -> None:
    """Tell of nfdump's records, most of which are of one direction, whose side each is, and what its flags mean.

    The other direction is a record of its own: nobody opened a flow twice.
    """
    bits = table[:, Flow.SYN_OUT].copy()
    back = from_servers(table[:, Flow.CLIENT_PORT], table[:, Flow.SERVER_PORT], table[:, Flow.PROTOCOL], bits)
    back &= table[:, Flow.PACKETS_IN] == 0
    turn_round(table, back)
    if flags:
        tell_flags(table, np.where(back, 0, bits), np.where(back, bits, 0), back)
    else:
        table[:, Flow.OPENED] = ~back
        answered = (table[:, Flow.PROTOCOL] != Protocol.TCP) & (table[:, Flow.PACKETS_IN] > 0)
        table[answered, Flow.SUCCEEDED] = 1


_OUTCOMES: Final = Known.FLAGS | Known.OUTCOME
"""What a log does not tell that lacks a column of flags or outcomes."""
_NO_OUTCOMES: Final = b"no conn_state"
"""Stands for the header of JSON lines whose field for outcomes was left out."""
_PRINTED: Final = (b"Date first seen", b"Date flow start", b"Event time")
"""What nfdump begins with where it was not asked for CSV."""
_TITLE: Final = b"Summary"
_SUMMARY: Final[Sequence[Callable[[bytes], bool]]] = (
    lambda line: line == _TITLE,
    lambda line: line.startswith(b"flows,bytes,packets"),
    lambda line: b"," in line and not line.strip(b"0123456789.,"),
)
"""Tells the lines of nfdump's summary, in their order."""


def is_flow_log(head: bytes) -> bool:
    """Whether an input that begins like this is a flow log; one that cannot be read is refused by `FlowLog`."""
    return (
        json_flows(head) is not None
        or _layout(head, header_of(head)) is not None
        or head.startswith(_PRINTED)
    )


def is_cut_log(head: bytes) -> bool:
    """Whether that is a `conn.log` of Zeek whose header, or a part of it, was cut off; `FlowLog` reads it."""
    header = assumed_header(head) if header_of(head) is None else None
    return header is not None and _layout(head, header) is not None


def _header(head: bytes) -> Header | None:
    """Zeek's header, or the one that it had."""
    return header_of(head) or assumed_header(head)


def _tells(layout: Layout, roles: NDArray[np.int64]) -> Known:
    """What a log of a layout with such columns tells."""
    if any(role in roles for role in layout.tellers):
        return layout.known
    return layout.known & ~_OUTCOMES


def _layout(
    head: bytes, header: Header | None
) -> tuple[Layout, int, NDArray[np.int64], Sequence[str]] | None:
    """The layout that Zeek's header or a line of names names, the delimiter, each column's role, and their names."""
    delimiter = ","
    if header is not None:
        if header.path not in ("conn", ""):
            return None
        names, delimiter = list(header.fields), header.delimiter
    else:
        names = head[:65_536].partition(b"\n")[0].decode("utf-8", "replace").strip("\r\ufeff").split(",")
    names = [name.strip().lower() for name in names][:_MOST_COLUMNS]
    found = _columns(names, zeek=header is not None)
    return None if found is None else (found[0], ord(delimiter), found[1], names)


def _columns(names: Sequence[str], *, zeek: bool) -> tuple[Layout, NDArray[np.int64]] | None:
    """The layout whose columns have such names, in lower case, and the role of each."""
    names = names[:_MOST_COLUMNS]
    for layout in _LAYOUTS:
        if (layout is ZEEK) != zeek:
            continue
        present = sum(bool(set(of) & set(names)) for of in layout.needed)
        # Most of them, or of all that it may have: a log that lacks some is told which.
        if present >= len(layout.needed) - 1 or len(layout.roles.keys() & set(names)) >= _TELLING:
            held = [layout.roles.get(name, Role.NOTHING) for name in names]
            # What stands behind the last column that is wanted need not be looked at.
            while held and held[-1] is Role.NOTHING:
                held.pop()
            return layout, np.array(held, dtype=np.int64)
    return None
