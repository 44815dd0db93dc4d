"""Ports by number, and which contacts are with one of some."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray


class Ports:
    """A set of ports."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._among = np.zeros(1 << 16, dtype=bool)
        self._among[list(numbers)] = True

    def among(self, ports: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which ports, each 0..65535, are in the set, bool (n,)."""
        found: NDArray[np.bool_] = self._among[ports]
        return found


REFLECTORS: Final = MappingProxyType(
    {
        17: "quote of the day",
        19: "chargen",
        53: "DNS",
        69: "TFTP",
        111: "portmap",
        123: "NTP",
        137: "NetBIOS",
        161: "SNMP",
        389: "CLDAP",
        520: "RIP",
        1434: "SQL Server",
        1900: "SSDP",
        3283: "Apple Remote Desktop",
        3702: "WS-Discovery",
        5353: "mDNS",
        5683: "CoAP",
        11211: "memcached",
    }
)
"""UDP services that answer much to little (US-CERT TA14-017A), by port."""
LOGINS: Final = MappingProxyType(
    {
        21: "FTP",
        22: "SSH",
        23: "telnet",
        445: "SMB",
        3306: "MySQL",
        3389: "RDP",
        5432: "PostgreSQL",
        5900: "VNC",
    }
)
"""Services that are logged into, by port."""
DATABASES: Final = (3306, 5432)
"""Ports of services that programs log into, each time that they ask something."""
ADMINISTERED: Final = MappingProxyType(
    {
        22: "SSH",
        23: "telnet",
        135: "RPC",
        139: "NetBIOS",
        445: "SMB",
        3389: "RDP",
        5900: "VNC",
        5985: "WinRM",
        5986: "WinRM over TLS",
    }
)
"""Services by which hosts are administered, by port."""
POLLED: Final = (53, 67, 68, 123, 137, 138, 1900, 5353, 5355)
"""Ports of services that are polled by the clock by design."""
