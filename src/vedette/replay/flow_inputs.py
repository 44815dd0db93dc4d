"""Which inputs hold traffic (captures, flow logs), and which hold requests."""

from collections.abc import Callable, Sequence
from typing import Final

from vedette.parsers.flows.captures import is_capture
from vedette.parsers.flows.flow_json import EVE, json_flows
from vedette.parsers.flows.flow_logs import is_cut_log, is_flow_log
from vedette.parsers.flows.flow_windows import is_windows
from vedette.parsers.suricata_http import tells_flows, tells_requests
from vedette.schema.errors import VedetteError
from vedette.sources import BufferPool, ByteReader, Input, read_chunks
from vedette.sources.beginning import with_beginning
from vedette.sources.bytes import beginning
from vedette.sources.decoders import compression_of

_LOOK: Final = 64 << 10
_STORED: Final = 256 << 10
"""Bytes of standard input that are looked at: a block of zstd's, of which nothing is known before its end, has half."""
_STORED_BZIP2: Final = 1 << 20
"""The same where bzip2 made blocks of 900,000 bytes."""
_MAGIC: Final = 4


def part_inputs(
    inputs: Sequence[Input], stopped: Callable[[], bool] | None = None
) -> tuple[list[Input], list[Input]]:
    """Part inputs into those with requests and those with flows, by their first bytes.

    A file in which Suricata tells of both is in both. What cannot be opened stays with the requests, where it is told.

    Args:
        stopped: Looked at while standard input has nothing to read; once it is true, what has come is all.
    """
    requests: list[Input] = []
    flows: list[Input] = []
    for source in inputs:
        if source.path is None:
            source = _begun(source, stopped)
        text = first_bytes(source, _LOOK)
        both = _tells_both(text)
        # A pipe can be read but once: for flows, if it begins with any.
        flowing = _tells_flows(text) and not (both and source.path is None and not tells_flows(text))
        if flowing:
            flows.append(source)
        if not flowing or (both and source.path is not None):
            requests.append(source)
    return requests, flows


def is_read_twice(source: Input) -> bool:
    """Whether an input with flows is read for its requests as well."""
    return source.path is not None and _tells_both(first_bytes(source, _LOOK))


def untold_requests(traffic: Sequence[Input]) -> list[str]:
    """Why requests beside flows are not read, one sentence for each such input: a pipe can be read but once."""
    return [
        f"{source.name}: its events of HTTP are not read, as only a file can be read for flows and for requests: "
        "give the file, or the events of HTTP alone"
        for source in traffic
        if source.path is None and _tells_both(first_bytes(source, _LOOK))
    ]


def part_unreadable(inputs: Sequence[Input]) -> tuple[list[Input], list[VedetteError]]:
    """Part inputs that are no traffic into those that can be read, and why the others cannot.

    Beside captures an empty or binary file is likely a capture that was never written, or is damaged: what is found in
    the others is told without it. Of files of directories the request path tells by itself what it leaves out.
    """
    readable: list[Input] = []
    why: list[VedetteError] = []
    for source in inputs:
        error = None if source.found else _refusal(source)
        if error is None:
            readable.append(source)
        else:
            why.append(error)
    return readable, why


def _refusal(source: Input) -> VedetteError | None:
    # A pipe can be opened but once; that nothing came of it is known.
    if source.path is None and source.begun:
        return None
    try:
        read_chunks(source, pool=BufferPool(limit=1)).close()
    except VedetteError as error:
        return error
    return None


def first_bytes(source: Input, count: int) -> bytes:
    """What an input says first, decompressed; nothing of one that cannot be opened.

    Nothing is taken from standard input: what was read of it already is looked at.
    """
    if source.path is None:
        return beginning(source.begun, count)
    try:
        with ByteReader(source) as reader:
            head = bytearray(count)
            return bytes(head[: reader.readinto(memoryview(head))])
    except VedetteError:
        return b""


def _tells_flows(text: bytes) -> bool:
    """Whether what begins like this is a capture, a flow log, or windows of flows."""
    return is_capture(text) or is_flow_log(text) or is_cut_log(text) or is_windows(text)


def _tells_both(text: bytes) -> bool:
    return json_flows(text) == EVE and tells_requests(text)


def _begun(source: Input, stopped: Callable[[], bool] | None) -> Input:
    """Standard input, with what was read to see what it holds."""
    source = with_beginning(source, _MAGIC, stopped)
    bzip2 = compression_of(source.begun[:_MAGIC]) == "bzip2"
    return with_beginning(source, _STORED_BZIP2 if bzip2 else _STORED, stopped)
