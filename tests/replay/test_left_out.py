"""Files that were not read, by reason."""

from vedette.replay.left_out import left_out
from vedette.report.headline import warnings
from vedette.schema.errors import VedetteError
from vedette.schema.findings import Coverage
from vedette.sources import Skipped


def test_files_of_one_reason_are_counted_together_and_the_first_is_named() -> None:
    skipped = [Skipped("a.png", "an image"), Skipped("b.txt", "no log"), Skipped("c.png", "an image")]
    passed = [("d.log", VedetteError("d.log: no log"))]
    rows = [(row.first, row.files, row.reason) for row in left_out(skipped, passed)]
    assert rows == [("a.png", 2, "an image"), ("b.txt", 2, "no log")]


def test_what_could_not_be_read_is_a_fault() -> None:
    (row,) = left_out(
        [Skipped("a.log", "no permission", fault=True), Skipped("b.log", "no permission", fault=True)]
    )
    assert row.fault
    assert list(warnings(Coverage(left_out=[row]))) == ["a.log and 1 more file: no permission"]


def test_reasons_beyond_many_are_counted_as_others() -> None:
    rows = left_out([Skipped(f"{number}.log", f"reason {number}") for number in range(80)])
    assert len(rows) == 51
    assert rows[-1].reason == "for other reasons"
    assert sum(row.files for row in rows) == 80
