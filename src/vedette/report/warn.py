"""What is told on standard error of a scan whose report nobody sees."""

import sys

from vedette.report.glyphs import Glyphs
from vedette.report.headline import warnings
from vedette.schema.findings import Coverage


def warn(coverage: Coverage) -> None:
    """Say what was to be read and was not, a line each, as errors are told."""
    glyphs = Glyphs.of(sys.stderr.encoding)
    for text in warnings(coverage):
        sys.stderr.write(glyphs.text(f"vedette: {text}") + "\n")
