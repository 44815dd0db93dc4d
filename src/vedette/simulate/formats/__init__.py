"""The formats a simulated log can be written in."""
