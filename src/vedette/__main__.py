"""Run the command line, as `vedette` or as `python -m vedette`."""

from vedette.replay.collecting import collect_seldom

_INTERRUPTED = 130
"""As a shell tells of Ctrl-C."""


def main() -> None:
    """Run the command line; what it takes is not imported before it is said how often to look for garbage."""
    collect_seldom()
    try:
        from vedette.cli.main import main as begin
    except KeyboardInterrupt:
        # Before anything has begun there is nothing to say of where it stopped.
        raise SystemExit(_INTERRUPTED) from None

    begin()


if __name__ == "__main__":
    main()
