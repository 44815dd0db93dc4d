"""Keys of what the live service reads."""

from enum import StrEnum

from vedette.config.options import Section, option


class Begin(StrEnum):
    """Where a file begins that is there when the service starts for the first time."""

    BEGINNING = "beginning"
    END = "end"


class TailSection(Section):
    """Files that grow."""

    paths: tuple[str, ...] = option(
        ...,
        "Files, directories, and patterns, like `/var/log/nginx/*.log`; `**` stands for any depth.",
        min_length=1,
    )
    begin: Begin = option(
        Begin.BEGINNING,
        "Where files begin that are there at the first start; what they hold already is what is learned from.",
    )
    history: bool = option(
        False, "Whether, at the first start, their rotated files are read first, compressed ones too."
    )
    service: str | None = option(
        None,
        "The service of all their requests; by default, what the lines or the file's name say.",
        min_length=1,
    )
    format: str | None = option(None, "Name of their format; by default, found from the lines.", min_length=1)


class Sources(Section):
    """What `vedette serve` reads, besides what is named on the command line and what is pushed to it."""

    tail: tuple[TailSection, ...] = option(
        (), "Files to follow through rotation; of a file that several name, the first counts."
    )
