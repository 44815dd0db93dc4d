"""What the tests of middleware share."""

from collections.abc import Iterator

import pytest

from tests.channels.receiver import Receiver, receiver


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as made:
        yield made
