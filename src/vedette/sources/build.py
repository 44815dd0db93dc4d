"""The sources that a configuration asks for."""

import ssl
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from typing import Final

from vedette.config.secret import revealed
from vedette.config.sources import Begin, LokiSection, NetflowSection, Sources, SyslogSection, TailSection
from vedette.sources.discover import STDIN
from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.journal import Journal, JournalError
from vedette.sources.loki import Loki, LokiQuery, Server
from vedette.sources.long_lines import LINE_BYTES
from vedette.sources.names import printable
from vedette.sources.source import Source
from vedette.sources.stdin import Stdin
from vedette.sources.syslog import Listen, Syslog, parse_address
from vedette.sources.tail import Follow, Tail

_SFLOW: Final = b"\0\0\0\5"
"""How datagrams of sFlow v5 begin; those of NetFlow and IPFIX begin with two bytes that are not zero."""


def build_sources(
    config: Sources,
    clock: Callable[[], int],
    journal: Journal,
    *,
    paths: Sequence[str] = (),
    from_end: bool = False,
    line_bytes: int = LINE_BYTES,
) -> list[Source]:
    """Every source that is configured, none of them opened, besides the journal itself.

    Args:
        config: What was configured.
        clock: Microseconds since the epoch, UTC.
        journal: Where what is sent over a network is kept.
        paths: Files, directories and patterns to follow besides, as named on the command line; `-` is standard input.
        from_end: Whether those begin with what is written from now on.
        line_bytes: Longest line that is delivered whole.

    Raises:
        SourceError: A certificate cannot be used.
        ConfigError: A secret's file cannot be read.
    """
    sources: list[Source] = []
    files = tuple(path for path in paths if path != STDIN)
    named = (Follow(files, from_end=from_end),) if files else ()
    if follows := (*named, *map(_follow, config.tail)):
        sources.append(Tail(follows, clock, line_bytes=line_bytes))
    for number, section in enumerate(config.syslog, 1):
        name = "syslog" if number == 1 else f"syslog-{number}"
        sources.append(Syslog(name, _listen(name, section), journal, JournalError, clock))
    for number, exporters in enumerate(config.netflow, 1):
        sources.append(_netflow("netflow" if number == 1 else f"netflow-{number}", exporters, journal, clock))
    sources += [_loki(section, clock, line_bytes) for section in config.loki]
    if STDIN in paths:
        sources.append(Stdin(line_bytes=line_bytes))
    return sources


def _follow(section: TailSection) -> Follow:
    return Follow(
        section.paths,
        from_end=section.begin is Begin.END,
        history=section.history,
        service=section.service,
        format=section.format,
    )


def _listen(name: str, section: SyslogSection) -> Listen:
    addresses = tuple(parse_address(text) for text in section.listen)
    return Listen(addresses, section.service, section.format, section.senders, _tls(name, section))


def _netflow(name: str, section: NetflowSection, journal: Journal, clock: Callable[[], int]) -> Syslog:
    """What exporters send: each datagram a line, so that what was received can be read again.

    Those of sFlow say nothing of the time, and are told with the time they came at.
    """
    addresses = tuple(parse_address(text) for text in section.listen)
    listen = Listen(addresses, None, "netflow", section.senders)

    def read(datagram: bytes, sender: str) -> tuple[str, bytes]:
        content = b2a_base64(datagram, newline=False)
        if datagram.startswith(_SFLOW):
            return f"sflow:{printable(sender)}", b"%d:%s" % (clock(), content)
        return f"netflow:{printable(sender)}", content

    # Streams are not shared: each exporter's templates are its own.
    return Syslog(name, listen, journal, JournalError, clock, read=read, other=None)


def _tls(name: str, section: SyslogSection) -> ssl.SSLContext | None:
    if section.certificate is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=section.client_ca)
        context.load_cert_chain(section.certificate, section.certificate_key)
    except OSError as error:
        reason = (
            f"its certificate, key or client_ca cannot be used ({error.strerror or error}); give PEM files that "
            "belong together and may be read"
        )
        raise SourceError(name, SourceProblem.UNREADABLE, reason) from None
    if section.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _loki(section: LokiSection, clock: Callable[[], int], line_bytes: int) -> Loki:
    server = Server(
        section.url,
        section.tenant,
        section.username,
        revealed(section, "password"),
        revealed(section, "token"),
    )
    query = LokiQuery(
        section.query,
        limit=section.limit,
        poll_s=section.poll_s,
        delay_s=section.delay_s,
        back_s=section.look_back_s,
        since_s=section.since_s,
        service=section.service,
        format=section.format,
    )
    # Apart from the other sources, whatever it is called.
    name = section.name if section.name == "loki" else f"loki-{section.name}"
    return Loki(name, server, query, clock, line_bytes=line_bytes)
