"""The findings document: what `--json` writes, and reading it back."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from vedette.report.errors import FindingsFileError
from vedette.report.moments import from_iso, iso
from vedette.report.output import open_output
from vedette.report.shown import shown
from vedette.report.wire import DOCUMENT, SCHEMA, restorer
from vedette.schema.anomaly import Anomaly, Earlier
from vedette.schema.findings import Coverage, Findings
from vedette.schema.incident import Incident

STDIN = "-"


def write_json(findings: Findings, path: str) -> None:
    """Write the findings document, one anomaly or incident a line.

    Times are ISO 8601 in UTC with microseconds; numbers stand in full; NaN and infinity are null.

    Args:
        findings: What was found.
        path: A file, which appears whole or not at all, or `-` for standard output.

    Raises:
        OutputError: The path cannot be written.
    """
    with open_output(path) as stream:
        stream.writelines(json_pieces(findings))


def json_pieces(findings: Findings) -> Iterator[bytes]:
    """The findings document in pieces, so that it need not be in memory as a whole."""
    yield b'{"schema":' + as_json(SCHEMA) + b',\n"anomalies":['
    yield from _items(noun_fields(anomaly) for anomaly in findings.anomalies)
    yield b'],\n"incidents":['
    yield from _items(noun_fields(incident) for incident in findings.incidents)
    yield b'],\n"coverage":' + as_json(_coverage(findings.coverage)) + b"}\n"


def load_findings(path: str) -> Findings:
    """Read a findings document; `-` is standard input.

    Numbers that were NaN or infinite, and so null, come back as NaN.

    Raises:
        FindingsFileError: There is no such file, or it is not exactly what `write_json` writes.
    """
    try:
        text = _read(path)
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror or error}") from None
    try:
        kind = msgspec.json.decode(text, type=_Kind).schema
    except msgspec.MsgspecError as error:
        raise _refusal(path, f"no findings document ({error})") from None
    if kind != SCHEMA:
        raise _refusal(path, f"schema is {shown(kind, 60)!r}, not {SCHEMA!r}")
    try:
        document = msgspec.to_builtins(msgspec.json.decode(text, type=DOCUMENT))
        return Findings(
            [_noun(item, Anomaly) for item in document["anomalies"]],
            [_noun(item, Incident) for item in document["incidents"]],
            _read_coverage(document["coverage"]),
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise _refusal(path, f"damaged findings document: {error}") from None


def _read(path: str) -> bytes:
    if path != STDIN:
        return Path(path).read_bytes()
    if sys.stdin is None:
        raise _refusal(path, "standard input is closed")
    return sys.stdin.buffer.read()


def json_schema() -> dict[str, Any]:
    """The document's JSON Schema (draft 2020-12)."""
    schema = msgspec.json.schema(DOCUMENT)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Vedette findings", **schema}


_Timed = TypeVar("_Timed", Anomaly, Incident)
_Noun = TypeVar("_Noun", Anomaly, Incident, Coverage)


_RESTORERS = {kind: restorer(kind) for kind in (Anomaly, Incident, Coverage)}


class _Kind(msgspec.Struct):
    schema: str


def _refusal(path: str, problem: str) -> FindingsFileError:
    return FindingsFileError(
        f"{shown(path)}: {shown(problem)}: give a file that `vedette scan --json FILE` wrote"
    )


def _items(items: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    separator = b"\n"
    for item in items:
        yield separator + as_json(item)
        separator = b",\n"


def noun_fields(noun: Anomaly | Incident | Earlier) -> dict[str, Any]:
    """A noun's fields as the document has them: its times in ISO 8601."""
    fields = {**msgspec.structs.asdict(noun), "start": iso(noun.start), "end": iso(noun.end)}
    if isinstance(noun, Anomaly) and noun.earlier is not None:
        fields["earlier"] = noun_fields(noun.earlier)
    return fields


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(coverage),
        "start": None if coverage.start is None else iso(coverage.start),
        "end": None if coverage.end is None else iso(coverage.end),
        "skipped_samples": [
            {"reason": reason, "source": source, "line": line, "text": text}
            for reason, source, line, text in coverage.skipped_samples
        ],
        "sampled": [
            {**msgspec.structs.asdict(row), "start": iso(row.start), "end": iso(row.end)}
            for row in coverage.sampled
        ],
    }


def _noun(item: dict[str, Any], kind: type[_Timed]) -> _Timed:
    for timed in (item, item.get("earlier")):
        if timed is not None:
            timed["start"], timed["end"] = from_iso(timed["start"]), from_iso(timed["end"])
    return _as_noun(item, kind)


def _read_coverage(item: dict[str, Any]) -> Coverage:
    for name in ("start", "end"):
        item[name] = None if item[name] is None else from_iso(item[name])
    for row in item["sampled"]:
        row["start"], row["end"] = from_iso(row["start"]), from_iso(row["end"])
    item["skipped_samples"] = [tuple(sample.values()) for sample in item["skipped_samples"]]
    return _as_noun(item, Coverage)


def _as_noun(item: dict[str, Any], kind: type[_Noun]) -> _Noun:
    return msgspec.convert(_RESTORERS[kind](item), kind)


def as_json(value: Any) -> bytes:
    """JSON of what findings hold: NumPy's numbers are numbers, bytes that were no UTF-8 escaped, NaN null."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        # A lone surrogate: a byte that was no UTF-8 when it was read.
        return _ENCODER.encode(_escaped(msgspec.to_builtins(value, enc_hook=_plain)))


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_escaped(key): _escaped(item) for key, item in value.items()}
        case list() | tuple():
            return [_escaped(item) for item in value]
        case _:
            return value


def _plain(value: Any) -> Any:
    """Numbers that a detector left as NumPy's in an anomaly's details."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise NotImplementedError(f"{type(value).__name__} is not JSON")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
