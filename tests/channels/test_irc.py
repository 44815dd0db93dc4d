"""What people in a channel of a real IRC server get, by way of apprise."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.channels.made import START, alerts, incident, notice
from tests.patience import PATIENCE_S
from tests.ports import port_for_a_server, silent_port
from vedette.channels.build import build_channels
from vedette.channels.channel import Failed, Sent
from vedette.channels.message import Item, Message
from vedette.schema.live import Change

NGIRCD = shutil.which("ngircd") or (shutil.which("ngircd", path="/usr/sbin"))
pytestmark = [
    pytest.mark.skipif(NGIRCD is None, reason="needs an IRC server: apt-get install ngircd"),
    pytest.mark.skipif(find_spec("apprise") is None, reason="needs apprise: pip install 'vedette[channels]'"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Reader:
    """Somebody who sits in the channel."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._lines = self._socket.makefile("r", errors="replace")
        self._socket.sendall(b"NICK reader\r\nUSER reader 0 * :reader\r\nJOIN #ops\r\n")
        self.until("366")

    def until(self, word: str) -> list[str]:
        """What is said up to the line that holds a word."""
        said: list[str] = []
        for line in self._lines:
            if line.startswith("PING"):
                self._socket.sendall(b"PONG" + line[4:].encode())
            if " PRIVMSG #ops :" in line:
                said.append(line.partition(" PRIVMSG #ops :")[2].strip())
            if word in line:
                return said
        raise AssertionError(f"the server left before it said {word!r}: {said}")

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    """The port of a running ngIRCd."""
    port = port_for_a_server()
    config = tmp_path / "ngircd.conf"
    config.write_text(
        f"[Global]\nName = irc.example.org\nInfo = test\nListen = 127.0.0.1\nPorts = {port}\n"
        "[Options]\nPAM = no\nDNS = no\nIdent = no\n[Channel]\nName = #ops\n"
    )
    # Its user is another, who must be able to read it.
    tmp_path.chmod(0o755)
    process = subprocess.Popen(
        [str(NGIRCD), "-n", "-f", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        assert any(" ready." in line for line in process.stdout), "ngircd did not start"
        yield port
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        with contextlib.suppress(OSError):
            process.stdout.close()  # type: ignore[union-attr]


def test_each_change_is_told_in_a_channel(server: int) -> None:
    keys = {"name": "irc", "url": f"irc://127.0.0.1:{server}/#ops"}
    (channel,) = build_channels(alerts(channels={"apprise": [keys]}))
    reader = Reader(server)
    try:
        for change, headline in (
            (Change.OPENED, "Opened: Errors on shop /cart"),
            (Change.WORSE, "Worse: Errors on shop /cart"),
            (Change.CLOSED, "Closed: Errors on shop /cart"),
        ):
            item = Item(notice(change, incident()), {"team": "shop"}, f"https://v.example/{change.value}")
            assert channel.send(Message(f"m.{change.value}", (item,), START)) == Sent()
            said = reader.until(f"https://v.example/{change.value}")
            assert headline in said
            assert "41 % of 1,234 requests failed; at most 5 % were expected" in said
    finally:
        reader.close()


def test_an_irc_server_that_is_away_is_named_with_the_reason() -> None:
    with silent_port() as port:
        keys = {"name": "irc", "url": f"irc://127.0.0.1:{port}/#ops"}
        (channel,) = build_channels(alerts(channels={"apprise": [keys]}))
        result = channel.send(Message("m1", (Item(notice(), {}, None),), START))
    assert isinstance(result, Failed)
    assert result.reason.startswith("apprise: Failed to send IRC notification to 127.0.0.1")
