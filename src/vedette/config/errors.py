"""What is wrong with a configuration."""

from vedette.schema.errors import VedetteError

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the root to a value."""


class ConfigError(VedetteError):
    """A configuration that cannot be used.

    Attributes:
        problems: One line each, in the order in which they stand in the file; the message is the first, and
            how many more there are.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)
        self.problems = problems
