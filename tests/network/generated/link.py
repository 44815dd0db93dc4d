"""A link between two TUN devices that delays and loses packets, where the kernel has no netem.

`python link.py NEAR FAR` makes the devices, says `ready`, and carries packets both ways until its input ends. A line
of input, `DELAY LOSS`, says from then on how many seconds each packet takes, and which share is lost.
"""

import fcntl
import os
import random
import selectors
import struct
import sys
import time
from collections import deque

_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_BATCH = 64


def device(name: str) -> int:
    """A TUN device; it goes with its descriptor."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor


def carry(near: int, far: int) -> None:
    """Carry packets until standard input ends."""
    draw = random.Random(1)
    delay, loss = 0.0, 0.0
    # A packet never overtakes one before it, so that a shorter delay reorders nothing.
    waiting: deque[tuple[float, int, bytes]] = deque()
    ready = selectors.DefaultSelector()
    for descriptor in (near, far, sys.stdin.fileno()):
        ready.register(descriptor, selectors.EVENT_READ)
    while True:
        timeout = None if not waiting else max(0.0, waiting[0][0] - time.monotonic())
        for key, _ in ready.select(timeout):
            if key.fd == sys.stdin.fileno():
                line = os.read(key.fd, 64)
                if not line:
                    return
                delay, loss = map(float, line.split()[-2:])
                continue
            for _ in range(_BATCH):
                try:
                    packet = os.read(key.fd, 65_536)
                except OSError:
                    # Nothing there, or the device is not up.
                    break
                if draw.random() >= loss:
                    waiting.append((time.monotonic() + delay, far if key.fd == near else near, packet))
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, target, packet = waiting.popleft()
            try:
                os.write(target, packet)
            except OSError:
                # The other end is going down.
                break


if __name__ == "__main__":
    ends = [device(name) for name in sys.argv[1:3]]
    print("ready", flush=True)
    carry(*ends)
