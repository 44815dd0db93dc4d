"""Packets of captures, and the table of flows that they fill."""
