"""Mail to a server that takes it, refuses it, or takes its time."""

import email
import email.policy
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.channels.made import MINUTE, START, alerts, incident, notice
from tests.channels.receiver import dripping
from tests.patience import PATIENCE_S
from tests.ports import port_for_a_server, silent_port
from vedette.channels.channel import Failed, Sent
from vedette.channels.mail import Mail, letter, message_id
from vedette.channels.message import Item, Message
from vedette.schema.live import Change

controller = pytest.importorskip(
    "aiosmtpd.controller", reason="needs an SMTP server: pip install 'vedette[test]'"
)


smtp = pytest.importorskip("aiosmtpd.smtp", reason="needs an SMTP server: pip install 'vedette[test]'")


class Box:
    """Takes mail, or answers as a test says."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.data = "250 taken"
        self.rcpt: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        answer = self.rcpt.get(address, "250 fine")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 -- aiosmtpd's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        if self.data.startswith("250"):
            parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.mails.append(parsed)  # type: ignore[arg-type]
        return self.data


@contextmanager
def sink(**more: Any) -> Iterator[tuple[Box, int]]:
    box = Box()
    port = port_for_a_server()
    server = controller.Controller(box, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE_S, **more)
    server.start()
    try:
        yield box, port
    finally:
        server.stop()


def channel(port: int, **keys: Any) -> Mail:
    given = {
        "name": "mail",
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "vedette@example.com",
        "recipients": ["oncall@example.com", "boss@example.com"],
    }
    (section,) = alerts(channels={"mail": [given | keys]}).channels.mail
    return Mail(section)


HOSTILE = "Errors\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script> \u202e\x1b[31m"


def said(change: Change = Change.OPENED, *, thread: str | None = None, **of: Any) -> Message:
    item = Item(notice(change, incident(**of)), {"team": "shop"}, "https://v.example/incidents/i1")
    return Message("m1", (item,), START + MINUTE, thread)


def test_it_arrives_as_text_and_html() -> None:
    with sink() as (box, port):
        assert channel(port).send(said()) == Sent(message_id("m1", "vedette@example.com"))
    (mail,) = box.mails
    assert mail["Subject"] == "[high] Opened: Errors on shop /cart"
    assert mail["To"] == "oncall@example.com, boss@example.com"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = [part.get_content() for part in mail.iter_parts()]  # type: ignore[attr-defined]
    assert "41 % of 1,234 requests failed" in text
    assert "team: shop" in text
    assert '<a href="https://v.example/incidents/i1">' in html


def test_what_comes_later_of_an_incident_is_an_answer_to_the_first() -> None:
    first = letter(said(), "v@example.com", ("o@example.com",))
    later = letter(said(Change.CLOSED, thread=str(first["Message-ID"])), "v@example.com", ("o@example.com",))
    assert later["In-Reply-To"] == later["References"] == first["Message-ID"]


def test_a_repetition_has_the_same_message_id_and_another_message_has_not() -> None:
    assert message_id("m1", "v@example.com") == message_id("m1", "v@example.com")
    assert message_id("m1", "v@example.com") != message_id("m2", "v@example.com")


def test_hostile_text_is_neither_a_header_nor_html() -> None:
    with sink() as (box, port):
        hostile = notice(about=incident(title=HOSTILE), description=HOSTILE, route=HOSTILE)
        item = Item(hostile, {}, None)
        assert isinstance(channel(port).send(Message("m1", (item,), START)), Sent)
    (mail,) = box.mails
    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]
    assert "\\u202e\\x1b" in mail["Subject"]
    html = list(mail.iter_parts())[1].get_content()  # type: ignore[attr-defined]
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_server_that_is_busy_is_tried_again_and_one_that_refuses_the_text_is_not() -> None:
    with sink() as (box, port):
        box.data = "451 come back later"
        assert channel(port).send(said()) == Failed("127.0.0.1: SMTP 451 come back later")
        box.data = "554 spam"
        assert channel(port).send(said()) == Failed("127.0.0.1: SMTP 554 spam", refused=True)


def test_some_refused_recipients_are_remarked_and_all_are_a_failure() -> None:
    with sink() as (box, port):
        box.rcpt = {"boss@example.com": "550 no such box"}
        result = channel(port).send(said())
        assert isinstance(result, Sent)
        assert result.remark == "1 of 2 recipients refused"
        box.rcpt["oncall@example.com"] = "550 no such box"
        assert channel(port).send(said()) == Failed("127.0.0.1: SMTP 550 no such box")


def test_a_server_without_starttls_is_not_sent_to_in_the_clear() -> None:
    with sink() as (box, port):
        result = channel(port, security="starttls").send(said())
        assert isinstance(result, Failed)
        assert "offers no STARTTLS" in result.reason
        assert box.mails == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_must_be_trusted_before_anything_is_told(
    security: str, server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"ssl_context": server_tls} if security == "tls" else {"tls_context": server_tls}
    if security == "tls":
        # The sink's own check whether it has started speaks TLS, too.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with sink(**more) as (box, port):
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        refused = channel(port, security=security).send(said())
        assert isinstance(refused, Failed)
        assert "its certificate is not trusted" in refused.reason
        assert box.mails == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert isinstance(channel(port, security=security).send(said()), Sent)
        assert len(box.mails) == 1


def test_a_login_is_shown_over_tls(
    server_tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[bytes, bytes]] = []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> Any:
        shown.append((login.login, login.password))
        return smtp.AuthResult(success=login.password == b"pass", handled=False)

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with sink(tls_context=server_tls, authenticator=check, auth_required=True) as (box, port):
        keys = {"security": "starttls", "username": "vedette"}
        assert isinstance(channel(port, **keys, password="pass").send(said()), Sent)
        wrong = channel(port, **keys, password="no").send(said())
        assert isinstance(wrong, Failed)
        assert "SMTP 535" in wrong.reason
        assert "no" not in wrong.reason.split()
    assert shown[0] == (b"vedette", b"pass")
    assert len(box.mails) == 1


@pytest.mark.parametrize("greeting", [b"", b"220-drip\r\n220"])
def test_one_that_drips_is_left_after_the_timeout(greeting: bytes) -> None:
    with dripping(greeting, b"-") as port:
        assert channel(port, timeout_s=0.4).send(said()) == Failed(
            "127.0.0.1: no greeting within 0.4 s: a port that speaks TLS from the beginning, like 465, needs security: "
            "tls"
        )


def test_a_port_for_starttls_that_is_spoken_to_by_tls_is_told(server_tls: ssl.SSLContext) -> None:
    with sink(tls_context=server_tls) as (box, port):
        refused = channel(port, security="tls").send(said())
        assert isinstance(refused, Failed)
        assert "set security: starttls" in refused.reason
        assert box.mails == []


def test_nobody_there_is_a_failure_in_words() -> None:
    with silent_port() as port:
        assert channel(port).send(said()) == Failed(
            f"127.0.0.1: nothing listens at port {port}: check host and port"
        )
