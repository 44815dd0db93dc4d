"""Vedette watches traffic, learns what is normal for each service, and says what is not, with its arithmetic."""

__version__ = "0.1.0"
