"""The root of every error that a person can do something about."""

from typing import Any, Self


class VedetteError(Exception):
    """What the user gave cannot be used.

    The message is one line that says what, where, the value, the rule and the remedy, for example
    `access.log: no such file: give a path that exists, or - for standard input`. The command line prints it as
    `vedette: <message>`, without a traceback, and ends with status 2. Each room derives its own from this one.
    """

    def __reduce__(self) -> Any:
        # Errors are made of other things than their message, by which Python would make them again.
        return self._again, (self.args, self.__dict__)

    @classmethod
    def _again(cls, arguments: tuple[object, ...], state: dict[str, object]) -> Self:
        error = cls.__new__(cls, *arguments)
        error.__dict__.update(state)
        return error
