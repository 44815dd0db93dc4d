"""Keys of the HTTP service that `vedette serve` runs."""

from enum import StrEnum
from typing import Self

from pydantic import field_validator, model_validator

from vedette.config.networks import Network
from vedette.config.options import Section, option, section


class Authentication(StrEnum):
    """Who has to show a key."""

    AUTO = "auto"
    ALWAYS = "always"


class ServerTls(Section):
    """Encryption by the service itself; leave it out behind a proxy that does it."""

    cert_file: str | None = option(
        None, "PEM file of the certificate, with those of its issuers.", min_length=1
    )
    key_file: str | None = option(None, "PEM file of the certificate's private key.", min_length=1)

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together: give both, or neither")
        return self


class ServerLimits(Section):
    """What one caller may ask for. Who asks for more gets status 413 or 429, and is told when to come back."""

    body_bytes: int = option(
        16 << 20,
        "Longest body of a batch or push, also once it is decompressed; a stream of JSON lines has no end.",
        unit="bytes",
        ge=1 << 16,
        le=1 << 30,
    )
    body_s: float = option(
        30.0,
        "How long a body may take to arrive; for a stream of JSON lines, each piece of it.",
        unit="seconds",
        gt=0.0,
        le=3600.0,
    )
    batch_lines: int = option(10_000, "Most lines of one JSON batch.", unit="lines", ge=1, le=100_000)
    line_bytes: int = option(1 << 20, "Longest line that is judged.", unit="bytes", ge=1024, le=2 << 20)
    address_per_s: float = option(
        200.0,
        "Requests from one address (IPv6: one /64) that show no key; ten seconds' worth may come at once. "
        "This machine's own are not limited.",
        unit="requests per second",
        gt=0.0,
        le=1e6,
    )
    key_per_s: float = option(
        5000.0,
        "Requests with one key; ten seconds' worth may come at once.",
        unit="requests per second",
        gt=0.0,
        le=1e6,
    )
    failures_per_minute: float = option(
        10.0,
        "Wrong keys and passwords from one address, before it has to wait.",
        unit="failures per minute",
        gt=0.0,
        le=1e6,
    )
    event_clients: int = option(
        64, "Connections that may follow the events at one time.", unit="connections", ge=1, le=10_000
    )


class Server(Section):
    """The HTTP service of `vedette serve`."""

    host: str = option(
        "127.0.0.1",
        "Address that it listens on. Anything but this machine's own needs a key: `vedette key create`.",
        unit="address",
        min_length=1,
    )
    port: int = option(
        8430, "Port that it listens on; 0 for any that is free.", unit="port number", ge=0, le=65_535
    )
    unix_socket: str | None = option(
        None, "Path of a Unix socket to listen on instead of host and port.", min_length=1
    )
    authentication: Authentication = option(
        Authentication.AUTO,
        "`auto` asks for keys unless it listens on this machine's own address or a Unix socket; `always` asks always.",
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        "Names that requests may ask for in `Host`, where no keys are asked for; those of this machine always may. "
        "Other names are refused: a page elsewhere could have its name point here.",
    )
    trusted_proxies: tuple[Network, ...] = option(
        ("127.0.0.0/8", "::1/128"),
        "Proxies before the service, passed over in `X-Forwarded-For` from the right to find who calls.",
    )
    tls: ServerTls = section(ServerTls)
    limits: ServerLimits = section(ServerLimits)

    @field_validator("host")
    @classmethod
    def _plain(cls, host: str) -> str:
        """An IPv6 address without the brackets that it has in URLs."""
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host
