"""Keys of what the live service reads."""

import re
from enum import StrEnum
from typing import Annotated, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, model_validator

from vedette.config.networks import Network
from vedette.config.options import Section, option
from vedette.config.secret import Secret, one_of, web_address


class Begin(StrEnum):
    """Where a file begins that is there when the service starts for the first time."""

    BEGINNING = "beginning"
    END = "end"


T = TypeVar("T")


def _some(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("must name at least one")
    return values


class TailSection(Section):
    """Files that grow."""

    paths: Annotated[tuple[str, ...], AfterValidator(_some)] = option(
        ..., "Files, directories, and patterns, like `/var/log/nginx/*.log`; `**` stands for any depth."
    )
    begin: Begin = option(
        Begin.BEGINNING,
        "Where files begin that are there at the first start; what they hold already is what is learned from.",
    )
    history: bool = option(
        False, "Whether, at the first start, their rotated files are read first, compressed ones too."
    )
    service: str | None = option(
        None,
        "The service of all their requests; by default, what the lines or the file's name say.",
        min_length=1,
    )
    format: str | None = option(None, "Name of their format; by default, found from the lines.", min_length=1)


_ADDRESS_RULE = "must be like udp://0.0.0.0:5514, tcp://[::]:5514 or tls://127.0.0.1:6514"


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("udp", "tcp", "tls") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        whole = False
    if not whole or parts.path or parts.query or parts.username:
        raise ValueError(_ADDRESS_RULE)
    return text


ListenAddress = Annotated[str, AfterValidator(_address)]


class SyslogSection(Section):
    """Syslog senders."""

    listen: Annotated[tuple[ListenAddress, ...], AfterValidator(_some)] = option(
        ...,
        "Addresses to listen at, like `udp://0.0.0.0:5514`, `tcp://[::]:5514`, `tls://0.0.0.0:6514`.",
    )
    senders: tuple[Network, ...] = option((), "Networks that may send, like `10.0.0.0/8`; all by default.")
    certificate: str | None = option(
        None, "File with the certificate (and those above it) for `tls://`, PEM.", min_length=1
    )
    certificate_key: str | None = option(None, "File with its private key, PEM.", min_length=1)
    client_ca: str | None = option(
        None,
        "File with the authorities whose certificates senders must show, PEM; none by default.",
        min_length=1,
    )
    service: str | None = option(
        None,
        "The service of all their requests; by default, what the lines or the program's name say.",
        min_length=1,
    )
    format: str | None = option(None, "Name of their format; by default, found from the lines.", min_length=1)

    @model_validator(mode="after")
    def _has_certificate(self) -> Self:
        if any(address.startswith("tls:") for address in self.listen) and not (
            self.certificate and self.certificate_key
        ):
            raise ValueError("tls:// needs `certificate` and `certificate_key`")
        return self


def _udp(text: str) -> str:
    if not _address(text).startswith("udp:"):
        raise ValueError("must be like udp://0.0.0.0:2055: exporters send over UDP")
    return text


class NetflowSection(Section):
    """Exporters of NetFlow v5 and v9, of IPFIX and of sFlow v5: routers, firewalls, switches, hosts."""

    listen: Annotated[tuple[Annotated[str, AfterValidator(_udp)], ...], AfterValidator(_some)] = option(
        ...,
        "Addresses to listen at, like `udp://0.0.0.0:2055`; all kinds and versions may come to the same port.",
    )
    senders: tuple[Network, ...] = option(
        (), "Networks of the exporters, like `10.0.0.0/8`; all by default, and UDP senders are easily forged."
    )


def _interface(name: str) -> str:
    if not _INTERFACE.fullmatch(name):
        raise ValueError("must be a name that an interface can have, like eth0, or any")
    return name


_INTERFACE = re.compile(r"[^\s/\x00-\x1f]{1,15}")


class CaptureSection(Section):
    """A network interface that is listened at."""

    interface: Annotated[str, AfterValidator(_interface)] = option(
        ..., "Its name, like `eth0`; `any` for all. Needs CAP_NET_RAW, and the extra `capture`."
    )
    filter: str = option(
        "", "Packets that are looked at, in tcpdump's language, like `not port 22`; all by default."
    )
    promiscuous: bool = option(True, "Whether packets for other hosts are looked at too.")
    http: bool = option(
        True,
        "Whether requests in cleartext HTTP are looked at as those of a log are; not at ports of TLS and SSH.",
    )
    snaplen: int | None = option(
        None,
        "Bytes of each packet that are looked at; by default 2048, and 256 where `http` is off: headers, and names "
        "that DNS is asked for.",
        unit="bytes",
        ge=128,
        le=65_535,
        why="headers of nested IPv6 packets have more than 100",
    )
    buffer_mb: int = option(
        32, "Buffer in which the kernel keeps packets until they are taken.", unit="MiB", ge=1, le=1024
    )


def _plain_address(text: str) -> str:
    web_address(SecretStr(text))
    return text


_SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


def _source_name(name: str) -> str:
    if not _SOURCE_NAME.fullmatch(name):
        raise ValueError("must be lower-case letters, digits, - and _, like loki-eu")
    return name


def _lines_query(query: str) -> str:
    if not query.lstrip().startswith("{"):
        raise ValueError('must begin with a stream selector, like {job="nginx"}, and ask for lines')
    return query


_FILE = "File that holds it instead, like `/run/secrets/name`."


class LokiSection(Section):
    """Lines out of a Loki, by asking it again and again."""

    name: Annotated[str, AfterValidator(_source_name)] = option(
        "loki", "Name, unlike all other Lokis'; how far it was read is kept under it."
    )
    url: Annotated[str, AfterValidator(_plain_address)] = option(
        ..., "Its address, without `/loki/api/v1`, like `http://loki:3100`."
    )
    query: Annotated[str, AfterValidator(_lines_query)] = option(
        ..., 'LogQL that asks for lines, like `{job="nginx"}`.', min_length=1
    )
    tenant: str | None = option(None, "Sent as `X-Scope-OrgID`.", min_length=1)
    username: str | None = option(None, "For basic authentication.", min_length=1)
    password: Secret | None = option(None, "The password to it.")
    password_file: str | None = option(None, _FILE, min_length=1)
    token: Secret | None = option(None, "Sent as `Authorization: Bearer`.")
    token_file: str | None = option(None, _FILE, min_length=1)
    limit: int = option(
        5000, "Lines that are asked for at once; lowered to what Loki allows.", unit="lines", ge=1, le=100_000
    )
    poll_s: float = option(
        1.0, "Pause before asking again when there was nothing.", unit="seconds", ge=0.1, le=300
    )
    delay_s: float = option(
        2.0,
        "What shippers and Loki take to bring a line in: nothing more recent is asked for.",
        unit="seconds",
        ge=0,
        le=3600,
    )
    look_back_s: float = option(
        15.0,
        "How much later than others a line may arrive and still be found; 0 for not looking back.",
        unit="seconds",
        ge=0,
        le=3600,
    )
    since_s: float = option(
        3600.0, "How far back the first start begins.", unit="seconds", ge=0, le=30 * 86_400
    )
    service: str | None = option(
        None, "The service of all their requests; by default, what the labels or the lines say.", min_length=1
    )
    format: str | None = option(None, "Name of their format; by default, found from the lines.", min_length=1)

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        one_of(self, "password", "password_file")
        one_of(self, "token", "token_file")
        if self.username is not None and (self.token or self.token_file):
            raise ValueError("must have `username` or `token`, not both")
        return self


class Sources(Section):
    """What `vedette serve` reads, besides what is named on the command line and what is pushed to it."""

    tail: tuple[TailSection, ...] = option(
        (), "Files to follow through rotation; of a file that several name, the first counts."
    )
    syslog: tuple[SyslogSection, ...] = option((), "Syslog over UDP, TCP and TLS.")
    loki: tuple[LokiSection, ...] = option((), "Lokis to be asked for lines.")
    netflow: tuple[NetflowSection, ...] = option((), "NetFlow, IPFIX and sFlow over UDP.")
    capture: tuple[CaptureSection, ...] = option((), "Network interfaces.")

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        names = [section.name for section in self.loki]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"loki: two have the name {twice!r}: give each a `name` of its own")
        interfaces = [section.interface for section in self.capture]
        twice = next((name for name in interfaces if interfaces.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"capture: two listen at {twice!r}: its packets would count twice")
        return self
