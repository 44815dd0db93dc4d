"""`vedette`: finds the command, runs it, and turns what goes wrong into one clear line and an exit status."""

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from vedette import __version__
from vedette.cli.lazy import Deferred, LazyGroup, ReaderGoneError
from vedette.schema.errors import VedetteError

EXIT_USAGE = 2
EXIT_INTERNAL = 70
"""EX_SOFTWARE of sysexits.h; not 1, which a gate would take for a finding."""
EXIT_INTERRUPTED = 130
EXIT_READER_GONE = 141
"""What a shell says of a program that SIGPIPE ended."""

_PERMISSION = "run as a user who may use it and the directories above it, or name another place"
_REMEDIES = {
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EROFS: "name a place that can be written",
    errno.ENAMETOOLONG: "give a shorter name",
}
"""What to do about paths that the system refuses, wherever they were given; by number of its error."""

COMMANDS = {
    "scan": Deferred("vedette.cli.scan:scan", "Read logs, and print what is wrong and why."),
    "serve": Deferred("vedette.cli.serve:serve", "Watch logs as they are written; API, metrics and alerts."),
    "metric": Deferred("vedette.cli.metric:metric", "Score plain series of numbers."),
    "explain": Deferred("vedette.cli.explain:explain", "Print one anomaly's whole reasoning."),
    "simulate": Deferred("vedette.cli.simulate:simulate", "Write traffic with labelled incidents in it."),
    "rules": Deferred("vedette.cli.rules:app", "Check your own rules, and test them on old logs."),
    "inject": Deferred(
        "vedette.cli.inject:inject", "Put known incidents into copies of your logs, and tell what is found."
    ),
    "feedback": Deferred("vedette.cli.feedback:feedback", "Say that an anomaly was a false alarm."),
    "train": Deferred("vedette.cli.train:train", "Fit models to how each service's clients behave."),
    "models": Deferred("vedette.cli.models:app", "List, show and roll back trained models."),
    "evaluate": Deferred("vedette.cli.evaluate:evaluate", "Hold what is found in a log against its labels."),
    "formats": Deferred("vedette.cli.formats:formats", "List the log formats that are known."),
    "alert": Deferred(
        "vedette.cli.alert:app", "Try a channel, silence incidents, and look up who was told what."
    ),
    "key": Deferred("vedette.cli.key:app", "Make, list and revoke keys of the service's API."),
    "prepare": Deferred(
        "vedette.cli.prepare:prepare", "Compile now what is else compiled when first needed."
    ),
    "config": Deferred("vedette.cli.config:app", "Check, show or describe the configuration."),
}


class Commands(LazyGroup):
    """The commands of `vedette`."""

    deferred = COMMANDS


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"vedette {__version__}")
        raise typer.Exit


@app.callback()
def vedette(
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="VEDETTE_DEBUG", help="Print where an unexpected error happened."),
    ] = False,
) -> None:
    """Watch traffic logs: learn what is normal for each service, and say what is not, with the arithmetic."""
    if debug:
        os.environ["VEDETTE_DEBUG"] = "1"


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status; what goes wrong is told on standard error."""
    _open_closed_streams()
    try:
        status = app(list(arguments), prog_name="vedette", standalone_mode=False)
        sys.stdout.flush()
    except VedetteError as error:
        return _tell(str(error))
    except typer.TyperException as error:
        # Without arguments the help has been printed, and the message is empty.
        if not error.format_message():
            return EXIT_USAGE
        named = next((a for a in arguments if a.startswith("-") and a != "-" and Path(a).exists()), None)
        hint = "" if named is None else f"; a file whose name begins so is given as ./{named}"
        return _tell(f"{_usage(error)} ({_helped(error)} --help){hint}")
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except (ReaderGoneError, BrokenPipeError):
        # What is still buffered has no reader; flushing it at exit would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_READER_GONE
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not _has_directory():
            return _tell(
                "the directory that this runs in is gone: change to one that exists (cd), and run it again"
            )
        if error.filename is not None and error.errno in _REMEDIES:
            named = os.fsdecode(error.filename)
            return _tell(f"{named}: cannot be used ({error.strerror}): {_REMEDIES[error.errno]}")
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            return _apologise(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        where = error.filename or "standard output or a temporary file"
        return _tell(f"{where}: cannot be written: {error.strerror}: make room, or write elsewhere")
    except Exception as error:  # noqa: BLE001 -- the last resort of a command line: apologise, do not dump
        return _apologise(error)
    return status if isinstance(status, int) else 0


def _has_directory() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def _open_closed_streams() -> None:
    """Give standard streams that the caller closed (`>&-`) a place that swallows what is written."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 -- open until the end
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 -- as above


def _tell(message: str) -> int:
    print("vedette: " + " ".join(message.split()), file=sys.stderr)
    return EXIT_USAGE


def _usage(error: typer.TyperException) -> str:
    return error.format_message().removeprefix("Invalid value: ").replace(": Value error, ", ": ")


def _helped(error: typer.TyperException) -> str:
    """The command whose help tells what would be right."""
    context = getattr(error, "ctx", None)
    return "vedette" if context is None else str(context.command_path)


def _apologise(error: Exception) -> int:
    if os.environ.get("VEDETTE_DEBUG"):
        traceback.print_exc()
    print(
        f"vedette: sorry, a defect in Vedette {__version__}, not in your input "
        f"({type(error).__name__}: {error}): please report it with what `vedette --debug ...` prints; "
        "log lines in that may hold addresses",
        file=sys.stderr,
    )
    return EXIT_INTERNAL


def main() -> None:
    """Run the command line."""
    # The threads of numpy's linear algebra spin while they wait for work, which nothing here gives them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Looking for plug-ins reads a file of each package that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if not os.environ.get("COLUMNS", "80").strip("0"):
        # Some terminals know no width and say 0, which a report would take for one without room for a letter.
        del os.environ["COLUMNS"]
    _end_in_order()
    _leave(run(sys.argv[1:]))


def _end_in_order() -> None:
    """Let SIGTERM end the work as an error does, so that copies of logs do not stay behind in temporary directories."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    def nothing_to_clean_up() -> None:
        # A forked process has its parent's stack.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, end)
    os.register_at_fork(after_in_child=nothing_to_clean_up)


def _leave(status: int) -> NoReturn:
    """End the process.

    What a command opened it has closed, so that nothing is left to do but to take apart, one by one, all objects that
    there are: a tenth of a short run.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if threading.active_count() > 1:
        sys.exit(status)
    os._exit(status)
