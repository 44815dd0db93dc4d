"""Why packets and lines of flow logs are in no flow, in words."""

import pytest

from vedette.parsers.flows.captures import PacketProblem
from vedette.parsers.flows.flow_problems import FlowProblem
from vedette.report.skipped import told


@pytest.mark.parametrize("reason", [*PacketProblem, *FlowProblem])
def test_each_reason_has_words_of_its_own(reason: str) -> None:
    assert told(reason, 2) not in (f"2 {reason}", f"2 {reason.replace('_', ' ')}s")
    assert "_" not in told(reason, 2)


def test_one_is_told_as_one() -> None:
    assert told("line_of_another_log", 1) == "1 line of another of Zeek's logs"
    assert told("line_without_data", 2) == "2 lines of spans without traffic or records"
    assert told("line_of_another_log", 1_200) == "1,200 lines of another of Zeek's logs"
