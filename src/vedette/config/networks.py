"""Addresses and networks as configuration values."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise ValueError("must be an address or network, like 10.0.0.0/8 or 2001:db8::/32") from None


Network = Annotated[str, AfterValidator(_network)]
