"""Syslog over UDP, TCP and TLS."""

from vedette.sources.syslog.address import Address, parse_address
from vedette.sources.syslog.listener import Listen, Syslog

__all__ = ["Address", "Listen", "Syslog", "parse_address"]
