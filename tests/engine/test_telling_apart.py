"""How many attackers are told one by one, as configured."""

import pytest

from vedette.config import Config
from vedette.engine.telling_apart import grouping
from vedette.incidents.grouping import GroupingSettings


def test_by_default_as_many_are_told_apart_as_incidents_have_it() -> None:
    assert grouping(Config()) == GroupingSettings()


@pytest.mark.parametrize(("service", "most"), [("intranet", None), ("api", 2), ("shop", 7)])
def test_the_first_pattern_that_matches_a_service_counts(service: str, most: int | None) -> None:
    services = (
        {"service": "intra*", "attackers": "all"},
        {"service": "a*", "attackers": 2},
        {"service": "api", "attackers": 3},
    )
    config = Config.model_validate({"alarm": {"attackers_told_apart": 7, "services": services}})
    assert grouping(config).apart.of(service) == most
