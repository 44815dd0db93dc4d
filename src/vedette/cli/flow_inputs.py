"""Which inputs hold traffic (captures, flow logs), and which hold requests."""

from collections.abc import Sequence
from typing import Final

from vedette.parsers.captures import is_capture
from vedette.parsers.flow_logs import is_flow_log
from vedette.schema.errors import VedetteError
from vedette.sources import ByteReader, Input

_LOOK: Final = 64 << 10


def part_inputs(inputs: Sequence[Input]) -> tuple[list[Input], list[Input]]:
    """Part inputs into those with requests and those with flows, by their first bytes.

    Standard input is taken for requests: what it holds cannot be looked at twice. What cannot be opened stays with
    the requests, where it is told.
    """
    requests: list[Input] = []
    flows: list[Input] = []
    for source in inputs:
        (flows if source.path is not None and _holds_flows(source) else requests).append(source)
    return requests, flows


def _holds_flows(source: Input) -> bool:
    try:
        with ByteReader(source) as reader:
            head = bytearray(_LOOK)
            got = reader.readinto(memoryview(head))
    except VedetteError:
        return False
    text = bytes(head[:got])
    return is_capture(text) or is_flow_log(text)
