"""How anomalies become incidents, as the configuration wants it."""

from vedette.config.alarm import EVERY
from vedette.config.tree import Config
from vedette.incidents.apart import Apart
from vedette.incidents.grouping import GroupingSettings


def grouping(config: Config) -> GroupingSettings:
    """How many attackers are told one by one; all else is fixed."""
    alarm = config.alarm
    some = tuple((one.service, _most(one.attackers)) for one in alarm.services)
    return GroupingSettings(apart=Apart(_most(alarm.attackers_told_apart), some))


def _most(attackers: int | str) -> int | None:
    return None if attackers == EVERY else int(attackers)
