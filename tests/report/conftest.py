"""Findings made by hand."""

import pytest
from tests.report.made import findings

from vedette.schema.findings import Findings


@pytest.fixture
def found() -> Findings:
    return findings()
