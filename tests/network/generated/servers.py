"""What answers in the server's namespace: HTTP, a login, DNS, a reflector of NTP's shape, an echo."""

import asyncio
import sys

ADDRESSES = tuple(f"203.0.113.{last}" for last in range(2, 6))
"""Documentation addresses (RFC 5737): to the client's private one they are somewhere outside."""
QUICK_S, SLOW_S = 0.02, 0.4
SLOW_PORT = 8080
STREAM_PORT = 8081
_BODY = b"x" * 500


async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(SLOW_S if writer.get_extra_info("sockname")[1] == SLOW_PORT else QUICK_S)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY)
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        pass
    finally:
        writer.close()


async def stream(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As much as the link takes, until the client is gone."""
    try:
        while True:
            writer.write(bytes(65_536))
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def login(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(b"SSH-2.0-x\r\n")
        await reader.readline()
        writer.write(b"no\r\n")
        await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


class Answering(asyncio.DatagramProtocol):
    """Answers each datagram with so many copies of some bytes; of itself where none are given."""

    def __init__(self, answer: bytes = b"", times: int = 1) -> None:
        self._answer = answer
        self._times = times

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for _ in range(self._times):
            self._transport.sendto(self._answer or data, addr)


async def main() -> None:
    loop = asyncio.get_running_loop()
    for port in (80, SLOW_PORT):
        await asyncio.start_server(http, "0.0.0.0", port, backlog=1024)
    await asyncio.start_server(stream, "0.0.0.0", STREAM_PORT, backlog=1024)
    await asyncio.start_server(login, "0.0.0.0", 22, backlog=1024)
    for address in ADDRESSES:
        await loop.create_datagram_endpoint(lambda: Answering(b"m" * 1400, 20), (address, 123))
    await loop.create_datagram_endpoint(Answering, (ADDRESSES[0], 53))
    await loop.create_datagram_endpoint(Answering, (ADDRESSES[0], 4433))
    print("ready", flush=True)
    # Until whoever started this is gone.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
