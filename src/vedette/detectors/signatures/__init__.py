"""Per request: known attack shapes, as rules over decoded text."""
