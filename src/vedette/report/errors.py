"""What can be wrong with a report's files."""

from vedette.schema.errors import VedetteError


class OutputError(VedetteError):
    """A report cannot be written."""


class FindingsFileError(VedetteError):
    """A file is no findings document, or a damaged one."""
