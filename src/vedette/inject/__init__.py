"""Incidents put into copies of somebody's own log, and the card of what was found of them."""
