"""Bytes of text: searched, read as numbers and times, escaped, coded."""
