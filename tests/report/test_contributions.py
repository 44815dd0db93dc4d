"""The table of contributions, and who reads it."""

import gc
import io

import pytest
from tests.report.made import attack

from vedette.report.contributions import contribution_lines, write_contributions


class Gone(io.BytesIO):
    """Where nobody reads any more."""

    def write(self, content: object) -> int:
        raise BrokenPipeError


def test_a_reader_that_goes_away_leaves_standard_output_open() -> None:
    stream, anomaly = Gone(), attack()
    with pytest.raises(BrokenPipeError):
        write_contributions(stream, [(anomaly, contribution_lines(anomaly))])
    gc.collect()
    assert not stream.closed


def test_each_contribution_is_a_line() -> None:
    stream, anomaly = io.BytesIO(), attack()
    write_contributions(stream, [(anomaly, contribution_lines(anomaly))])
    head, *lines = stream.getvalue().decode().splitlines()
    assert head == "feature,contribution,value,timestamp,entity,anomaly_id,probability"
    assert len(lines) == len(anomaly.contributions) > 0
