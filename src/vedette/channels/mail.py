"""Mail by SMTP (RFC 5321), as plain text and HTML (RFC 2046), threaded by incident (RFC 5322, 3.6.4).

`email.message` writes the headers: it refuses line breaks in them, and what goes there is one printable line.
"""

import contextlib
import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from vedette.channels import words
from vedette.channels.channel import ChannelRule, Failed, Result, Sent
from vedette.channels.escape import page
from vedette.channels.message import Message
from vedette.channels.post import tls_reason
from vedette.config.alerts import MailChannel, MailSecurity
from vedette.config.secret import revealed


def letter(message: Message, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """The mail of a message; its `Message-ID` is made of the message's id, so that a repetition has the same."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"[{message.severity.value}] {words.headline(message)}"
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = datetime.fromtimestamp(message.at / 1e6, UTC)
    mail["Message-ID"] = message_id(message.id, sender)
    if message.thread is not None:
        mail["In-Reply-To"] = message.thread
        mail["References"] = message.thread
    # No answer of an absent person's program: RFC 3834.
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(words.plain(message))
    mail.add_alternative(html(message), subtype="html")
    return mail


def message_id(text: str, sender: str) -> str:
    """`<...@domain>`, the same for the same text."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return f"<{digest}@{sender.rpartition('@')[2]}>"


def html(message: Message) -> str:
    """The message as HTML without anything to load."""
    return "\n".join(
        [
            '<!doctype html><html><body style="font-family:sans-serif">',
            f"<h2>{page(words.headline(message))}</h2>",
            *_html(message),
            "</body></html>",
        ]
    )


def _html(message: Message) -> Iterator[str]:
    if len(message.items) > 1:
        yield "<ul>"
        for item in message.items[: words.NAMED]:
            text = page(words.line(item))
            yield f"<li>{_linked(text, item.link)}</li>"
        yield "</ul>"
        if left := words.rest(message):
            yield f"<p>{page(left)}</p>"
        return
    (item,) = message.items
    yield f"<p>{page(words.statement(item))}</p>"
    yield "<table>"
    for name, value in words.facts(item):
        yield f'<tr><th align="left">{page(name)}</th><td>{page(value)}</td></tr>'
    yield "</table>"
    if todo := words.advice(item):
        yield f"<p>{page(todo)}</p>"
    if item.link is not None:
        yield f"<p>{_linked('Open in Vedette', item.link)}</p>"


def _linked(text: str, link: str | None) -> str:
    return text if link is None else f'<a href="{page(link)}">{text}</a>'


class Mail:
    """Hands mail to one server."""

    def __init__(self, section: MailChannel) -> None:
        self.rule = ChannelRule(section.name, digests=True, resolves=False, per_hour=section.per_hour)
        self._section = section
        self._password = revealed(section, "password")

    def send(self, message: Message) -> Result:
        """Hand it over; the reference is its `Message-ID`."""
        mail = letter(message, self._section.sender, self._section.recipients)
        limit = _Limit()
        # As with HTTP: a server that drips bytes must not hold the thread beyond its time.
        watch = threading.Timer(self._section.timeout_s, limit.stop)
        watch.daemon = True
        watch.start()
        refused: Mapping[str, tuple[int, bytes]] | None = None
        try:
            with self._connect(limit) as server:
                self._log_in(server)
                refused = server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            # A server that has taken the mail and stumbles over the good-bye has it all the same.
            if refused is None:
                return self._failed(error, late=limit.over.is_set(), greeted=limit.greeted)
        finally:
            watch.cancel()
        remark = f"{len(refused)} of {len(self._section.recipients)} recipients refused" if refused else ""
        return Sent(str(mail["Message-ID"]), remark)

    def _failed(self, error: Exception, *, late: bool, greeted: bool) -> Failed:
        host = self._section.host
        if late or isinstance(error, TimeoutError):
            limit = f"within {self._section.timeout_s:g} s"
            if greeted or self._section.security is MailSecurity.TLS:
                return Failed(f"{host}: not done {limit}")
            return Failed(
                f"{host}: no greeting {limit}: a port that speaks TLS from the beginning, like 465, needs security: tls"
            )
        if isinstance(error, smtplib.SMTPResponseException):
            refused = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
            return Failed(_said(host, error.smtp_code, error.smtp_error), refused=refused)
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, text = next(iter(error.recipients.values()))
            return Failed(_said(host, code, text))
        if isinstance(error, ConnectionRefusedError):
            return Failed(f"{host}: nothing listens at port {self._section.port}: check host and port")
        return Failed(f"{host}: {_why(error)}")

    def _connect(self, limit: "_Limit") -> smtplib.SMTP:
        section = self._section
        if section.security is MailSecurity.TLS:
            context = ssl.create_default_context()
            return _SmtpsOnTime(limit, section.host, section.port, timeout=section.timeout_s, context=context)
        return _OnTime(limit, section.host, section.port, timeout=section.timeout_s)

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self._section.security is MailSecurity.STARTTLS:
            server.starttls(context=ssl.create_default_context())
        if self._section.username is not None and self._password is not None:
            server.login(self._section.username, self._password)


class _Limit:
    """The end of the time for one mail."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.greeted = False
        self.server: smtplib.SMTP | None = None

    def stop(self) -> None:
        """Time is over: whoever waits for the server waits no longer."""
        self.over.set()
        if self.server is not None and self.server.sock is not None:
            with contextlib.suppress(OSError):
                self.server.sock.shutdown(socket.SHUT_RDWR)


class _OnTime(smtplib.SMTP):
    """Asks for no more replies once time is over."""

    def __init__(self, limit: _Limit, *arguments: Any, **more: Any) -> None:
        self._limit = limit
        limit.server = self
        super().__init__(*arguments, **more)

    def getreply(self) -> tuple[int, bytes]:
        if self._limit.over.is_set():
            raise TimeoutError
        reply = super().getreply()
        self._limit.greeted |= reply[0] > 0
        return reply


class _SmtpsOnTime(_OnTime, smtplib.SMTP_SSL):
    """By TLS from the beginning."""


def _said(host: str, code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    clean = "".join(c for c in " ".join(said.split())[:200] if c.isprintable())
    return f"{host}: SMTP {code} {clean}".rstrip()


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        if error.reason == "WRONG_VERSION_NUMBER":
            return "it does not speak TLS from the beginning on this port: set security: starttls"
        return f"TLS failed: {tls_reason(error)}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "it offers no STARTTLS or no login: set security: tls, or none for a server on this host"
    if isinstance(error, socket.gaierror):
        return "there is no such host"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"no SMTP answer ({type(error).__name__})"
