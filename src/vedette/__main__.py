"""Run the command line as `python -m vedette`."""

from vedette.cli.main import main

if __name__ == "__main__":
    main()
