"""What is beyond the most that is stated of a window is counted by the name of the detector."""

from vedette.detectors.few_stated import FewStated, unstated


class Busy(FewStated):
    name = "scanning"


class Calm(FewStated):
    name = "bots"


def test_findings_beyond_the_most_are_counted_by_detector() -> None:
    busy = Busy()
    assert busy.first(range(20), 20) == list(range(20))
    assert unstated([busy]) == {}
    assert busy.first(range(25), 20) == list(range(20))
    busy.first(range(21), 20)
    assert unstated([busy, Calm()]) == {"scanning.unstated": 6}
