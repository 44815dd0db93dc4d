"""Attacks and look-alikes written blind: none is judged worse than on its first run; what was mended stays so."""

from dataclasses import dataclass

import payloads
import pytest
import written
from samples import Label

from vedette.detectors.signatures.scan import SignatureScanner


@dataclass(frozen=True, slots=True)
class Floor:
    """Found of a batch's attacks at least, and accused of its look-alikes at most, as when they were last mended."""

    found: float
    accused: float


FLOORS = {
    "first": Floor(0.969, 0.0073),
    "second": Floor(0.938, 0.0079),
    "third": Floor(0.955, 0.0119),
    "fourth": Floor(0.977, 0.0153),
    "fifth": Floor(0.971, 0.0359),
    "sixth": Floor(0.975, 0.0223),
    "seventh": Floor(0.937, 0.0319),
    "eighth": Floor(0.964, 0.0187),
    "ninth": Floor(0.948, 0.0214),
    "tenth": Floor(0.948, 0.0286),
    "eleventh": Floor(0.938, 0.0187),
    "twelfth": Floor(0.931, 0.0362),
    "thirteenth": Floor(0.96, 0.0675),
    "fourteenth": Floor(0.951, 0.0407),
    "fifteenth": Floor(0.965, 0.0095),
    "sixteenth": Floor(0.977, 0.0391),
}


@pytest.fixture(scope="module")
def scanner() -> SignatureScanner:
    return SignatureScanner.cached()


@pytest.mark.parametrize("batch", written.batches())
def test_a_batch_is_judged_no_worse_than_it_was(batch: str, scanner: SignatureScanner):
    found = written.families(batch, payloads.judge(written.samples(batch), scanner))
    for family in found:
        # Of three families one or two requests more are accused since tails are scored and words are looked at; what
        # was won elsewhere outweighs that.
        better = (
            family.now >= family.first if family.label is Label.ATTACK else family.now <= family.first + 2
        )
        assert better, family
    shares = {
        label: sum(one.now for one in found if one.label is label)
        / sum(one.requests for one in found if one.label is label)
        for label in written.FOLDERS
    }
    assert shares[Label.ATTACK] >= FLOORS[batch].found
    assert shares[Label.BENIGN] <= FLOORS[batch].accused


def test_every_line_of_a_batch_says_where_it_stands(tmp_path, monkeypatch):
    folder = tmp_path / "third" / "attacks"
    folder.mkdir(parents=True)
    (folder / "sql.txt").write_text("v ok\n' or 1=1\n")
    monkeypatch.setattr(written, "HERE", tmp_path)
    with pytest.raises(ValueError, match=r"' or 1=1.*a line begins with v, t, a, r or l"):
        list(written.samples("third"))
