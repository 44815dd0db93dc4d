"""Flow records, of Zeek, Suricata, nfdump, Argus, CICFlowMeter, nProbe and Amazon's VPC, as flows."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.flows.flow_text import read_flow_rows
from vedette.parsers.flows import flow_json, vpc
from vedette.parsers.flows.argus import tell_directions
from vedette.parsers.flows.flow_json import TOLD, JsonFlows, json_flows, tells_no_outcome
from vedette.parsers.flows.flow_layouts import (
    ARGUS,
    CIC,
    NFDUMP,
    NPROBE,
    OUTCOMES,
    VPC,
    Role,
    columns_of,
    lacks_addresses,
    layout_of,
    tells_of,
)
from vedette.parsers.flows.flow_problems import FlowProblem
from vedette.parsers.flows.flow_tables import FlowTables
from vedette.parsers.flows.nfdump import Summaries, tell_sides
from vedette.parsers.flows.other_forms import other_form
from vedette.parsers.flows.vpc import tell_verdicts
from vedette.parsers.flows.zeek_order import assumed_header
from vedette.parsers.zeek_headers import Header, header_of, pieces
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError
from vedette.schema.flows import FLOW_COLUMNS, Flows

JSON_FORMATS: Final = (flow_json.ZEEK, flow_json.EVE)
_NO_OUTCOMES: Final = b"no conn_state"
"""Stands for the header of JSON lines whose field for outcomes was left out."""


class FlowLogError(VedetteError):
    """A file that is no flow log that is known, or lacks a column."""


class FlowLog:
    """One flow log.

    Attributes:
        format: Its name.
        tells: What it tells, as far as its columns do.

    Args:
        source: Its name. head: Its first lines.
        turns: Calls of `parse` whose flows are looked at together: those of one are overwritten when so many more have
            come. 0 for never; see `FlowTables`.
        shared: As for `JsonFlows`.

    Raises:
        FlowLogError: It is none that is known, or lacks a column.
    """

    def __init__(self, source: str, head: Chunk, *, turns: int = 0, shared: bool = False) -> None:
        self._tables = FlowTables(turns)
        self._begins = np.zeros(0, dtype=np.int64)
        self._zeek: Header | None = None
        self._other = False
        text = head.buffer[: head.length].tobytes()
        kind = json_flows(text)
        self._json: JsonFlows | None = None
        if kind is not None:
            outcomes = kind != flow_json.ZEEK or not tells_no_outcome(text)
            self._read_json(kind, outcomes=outcomes, turns=turns, shared=shared)
            return
        self._zeek = _header(text)
        found = layout_of(text, self._zeek)
        bare = vpc.header_of_lines(text) if found is None else None
        if bare is not None:
            found = layout_of(bare, None)
        if found is None and (form := other_form(text)):
            raise FlowLogError(f"{source}: flows {form}")
        if found is None:
            raise FlowLogError(
                f"{source}: no flow log: must be Zeek's conn.log, Suricata's eve.json, CSV of nfdump, Argus, "
                "CICFlowMeter or nProbe, or a flow log of Amazon's VPC"
            )
        self._layout, self._delimiter, self._roles, names = found
        self.tells = tells_of(self._layout, self._roles)
        missing = [of for of in self._layout.needed if not set(of) & set(names)]
        if missing:
            if lacks_addresses(self._layout, names):
                raise FlowLogError(
                    f"{source}: a {self._layout.name} log without addresses: flows without them cannot be judged, as "
                    f"nobody knows who talked to whom; {self._layout.remedy}"
                )
            lacking = ", ".join(" or ".join(map(repr, names)) for names in missing)
            raise FlowLogError(
                f"{source}: a {self._layout.name} log without column{'s' * (len(missing) > 1)} {lacking}: "
                f"needed to know who talked to whom, and when; {self._layout.remedy}"
            )
        self.format = self._layout.name
        first = text[:65_536].partition(b"\n")[0]
        self._header = bare or (first + b"\n" if self._zeek is None else self._zeek.text())
        self._own = self._header
        self._names = first if self._zeek is None and bare is None else b""
        self._next = 0
        self._summaries = Summaries()

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
            log._read_json(name, outcomes=header != _NO_OUTCOMES, turns=0, shared=False)  # noqa: SLF001 - its own
            return log
        log = cls(source, Chunk.of(header, source))
        # Where one of another log stands behind it, that holds.
        log.parse(Chunk.of(header, source))
        return log

    def _read_json(self, name: str, *, outcomes: bool, turns: int, shared: bool) -> None:
        self.format, self._next = name, 0
        self.tells = TOLD if outcomes else TOLD & ~OUTCOMES
        self._header = b"" if outcomes else _NO_OUTCOMES
        self._json = JsonFlows(name, self.tells, turns=turns, shared=shared)

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
        found = columns_of([name.strip().lower() for name in header.fields], zeek=True)
        self._other = found is None or header.path not in ("conn", "")
        self._delimiter = ord(header.delimiter)
        if self._other:
            # Whoever goes on from here has to know that this is a conn.log.
            self._header = self._own + header.text()
        elif found is not None:
            self._roles = found[1]
            # What one of several files does not tell is not told by all of them together.
            self.tells &= tells_of(self._layout, self._roles)
            self._header = self._own = header.text()

    def _rows(self, chunk: Chunk) -> tuple[Flows, dict[FlowProblem, int], int]:
        newlines = chunk.newlines
        if newlines is None:
            newlines = int(np.count_nonzero(chunk.buffer[: chunk.length] == 0x0A))
        most = newlines + 1
        table = self._tables.table(most)
        state, begins = np.zeros(8, dtype=np.int64), np.empty(most, dtype=np.int64)
        state[4] = self._next
        count = read_flow_rows(
            chunk.buffer, chunk.length, self._delimiter, self._roles,
            int(self._layout is CIC), np.zeros(8, dtype=np.int64), table, begins, state,
        )  # fmt: skip
        if self._layout is ARGUS:
            tell_directions(table[:count], states=Role.ARGUS_STATE in self._roles)
        if self._layout is NFDUMP:
            tell_sides(table[:count], flags=Role.FLAGS in self._roles)
        if self._layout is VPC:
            tell_verdicts(
                table[:count], flags=Role.FLAG_BITS in self._roles, verdicts=Role.VERDICT in self._roles
            )
        if self._layout is NPROBE:
            tell_sides(table[:count], flags=Role.FLAG_BITS in self._roles)
        self._begins = begins[:count]
        self._next += count
        if self._names and chunk.buffer[: len(self._names)].tobytes() == self._names:
            # The names of columns are no flow that went wrong.
            state[0] -= 1
            state[1] += 1
        summary = 0
        if self._layout is NFDUMP and state[0]:
            summary = self._summaries.count(chunk.buffer[: chunk.length].tobytes())
            state[0] -= summary
        problems = {
            problem: int(state[place])
            for place, problem in enumerate((FlowProblem.BAD_FLOW, FlowProblem.COMMENT, FlowProblem.BLANK))
            if state[place]
        }
        if summary:
            problems[FlowProblem.SUMMARY] = summary
        if self._layout is VPC and FlowProblem.BAD_FLOW in problems:
            empty = min(
                vpc.without_data(chunk.buffer[: chunk.length].tobytes()), problems[FlowProblem.BAD_FLOW]
            )
            problems[FlowProblem.BAD_FLOW] -= empty
            problems[FlowProblem.NO_DATA] = empty
        return Flows(table[:count], self.tells), problems, int(state[3])


def is_flow_log(head: bytes) -> bool:
    """Whether an input that begins like this is a flow log; one that cannot be read is refused by `FlowLog`."""
    return (
        json_flows(head) is not None
        or layout_of(head, header_of(head)) is not None
        or vpc.header_of_lines(head) is not None
        or other_form(head) is not None
    )


def is_cut_log(head: bytes) -> bool:
    """Whether that is a `conn.log` of Zeek whose header, or a part of it, was cut off; `FlowLog` reads it."""
    header = assumed_header(head) if header_of(head) is None else None
    return header is not None and layout_of(head, header) is not None


def _header(head: bytes) -> Header | None:
    """Zeek's header, or the one that it had."""
    return header_of(head) or assumed_header(head)
