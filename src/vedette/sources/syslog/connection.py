"""One sender's TCP connection, plain or in TLS."""

import socket
import ssl

from vedette.sources.syslog.framing import Frames

_PIECE = 64 << 10
_PIECES = 4
"""Pieces read in one turn, so that one sender does not hold up the others."""


class Connection:
    """Reads frames without waiting.

    Attributes:
        socket: The socket. sender: Its address. frames: What was received and is no whole frame yet.
    """

    def __init__(self, accepted: socket.socket, sender: str, context: ssl.SSLContext | None) -> None:
        accepted.setblocking(False)
        self.sender = sender
        self.frames = Frames()
        self.socket: socket.socket = accepted
        self._shaking = context is not None
        if context is not None:
            self.socket = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)

    def read(self) -> tuple[list[bytes], bool]:
        """Frames that are whole now, and whether the sender has hung up."""
        found: list[bytes] = []
        try:
            if self._shaking and isinstance(self.socket, ssl.SSLSocket):
                self.socket.do_handshake()
                self._shaking = False
            for _ in range(_PIECES):
                data = self.socket.recv(_PIECE)
                if not data:
                    return found + self.frames.end(), True
                found += self.frames.feed(data)
            # What TLS has decrypted already, no selector tells of.
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                found += self.frames.feed(self.socket.recv(_PIECE))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return found, False
        except OSError:
            return found + self.frames.end(), True
        return found, False

    def close(self) -> None:
        """Hang up."""
        self.socket.close()
