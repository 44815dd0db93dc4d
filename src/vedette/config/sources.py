"""Keys of what the live service reads."""

from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from vedette.config.networks import Network
from vedette.config.options import Section, option


class Begin(StrEnum):
    """Where a file begins that is there when the service starts for the first time."""

    BEGINNING = "beginning"
    END = "end"


class TailSection(Section):
    """Files that grow."""

    paths: tuple[str, ...] = option(
        ...,
        "Files, directories, and patterns, like `/var/log/nginx/*.log`; `**` stands for any depth.",
        min_length=1,
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

    listen: tuple[ListenAddress, ...] = option(
        ...,
        "Addresses to listen at, like `udp://0.0.0.0:5514`, `tcp://[::]:5514`, `tls://0.0.0.0:6514`.",
        min_length=1,
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


class Sources(Section):
    """What `vedette serve` reads, besides what is named on the command line and what is pushed to it."""

    tail: tuple[TailSection, ...] = option(
        (), "Files to follow through rotation; of a file that several name, the first counts."
    )
    syslog: tuple[SyslogSection, ...] = option((), "Syslog over UDP, TCP and TLS.")
