"""Which key a refused change of the configuration is about."""

import pytest

from vedette.config import Config
from vedette.config.errors import ConfigError
from vedette.server.routes.configuration import _key


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"alerts.foo": 1}, "alerts.foo"),
        ({"windows.span_s": 0}, "windows.span_s"),
        ({"input.services": [{"name": 5}]}, "input.services[0].name"),
        ({"widnows.span_s": 5}, "widnows"),
    ],
)
def test_the_field_of_a_fault_is_the_key_that_was_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Config.load(changes=changes)
    assert _key(refused.value.problems[0]) == field


def test_a_key_that_holds_for_a_process_is_the_field_too() -> None:
    assert (
        _key("store.url: holds from the start of the service to its end: change it in the file")
        == "store.url"
    )
