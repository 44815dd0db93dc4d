"""Requests of real applications: few are accused, and every application that the model learns from is there."""

import applications
import payloads

from vedette.detectors.signatures.scan import SignatureScanner

MOST_ACCUSED = {
    # What somebody typed who looked for `1 or 2` in every field.
    "rt": 0.006,
}
"""Share accused of applications of which any request is."""


def test_no_more_is_accused_than_when_it_was_last_looked_at():
    verdicts = payloads.judge(applications.samples(), SignatureScanner.cached())
    flags: dict[str, list[bool]] = {}
    for sample, flagged in zip(verdicts.samples, verdicts.flagged.tolist(), strict=True):
        flags.setdefault(sample.kind, []).append(flagged)
    assert flags.keys() > applications.LEARNED | MOST_ACCUSED.keys()
    for name, of in flags.items():
        assert sum(of) / len(of) <= MOST_ACCUSED.get(name, 0.0), name
