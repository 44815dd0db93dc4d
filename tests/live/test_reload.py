"""What of a running service's configuration may change."""

from typing import Any

import pytest

from vedette.config.errors import ConfigError
from vedette.live.reload import Settings


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"server": {"port": 9001}}, ["server.port"]),
        ({"server": {"port": 9001, "host": "192.0.2.1"}}, ["server.host", "server.port"]),
        ({"alarm": {"budget": "2/day"}, "live": {"directory": "elsewhere"}}, ["live.directory"]),
    ],
)
def test_each_key_that_holds_for_a_process_is_named_whole(changes: dict[str, Any], keys: list[str]) -> None:
    settings = Settings(None, {}, {})
    with pytest.raises(ConfigError) as refused:
        settings.changed(changes)
    assert [problem.partition(": ")[0] for problem in refused.value.problems] == keys
    assert settings.config == Settings(None, {}, {}).config


def test_what_says_the_same_of_such_a_key_is_no_change() -> None:
    settings = Settings(None, {}, {})
    config, _ = settings.changed({"server": {"port": settings.config.server.port}})
    assert config == settings.config
