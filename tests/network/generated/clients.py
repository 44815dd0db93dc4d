"""What people and programs do in the client's namespace: `python clients.py NAME`."""

import asyncio
import random
import socket
import struct
import sys
import time

SERVER = "203.0.113.2"
STREAM_PORT = 8081
A_SECOND = 30
"""Requests of quiet traffic: enough for a percentile of a second to mean something (20 samples)."""
VISITORS = 15
"""Connections that they are sent over: enough that slow answers do not hold back the next request."""


async def _visit(number: int, began: float) -> None:
    """Requests over one connection, and a new one every ten."""
    pace = VISITORS / A_SECOND
    due = began + pace * number / VISITORS
    left = number % 10 + 1
    while True:
        reader, writer = await asyncio.open_connection(SERVER, 80)
        for _ in range(left):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            writer.write(b"GET / HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: quiet\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(500)
            # What could not be asked in time is not asked later.
            due = max(due + pace, time.monotonic())
        writer.close()
        left = 10


async def quiet() -> None:
    """Visitors at an even pace, and a lookup every second."""
    began = time.monotonic()
    visitors = [asyncio.create_task(_visit(number, began)) for number in range(VISITORS)]
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.setblocking(False)
    while not any(visitor.done() for visitor in visitors):
        names.sendto(_question(b"shop.example"), (SERVER, 53))
        await asyncio.sleep(1.0)


def _question(name: bytes, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b"."))
    return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


async def downloads() -> None:
    """What a server sends without an end, over a few connections, until it is stopped."""

    async def one() -> None:
        reader, _ = await asyncio.open_connection(SERVER, STREAM_PORT)
        while await reader.read(65_536):
            pass

    await asyncio.gather(*(one() for _ in range(8)))


def passwords() -> None:
    for number in range(60):
        with socket.create_connection((SERVER, 22)) as login:
            login.recv(99)
            login.sendall(b"root:%d\r\n" % number)
            login.recv(9)
        time.sleep(0.05)


def connections() -> None:
    for _ in range(1_500):
        with socket.create_connection((SERVER, 80)) as one:
            one.sendall(b"GET / HTTP/1.0\r\n\r\n")


def dns_tunnel() -> None:
    draw = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
        for _ in range(60):
            secret = bytes(draw.choices(b"abcdefghijklmnopqrstuvwxyz234567", k=60))
            names.sendto(_question(secret + b".t.example", 16), (SERVER, 53))
            time.sleep(0.03)


def icmp_tunnel() -> None:
    draw = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as pings:
        for number in range(60):
            text = draw.randbytes(draw.randrange(20, 1000))
            echo = struct.pack(">BBHHH", 8, 0, 0, 77, number) + text
            total = sum(struct.unpack(f">{(len(echo) + 1) // 2}H", echo + b"\0" * (len(echo) % 2)))
            total = (total & 0xFFFF) + (total >> 16)
            total = (total & 0xFFFF) + (total >> 16)
            pings.sendto(echo[:2] + struct.pack(">H", ~total & 0xFFFF) + echo[4:], (SERVER, 0))
            time.sleep(0.03)


def reflection() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for number in range(80):
            asking.sendto(b"monlist!", (f"203.0.113.{2 + number % 4}", 123))
            time.sleep(0.01)


def datagrams() -> None:
    """Many short UDP conversations: a new protocol on a network of TCP."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        began = time.monotonic()
        for _ in range(60):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.sendto(b"hello", (SERVER, 4433))
        time.sleep(max(0.0, began + 0.2 - time.monotonic()))


if __name__ == "__main__":
    endless = {one.__name__: one for one in (quiet, downloads)}
    if sys.argv[1] in endless:
        asyncio.run(endless[sys.argv[1]]())
    else:
        {
            one.__name__: one
            for one in (passwords, connections, dns_tunnel, icmp_tunnel, reflection, datagrams)
        }[sys.argv[1]]()
