"""What a person can set: one typed tree, read from YAML, the environment and the command line."""

from vedette.config.alarm import AlarmMode
from vedette.config.errors import ConfigError
from vedette.config.tree import Colour, Config, ServiceRule

__all__ = ["AlarmMode", "Colour", "Config", "ConfigError", "ServiceRule"]
