"""Log lines that anomalies keep as evidence, read again: what exceptions of requests are made from."""

from collections.abc import Sequence

import msgspec

from vedette.config import Config
from vedette.config.exceptions import ExceptionRule
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.choosing import Chooser, enricher
from vedette.engine.narrowest import Stamp, of_request
from vedette.schema.anomaly import Anomaly
from vedette.schema.chunk import Chunk
from vedette.schema.errors import VedetteError
from vedette.schema.requests import Requests


class UnreadableEvidenceError(VedetteError):
    """What was kept of an anomaly does not show what it rests on."""


class KeptLines(msgspec.Struct, frozen=True):
    """Kept lines as enriched requests. `row`: of each line, by its place in the list, that could be read."""

    requests: Requests
    row: dict[int, int]


def read_kept(lines: Sequence[str], config: Config) -> KeptLines | None:
    """Read kept lines again; None where none can be read."""
    text = b"".join(line.encode("utf-8", "surrogateescape").replace(b"\n", b" ") + b"\n" for line in lines)
    chunk = Chunk.of(text, "evidence")
    try:
        parser = Chooser(config)(chunk).open("evidence")
    except VedetteError:
        return None
    requests = enricher(config).apply(parser.parse(chunk).requests).requests
    return KeptLines(requests, {line - 1: row for row, line in enumerate(requests.line.tolist())})


def of_requests(
    anomaly: Anomaly, scanner: SignatureScanner, config: Config, stamp: Stamp
) -> list[ExceptionRule]:
    """The narrowest exceptions for a statement about hostile requests, from the lines that were kept of it.

    Raises:
        UnreadableEvidenceError: They do not show what matched.
    """
    texts = [evidence.text for evidence in anomaly.evidence]
    read = read_kept(texts, config)
    made: dict[str, ExceptionRule] = {}
    if read is not None:
        for row in read.row.values():
            for each in of_request(anomaly, read.requests, row, scanner, stamp):
                made.setdefault(each.id, each)
    if not made:
        raise UnreadableEvidenceError(
            f"{anomaly.id}: the lines that were kept of it ({len(texts)}) do not show what matched (they are cut at "
            "500 characters, or their format needs its header): write the exception by hand"
        )
    return list(made.values())
