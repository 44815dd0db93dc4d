"""Errors keep what they say and hold on their way between processes."""

import pickle

from vedette.sources.errors import SourceError, SourceProblem


def test_an_error_made_of_more_than_its_message_can_be_sent() -> None:
    error = SourceError("access.log", SourceProblem.EMPTY, "is empty")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is SourceError
    assert str(again) == str(error)
    assert (again.source, again.problem, again.reason) == ("access.log", SourceProblem.EMPTY, "is empty")
