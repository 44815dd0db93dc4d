"""What exporters say they sent, against what came."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from vedette.parsers.flows.sequence_gaps import SequenceGaps

COUNTS = st.lists(st.integers(1, 40), min_size=3, max_size=60)


def lost(gaps: SequenceGaps[int], datagrams: Iterable[tuple[int, int]]) -> int:
    return sum(gaps.missing(1, sequence % (1 << 32), count) for sequence, count in datagrams)


def numbered(counts: list[int], begin: int, *, with_it: bool) -> list[tuple[int, int]]:
    """Datagrams as their exporter numbers them: by what came before, or with what is in them."""
    found, number = [], begin
    for count in counts:
        found.append((number + count if with_it else number, count))
        number += count
    return found


@given(COUNTS, st.integers(0, (1 << 32) - 1), st.booleans())
def test_nothing_is_missing_however_an_exporter_counts(counts: list[int], begin: int, with_it: bool) -> None:
    assert lost(SequenceGaps(), numbered(counts, begin, with_it=with_it)) == 0


@given(COUNTS, st.booleans(), st.data())
def test_it_goes_on_from_what_was_kept(counts: list[int], with_it: bool, data: st.DataObject) -> None:
    datagrams = numbered(counts, 5, with_it=with_it)
    cut = data.draw(st.integers(1, len(datagrams)))
    first: SequenceGaps[int] = SequenceGaps()
    lost(first, datagrams[:cut])
    again = SequenceGaps(first.dump(), first.dump_counted())
    assert lost(again, datagrams[cut:]) == 0


def test_what_is_missing_of_an_exporter_that_counts_with_the_datagram_is_told() -> None:
    datagrams = numbered([10, 20, 10, 7, 30, 20, 10], 0, with_it=True)
    del datagrams[3]
    assert lost(SequenceGaps(), datagrams) == 7


def test_records_about_an_exporter_that_it_does_not_count_are_not_missing() -> None:
    gaps: SequenceGaps[int] = SequenceGaps()
    told = [(0, 10, 0), (10, 25, 1), (34, 10, 0), (44, 10, 0)]
    assert [gaps.missing(1, *one) for one in told] == [0, 0, 0, 0]


def test_an_exporter_that_was_started_anew_is_followed_from_its_new_numbers() -> None:
    gaps: SequenceGaps[int] = SequenceGaps()
    assert lost(gaps, [(500_000, 10), (500_010, 10)]) == 0
    assert lost(gaps, [(0, 10), (10, 10), (20, 10), (30, 10)]) == 0
    assert lost(gaps, [(90, 10)]) == 50


def test_a_datagram_that_comes_late_changes_nothing() -> None:
    gaps: SequenceGaps[int] = SequenceGaps()
    assert lost(gaps, [(0, 10), (20, 10), (10, 10), (30, 10)]) == 10
