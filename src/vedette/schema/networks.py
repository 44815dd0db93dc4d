"""Networks that are known by name."""

from typing import Final

PRIVATE_NETWORKS: Final = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
"""Private (RFC 1918, RFC 4193), link-local and loopback, in CIDR notation."""
