"""The terminal as reports write to it."""

import errno
import os

from rich import console


class Console(console.Console):
    """Rich's, but for a reader that goes away.

    Rich ends the program with status 1 then, which of a scan means that something was found.
    """

    def on_broken_pipe(self) -> None:
        """Say so, as of any other output.

        Raises:
            BrokenPipeError: Always.
        """
        self.quiet = True
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
