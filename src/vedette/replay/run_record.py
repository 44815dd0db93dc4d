"""What a store keeps of a scan."""

import hashlib
from datetime import datetime

from vedette import __version__
from vedette.schema.findings import Findings
from vedette.schema.records import RunRecord


def run_record(findings: Findings, started: datetime) -> RunRecord:
    """What a store keeps of a run; the same scan of the same sources has the same id."""
    coverage = findings.coverage
    sources = tuple(s.source for s in coverage.sources)
    digest = hashlib.blake2b(
        "\x1f".join(["scan", *sources, str(coverage.start), str(coverage.end)]).encode(
            "utf-8", "surrogateescape"
        ),
        digest_size=8,
    )
    began = round(started.timestamp() * 1e6)
    return RunRecord(
        id="r" + digest.hexdigest(),
        command="scan",
        version=__version__,
        started=began,
        finished=began + round(coverage.seconds * 1e6),
        sources=sources,
        anomalies=len(findings.anomalies),
        incidents=len(findings.incidents),
        lines=coverage.lines,
        parsed=coverage.parsed,
        interrupted=coverage.interrupted,
    )
