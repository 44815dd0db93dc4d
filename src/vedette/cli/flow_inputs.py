"""Which inputs hold traffic (captures, flow logs), and which hold requests."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from vedette.parsers.captures import is_capture
from vedette.parsers.flow_logs import is_flow_log
from vedette.parsers.flow_windows import is_windows
from vedette.schema.errors import VedetteError
from vedette.sources import ByteReader, Input
from vedette.sources.files import open_raw

_LOOK: Final = 64 << 10
_MAGIC: Final = 4


def part_inputs(inputs: Sequence[Input]) -> tuple[list[Input], list[Input]]:
    """Part inputs into those with requests and those with flows, by their first bytes.

    Of standard input captures are told, by their first bytes; flow logs and compressed captures in it are not. What
    cannot be opened stays with the requests, where it is told.
    """
    requests: list[Input] = []
    flows: list[Input] = []
    for source in inputs:
        if source.path is None:
            source = _begun(source)
            (flows if is_capture(source.begun) else requests).append(source)
        else:
            (flows if _holds_flows(source) else requests).append(source)
    return requests, flows


def _begun(source: Input) -> Input:
    """Standard input, with what was read to see what it holds."""
    try:
        stream, _ = open_raw(source, None)
        return replace(source, begun=stream.peek(_MAGIC))
    except VedetteError:
        return source


def _holds_flows(source: Input) -> bool:
    try:
        with ByteReader(source) as reader:
            head = bytearray(_LOOK)
            got = reader.readinto(memoryview(head))
    except VedetteError:
        return False
    text = bytes(head[:got])
    return is_capture(text) or is_flow_log(text) or is_windows(text)
