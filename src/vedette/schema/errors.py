"""The root of every error that a person can do something about."""


class VedetteError(Exception):
    """What the user gave cannot be used.

    The message is one line that says what, where, the value, the rule and the remedy, for example
    `access.log: no such file: give a path that exists, or - for standard input`. The command line prints it as
    `vedette: <message>`, without a traceback, and ends with status 2. Each room derives its own from this one.
    """
